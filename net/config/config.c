#include "net/config/config.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/memory_budget.h"
#include "core/model/go_text.h"
#include "core/model/tenant.h"
#include "net/config/nearest.h"
#include "net/config/target.h"

enum kind { KIND_TEXT, KIND_BOOL, KIND_COUNT, KIND_BYTES, KIND_DURATION };

struct key {
    const char *name, *help;
    enum kind kind;
    size_t offset;
};

static const struct key keys[] = {
#define CONFIG_KEY(kind, name, field, value, help) {name, help, KIND_##kind, offsetof(struct config, field)},
    CONFIG_TABLE(CONFIG_KEY)
#undef CONFIG_KEY
};

#define DEFAULT_TEXT(value) SLICE(value)
#define DEFAULT_BOOL(value) (value)
#define DEFAULT_COUNT(value) (value)
#define DEFAULT_BYTES(value) (value)
#define DEFAULT_DURATION(value) (value)

void config_init(struct config *config)
{
    *config = (struct config){
#define CONFIG_DEFAULT(kind, name, field, value, help) .field = DEFAULT_##kind(value),
        CONFIG_TABLE(CONFIG_DEFAULT)
#undef CONFIG_DEFAULT
    };
    limits_defaults(&config->limits);
}

void config_fini(struct config *config)
{
    mem_free(config->overrides);
    arena_fini(&config->arena);
    *config = (struct config){0};
}

static const struct key *key_find(struct slice name)
{
    for (size_t i = 0; i < LENGTH(keys); i++) {
        if (slice_eq_str(name, keys[i].name))
            return &keys[i];
    }
    return NULL;
}

bool config_has_key(struct slice name, bool *is_bool)
{
#define IS_BOOL_LIMIT_BOOL true
#define IS_BOOL_LIMIT_COUNT false
#define IS_BOOL_LIMIT_BYTES false
#define IS_BOOL_LIMIT_DURATION false
#define IS_BOOL_LIMIT_RATE_MB false
#define IS_BOOL_LIMIT_TEXT false
#define IS_BOOL_LIMIT_LIST false
#define IS_BOOL_LIMIT_BLOCKS false
#define IS_BOOL_LIMIT_OTLP false
    static const struct {
        const char *name;
        bool is_bool;
    } limits[] = {
#define LIMIT_KEY(kind, field, value, help) {"limits_config." #field, IS_BOOL_LIMIT_##kind},
        LIMITS_TABLE(LIMIT_KEY)
#undef LIMIT_KEY
    };
    const struct key *key = key_find(name);
    *is_bool = key != NULL && key->kind == KIND_BOOL;
    for (size_t i = 0; key == NULL && i < LENGTH(limits); i++) {
        if (slice_eq_str(name, limits[i].name)) {
            *is_bool = limits[i].is_bool;
            return true;
        }
    }
    return key != NULL;
}

bool config_has_section(struct slice name)
{
    for (size_t i = 0; i < LENGTH(keys); i++) {
        if (slice_starts(slice_str(keys[i].name), name) && keys[i].name[name.len] == '.')
            return true;
    }
    return slice_eq(name, SLICE("limits_config"));
}

static bool bool_parse(struct slice text, bool *out)
{
    *out = slice_eq_nocase(text, SLICE("true")) || slice_eq(text, SLICE("1")) || slice_eq_nocase(text, SLICE("yes")) || slice_eq_nocase(text, SLICE("on"));
    return *out || slice_eq_nocase(text, SLICE("false")) || slice_eq(text, SLICE("0")) || slice_eq_nocase(text, SLICE("no")) ||
           slice_eq_nocase(text, SLICE("off"));
}

static bool value_set(struct config *config, const struct key *key, struct slice value, struct err *err)
{
    void *field = (char *)config + key->offset;
    uint64_t bytes = 0;
    switch (key->kind) {
    case KIND_TEXT:
        *(struct slice *)field = arena_copy(&config->arena, value);
        return true;
    case KIND_BOOL:
        return bool_parse(value, field) || err_set(err, ERR_INVALID, "\"%.*s\" is neither true nor false", SLICE_ARG(value));
    case KIND_COUNT:
        if (!go_parse_int(value, field, NULL) || *(int64_t *)field < 0)
            return err_set(err, ERR_INVALID, "\"%.*s\" is no whole number from 0 on", SLICE_ARG(value));
        return true;
    case KIND_BYTES:
        if (!config_parse_bytes(value, &bytes, err) || bytes > INT64_MAX)
            return err_set(err, ERR_INVALID, "\"%.*s\" is no size such as 64MB", SLICE_ARG(value));
        *(int64_t *)field = (int64_t)bytes;
        return true;
    case KIND_DURATION:
        if (!(prom_parse_duration(value, field, err) || go_parse_duration(value, field, err)) || *(int64_t *)field < 0)
            return err_set(err, ERR_INVALID, "\"%.*s\" is no duration such as 30s or 1h30m", SLICE_ARG(value));
        return true;
    }
    return false;
}

static bool unknown_key(struct slice name, struct err *err)
{
    const char *names[LENGTH(keys)];
    for (size_t i = 0; i < LENGTH(keys); i++)
        names[i] = keys[i].name;
    const char *nearest = nearest_name(name, names, LENGTH(names));
    return nearest == NULL ? err_set(err, ERR_NOT_FOUND, "unknown key %.*s", SLICE_ARG(name))
                           : err_set(err, ERR_NOT_FOUND, "unknown key %.*s: did you mean %s?", SLICE_ARG(name), nearest);
}

bool config_set(struct config *config, struct slice name, struct slice value, struct err *err)
{
    static const struct slice limits_prefix = {"limits_config.", 14};
    if (slice_starts(name, limits_prefix))
        return limits_set(&config->limits, slice_from(name, limits_prefix.len), value, &config->arena, err) ||
               err_wrap(err, "limits_config");
    const struct key *key = key_find(name);
    if (key == NULL)
        return unknown_key(name, err);
    return value_set(config, key, value, err) || err_wrap(err, "%s", key->name);
}

static bool one_of(const char *name, struct slice value, const char *const *words, size_t count, struct err *err)
{
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_str(value, words[i])) {
            buf_fini(&list);
            return true;
        }
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
    }
    err_fill(err, ERR_INVALID, "%s: \"%.*s\" is not %.*s", name, SLICE_ARG(value), SLICE_ARG(buf_slice(&list)));
    buf_fini(&list);
    return false;
}

static void listen_fold(struct config *config)
{
    if (config->http_listen_port == 0 && config->http_listen_address.len == 0)
        return;
    size_t colon = config->listen.len;
    while (colon > 0 && config->listen.ptr[colon - 1] != ':')
        colon--;
    struct slice host = slice_of(config->listen.ptr, colon == 0 ? 0 : colon - 1);
    if (config->http_listen_address.len > 0)
        host = config->http_listen_address;
    struct slice port = slice_from(config->listen, colon);
    if (config->http_listen_port != 0)
        port = arena_printf(&config->arena, "%lld", (long long)config->http_listen_port);
    config->listen = arena_printf(&config->arena, "%.*s:%.*s", SLICE_ARG(host), SLICE_ARG(port));
    config->http_listen_address = SLICE("");
    config->http_listen_port = 0;
}

static bool ruler_check(const struct config *config, struct err *err)
{
    const struct {
        const char *name;
        int64_t ns;
    } durations[] = {{"evaluation_interval", config->ruler_evaluation_interval},
                     {"poll_interval", config->ruler_poll_interval},
                     {"notification_timeout", config->ruler_notification_timeout},
                     {"resend_delay", config->ruler_resend_delay},
                     {"remote_write.client.remote_timeout", config->ruler_remote_write_timeout},
                     {"remote_write.client.queue_config.min_backoff", config->ruler_remote_write_min_backoff},
                     {"remote_write.client.queue_config.max_backoff", config->ruler_remote_write_max_backoff}};
    for (size_t i = 0; i < LENGTH(durations); i++) {
        if (durations[i].ns < NS_PER_MS)
            return err_set(err, ERR_INVALID, "ruler.%s: must be 1ms or more", durations[i].name);
    }
    return !config->ruler_remote_write_enabled || config->ruler_remote_write_url.len > 0 ||
           err_set(err, ERR_INVALID, "ruler.remote_write.client.url is wanted when ruler.remote_write.enabled is true");
}

/* What would leave the node without an answer, or end it. */
static bool ranges_check(const struct config *config, struct err *err)
{
    const struct {
        const char *name;
        int64_t value, least, most;
        const char *words;
    } ranges[] = {
        {"server.http_listen_port", config->http_listen_port, 0, 65535, "0 to 65535"},
        {"server.loops", config->loops, 0, 256, "at most 256"},
        {"server.max_connections", config->max_connections, 1, INT64_MAX, "1 or more"},
        {"server.head_timeout", config->head_timeout, NS_PER_MS, NS_PER_DAY, "1ms to 1d"},
        {"server.idle_timeout", config->idle_timeout, NS_PER_MS, NS_PER_DAY, "1ms to 1d"},
        {"server.write_timeout", config->write_timeout, NS_PER_MS, NS_PER_DAY, "1ms to 1d"},
        {"storage.shards", config->shards, 0, 256, "at most 256"},
        {"storage.head_max", config->head_max, 1 << 20, INT64_MAX, "1MB or more"},
        {"query.threads", config->query_threads, 0, 1024, "at most 1024"},
        {"query.queue", config->query_queue, 1, INT64_MAX, "1 or more"},
    };
    for (size_t i = 0; i < LENGTH(ranges); i++) {
        if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
            return err_set(err, ERR_INVALID, "%s: must be %s", ranges[i].name, ranges[i].words);
    }
    return true;
}

bool config_finish(struct config *config, struct err *err)
{
    static const char *const tenancies[] = {"optional", "single", "required"};
    static const char *const durabilities[] = {"sync", "async"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    static const char *const formats[] = {"logfmt", "json"};
    static const char *const accesses[] = {"public", "users", "admins"};
    static const char *const tls_versions[] = {"VersionTLS12", "VersionTLS13"};
    unsigned roles = 0;
    if (!ranges_check(config, err)) // before http_listen_port is folded in
        return false;
    listen_fold(config);
    if (!config->auth_enabled && slice_eq(config->tenancy, SLICE("optional"))) {
        config->tenancy = SLICE("single");
        if (slice_eq(config->default_tenant, SLICE(TENANT_DEFAULT)))
            config->default_tenant = SLICE("fake"); // Loki's word for it, which its answers show
    }
    if ((config->tls_cert_file.len > 0) != (config->tls_key_file.len > 0))
        return err_set(err, ERR_INVALID, "server.http_tls_config: cert_file and key_file are wanted together");
    if (config->memory_limit > 0 && config->memory_limit < (int64_t)MEMORY_LIMIT_BYTES_MIN)
        return err_set(err, ERR_INVALID, "memory.limit: %lld bytes are less than 128MiB", (long long)config->memory_limit);
    return ruler_check(config, err) && one_of("tenancy", config->tenancy, tenancies, LENGTH(tenancies), err) &&
           one_of("storage.durability", config->durability, durabilities, LENGTH(durabilities), err) &&
           one_of("log.level", config->log_level, levels, LENGTH(levels), err) &&
           one_of("log.format", config->log_format, formats, LENGTH(formats), err) &&
           one_of("auth.ready", config->auth_ready, accesses, LENGTH(accesses), err) &&
           one_of("auth.metrics", config->auth_metrics, accesses, LENGTH(accesses), err) &&
           one_of("server.tls_min_version", config->tls_min_version, tls_versions, LENGTH(tls_versions), err) &&
           (target_parse(config->target, &roles, err) || err_wrap(err, "target")) &&
           (tenant_name_check(config->default_tenant, err) || err_wrap(err, "default_tenant"));
}

/* ---- printing ---- */

static void value_print(const struct config *config, const struct key *key, struct buf *out)
{
    const void *field = (const char *)config + key->offset;
    switch (key->kind) {
    case KIND_TEXT:
        go_quote(out, *(const struct slice *)field);
        return;
    case KIND_BOOL:
        buf_str(out, *(const bool *)field ? "true" : "false");
        return;
    case KIND_COUNT:
    case KIND_BYTES:
        buf_i64(out, *(const int64_t *)field);
        return;
    case KIND_DURATION:
        prom_print_duration(out, *(const int64_t *)field);
        return;
    }
}

static struct slice value_text(const struct config *config, const struct key *key, struct arena *arena)
{
    struct buf text = BUF_INIT;
    value_print(config, key, &text);
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

/* With xxxxx for passwords in URLs, as Go shows them: what is printed here is seen by more eyes than the file. */
static void put_masked(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        const char *found = memmem(text.ptr, text.len, "://", 3);
        size_t begin = found == NULL ? text.len : (size_t)(found - text.ptr) + 3;
        size_t colon = SIZE_MAX, at = SIZE_MAX;
        buf_put(out, slice_of(text.ptr, begin));
        text = slice_from(text, begin);
        for (size_t i = 0; i < text.len && text.ptr[i] != '/' && text.ptr[i] != ',' && text.ptr[i] != '"'; i++) {
            colon = text.ptr[i] == ':' && colon == SIZE_MAX ? i : colon;
            at = text.ptr[i] == '@' ? i : at;
        }
        if (at == SIZE_MAX || colon > at)
            continue;
        buf_put(out, slice_of(text.ptr, colon + 1));
        buf_str(out, "xxxxx");
        text = slice_from(text, at);
    }
}

/* Keys with a dot stand in the mapping of their section. */
static void keys_print(const struct config *config, const struct config *base, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct slice section = SLICE("");
    for (size_t i = 0; i < LENGTH(keys); i++) {
        struct slice name = slice_str(keys[i].name);
        struct slice value = value_text(config, &keys[i], &arena);
        if (base != NULL && slice_eq(value, value_text(base, &keys[i], &arena)))
            continue;
        size_t dot = slice_find_byte(name, '.');
        struct slice in = dot == name.len ? SLICE("") : slice_of(name.ptr, dot);
        if (in.len > 0 && !slice_eq(in, section))
            buf_printf(out, "%.*s:\n", SLICE_ARG(in));
        section = in;
        struct slice leaf = in.len > 0 ? slice_from(name, dot + 1) : name;
        buf_printf(out, "%s%.*s: ", in.len > 0 ? "  " : "", SLICE_ARG(leaf));
        put_masked(out, value);
        buf_byte(out, '\n');
    }
    arena_fini(&arena);
}

/* Whether a reload takes the key's new value. Files may change their name, not come or go: with them, what listeners and requests must do would change. */
static bool is_reloadable(const struct key *key, const struct config *fresh, const struct config *running)
{
    static const char *const always[] = {"log.level", "runtime_config.file", "runtime_config.period", "server.http_tls_config.client_auth_type",
                                         "server.http_tls_config.client_ca_file", "server.tls_min_version"};
    for (size_t i = 0; i < LENGTH(always); i++) {
        if (strcmp(key->name, always[i]) == 0)
            return true;
    }
    const struct slice *a = (const void *)((const char *)fresh + key->offset);
    const struct slice *b = (const void *)((const char *)running + key->offset);
    bool is_file = strcmp(key->name, "auth.users_file") == 0 || strcmp(key->name, "server.http_tls_config.cert_file") == 0 ||
                   strcmp(key->name, "server.http_tls_config.key_file") == 0;
    return is_file && a->len > 0 && b->len > 0;
}

/* Both are of one kind; texts go to the arena of `to`. */
static void value_copy(struct config *to, const struct config *from, const struct key *key)
{
    void *out = (char *)to + key->offset;
    const void *in = (const char *)from + key->offset;
    switch (key->kind) {
    case KIND_TEXT:
        *(struct slice *)out = arena_copy(&to->arena, *(const struct slice *)in);
        return;
    case KIND_BOOL:
        *(bool *)out = *(const bool *)in;
        return;
    case KIND_COUNT:
    case KIND_BYTES:
    case KIND_DURATION:
        *(int64_t *)out = *(const int64_t *)in;
        return;
    }
}

void config_hold(struct config *fresh, const struct config *running, struct buf *out_names)
{
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < LENGTH(keys); i++) {
        if (slice_eq(value_text(fresh, &keys[i], &arena), value_text(running, &keys[i], &arena)) || is_reloadable(&keys[i], fresh, running))
            continue;
        buf_printf(out_names, "%s%s", out_names->len > 0 ? ", " : "", keys[i].name);
        value_copy(fresh, running, &keys[i]);
    }
    arena_fini(&arena);
}

void config_print(const struct config *config, const char *mode, struct buf *out)
{
    struct config defaults;
    config_init(&defaults);
    const struct config *shown = strcmp(mode, "defaults") == 0 ? &defaults : config;
    bool is_diff = strcmp(mode, "diff") == 0;
    keys_print(shown, is_diff ? &defaults : NULL, out);
    struct buf limits = BUF_INIT;
    struct buf base = BUF_INIT;
    limits_print_yaml(&shown->limits, &limits, 2);
    limits_print_yaml(&defaults.limits, &base, 2);
    if (!is_diff || !slice_eq(buf_slice(&limits), buf_slice(&base))) {
        buf_str(out, "limits_config:\n");
        buf_put(out, buf_slice(&limits));
    }
    buf_fini(&limits);
    buf_fini(&base);
    config_fini(&defaults);
}

void config_print_help(struct buf *out)
{
    struct config defaults;
    struct arena arena = ARENA_INIT;
    config_init(&defaults);
    for (size_t i = 0; i < LENGTH(keys); i++)
        buf_printf(out, "  --%s\n        %s (default %.*s)\n", keys[i].name, keys[i].help,
                   SLICE_ARG(value_text(&defaults, &keys[i], &arena)));
    arena_fini(&arena);
    config_fini(&defaults);
}

void config_print_markdown(struct buf *out)
{
    static const char *const kinds[] = {[KIND_TEXT] = "text", [KIND_BOOL] = "bool", [KIND_COUNT] = "number",
                                        [KIND_BYTES] = "bytes", [KIND_DURATION] = "duration"};
    struct config defaults;
    struct arena arena = ARENA_INIT;
    config_init(&defaults);
    buf_str(out, "| key | kind | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < LENGTH(keys); i++)
        buf_printf(out, "| `%s` | %s | `%.*s` | %s |\n", keys[i].name, kinds[keys[i].kind],
                   SLICE_ARG(value_text(&defaults, &keys[i], &arena)), keys[i].help);
    arena_fini(&arena);
    config_fini(&defaults);
}
