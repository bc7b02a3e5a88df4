#include "net/config/target.h"

#include "net/config/nearest.h"

static const struct {
    const char *name;
    unsigned roles;
} targets[] = {
    {"all", TARGET_ALL},
    {"backend", TARGET_BACKEND},
    {"compactor", TARGET_BACKEND},
    {"ruler", TARGET_BACKEND},
    {"table-manager", TARGET_BACKEND},
    {"read", TARGET_READ},
    {"index-gateway", TARGET_READ},
    {"ingester-querier", TARGET_READ},
    {"querier", TARGET_READ},
    {"query-frontend", TARGET_READ},
    {"query-scheduler", TARGET_READ},
    {"write", TARGET_WRITE},
    {"distributor", TARGET_WRITE},
    {"ingester", TARGET_WRITE},
    {"pattern-ingester", TARGET_WRITE},
};

static unsigned roles_of(struct slice name)
{
    for (size_t i = 0; i < LENGTH(targets); i++) {
        if (slice_eq_str(name, targets[i].name))
            return targets[i].roles;
    }
    return 0;
}

static bool unknown(struct slice name, struct err *err)
{
    const char *names[LENGTH(targets)];
    for (size_t i = 0; i < LENGTH(targets); i++)
        names[i] = targets[i].name;
    const char *nearest = nearest_name(name, names, LENGTH(names));
    return nearest == NULL ? err_set(err, ERR_INVALID, "unrecognised module name: %.*s (logi -list-targets names them)", SLICE_ARG(name))
                           : err_set(err, ERR_INVALID, "unrecognised module name: %.*s: did you mean %s?", SLICE_ARG(name), nearest);
}

bool target_parse(struct slice text, unsigned *out_roles, struct err *err)
{
    unsigned roles = 0;
    do {
        size_t end = slice_find_byte(text, ',');
        struct slice name = slice_trim(slice_of(text.ptr, end));
        text = slice_from(text, end < text.len ? end + 1 : end);
        unsigned found = roles_of(name);
        if (found == 0)
            return unknown(name, err);
        roles |= found;
    } while (text.len > 0);
    *out_roles = roles;
    return true;
}

void target_print_list(struct buf *out)
{
    for (size_t i = 0; i < LENGTH(targets); i++) {
        bool is_role = i == 0 || targets[i].roles != targets[i - 1].roles;
        buf_printf(out, "%s%s\n", is_role ? "" : "  ", targets[i].name);
    }
}
