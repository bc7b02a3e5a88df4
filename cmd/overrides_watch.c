#include "cmd/overrides_watch.h"

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "storage/disk/disk.h"

#define FILE_BYTES_MAX ((size_t)4 << 20)

struct overrides_watch {
    const struct config *config;
    struct limits_shelf *shelf;
    char *file; /* NULL: none */
    struct timespec changed;
    int64_t looked_mono_ns;
    uint64_t version;
};

struct overrides_watch *overrides_watch_create(const struct config *config, struct limits_shelf *shelf)
{
    struct overrides_watch *watch = mem_zero(sizeof(*watch));
    watch->config = config;
    watch->shelf = shelf;
    watch->file = config->overrides_file.len > 0 ? mem_strdup(config->overrides_file) : NULL;
    watch->version = 1;
    return watch;
}

void overrides_watch_destroy(struct overrides_watch *watch)
{
    if (watch == NULL)
        return;
    mem_free(watch->file);
    mem_free(watch);
}

/* The main file's overrides, then the runtime file's, which win. */
static bool book_read(struct overrides_watch *watch, struct slice text, struct err *err)
{
    struct config read;
    struct limits_book *book = NULL;
    config_init(&read);
    bool ok = config_read_overrides(&read, watch->file != NULL ? watch->file : "", text, err);
    size_t first = watch->config->override_count;
    size_t count = first + read.override_count;
    struct limits_override *all = mem_array(count, sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = i < first ? watch->config->overrides[i] : read.overrides[i - first];
    ok = ok && limits_book_create(&watch->config->limits, all, count, ++watch->version, &book, err);
    if (ok)
        limits_shelf_put(watch->shelf, book);
    mem_free(all);
    config_fini(&read);
    return ok;
}

bool overrides_watch_read(struct overrides_watch *watch, struct err *err)
{
    struct stat info;
    struct buf text = BUF_INIT;
    if (watch->file == NULL)
        return true;
    if (system_disk.stat(&system_disk, watch->file, &info) == 0) // first: what changes while it is read is read again at the next look
        watch->changed = info.st_mtim;
    bool ok = disk_read_file(&system_disk, watch->file, FILE_BYTES_MAX, &text, err) && book_read(watch, buf_slice(&text), err);
    buf_fini(&text);
    metric_set(metric_get0(METRIC_logi_config_last_reload_successful), ok ? 1 : 0);
    if (ok)
        metric_set(metric_get0(METRIC_logi_config_last_reload_success_timestamp_seconds),
                   (double)clock_wall_ns(&system_clock) / (double)NS_PER_S);
    return ok;
}

bool overrides_watch_change(struct overrides_watch *watch, const struct config *config, struct err *err)
{
    const struct config *old_config = watch->config;
    char *old_file = watch->file;
    watch->config = config;
    watch->file = config->overrides_file.len > 0 ? mem_strdup(config->overrides_file) : NULL;
    bool ok = watch->file != NULL ? overrides_watch_read(watch, err) : book_read(watch, SLICE(""), err);
    if (!ok) {
        mem_free(watch->file);
        watch->config = old_config;
        watch->file = old_file;
        return false;
    }
    mem_free(old_file);
    return true;
}

void overrides_watch_poll(struct overrides_watch *watch)
{
    struct stat info;
    struct err err = {.code = ERR_NONE};
    int64_t now_ns = clock_mono_ns(&system_clock);
    if (watch->file == NULL || now_ns - watch->looked_mono_ns < watch->config->overrides_period)
        return;
    watch->looked_mono_ns = now_ns;
    bool is_same = system_disk.stat(&system_disk, watch->file, &info) != 0 ||
                   (info.st_mtim.tv_sec == watch->changed.tv_sec && info.st_mtim.tv_nsec == watch->changed.tv_nsec);
    if (is_same)
        return;
    if (overrides_watch_read(watch, &err))
        log_info("config", "overrides reloaded", "file", watch->file);
    else
        log_error("config", "overrides not reloaded, the old ones stay", "err", err.text);
}
