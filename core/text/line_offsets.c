#include "core/text/line_offsets.h"

#include <assert.h>

#include "core/text/block16.h"

size_t text_line_offsets_portable(const char *text, size_t len, uint32_t *out)
{
    assert(len <= UINT32_MAX);
    block16 newline = block16_fill('\n');
    size_t count = 0;
    out[0] = 0;
    size_t i = 0;
    for (; len - i >= 16; i += 16) {
        uint64_t mask = block16_mask(block16_eq(block16_load(text + i), newline));
        for (; mask != 0; mask = block16_drop_first(mask))
            out[++count] = (uint32_t)(i + block16_first(mask) + 1);
    }
    for (; i < len; i++) {
        if (text[i] == '\n')
            out[++count] = (uint32_t)(i + 1);
    }
    return count;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline uint64_t newlines64(const char *p)
{
    __m256i newline = _mm256_set1_epi8('\n');
    const __m256i *at = (const __m256i *)(const void *)p;
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(at), newline));
    uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(at + 1), newline));
    return (uint64_t)high << 32 | low;
}

AVX2 static size_t line_offsets_avx2(const char *text, size_t len, uint32_t *out)
{
    uint32_t *next = out;
    *next++ = 0;
    size_t i = 0;
    for (; len - i >= 64; i += 64) {
        for (uint64_t mask = newlines64(text + i); mask != 0; mask &= mask - 1)
            *next++ = (uint32_t)(i + (size_t)__builtin_ctzll(mask) + 1);
    }
    for (; i < len; i++) {
        if (text[i] == '\n')
            *next++ = (uint32_t)(i + 1);
    }
    return (size_t)(next - out) - 1;
}

AVX2 static size_t count_newlines_avx2(const char *text, size_t len)
{
    size_t count = 0;
    size_t i = 0;
    for (; len - i >= 64; i += 64)
        count += (size_t)__builtin_popcountll(newlines64(text + i));
    for (; i < len; i++)
        count += text[i] == '\n';
    return count;
}
#endif

size_t text_line_offsets(const char *text, size_t len, uint32_t *out)
{
    assert(len <= UINT32_MAX);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return line_offsets_avx2(text, len, out);
#endif
    return text_line_offsets_portable(text, len, out);
}

size_t text_count_newlines(const char *text, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return count_newlines_avx2(text, len);
#endif
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    return count;
}
