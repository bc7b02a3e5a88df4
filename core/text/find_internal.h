/* find_internal.h: what the kernels of find.h share. */
#pragma once

#include "core/text/find.h"

static inline uint8_t text_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The needle stands at p. */
static inline bool text_needle_is_at(const struct text_needle *needle, const char *p)
{
    if (!needle->ignores_case)
        return memcmp(p, needle->text.ptr, needle->text.len) == 0;
    for (size_t i = 0; i < needle->text.len; i++) {
        if (text_lower((uint8_t)p[i]) != text_lower((uint8_t)needle->text.ptr[i]))
            return false;
    }
    return true;
}

#if defined(__x86_64__)
/* Candidates that begin in [from, end), end = len - needle length + 1; needle not empty, at least 32 candidates. */
size_t text_find_avx2(const struct text_needle *needle, const char *text, size_t from, size_t end);
#endif
