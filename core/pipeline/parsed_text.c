#include "core/pipeline/parsed_text.h"

#include "core/model/go_text.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t label_name_component(struct slice name, char *out)
{
    name = go_trim_space(name);
    size_t count = 0;
    while (name.len > 0) {
        size_t len = 1;
        if (is_name_byte(name.ptr[0])) {
            out[count++] = name.ptr[0];
        } else {
            (void)utf8_decode(name, &len);
            out[count++] = '_';
        }
        name = slice_from(name, len);
    }
    return count;
}

struct slice label_name_sanitize(struct slice name, struct arena *arena)
{
    size_t fit = 0;
    while (fit < name.len && is_name_byte(name.ptr[fit]))
        fit++;
    if (fit == name.len && (name.len == 0 || !is_digit(name.ptr[0])))
        return name;
    char *out = arena_alloc(arena, name.len + 1, 1);
    size_t count = label_name_component(name, out + 1);
    if (count > 0 && is_digit(out[1])) {
        out[0] = '_';
        return slice_of(out, count + 1);
    }
    return slice_of(out + 1, count);
}

struct slice label_value_clean(struct slice value, struct arena *arena)
{
    if (slice_is_ascii(value))
        return value;
    bool is_clean = true;
    size_t len = 0;
    for (struct slice in = value; in.len > 0 && is_clean; in = slice_from(in, len))
        is_clean = utf8_decode(in, &len) != 0xfffd;
    if (is_clean)
        return value;
    char *out = arena_alloc(arena, value.len, 1);
    size_t count = 0;
    for (struct slice in = value; in.len > 0; in = slice_from(in, len)) {
        if (utf8_decode(in, &len) == 0xfffd) {
            out[count++] = ' ';
        } else {
            memcpy(out + count, in.ptr, len);
            count += len;
        }
    }
    return slice_of(out, count);
}
