/* find.h: finds a needle in a text, many times faster than a byte at a time: what line filters run over whole batches.
 *
 * A prepared needle knows the two of its bytes that are rarest in logs; the text is searched for these two at their distance,
 * and only where both stand is the rest compared. AVX2 where the machine has it, else 16 bytes at a time.
 * Thread: any; a prepared needle is never changed.
 */
#pragma once

#include "core/base/slice.h"

#define TEXT_ABSENT SIZE_MAX

struct text_needle {
    struct slice text;     /* borrowed; of an ignores_case needle any case will do */
    bool ignores_case;     /* ASCII letters only; all other bytes are compared as they are */
    size_t first, second;  /* offsets of the two rare bytes, first <= second */
    uint8_t first_byte, second_byte;
    uint8_t first_fold, second_fold; /* 0x20 for a letter whose case is ignored: ORed to the text before comparing */
};

void text_needle_init(struct text_needle *out, struct slice text, bool ignores_case);

/* Offset of the first occurrence that begins at `from` or later, or TEXT_ABSENT. The empty needle is found at `from`, while from <= len. */
size_t text_find(const struct text_needle *needle, const char *text, size_t len, size_t from);

/* The same, without AVX2: what the tests compare with. */
size_t text_find_portable(const struct text_needle *needle, const char *text, size_t len, size_t from);

static inline bool text_has(const struct text_needle *needle, struct slice text)
{
    return text_find(needle, text.ptr, text.len, 0) != TEXT_ABSENT;
}
