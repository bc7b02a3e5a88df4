#include "core/patterns/line_shape.h"

#include "core/base/bytes.h"
#include "core/model/go_text.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define CHUNK ((size_t)64)
#define CHUNKS_MAX (SHAPE_BYTES_MAX / CHUNK)

/* A byte's classes: those of its lower half that its upper half has too. */
enum { CLASS_SPACE = 1, CLASS_PUNCT_2 = 2, CLASS_PUNCT_3 = 4, CLASS_DIGIT = 8, CLASS_LESS = 16, CLASS_COLON = 32, CLASS_PUNCT_5 = 64, CLASS_PUNCT_7 = 128 };
#define CLASSES_DELIMITER (CLASS_SPACE | CLASS_PUNCT_2 | CLASS_PUNCT_3 | CLASS_PUNCT_5 | CLASS_PUNCT_7)

static const uint8_t classes_low[16] = {
    [0x0] = CLASS_PUNCT_2 | CLASS_DIGIT, /* space, 0 */
    [0x1] = CLASS_DIGIT,
    [0x2] = CLASS_PUNCT_2 | CLASS_DIGIT, /* " */
    [0x3] = CLASS_DIGIT,
    [0x4] = CLASS_DIGIT,
    [0x5] = CLASS_DIGIT,
    [0x6] = CLASS_DIGIT,
    [0x7] = CLASS_PUNCT_2 | CLASS_DIGIT,                                               /* ' */
    [0x8] = CLASS_PUNCT_2 | CLASS_DIGIT,                                               /* ( */
    [0x9] = CLASS_PUNCT_2 | CLASS_DIGIT | CLASS_SPACE,                                 /* ) and tab */
    [0xa] = CLASS_SPACE | CLASS_COLON,                                                 /* \n */
    [0xb] = CLASS_SPACE | CLASS_PUNCT_3 | CLASS_PUNCT_5 | CLASS_PUNCT_7,               /* \v ; [ { */
    [0xc] = CLASS_SPACE | CLASS_PUNCT_2 | CLASS_LESS | CLASS_PUNCT_7,                  /* \f , < | */
    [0xd] = CLASS_SPACE | CLASS_PUNCT_3 | CLASS_PUNCT_5 | CLASS_PUNCT_7,               /* \r = ] } */
};
static const uint8_t classes_high[16] = {
    [0x0] = CLASS_SPACE,
    [0x2] = CLASS_PUNCT_2,
    [0x3] = CLASS_PUNCT_3 | CLASS_DIGIT | CLASS_LESS | CLASS_COLON,
    [0x5] = CLASS_PUNCT_5,
    [0x7] = CLASS_PUNCT_7,
};

/* A bit a byte of what is looked at; none is set behind it. */
struct byte_masks {
    uint64_t delimiter[CHUNKS_MAX + 1], colon[CHUNKS_MAX + 1], digit[CHUNKS_MAX + 1], special[CHUNKS_MAX + 1]; /* special: '<' and all from 0x80 on */
    size_t bytes;
};

static void chunk_portable(const char *p, struct byte_masks *masks, size_t chunk)
{
    uint64_t delimiter = 0, colon = 0, digit = 0, special = 0;
    for (unsigned i = 0; i < CHUNK; i++) {
        uint8_t byte = (uint8_t)p[i];
        unsigned classes = classes_low[byte & 15] & classes_high[byte >> 4];
        delimiter |= (uint64_t)((classes & CLASSES_DELIMITER) != 0) << i;
        colon |= (uint64_t)((classes & CLASS_COLON) != 0) << i;
        digit |= (uint64_t)((classes & CLASS_DIGIT) != 0) << i;
        special |= (uint64_t)((classes & CLASS_LESS) != 0 || byte >= 0x80) << i;
    }
    masks->delimiter[chunk] = delimiter;
    masks->colon[chunk] = colon;
    masks->digit[chunk] = digit;
    masks->special[chunk] = special;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static inline uint32_t has_class(__m256i classes, int which)
{
    __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(classes, _mm256_set1_epi8((char)which)), _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(none);
}

__attribute__((target("avx2"))) static void chunk_avx2(const char *p, struct byte_masks *masks, size_t chunk)
{
    const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)classes_low));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)classes_high));
    const __m256i half = _mm256_set1_epi8(15);
    uint64_t delimiter = 0, colon = 0, digit = 0, special = 0;
    for (unsigned i = 0; i < 2; i++) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * (size_t)i));
        __m256i classes = _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)),
                                           _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
        delimiter |= (uint64_t)has_class(classes, CLASSES_DELIMITER) << (32 * i);
        colon |= (uint64_t)has_class(classes, CLASS_COLON) << (32 * i);
        digit |= (uint64_t)has_class(classes, CLASS_DIGIT) << (32 * i);
        special |= (uint64_t)(has_class(classes, CLASS_LESS) | (uint32_t)_mm256_movemask_epi8(bytes)) << (32 * i);
    }
    masks->delimiter[chunk] = delimiter;
    masks->colon[chunk] = colon;
    masks->digit[chunk] = digit;
    masks->special[chunk] = special;
}
#endif

static void masks_make(struct byte_masks *masks, struct slice line, void (*chunk)(const char *p, struct byte_masks *masks, size_t chunk))
{
    size_t bytes = line.len < SHAPE_BYTES_MAX ? line.len : SHAPE_BYTES_MAX;
    size_t whole = bytes / CHUNK;
    masks->bytes = bytes;
    for (size_t i = 0; i < whole; i++)
        chunk(line.ptr + i * CHUNK, masks, i);
    char tail[CHUNK];
    memset(tail, 0, sizeof(tail));
    if (bytes % CHUNK > 0)
        memcpy(tail, line.ptr + whole * CHUNK, bytes % CHUNK);
    chunk(tail, masks, whole);
}

/* Where words and runs begin, in turn, a word first: at a change of what a byte is in. */
struct changes {
    const struct byte_masks *masks;
    size_t chunk;
    uint64_t bits;   /* of the chunk, those that are left */
    uint64_t in_run; /* 1: the chunk's last byte is in a run */
};

static inline uint64_t chunk_changes(struct changes *changes)
{
    uint64_t delimiter = changes->masks->delimiter[changes->chunk], colon = changes->masks->colon[changes->chunk];
    // A run goes on through the colons behind it: each is reached by a carry that begins at the first of them.
    uint64_t begins = colon & (delimiter << 1 | changes->in_run);
    uint64_t run = delimiter | (colon & (colon ^ (colon + begins)));
    uint64_t before = run << 1 | (changes->chunk == 0 ? 1 : changes->in_run);
    changes->in_run = run >> 63;
    return run ^ before;
}

static inline size_t next_change(struct changes *changes)
{
    size_t end = changes->masks->bytes;
    while (changes->bits == 0) {
        changes->chunk++;
        if (changes->chunk * CHUNK >= end)
            return end;
        changes->bits = chunk_changes(changes);
    }
    size_t at = changes->chunk * CHUNK + (size_t)__builtin_ctzll(changes->bits);
    changes->bits &= changes->bits - 1;
    return at < end ? at : end;
}

/* The bits of up to 64 bytes from start on. */
static inline uint64_t bits_at(const uint64_t *mask, size_t start, size_t len)
{
    uint64_t bits = mask[start / 64] >> (start % 64);
    if (start % 64 + len > 64)
        bits |= mask[start / 64 + 1] << (64 - start % 64);
    return len < 64 ? bits & ((UINT64_C(1) << len) - 1) : bits;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_variable(const struct byte_masks *masks, struct slice text, size_t start, size_t len, bool is_key)
{
    if (len > SHAPE_WORD_BYTES)
        return true;
    uint64_t digits = bits_at(masks->digit, start, len);
    uint64_t special = bits_at(masks->special, start, len);
    const char *word = text.ptr + start;
    if (special != 0 && (memchr(word, '<', len) != NULL || !utf8_is_valid(slice_of(word, len))))
        return true;
    if (digits == 0)
        return false;
    unsigned first = (unsigned)__builtin_ctzll(digits);
    uint64_t second = digits & (digits - 1); // without the lowest bit; no popcount: it is a call on plain x86-64
    if (second == 0)
        return !is_key && (first == 0 || !is_letter(word[first - 1]));
    if ((second & (second - 1)) == 0)
        return !is_key && !(len == 8 && memcmp(word, "HTTP/", 5) == 0);
    return true;
}

/* Whether the word that ends at `end` is a key, by what stands around it. */
static inline bool ends_key(struct slice text, size_t start, size_t end)
{
    size_t left = text.len - end;
    const char *p = text.ptr + end;
    if (left >= 1 && p[0] == '=')
        return left < 2 || p[1] != '=';
    return left >= 2 && p[0] == '"' && p[1] == ':' && start > 0 && text.ptr[start - 1] == '"';
}

static bool is_message_name(struct slice word)
{
    return slice_eq(word, SLICE("msg")) || slice_eq(word, SLICE("message"));
}

/* Words of the value of a msg: up to the next quote, if one opens it, else the next. */
static void mark_message(struct line_shape *shape)
{
    for (uint32_t i = 0; i + 1 < shape->count; i++) {
        if (!shape->words[i].is_key || !is_message_name(line_shape_word(shape, i)))
            continue;
        struct slice opens = line_shape_run(shape, i + 1);
        bool is_quoted = opens.len > 1 && opens.ptr[opens.len - 1] == '"';
        for (uint32_t k = i + 1; k < shape->count && !shape->words[k].is_key; k++) {
            struct slice behind = line_shape_run(shape, k + 1);
            shape->words[k].is_message = true;
            if (!is_quoted || slice_find_byte(behind, '"') < behind.len)
                break;
        }
        return;
    }
}

static void cut(struct line_shape *out, struct slice line, void (*chunk)(const char *p, struct byte_masks *masks, size_t chunk))
{
    struct byte_masks masks;
    bool has_keys = false;
    out->text = line;
    out->count = 0;
    masks_make(&masks, line, chunk);
    size_t end = masks.bytes;
    struct changes changes = {.masks = &masks};
    changes.bits = chunk_changes(&changes);
    size_t at = next_change(&changes);
    while (at < line.len) {
        size_t stop = at < end ? next_change(&changes) : end;
        struct shape_word *word = &out->words[out->count++];
        bool is_rest = (stop == end && end < line.len) || out->count == SHAPE_WORDS_MAX;
        stop = is_rest ? line.len : stop;
        bool is_key = !is_rest && ends_key(line, at, stop);
        *word = (struct shape_word){.start = (uint32_t)at, .len = (uint32_t)(stop - at), .is_key = is_key};
        word->is_variable = is_rest || is_variable(&masks, line, at, stop - at, is_key);
        has_keys = has_keys || is_key;
        at = is_rest ? line.len : next_change(&changes);
    }
    if (has_keys)
        mark_message(out);
}

void line_shape_cut_portable(struct line_shape *out, struct slice line)
{
    cut(out, line, chunk_portable);
}

void line_shape_cut(struct line_shape *out, struct slice line)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        cut(out, line, chunk_avx2);
        return;
    }
#endif
    cut(out, line, chunk_portable);
}

/* Source: the multiply-and-fold step of wyhash. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_span(uint64_t hash, const char *p, size_t len)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    for (; len >= 8; p += 8, len -= 8)
        hash = fold(hash ^ le64_get(p), k);
    uint64_t last = len;
    for (size_t i = 0; i < len; i++)
        last = last << 8 | (uint8_t)p[i];
    return fold(hash ^ last, UINT64_C(0xe7037ed1a0b428db));
}

uint64_t line_shape_hash(const struct line_shape *shape, uint64_t seed)
{
    uint64_t hash = fold(seed ^ UINT64_C(0x8ebc6af09c88c6e3), shape->count + UINT64_C(0x589965cc75374cc3));
    size_t at = 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct shape_word *word = &shape->words[i];
        if (!word->is_variable)
            continue;
        hash = hash_span(hash, shape->text.ptr + at, word->start - at);
        at = (size_t)word->start + word->len;
    }
    return hash_span(hash, shape->text.ptr + at, shape->text.len - at);
}
