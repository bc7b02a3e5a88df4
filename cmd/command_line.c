#include "cmd/command_line.h"

#include "core/base/mem.h"
#include "storage/disk/disk.h"

#define CONFIG_FILE_BYTES_MAX ((size_t)4 << 20)

struct flag {
    struct slice name, value;
    bool has_value;
};

/* Short and foreign names for keys. */
static const struct {
    struct slice flag, key;
} aliases[] = {
    {{"listen", 6}, {"server.listen", 13}},
    {{"data", 4}, {"storage.data", 12}},
    {{"durability", 10}, {"storage.durability", 18}},
    {{"shards", 6}, {"storage.shards", 14}},
    {{"auth.enabled", 12}, {"auth_enabled", 12}},
    {{"server.http-listen-port", 23}, {"server.http_listen_port", 23}},
    {{"server.http-listen-address", 26}, {"server.http_listen_address", 26}},
    {{"auth.multi-tenant-queries-enabled", 33}, {"multi_tenant_queries_enabled", 28}},
};

/* Loki's flags that Logi has no use for: taken, told once, and not acted on. */
static const char *const ignored[] = {"target", "log-config-reverse-order", "config.expand-env.silent", "legacy-read-mode"};

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

static struct slice key_of(struct slice flag)
{
    for (size_t i = 0; i < LENGTH(aliases); i++) {
        if (slice_eq(flag, aliases[i].flag))
            return aliases[i].key;
    }
    return flag;
}

static bool is_ignored(struct slice flag)
{
    for (size_t i = 0; i < LENGTH(ignored); i++) {
        if (slice_eq_str(flag, ignored[i]))
            return true;
    }
    return false;
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
    else
        return false;
    return true;
}

static bool takes_no_value(struct slice flag)
{
    bool is_bool = false;
    return config_has_key(key_of(flag), &is_bool) && is_bool;
}

/* One pass over the flags: first (apply false) for the file, then for the settings. */
static bool flags_pass(int argc, char **argv, bool apply, struct command_line *out, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        struct flag flag;
        if (!split(argv[i], &flag))
            return err_set(err, ERR_INVALID, "unexpected argument \"%s\"", argv[i]);
        if (own_flag(&flag, out))
            continue;
        bool is_file = slice_eq(flag.name, SLICE("config")) || slice_eq(flag.name, SLICE("config.file"));
        if (!flag.has_value && takes_no_value(flag.name)) {
            flag.value = SLICE("true");
        } else if (!flag.has_value) {
            if (i + 1 == argc)
                return err_set(err, ERR_INVALID, "flag needs a value: --%.*s", SLICE_ARG(flag.name));
            flag.value = slice_str(argv[++i]);
        }
        if (is_file)
            out->config_file = flag.value.ptr;
        else if (apply && !is_ignored(flag.name) && !config_set(&out->config, key_of(flag.name), flag.value, err))
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
    if (out->help)
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
