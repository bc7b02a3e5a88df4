#include "core/text/find.h"

#include "core/text/block16.h"
#include "core/text/find_internal.h"

/* Bytes of logs from common to rare, counted over the lines of seven kinds of systems (the loghub samples of the conformance data) and JSON.
 * What is not in the list is rarer than what is. */
static const char common_first[] = " e0t1\"aoin2sr:d3l4c5.=6/-78p9um_,fgbhvTIyk[]w{}FDNSEARCO\tPMxB()jzqLW'UH;GV\nKJYXQZ\\%+@#*&|<>?!$~^`";

static unsigned commonness(uint8_t c)
{
    const char *at = c == 0 ? NULL : strchr(common_first, (char)c);
    return at == NULL ? 0 : (unsigned)(sizeof(common_first) - (size_t)(at - common_first));
}

static bool is_letter(uint8_t c)
{
    return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

void text_needle_init(struct text_needle *out, struct slice text, bool ignores_case)
{
    struct text_needle needle = {.text = text, .ignores_case = ignores_case};
    unsigned best = UINT32_MAX;
    unsigned next = UINT32_MAX;
    for (size_t i = 0; i < text.len; i++) {
        unsigned rank = commonness((uint8_t)text.ptr[i]);
        bool seen = needle.first < i && text.ptr[needle.first] == text.ptr[i]; // a second 'q' says less than another byte
        if (rank < best) {
            needle.second = needle.first;
            next = best;
            needle.first = i;
            best = rank;
        } else if (!seen && rank < next) {
            needle.second = i;
            next = rank;
        }
    }
    if (next == UINT32_MAX && text.len > 0) // all bytes are one, or there is one
        needle.second = text.len - 1;
    if (needle.second < needle.first) {
        size_t swap = needle.first;
        needle.first = needle.second;
        needle.second = swap;
    }
    if (text.len > 0) {
        uint8_t first = (uint8_t)text.ptr[needle.first];
        uint8_t second = (uint8_t)text.ptr[needle.second];
        needle.first_byte = ignores_case ? text_lower(first) : first;
        needle.second_byte = ignores_case ? text_lower(second) : second;
        needle.first_fold = ignores_case && is_letter(first) ? 0x20 : 0;
        needle.second_fold = ignores_case && is_letter(second) ? 0x20 : 0;
    }
    *out = needle;
}

static size_t find_few(const struct text_needle *needle, const char *text, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++) {
        uint8_t first = (uint8_t)text[i + needle->first] | needle->first_fold;
        if (first == needle->first_byte && text_needle_is_at(needle, text + i))
            return i;
    }
    return TEXT_ABSENT;
}

// The last block is moved back so that it ends with the last candidate.
static size_t find_blocks(const struct text_needle *needle, const char *text, size_t from, size_t end)
{
    block16 first = block16_fill((char)needle->first_byte);
    block16 second = block16_fill((char)needle->second_byte);
    block16 first_fold = block16_fill((char)needle->first_fold);
    block16 second_fold = block16_fill((char)needle->second_fold);
    for (size_t i = from; i < end; i += 16) {
        if (end - i < 16)
            i = end - 16;
        block16 a = block16_or(block16_load(text + i + needle->first), first_fold);
        block16 b = block16_or(block16_load(text + i + needle->second), second_fold);
        uint64_t mask = block16_mask(block16_and(block16_eq(a, first), block16_eq(b, second)));
        if (i < from)
            mask = block16_from(mask, from - i);
        for (; mask != 0; mask = block16_drop_first(mask)) {
            size_t at = i + block16_first(mask);
            if (text_needle_is_at(needle, text + at))
                return at;
        }
    }
    return TEXT_ABSENT;
}

size_t text_find_portable(const struct text_needle *needle, const char *text, size_t len, size_t from)
{
    size_t want = needle->text.len;
    if (from > len || want > len - from)
        return TEXT_ABSENT;
    if (want == 0)
        return from;
    size_t end = len - want + 1;
    return end - from < 16 ? find_few(needle, text, from, end) : find_blocks(needle, text, from, end);
}

size_t text_find(const struct text_needle *needle, const char *text, size_t len, size_t from)
{
#if defined(__x86_64__)
    size_t want = needle->text.len;
    if (want > 0 && from <= len && len - from >= want + 31 && __builtin_cpu_supports("avx2"))
        return text_find_avx2(needle, text, from, len - want + 1);
#endif
    return text_find_portable(needle, text, len, from);
}
