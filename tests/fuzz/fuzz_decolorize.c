/* fuzz_decolorize.c. Any line: what is left is a part of it, in order, and a line without an escape stays as it is. */
#include <stdlib.h>

#include "core/pipeline/decolorize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct slice line = slice_of(data, size);
    struct slice out = line_decolorize(line, &arena);
    size_t at = 0;
    for (size_t i = 0; i < out.len; i++, at++) {
        while (at < line.len && line.ptr[at] != out.ptr[i])
            at++;
        if (at == line.len)
            abort();
    }
    bool has_escape = slice_find_byte(line, '\x1b') < size || (size > 0 && memmem(data, size, "\xc2\x9b", 2) != NULL);
    if (!has_escape && !slice_eq(line, out))
        abort();
    arena_fini(&arena);
    return 0;
}
