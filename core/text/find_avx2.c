#include "core/text/find_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi")))

struct rare { /* of the two rare bytes */
    __m256i first, second, first_fold, second_fold;
};

AVX2 static inline __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

// 0xff where both rare bytes stand, for the 32 candidates from p on.
AVX2 static inline __m256i candidates(const struct text_needle *needle, const struct rare *rare, const char *p)
{
    __m256i a = _mm256_or_si256(load(p + needle->first), rare->first_fold);
    __m256i b = _mm256_or_si256(load(p + needle->second), rare->second_fold);
    return _mm256_and_si256(_mm256_cmpeq_epi8(a, rare->first), _mm256_cmpeq_epi8(b, rare->second));
}

AVX2 static inline size_t verify(const struct text_needle *needle, const char *text, size_t at, uint32_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        size_t candidate = at + (size_t)__builtin_ctz(mask);
        if (text_needle_is_at(needle, text + candidate))
            return candidate;
    }
    return TEXT_ABSENT;
}

// Four blocks a turn with one branch: twice the speed of one block a turn for a needle that is not there.
AVX2 size_t text_find_avx2(const struct text_needle *needle, const char *text, size_t from, size_t end)
{
    struct rare rare = {_mm256_set1_epi8((char)needle->first_byte), _mm256_set1_epi8((char)needle->second_byte),
                        _mm256_set1_epi8((char)needle->first_fold), _mm256_set1_epi8((char)needle->second_fold)};
    size_t i = from;
    while (end - i >= 128) {
        __m256i a = candidates(needle, &rare, text + i);
        __m256i b = candidates(needle, &rare, text + i + 32);
        __m256i c = candidates(needle, &rare, text + i + 64);
        __m256i d = candidates(needle, &rare, text + i + 96);
        __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        if (_mm256_testz_si256(any, any) == 0) {
            __m256i blocks[4] = {a, b, c, d};
            for (size_t k = 0; k < 4; k++) {
                size_t at = verify(needle, text, i + 32 * k, (uint32_t)_mm256_movemask_epi8(blocks[k]));
                if (at != TEXT_ABSENT)
                    return at;
            }
        }
        i += 128;
    }
    for (; i < end; i += 32) {
        size_t at = end - i < 32 ? end - 32 : i; // the last block is moved back
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(candidates(needle, &rare, text + at));
        size_t found = verify(needle, text, at, at < i ? mask & (uint32_t)(~(uint64_t)0 << (i - at)) : mask);
        if (found != TEXT_ABSENT)
            return found;
    }
    return TEXT_ABSENT;
}
#endif
