/* fuzz_miner.c: any lines, ended by a 0 byte each; the first byte says how few templates there may be. Each line's template, as it is in the end, is a pattern
 * that accepts the line. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/patterns/miner.h"
#include "core/pipeline/pattern_text.h"

#define LINES_MAX ((size_t)500)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size}, lines[LINES_MAX];
    struct slice head;
    uint32_t ids[LINES_MAX];
    size_t count = 0;
    if (!slice_take(&in, 1, &head))
        return 0;
    struct arena arena = ARENA_INIT;
    struct miner *miner = miner_create(&(struct miner_config){.templates_max = MINER_FIXED + (uint8_t)head.ptr[0], .text_max = 1 << 16, .seed = 1});
    for (; in.len > 0 && count < LINES_MAX; count++) {
        size_t end = slice_find_byte(in, '\0');
        lines[count] = slice_of(in.ptr, end);
        in = slice_from(in, end < in.len ? end + 1 : end);
        ids[count] = miner_add(miner, 0, LEVEL_UNKNOWN, lines[count]);
    }
    for (size_t i = 0; i < count; i++) {
        struct buf text = BUF_INIT;
        struct pattern pattern;
        struct err err;
        miner_print(miner, ids[i], &text);
        if (!pattern_parse(buf_slice(&text), &arena, &pattern, &err) || !pattern_matches(&pattern, lines[i]))
            abort();
        buf_fini(&text);
        arena_reset(&arena);
    }
    miner_destroy(miner);
    arena_fini(&arena);
    return 0;
}
