#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/signature.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Folding doubles the fill f to 1 - (1 - f)^2; half is where a bit tells most for its size. */
#define FILL_PERCENT_MAX 50

/* A row for so many bytes of text: 1.56 % of raw. decisions/0003 has what more and less of it cost and find. */
#define TEXT_BYTES_A_ROW ((size_t)8)

#define ROWS_AT_SEAL (UINT32_C(1) << 16)  /* of blocks of 512 KiB */
#define ROWS_AT_MERGE (UINT32_C(1) << 17) /* of 1 MiB */

void signature_builder_init(struct signature_builder *builder, size_t block_bytes)
{
    size_t rows = block_bytes / TEXT_BYTES_A_ROW / SIGNATURE_ROWS_UNIT * SIGNATURE_ROWS_UNIT;
    rows = rows < SIGNATURE_ROWS_MIN ? SIGNATURE_ROWS_MIN : rows > SIGNATURE_ROWS_MAX ? SIGNATURE_ROWS_MAX : rows;
    *builder = (struct signature_builder){.rows = (uint32_t)rows};
    builder->map = mem_array(rows, 1);
}

void signature_builder_fini(struct signature_builder *builder)
{
    mem_free(builder->map);
    mem_free(builder->bits);
    *builder = (struct signature_builder){0};
}

/* Marks the rows of the text's windows. Made once for each number of rows that a writer's own block sizes give: a division of the hash by a constant power
 * of two is a shift, by any other number a multiplication for each byte. */
__attribute__((always_inline)) static inline void mark_windows(uint8_t *map, uint32_t rows, struct slice text)
{
    const char *end = text.ptr + text.len - (SIGNATURE_GRAM - 1);
    const char *p = text.ptr;
    for (; end - p >= 4; p += 4) { // eight bytes hold four windows: one load and one OR for them
        uint64_t bytes = le64_get(p) | UINT64_C(0x2020202020202020);
        map[signature_row(signature_hash_gram(bytes & SIGNATURE_GRAM_MASK), rows)] = 1;
        map[signature_row(signature_hash_gram(bytes >> 8 & SIGNATURE_GRAM_MASK), rows)] = 1;
        map[signature_row(signature_hash_gram(bytes >> 16 & SIGNATURE_GRAM_MASK), rows)] = 1;
        map[signature_row(signature_hash_gram(bytes >> 24), rows)] = 1;
    }
    for (; p < end; p++)
        map[signature_row(signature_hash(p), rows)] = 1;
}

void signature_builder_add(struct signature_builder *builder, struct slice text)
{
    if (text.len < SIGNATURE_GRAM)
        return;
    if (builder->rows == ROWS_AT_SEAL)
        mark_windows(builder->map, ROWS_AT_SEAL, text);
    else if (builder->rows == ROWS_AT_MERGE)
        mark_windows(builder->map, ROWS_AT_MERGE, text);
    else
        mark_windows(builder->map, builder->rows, text);
}

void signature_pack_portable(const uint8_t *map, uint64_t *bits, size_t words)
{
    for (size_t w = 0; w < words; w++) {
        uint64_t word = 0;
        // Eight bytes of 0 or 1, multiplied, leave their bits in the top byte.
        for (unsigned i = 0; i < 8; i++)
            word |= (le64_get(map + 64 * w + 8 * (size_t)i) * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
        bits[w] = word;
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void pack_avx2(const uint8_t *map, uint64_t *bits, size_t words)
{
    for (size_t w = 0; w < words; w++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(map + 64 * w));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(map + 64 * w + 32));
        uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(a, 7));
        uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(b, 7));
        bits[w] = low | (uint64_t)high << 32;
    }
}
#endif

void signature_pack(const uint8_t *map, uint64_t *bits, size_t words)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        pack_avx2(map, bits, words);
        return;
    }
#endif
    signature_pack_portable(map, bits, words);
}

void signature_builder_end_block(struct signature_builder *builder)
{
    size_t rows = builder->rows;
    if (builder->blocks == builder->cap) {
        builder->cap = builder->cap == 0 ? 8 : builder->cap * 2;
        builder->bits = mem_grow(builder->bits, builder->cap, rows / 8);
    }
    signature_pack(builder->map, builder->bits + builder->blocks * (rows / 64), rows / 64);
    memset(builder->map, 0, rows);
    builder->blocks++;
}

/* Neighbouring bits ORed, 64 to 32. */
static uint32_t fold_word(uint64_t x)
{
    x = (x | x >> 1) & UINT64_C(0x5555555555555555);
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

/* Would the blocks, folded once, be at most half full on average? */
static bool can_fold(const struct signature_builder *builder)
{
    size_t words = builder->blocks * builder->rows / 64;
    uint64_t set = 0;
    for (size_t w = 0; w < words; w++)
        set += (uint64_t)__builtin_popcount(fold_word(builder->bits[w]));
    bool is_even = builder->rows % SIGNATURE_ROWS_UNIT == 0 && builder->rows / 2 >= SIGNATURE_ROWS_MIN;
    return is_even && set * 100 <= (uint64_t)words * 32 * FILL_PERCENT_MAX;
}

static void fold(struct signature_builder *builder)
{
    size_t words = builder->blocks * builder->rows / 64;
    for (size_t w = 0; w < words; w += 2)
        builder->bits[w / 2] = fold_word(builder->bits[w]) | (uint64_t)fold_word(builder->bits[w + 1]) << 32;
    builder->rows /= 2;
}

/* Turns 8 bytes of 8 bits around: bit j of byte i becomes bit i of byte j. Source: Hacker's Delight, section 7-3. */
static uint64_t turn(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & UINT64_C(0x00aa00aa00aa00aa);
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & UINT64_C(0x0000cccc0000cccc);
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & UINT64_C(0x00000000f0f0f0f0);
    return x ^ t ^ (t << 28);
}

/* Eight rows from `row` on, row_bytes each. */
static void slice_rows(const struct signature_builder *builder, size_t row, size_t row_bytes, uint8_t *out)
{
    size_t block_bytes = builder->rows / 8;
    const uint8_t *bytes = (const uint8_t *)builder->bits + row / 8;
    for (size_t group = 0; group < row_bytes; group++) {
        uint64_t x = 0;
        for (size_t i = 0; i < 8 && group * 8 + i < builder->blocks; i++)
            x |= (uint64_t)bytes[(group * 8 + i) * block_bytes] << (8 * i);
        x = turn(x);
        for (size_t i = 0; i < 8; i++)
            out[i * row_bytes + group] = (uint8_t)(x >> (8 * i));
    }
}

void signature_builder_encode(struct signature_builder *builder, uint32_t segment_crc, struct buf *out)
{
    assert(builder->blocks > 0);
    while (can_fold(builder))
        fold(builder);
    size_t rows = builder->rows;
    size_t row_bytes = (builder->blocks + 7) / 8;
    size_t rows_per_page = (SIGNATURE_PAGE - 4) / row_bytes;

    char *head = buf_room(out, SIGNATURE_HEAD);
    memcpy(head, "LogiSig\n", 8);
    le32_put(head + 8, 1);
    le32_put(head + 12, (uint32_t)SIGNATURE_GRAM);
    le32_put(head + 16, builder->rows);
    le32_put(head + 20, (uint32_t)builder->blocks);
    le32_put(head + 24, segment_crc);
    le32_put(head + 28, crc32c(0, slice_of(head, 28)));
    buf_took(out, SIGNATURE_HEAD);

    uint8_t *sliced = mem_alloc(rows * row_bytes);
    for (size_t row = 0; row < rows; row += 8)
        slice_rows(builder, row, row_bytes, sliced + row * row_bytes);
    for (size_t row = 0; row < rows; row += rows_per_page) {
        size_t n = (rows - row < rows_per_page ? rows - row : rows_per_page) * row_bytes;
        char *page = buf_room(out, SIGNATURE_PAGE);
        memcpy(page, sliced + row * row_bytes, n);
        memset(page + n, 0, SIGNATURE_PAGE - 4 - n);
        le32_put(page + SIGNATURE_PAGE - 4, crc32c(0, slice_of(page, SIGNATURE_PAGE - 4)));
        buf_took(out, SIGNATURE_PAGE);
    }
    mem_free(sliced);
}
