#include "net/config/config.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"
#include "net/config/yaml_flatten.h"

struct reading {
    struct config *config;
    const char *file;
    bool only_overrides;
};

static bool override_add(struct config *config, struct slice tenant, struct slice name, struct slice value, struct err *err)
{
    struct limits probe;
    limits_defaults(&probe);
    if (!limits_set(&probe, name, value, &config->arena, err)) // so that a bad value is told with its line
        return false;
    if (config->override_count == config->override_capacity) {
        config->override_capacity = config->override_capacity == 0 ? 16 : config->override_capacity * 2;
        config->overrides = mem_grow(config->overrides, config->override_capacity, sizeof(*config->overrides));
    }
    config->overrides[config->override_count++] = (struct limits_override){
        arena_copy(&config->arena, tenant), arena_copy(&config->arena, name), arena_copy(&config->arena, value)};
    return true;
}

/* limits_config.<limit> and overrides.<tenant>.<limit>, where the limit is a tree. */
static bool is_whole(const struct slice *path, size_t depth)
{
    return (depth == 2 && slice_eq(path[0], SLICE("limits_config")) && limits_is_tree(path[1])) ||
           (depth == 3 && slice_eq(path[0], SLICE("overrides")) && limits_is_tree(path[2]));
}

static bool take_scalar(void *self, const struct slice *path, size_t depth, struct slice value, size_t line, struct err *err)
{
    struct reading *reading = self;
    struct buf name = BUF_INIT;
    bool is_override = depth > 0 && slice_eq(path[0], SLICE("overrides"));
    bool ok = true;
    if (is_override && depth == 3) {
        ok = override_add(reading->config, path[1], path[2], value, err);
    } else if (is_override && value.len == 0) {
        ok = true; // `overrides:` or a tenant with nothing in it
    } else {
        for (size_t i = 0; i < depth; i++)
            buf_printf(&name, "%s%.*s", i == 0 ? "" : ".", SLICE_ARG(path[i]));
        if (reading->only_overrides || is_override)
            ok = err_set(err, ERR_NOT_FOUND, "unknown key %.*s: overrides: <tenant>: <limit>: <value> is wanted",
                         SLICE_ARG(buf_slice(&name)));
        else
            ok = (value.len == 0 && config_has_section(buf_slice(&name))) || config_set(reading->config, buf_slice(&name), value, err);
    }
    buf_fini(&name);
    return ok || err_wrap(err, "%s:%zu", reading->file, line);
}

static bool is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* ${NAME} and ${NAME:default}; anything else with a dollar stays as it is. */
static struct slice expand(struct slice text, struct arena *arena)
{
    struct buf out = BUF_INIT;
    while (text.len > 0) {
        size_t dollar = slice_find_byte(text, '$');
        buf_put(&out, slice_of(text.ptr, dollar));
        text = slice_from(text, dollar);
        if (text.len == 0)
            break;
        size_t end = 2;
        while (end < text.len && is_name_byte(text.ptr[end]))
            end++;
        size_t close = text.len > 2 && text.ptr[1] == '{' && end > 2 && end < text.len && (text.ptr[end] == '}' || text.ptr[end] == ':')
                           ? slice_find_byte(text, '}')
                           : text.len;
        if (close == text.len) {
            buf_byte(&out, '$');
            text = slice_from(text, 1);
            continue;
        }
        char *name = mem_strdup(slice_of(text.ptr + 2, end - 2));
        const char *value = getenv(name);
        mem_free(name);
        if (value != NULL)
            buf_str(&out, value);
        else if (text.ptr[end] == ':')
            buf_put(&out, slice_of(text.ptr + end + 1, close - end - 1));
        text = slice_from(text, close + 1);
    }
    struct slice copy = arena_copy(arena, buf_slice(&out));
    buf_fini(&out);
    return copy;
}

static bool read_all(struct reading *reading, struct slice text, struct err *err)
{
    bool ok = yaml_flatten(text, &reading->config->arena, is_whole, take_scalar, reading, err);
    return ok || strncmp(err->text, reading->file, strlen(reading->file)) == 0 ? ok : err_wrap(err, "%s", reading->file);
}

bool config_read_yaml(struct config *config, const char *file, struct slice text, bool expand_env, struct err *err)
{
    struct reading reading = {.config = config, .file = file};
    if (expand_env)
        text = expand(text, &config->arena);
    return read_all(&reading, text, err);
}

bool config_read_overrides(struct config *config, const char *file, struct slice text, struct err *err)
{
    struct reading reading = {.config = config, .file = file, .only_overrides = true};
    return read_all(&reading, text, err);
}

/* LOGI_LIMITS_CONFIG_MAX_LINE_SIZE: the dots of a key are underscores too, so every key is tried. */
static bool environment_name_is(struct slice variable, const char *key)
{
    size_t i = 0;
    for (; i < variable.len && key[i] != '\0'; i++) {
        char c = key[i] == '.' ? '_' : key[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        if (variable.ptr[i] != c)
            return false;
    }
    return i == variable.len && key[i] == '\0';
}

bool config_read_environment(struct config *config, char *const *environment, struct err *err)
{
    static const char *const names[] = {
#define CONFIG_NAME(kind, name, field, value, help) name,
        CONFIG_TABLE(CONFIG_NAME)
#undef CONFIG_NAME
#define LIMIT_NAME(kind, field, value, help) "limits_config." #field,
            LIMITS_TABLE(LIMIT_NAME)
#undef LIMIT_NAME
    };
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct slice pair = slice_str(environment[i]);
        size_t equals = slice_find_byte(pair, '=');
        if (!slice_starts(pair, SLICE("LOGI_")) || equals == pair.len)
            continue;
        struct slice variable = slice_of(pair.ptr + 5, equals - 5);
        const char *key = NULL;
        for (size_t k = 0; k < LENGTH(names) && key == NULL; k++)
            key = environment_name_is(variable, names[k]) ? names[k] : NULL;
        // Kubernetes sets LOGI_PORT, LOGI_SERVICE_HOST and such for a service named logi: what is no key is not ours.
        if (key != NULL && !config_set(config, slice_str(key), slice_from(pair, equals + 1), err))
            return err_wrap(err, "environment variable LOGI_%.*s", SLICE_ARG(variable));
    }
    return true;
}
