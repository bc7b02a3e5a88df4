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
    if (second != 'n' && second != 'r' && second != 'a' && second != 'e')
        return false;
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

// The pairs of letters that words begin with: in, er, wa, de, tr, cr, fa. (x ^ x >> 2) & 15 differs for all of the first ones: by it a table gives the letter
// itself, another one the letter that must follow. What may stand on the left, with bit 0x20 set, differs in its low four bits; bit 0x20 takes ')' for a tab and
// '*' for a newline, so the byte is looked at again.
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define FIRSTS TWICE(0, 0, 0, 'i', 0, 0, 0, 0, 0, 't', 'w', 'c', 'e', 'd', 0, 'f')
#define SECONDS TWICE(0, 0, 0, 'n', 0, 0, 0, 0, 0, 'r', 'a', 'r', 'r', 'e', 0, 'a')
#define LEFTS TWICE(' ', 0, '"', 0, 0, 0, 0, 0, '(', ')', '*', '{', 0, '=', 0, 0)

__attribute__((target("avx2"))) static inline __m256i lower_at(const char *p)
{
    return _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)p), _mm256_set1_epi8(0x20));
}

__attribute__((target("avx2"))) static enum level find_avx2(struct slice line)
{
    const __m256i firsts = FIRSTS, seconds = SECONDS, lefts = LEFTS, low = _mm256_set1_epi8(0x0f);
    enum level level = LEVEL_UNKNOWN;
    if (word_at(line, 0, &level))
        return level;
    size_t last = line.len - 33; // a word takes three bytes: none begins in the last one
    for (size_t at = 1;; at = at + 32 < last ? at + 32 : last) { // the last block overlaps the one before, whose positions are no words
        const char *p = line.ptr + at;
        __m256i left = lower_at(p - 1), first = lower_at(p), second = lower_at(p + 1);
        __m256i index = _mm256_and_si256(_mm256_xor_si256(first, _mm256_srli_epi16(first, 2)), low);
        __m256i hit = _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(firsts, index), first),
                                       _mm256_cmpeq_epi8(_mm256_shuffle_epi8(seconds, index), second));
        hit = _mm256_and_si256(hit, _mm256_cmpeq_epi8(_mm256_shuffle_epi8(lefts, left), left));
        for (uint32_t hits = (uint32_t)_mm256_movemask_epi8(hit); hits != 0; hits &= hits - 1) {
            size_t i = at + (size_t)__builtin_ctz(hits);
            if (is_left_boundary(line.ptr[i - 1]) && word_at(line, i, &level)) {
                // gcc 12 thinks that word_at has done it. Where it is not done, the thread's plain SSE waits some 60 cycles now and then: 5 % of ingest.
                _mm256_zeroupper();
                return level;
            }
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
