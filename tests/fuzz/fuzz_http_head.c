/* Any bytes as the head of a request, and as a form: the strict check takes only heads whose every line ends in CR LF, with one Host at most and never both a length
 * and a coding; a form that is taken holds what its text says. */
#include <stdlib.h>

#include "net/http/form.h"
#include "net/http/head_check.h"

static void abort_unless(bool holds)
{
    if (!holds)
        abort();
}

/* Lines of the head that begin with the name, without case. */
static size_t lines_with(struct slice head, struct slice name)
{
    size_t found = 0;
    while (head.len > 0) {
        size_t end = slice_find_byte(head, '\n');
        found += head.len >= name.len && slice_eq_nocase(slice_of(head.ptr, name.len), name);
        head = end == head.len ? SLICE_NONE : slice_from(head, end + 1);
    }
    return found;
}

static void check_head(struct slice bytes)
{
    const char *reason = NULL;
    if (head_check(bytes, &reason) != HEAD_GOOD) {
        abort_unless(reason != NULL);
        return;
    }
    const char *end = memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4);
    abort_unless(end != NULL);
    struct slice head = slice_of(bytes.ptr, (size_t)(end - bytes.ptr) + 2);
    for (size_t i = 0; i < head.len; i++)
        abort_unless(head.ptr[i] != '\n' || (i > 0 && head.ptr[i - 1] == '\r'));
    abort_unless(lines_with(head, SLICE("host:")) <= 1);
    abort_unless(lines_with(head, SLICE("content-length:")) + lines_with(head, SLICE("transfer-encoding:")) <= 1);
}

static void check_form(struct slice text)
{
    struct arena arena = ARENA_INIT;
    struct form form = {0};
    struct err err;
    if (form_parse(text, &arena, &form, &err)) {
        size_t bytes = 0;
        for (size_t i = 0; i < form.count; i++)
            bytes += form.fields[i].name.len + form.fields[i].value.len;
        abort_unless(bytes <= text.len);
        abort_unless(slice_find_byte(text, ';') == text.len);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_head(slice_of(data, size));
    check_form(slice_of(data, size));
    return 0;
}
