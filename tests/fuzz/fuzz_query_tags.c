/* Any bytes as X-Query-Tags: names are in lower case, values have only bytes that are kept, each tag is found again, and what is printed reads back as it was. */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/model/query_tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bytes(struct slice text, bool is_name)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        bool is_kept = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-_.@ ", c) != NULL);
        if (!is_kept || (is_upper && is_name))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct query_tags tags;
    struct query_tags again;
    struct buf printed = BUF_INIT;
    query_tags_parse(slice_of(data, size), &arena, &tags);
    for (size_t i = 0; i < tags.count; i++) {
        check_bytes(tags.items[i].name, true);
        check_bytes(tags.items[i].value, false);
        if (tags.items[i].name.len == 0 || !query_tags_have(&tags, tags.items[i].name, tags.items[i].value))
            abort();
        buf_printf(&printed, "%.*s=%.*s ,", SLICE_ARG(tags.items[i].name), SLICE_ARG(tags.items[i].value));
    }
    query_tags_parse(buf_slice(&printed), &arena, &again);
    if (again.count != tags.count)
        abort();
    for (size_t i = 0; i < tags.count; i++) {
        if (!slice_eq(tags.items[i].name, again.items[i].name) || !slice_eq(tags.items[i].value, again.items[i].value))
            abort();
    }
    buf_fini(&printed);
    arena_fini(&arena);
    return 0;
}
