#include "cmd/reload.h"

#include <pthread.h>
#include <unistd.h>

#include "cmd/command_line.h"
#include "cmd/tls_setup.h"
#include "cmd/users_file.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/http/tls.h"

struct reload {
    struct reload_parts parts;
    pthread_mutex_t lock;          /* for what current points at, which is printed on other threads */
    const struct config *current;  /* in force: started, or &line->config */
    struct command_line *line;     /* of the last good reload; NULL: none yet */
};

struct reload *reload_create(const struct reload_parts *parts)
{
    struct reload *reload = mem_zero(sizeof(*reload));
    reload->parts = *parts;
    reload->current = parts->started;
    (void)pthread_mutex_init(&reload->lock, NULL);
    return reload;
}

static void line_free(struct command_line *line)
{
    if (line != NULL)
        config_fini(&line->config);
    mem_free(line);
}

void reload_destroy(struct reload *reload)
{
    if (reload == NULL)
        return;
    line_free(reload->line);
    (void)pthread_mutex_destroy(&reload->lock);
    mem_free(reload);
}

void reload_print(struct reload *reload, const char *mode, struct buf *out)
{
    (void)pthread_mutex_lock(&reload->lock);
    config_print(reload->current, mode, out);
    (void)pthread_mutex_unlock(&reload->lock);
}

static bool settings_reload(struct reload *reload, struct err *err)
{
    struct command_line *line = mem_zero(sizeof(*line));
    struct buf held = BUF_INIT;
    enum log_level level = LOG_INFO;
    bool usage = false;
    bool ok = command_line_parse(reload->parts.argc, reload->parts.argv, environ, line, &usage, err);
    if (ok) {
        config_hold(&line->config, reload->current, &held);
        ok = overrides_watch_change(reload->parts.overrides, &line->config, err);
    }
    if (!ok) {
        line_free(line);
        buf_fini(&held);
        return false;
    }
    if (held.len > 0) {
        buf_byte(&held, '\0');
        log_warn("config", "these settings have changed and need a restart", "keys", held.ptr);
    }
    // A level that was set by /log_level stays, unless the file asks for another than before.
    if (!slice_eq(line->config.log_level, reload->current->log_level) && log_level_parse(line->config.log_level, &level))
        logger_set_level(level);
    struct command_line *old = reload->line;
    (void)pthread_mutex_lock(&reload->lock);
    reload->line = line;
    reload->current = &line->config;
    (void)pthread_mutex_unlock(&reload->lock);
    line_free(old);
    buf_fini(&held);
    return true;
}

static bool users_reload(struct reload *reload, struct err *err)
{
    struct users *users = NULL;
    if (reload->parts.login == NULL)
        return true;
    char *path = mem_strdup(reload->current->users_file);
    bool ok = users_file_read(path, &users, err);
    mem_free(path);
    if (ok)
        login_set_users(reload->parts.login, users);
    return ok;
}

static bool tls_reload(struct reload *reload, struct err *err)
{
    void *context = NULL;
    void *all[HTTP_LISTENERS_MAX] = {NULL};
    if (!tls_setup(reload->current, &context, err))
        return false;
    if (context == NULL)
        return true;
    for (size_t i = 0; i < LENGTH(all); i++)
        all[i] = context;
    http_server_set_tls(*reload->parts.server, all);
    tls_context_free(context);
    return true;
}

static bool step(bool ok, const char *failed, const struct err *err)
{
    if (!ok)
        log_error("config", failed, "err", err->text);
    return ok;
}

void reload_run(struct reload *reload)
{
    struct err err = {.code = ERR_NONE};
    bool ok = step(settings_reload(reload, &err), "settings not reloaded, the old ones stay", &err);
    ok = step(users_reload(reload, &err), "users not reloaded, the old ones stay", &err) && ok;
    ok = step(tls_reload(reload, &err), "certificate not reloaded, the old one stays", &err) && ok;
    metric_set(metric_get0(METRIC_logi_config_last_reload_successful), ok ? 1 : 0);
    if (!ok)
        return;
    metric_set(metric_get0(METRIC_logi_config_last_reload_success_timestamp_seconds), (double)clock_wall_ns(&system_clock) / (double)NS_PER_S);
    log_info("config", "reloaded");
}
