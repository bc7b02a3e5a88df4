#include "storage/segment/line_offsets.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

bool line_offsets_portable(struct slice text, size_t lines, uint32_t *offsets)
{
    size_t at = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < lines; i++) {
        at += slice_find_byte(slice_from(text, at), '\n') + 1;
        if (at > text.len)
            return false;
        offsets[i + 1] = (uint32_t)at;
    }
    return at == text.len;
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi"))) static bool line_offsets_avx2(struct slice text, size_t lines, uint32_t *offsets)
{
    const __m256i newline = _mm256_set1_epi8('\n');
    size_t found = 0;
    offsets[0] = 0;
    for (size_t at = 0; at < text.len; at += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + at));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + at + 32));
        uint64_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, newline)) |
                        (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, newline)) << 32;
        if (text.len - at < 64)
            hits &= (UINT64_C(1) << (text.len - at)) - 1;
        for (; hits != 0; hits &= hits - 1) {
            if (found == lines)
                return false;
            offsets[++found] = (uint32_t)(at + (size_t)__builtin_ctzll(hits) + 1);
        }
    }
    return found == lines && offsets[lines] == text.len;
}
#endif

bool line_offsets(struct slice text, size_t lines, uint32_t *offsets)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return line_offsets_avx2(text, lines, offsets);
#endif
    return line_offsets_portable(text, lines, offsets);
}
