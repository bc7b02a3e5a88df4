#include "net/http/form.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(struct slice text, bool plus_is_space, struct arena *arena, struct slice *out, struct err *err)
{
    if (slice_find_byte(text, '%') == text.len && (!plus_is_space || slice_find_byte(text, '+') == text.len)) {
        *out = text;
        return true;
    }
    char *to = arena_alloc(arena, text.len, 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0) {
                struct slice bad = slice_of(text.ptr + i, text.len - i < 3 ? text.len - i : 3);
                return err_set(err, ERR_INVALID, "invalid URL escape \"%.*s\"", SLICE_ARG(bad));
            }
            to[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[n++] = c == '+' && plus_is_space ? ' ' : c;
        }
    }
    *out = slice_of(to, n);
    return true;
}

static bool field_add(struct form *form, struct arena *arena, struct slice name, struct slice value, struct err *err)
{
    if (form->count == FORM_FIELDS_MAX)
        return err_set(err, ERR_INVALID, "more than %d form fields", FORM_FIELDS_MAX);
    if (form->count == form->capacity) {
        size_t capacity = form->capacity == 0 ? 8 : form->capacity * 2;
        struct form_field *fields = ARENA_ARRAY(arena, struct form_field, capacity);
        if (form->count > 0)
            memcpy(fields, form->fields, form->count * sizeof(*fields));
        form->fields = fields;
        form->capacity = capacity;
    }
    form->fields[form->count++] = (struct form_field){name, value};
    return true;
}

bool form_parse(struct slice text, struct arena *arena, struct form *form, struct err *err)
{
    while (text.len > 0) {
        size_t end = slice_find_byte(text, '&');
        struct slice pair = slice_of(text.ptr, end);
        text = end == text.len ? SLICE_NONE : slice_from(text, end + 1);
        if (pair.len == 0)
            continue;
        if (slice_find_byte(pair, ';') < pair.len)
            return err_set(err, ERR_INVALID, "invalid semicolon separator in query");
        size_t equals = slice_find_byte(pair, '=');
        struct slice value = equals == pair.len ? SLICE("") : slice_from(pair, equals + 1);
        struct slice name = slice_of(pair.ptr, equals);
        if (!percent_decode(name, true, arena, &name, err) || !percent_decode(value, true, arena, &value, err) ||
            !field_add(form, arena, name, value, err))
            return false;
    }
    return true;
}

/* What stands before `text`, taken with it off *in; false: it does not occur. */
static bool take_until(struct slice *in, struct slice text, struct slice *out)
{
    const char *found = memmem(in->ptr, in->len, text.ptr, text.len);
    if (found == NULL)
        return false;
    *out = slice_of(in->ptr, (size_t)(found - in->ptr));
    *in = slice_from(*in, out->len + text.len);
    return true;
}

/* name="..." of a part's head; false: none, or it is a file. */
static bool part_name(struct slice head, struct slice *out)
{
    struct slice before;
    if (memmem(head.ptr, head.len, "filename=", 9) != NULL || !take_until(&head, SLICE("name=\""), &before))
        return false;
    return take_until(&head, SLICE("\""), out);
}

bool form_parse_multipart(struct slice body, struct slice boundary, struct arena *arena, struct form *form, struct err *err)
{
    struct slice line = arena_printf(arena, "\r\n--%.*s", SLICE_ARG(boundary));
    struct slice rest = body;
    struct slice head;
    struct slice value;
    struct slice name;
    bool ok = boundary.len > 0 && take_until(&rest, slice_from(line, 2), &head); // what stands before the first part is nobody's
    while (ok && !slice_starts(rest, SLICE("--"))) {
        ok = slice_starts(rest, SLICE("\r\n")) && take_until(&rest, SLICE("\r\n\r\n"), &head) && take_until(&rest, line, &value);
        if (ok && part_name(head, &name) && !field_add(form, arena, name, value, err))
            return false;
    }
    return ok || err_set(err, ERR_INVALID, "multipart: NextPart: EOF");
}

bool form_get(const struct form *form, struct slice name, struct slice *value)
{
    for (size_t i = 0; i < form->count; i++) {
        if (slice_eq(form->fields[i].name, name)) {
            *value = form->fields[i].value;
            return true;
        }
    }
    return false;
}
