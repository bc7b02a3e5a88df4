#include "core/ingest/level_word.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static bool is_left_boundary(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '[' || c == '(' || c == '{' || c == '"' || c == '=';
}

static bool is_right_boundary(char c)
{
    return is_left_boundary(c) || c == ']' || c == ')' || c == '}' || c == ':' || c == ',' || c == '!';
}

static bool word_ends(struct slice line, size_t at, struct slice word)
{
    if (line.len - at < word.len || (line.len - at > word.len && !is_right_boundary(line.ptr[at + word.len])))
        return false;
    for (size_t i = 2; i < word.len; i++) { // the caller has seen the first two
        if ((line.ptr[at + i] | 0x20) != word.ptr[i])
            return false;
    }
    return true;
}

// The level of the word that begins at `at`, which has a boundary on its left.
static bool word_at(struct slice line, size_t at, enum level *out)
{
    static const struct {
        struct slice word;
        enum level level;
    } words[] = {
        {SLICE("info"), LEVEL_INFO},   {SLICE("error"), LEVEL_ERROR},     {SLICE("err"), LEVEL_ERROR},
        {SLICE("warn"), LEVEL_WARN},   {SLICE("warning"), LEVEL_WARN},    {SLICE("debug"), LEVEL_DEBUG},
        {SLICE("trace"), LEVEL_TRACE}, {SLICE("critical"), LEVEL_CRITICAL}, {SLICE("fatal"), LEVEL_FATAL},
    };
    if (line.len - at < 3)
        return false;
    char first = (char)(line.ptr[at] | 0x20);
    char second = (char)(line.ptr[at + 1] | 0x20);
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (words[i].word.ptr[0] == first && words[i].word.ptr[1] == second && word_ends(line, at, words[i].word)) {
            *out = words[i].level;
            return true;
        }
    }
    return false;
}

enum level level_word_find_portable(struct slice line)
{
    enum level level = LEVEL_UNKNOWN;
    for (size_t at = 0; at < line.len; at++) {
        if ((at == 0 || is_left_boundary(line.ptr[at - 1])) && word_at(line, at, &level))
            return level;
    }
    return LEVEL_UNKNOWN;
}

#if defined(__x86_64__)
#define AVX2_BYTES_MIN 34 // position 0, and one block with a byte on each side

// Bits of a byte's low and of its high half, ANDed: not 0 if the byte is in the class.
__attribute__((target("avx2"))) static inline __m256i classify(__m256i bytes, __m256i low, __m256i high)
{
    __m256i half = _mm256_set1_epi8(0x0f);
    return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)),
                            _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
}

// Bits of the pairs of letters that words begin with: 1 tr, 2 de, 4 fa, 8 cr and er, 16 wa, 32 in.
__attribute__((target("avx2"))) static enum level find_avx2(struct slice line)
{
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
    const __m256i first_low = TWICE(0, 0, 0, 8, 1 | 2, 8, 4, 16, 0, 32, 0, 0, 0, 0, 0, 0);
    const __m256i first_high = TWICE(0, 0, 0, 0, 0, 0, 2 | 4 | 8 | 32, 1 | 16, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i second_low = TWICE(0, 4 | 16, 1 | 8, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0);
    const __m256i second_high = TWICE(0, 0, 0, 0, 0, 0, 2 | 4 | 16 | 32, 1 | 8, 0, 0, 0, 0, 0, 0, 0, 0);
    // Boundaries: 1 tab and newline, 2 space, '"' and '(', 4 '=', 8 '[' and '{'.
    const __m256i left_low = TWICE(2, 0, 2, 0, 0, 0, 0, 0, 2, 1, 1, 8, 0, 4, 0, 0);
    const __m256i left_high = TWICE(1, 0, 2, 4, 0, 8, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0);
#undef TWICE
    const __m256i lower = _mm256_set1_epi8(0x20);
    enum level level = LEVEL_UNKNOWN;
    if (word_at(line, 0, &level))
        return level;
    size_t last = line.len - 33; // a word takes three bytes: none begins in the last one
    for (size_t at = 1;; at = at + 32 < last ? at + 32 : last) { // the last block overlaps the one before, whose positions are no words
        const char *p = line.ptr + at;
        __m256i left = classify(_mm256_loadu_si256((const __m256i *)(const void *)(p - 1)), left_low, left_high);
        __m256i first = classify(_mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)p), lower), first_low, first_high);
        __m256i second =
            classify(_mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)(p + 1)), lower), second_low, second_high);
        __m256i zero = _mm256_setzero_si256();
        __m256i misses = _mm256_or_si256(_mm256_cmpeq_epi8(left, zero), _mm256_cmpeq_epi8(_mm256_and_si256(first, second), zero));
        for (uint32_t hits = ~(uint32_t)_mm256_movemask_epi8(misses); hits != 0; hits &= hits - 1) {
            if (word_at(line, at + (size_t)__builtin_ctz(hits), &level))
                return level;
        }
        if (at == last)
            return LEVEL_UNKNOWN;
    }
}
#endif

enum level level_word_find(struct slice line)
{
#if defined(__x86_64__)
    if (line.len >= AVX2_BYTES_MIN && __builtin_cpu_supports("avx2"))
        return find_avx2(line);
#endif
    return level_word_find_portable(line);
}
