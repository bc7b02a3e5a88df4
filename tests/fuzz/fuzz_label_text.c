/* fuzz_label_text.c: any text: what the parser takes prints to a text that parses to the same set; and its encoding decodes to it. */
#include <stdlib.h>

#include "core/model/label_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool same(const struct label_set *a, const struct label_set *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!slice_eq(a->labels[i].name, b->labels[i].name) || !slice_eq(a->labels[i].value, b->labels[i].value))
            return false;
    }
    return a->count == b->count;
}

// A value may hold bad UTF-8 by \xHH, a name may hold a colon: both print to what reads back, the second only before the brace.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buf text = BUF_INIT;
    struct label_set set;
    struct label_set again;
    struct err err;
    if (label_set_parse(slice_of(data, size), &arena, &set, &err)) {
        label_set_print(&set, &text);
        must(label_set_parse(buf_slice(&text), &arena, &again, &err));
        must(same(&set, &again) && label_set_cmp_text(&set, &again) == 0);
        bool is_unique = true;
        for (size_t i = 1; i < set.count; i++)
            is_unique = is_unique && !slice_eq(set.labels[i - 1].name, set.labels[i].name);
        if (is_unique) {
            struct slice encoded = label_set_encode_in(&arena, &set);
            must(label_set_decode(encoded, &arena, &again, &err) && same(&set, &again));
        }
    } else {
        must(err.code == ERR_INVALID);
    }
    struct slice encoded = slice_of(data, size);
    if (label_set_decode(encoded, &arena, &set, &err)) {
        // A varint may be longer than it must, so what decodes need not be what would be written; but what is written decodes to the same.
        must(label_set_decode(label_set_encode_in(&arena, &set), &arena, &again, &err) && same(&set, &again));
    }
    buf_fini(&text);
    arena_fini(&arena);
    return 0;
}
