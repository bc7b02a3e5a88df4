#include "net/http/media_type.h"

#include <string.h>

static bool is_token_byte(char c)
{
    return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice take_token(struct slice *in)
{
    size_t len = 0;
    while (len < in->len && is_token_byte(in->ptr[len]))
        len++;
    struct slice token = slice_of(in->ptr, len);
    *in = slice_from(*in, len);
    return token;
}

static void skip_space(struct slice *in)
{
    while (in->len > 0 && is_space(in->ptr[0]))
        *in = slice_from(*in, 1);
}

/* A token, or a string in quotes; false: neither. *out: as it is written, without the quotes. */
static bool take_value(struct slice *in, struct slice *out)
{
    if (in->len == 0 || in->ptr[0] != '"') {
        *out = take_token(in);
        return out->len > 0;
    }
    for (size_t i = 1; i < in->len; i++) {
        if (in->ptr[i] == '"') {
            *out = slice_of(in->ptr + 1, i - 1);
            *in = slice_from(*in, i + 1);
            return true;
        }
        if (in->ptr[i] == '\\' && i + 1 < in->len && !is_token_byte(in->ptr[i + 1]))
            i++;
    }
    return false;
}

static bool take_parameter(struct slice *in, struct slice *name, struct slice *value)
{
    skip_space(in);
    if (in->len == 0 || in->ptr[0] != ';')
        return false;
    *in = slice_from(*in, 1);
    skip_space(in);
    *name = take_token(in);
    if (name->len == 0)
        return false;
    skip_space(in);
    if (in->len == 0 || in->ptr[0] != '=')
        return false;
    *in = slice_from(*in, 1);
    skip_space(in);
    return take_value(in, value);
}

static bool type_check(struct slice type, struct err *err)
{
    if (take_token(&type).len == 0)
        return err_set(err, ERR_INVALID, "mime: no media type");
    if (type.len == 0)
        return true;
    if (type.ptr[0] != '/')
        return err_set(err, ERR_INVALID, "mime: expected slash after first token");
    type = slice_from(type, 1);
    if (take_token(&type).len == 0)
        return err_set(err, ERR_INVALID, "mime: expected token after slash");
    return type.len == 0 || err_set(err, ERR_INVALID, "mime: unexpected content after media subtype");
}

bool media_type_parameter(struct slice header, struct slice name, struct slice *out)
{
    struct slice rest = slice_from(header, slice_find_byte(header, ';'));
    struct slice found;
    while (take_parameter(&rest, &found, out)) {
        if (slice_eq_nocase(found, name))
            return true;
    }
    return false;
}

bool media_type_parse(struct slice header, struct slice *out, struct err *err)
{
    size_t end = slice_find_byte(header, ';');
    *out = slice_trim(slice_of(header.ptr, end));
    if (!type_check(*out, err))
        return false;
    struct slice rest = slice_from(header, end);
    for (skip_space(&rest); rest.len > 0; skip_space(&rest)) {
        struct slice before = rest;
        struct slice name;
        struct slice value;
        if (!take_parameter(&rest, &name, &value)) // one semicolon at the end is let pass
            return slice_eq(slice_trim(before), SLICE(";")) || err_set(err, ERR_INVALID, "mime: invalid media parameter");
    }
    return true;
}
