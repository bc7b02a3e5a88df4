#include "core/base/slice.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0]))
        s = slice_from(s, 1);
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

static uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

bool slice_is_ascii(struct slice s)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; i + 32 <= s.len; i += 32) {
        all = word_at(s.ptr + i) | word_at(s.ptr + i + 8) | word_at(s.ptr + i + 16) | word_at(s.ptr + i + 24);
        if ((all & HIGH_BITS) != 0)
            return false;
    }
    for (; i + 8 <= s.len; i += 8)
        all |= word_at(s.ptr + i);
    if (s.len >= 8) // once more over some bytes instead of one by one over the rest
        return ((all | word_at(s.ptr + s.len - 8)) & HIGH_BITS) == 0;
    for (; i < s.len; i++)
        all |= (uint8_t)s.ptr[i];
    return (all & HIGH_BITS) == 0;
}
