/* Any bytes as Content-Type, and as a multipart body after the first line: a type that is taken is the header's beginning, without space and semicolon; a refusal has a
 * reason; parameters and parts lie inside what they were read from. */
#include <stdlib.h>

#include "net/http/form.h"
#include "net/http/media_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_body(struct slice body, struct slice boundary)
{
    struct arena arena = ARENA_INIT;
    struct form form = {0};
    struct err err = {.text = ""};
    if (!form_parse_multipart(body, boundary, &arena, &form, &err) && err.text[0] == '\0')
        abort();
    for (size_t i = 0; i < form.count; i++) {
        if (!is_inside(form.fields[i].name, body) || !is_inside(form.fields[i].value, body))
            abort();
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    size_t end = slice_find_byte(text, '\n');
    struct slice header = slice_of(text.ptr, end);
    struct slice type;
    struct slice boundary;
    struct err err = {.text = ""};
    if (!media_type_parse(header, &type, &err)) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    if (type.len == 0 || !is_inside(type, header) || slice_find_byte(type, ';') < type.len || slice_find_byte(type, ' ') < type.len)
        abort();
    if (media_type_parameter(header, SLICE("boundary"), &boundary)) {
        if (!is_inside(boundary, header))
            abort();
        check_body(slice_from(text, end < text.len ? end + 1 : end), boundary);
    }
    return 0;
}
