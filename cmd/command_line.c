#include "cmd/command_line.h"

#include "cmd/loki_flags.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "net/config/nearest.h"
#include "storage/disk/disk.h"

#define CONFIG_FILE_BYTES_MAX ((size_t)4 << 20)

struct flag {
    struct slice name, value;
    bool has_value;
};

/* Short names for keys. */
static const struct {
    const char *flag, *key;
} aliases[] = {
    {"listen", "server.listen"},
    {"data", "storage.data"},
    {"durability", "storage.durability"},
    {"shards", "storage.shards"},
    {"auth.enabled", "auth_enabled"},
};

/* Flags of the command line itself, for those who mistype them. */
static const char *const own_flags[] = {"help", "config", "config.file", "config.expand-env", "verify-config", "print-config-stderr", "list-targets", "health", "health.url"};

static bool split(const char *arg, struct flag *out)
{
    struct slice text = slice_str(arg);
    if (text.len < 2 || text.ptr[0] != '-')
        return false;
    text = slice_from(text, text.ptr[1] == '-' ? 2 : 1);
    size_t equals = slice_find_byte(text, '=');
    out->name = slice_of(text.ptr, equals);
    out->has_value = equals < text.len;
    out->value = out->has_value ? slice_from(text, equals + 1) : SLICE("");
    return out->name.len > 0;
}

static struct slice key_of(struct slice flag, struct arena *arena)
{
    for (size_t i = 0; i < LENGTH(aliases); i++) {
        if (slice_eq_str(flag, aliases[i].flag))
            return slice_str(aliases[i].key);
    }
    return loki_flag_key(flag, arena);
}

/* Flags of the command line itself. True: it was one. */
static bool own_flag(const struct flag *flag, struct command_line *out)
{
    bool on = !flag->has_value || slice_eq(flag->value, SLICE("true"));
    if (slice_eq(flag->name, SLICE("help")) || slice_eq(flag->name, SLICE("h")))
        out->help = on;
    else if (slice_eq(flag->name, SLICE("verify-config")))
        out->verify_only = on;
    else if (slice_eq(flag->name, SLICE("print-config-stderr")))
        out->print_config = on;
    else if (slice_eq(flag->name, SLICE("config.expand-env")))
        out->expand_env = on;
    else if (slice_eq(flag->name, SLICE("list-targets")))
        out->list_targets = on;
    else if (slice_eq(flag->name, SLICE("health")))
        out->health = on;
    else
        return false;
    return true;
}

static bool unknown_flag(struct slice flag, struct err *err)
{
    const char *names[LENGTH(aliases) + LENGTH(own_flags)];
    for (size_t i = 0; i < LENGTH(aliases); i++)
        names[i] = aliases[i].flag;
    for (size_t i = 0; i < LENGTH(own_flags); i++)
        names[LENGTH(aliases) + i] = own_flags[i];
    const char *nearest = nearest_name(flag, names, LENGTH(names));
    if (nearest != NULL)
        return err_set(err, ERR_NOT_FOUND, "unknown flag --%.*s: did you mean --%s?", SLICE_ARG(flag), nearest);
    struct config probe; // its error names the nearest key
    config_init(&probe);
    bool ok = config_set(&probe, flag, SLICE(""), err);
    config_fini(&probe);
    return ok || err_wrap(err, "flag --%.*s", SLICE_ARG(flag));
}

static bool is_truth(const char *arg)
{
    return strcmp(arg, "true") == 0 || strcmp(arg, "false") == 0;
}

/* The value of a flag that came without '=': none for a switch, unless true or false follows, else the next argument. */
static bool value_find(int argc, char **argv, int *i, bool is_bool, bool is_foreign, struct flag *flag, struct err *err)
{
    bool has_next = *i + 1 < argc;
    if ((is_bool && !(has_next && is_truth(argv[*i + 1]))) || (is_foreign && (!has_next || argv[*i + 1][0] == '-'))) {
        flag->value = SLICE("true");
        return true;
    }
    if (!has_next)
        return err_set(err, ERR_INVALID, "flag needs a value: --%.*s", SLICE_ARG(flag->name));
    flag->value = slice_str(argv[++*i]);
    return true;
}

/* One pass over the flags: first (apply false) for the file, then for the settings. */
static bool flags_pass(int argc, char **argv, bool apply, struct command_line *out, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        struct flag flag;
        bool is_bool = false;
        if (!split(argv[i], &flag))
            return err_set(err, ERR_INVALID, "unexpected argument \"%s\"", argv[i]);
        if (own_flag(&flag, out))
            continue;
        bool is_file = slice_eq(flag.name, SLICE("config")) || slice_eq(flag.name, SLICE("config.file"));
        bool is_url = slice_eq(flag.name, SLICE("health.url"));
        struct slice key = key_of(flag.name, &out->config.arena);
        bool is_key = config_has_key(key, &is_bool);
        bool is_foreign = !is_key && loki_flag_is_foreign(flag.name);
        if (!is_file && !is_url && !is_key && !is_foreign)
            return unknown_flag(flag.name, err);
        if (!flag.has_value && !value_find(argc, argv, &i, is_bool, is_foreign, &flag, err))
            return false;
        if (is_file)
            out->config_file = flag.value.ptr;
        else if (is_url)
            out->health_url = flag.value.ptr;
        else if (apply && is_foreign)
            log_warn("serve", "a flag of Loki's that means nothing to Logi is passed over", "flag", arena_printf(&out->config.arena, "%.*s", SLICE_ARG(flag.name)).ptr);
        else if (apply && !config_set(&out->config, key, flag.value, err))
            return err_wrap(err, "flag --%.*s", SLICE_ARG(flag.name));
    }
    return true;
}

static bool file_read(struct command_line *out, struct err *err)
{
    if (out->config_file == NULL)
        return true;
    struct buf text = BUF_INIT;
    bool ok = disk_read_file(&system_disk, out->config_file, CONFIG_FILE_BYTES_MAX, &text, err);
    if (!ok)
        (void)err_wrap(err, "configuration");
    ok = ok && config_read_yaml(&out->config, out->config_file, buf_slice(&text), out->expand_env, err);
    buf_fini(&text);
    return ok;
}

bool command_line_parse(int argc, char **argv, char *const *environment, struct command_line *out, bool *usage, struct err *err)
{
    *out = (struct command_line){0};
    config_init(&out->config);
    *usage = true;
    if (!flags_pass(argc, argv, false, out, err))
        return false;
    if (out->help || out->list_targets || (out->health && out->health_url != NULL))
        return true;
    *usage = false;
    if (!file_read(out, err) || !config_read_environment(&out->config, environment, err))
        return false;
    *usage = true;
    if (!flags_pass(argc, argv, true, out, err))
        return false;
    *usage = false;
    return config_finish(&out->config, err);
}
