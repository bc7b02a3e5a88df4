/* Any line: the fast search for level words finds what the portable one finds, and the whole detection ends inside the line. */
#include <stdint.h>
#include <stdlib.h>

#include "core/ingest/level_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limits limits;
    struct level_fields fields;
    limits_defaults(&limits);
    level_fields_init(&fields, &limits.log_level_fields);
    struct slice line = slice_of(data, size);
    if (level_word_find(line) != level_word_find_portable(line))
        abort();
    if (level_of_line(line, &fields) >= LEVEL_COUNT)
        abort();
    return 0;
}
