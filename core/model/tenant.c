#include "core/model/tenant.h"

#include "core/base/buf.h"
#include "core/model/go_text.h"

static bool is_tenant_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!-_.*'()", c) != NULL);
}

bool tenant_name_check(struct slice name, struct err *err)
{
    for (size_t i = 0; i < name.len; i++) {
        if (is_tenant_byte(name.ptr[i]))
            continue;
        char latin1[4]; // the byte as a code point: that is how Loki shows it
        size_t len = utf8_encode((uint8_t)name.ptr[i], latin1);
        return err_set(err, ERR_INVALID, "tenant ID '%.*s' contains unsupported character '%.*s'", SLICE_ARG(name),
                       (int)len, latin1);
    }
    if (name.len > TENANT_NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "tenant ID is too long: max %zu characters", TENANT_NAME_BYTES_MAX);
    if (slice_eq_str(name, ".") || slice_eq_str(name, ".."))
        return err_set(err, ERR_INVALID, "tenant ID is '.' or '..'");
    return true;
}

// Keeps names[0..*count) sorted and unique.
static bool add_name(struct slice name, struct slice *names, size_t names_max, size_t *count, struct err *err)
{
    size_t at = 0;
    while (at < *count && slice_cmp(names[at], name) < 0)
        at++;
    if (at < *count && slice_eq(names[at], name))
        return true;
    if (*count == names_max)
        return err_set(err, ERR_LIMIT, "more than %zu tenants in one request", names_max);
    memmove(names + at + 1, names + at, (*count - at) * sizeof(*names));
    names[at] = name;
    (*count)++;
    return true;
}

bool tenant_header_parse(struct slice header, struct slice *names, size_t names_max, size_t *count, struct err *err)
{
    *count = 0;
    for (struct slice rest = header;;) {
        size_t end = slice_find_byte(rest, '|');
        struct slice name = slice_trim(slice_of(rest.ptr, end));
        name.len = slice_find_byte(name, ':');
        if (name.len == 0)
            return err_set(err, ERR_INVALID, "no org id");
        if (!tenant_name_check(name, err) || !add_name(name, names, names_max, count, err))
            return false;
        if (end == rest.len)
            return true;
        rest = slice_from(rest, end + 1);
    }
}
