#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/segment.h"
#include "storage/segment/signature.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A block is folded while it stays so full at most: folding doubles the fill f to 1 - (1 - f)^2. decisions/0016 has what more and less of it cost and find. */
#define FILL_PERCENT_MAX 70

/* A row of the map for so many bytes of text. */
#define TEXT_BYTES_A_ROW ((size_t)4)

#define ROWS_AT_SEAL (UINT32_C(1) << 17)  /* of blocks of 512 KiB */
#define ROWS_AT_MERGE (UINT32_C(1) << 18) /* of 1 MiB */

struct signature_block {
    uint32_t rows;
    size_t first; // of its words in the builder's bits, in bytes
};

void signature_builder_init(struct signature_builder *builder, size_t block_bytes)
{
    size_t rows = block_bytes / TEXT_BYTES_A_ROW / SIGNATURE_ROWS_UNIT * SIGNATURE_ROWS_UNIT;
    rows = rows < SIGNATURE_ROWS_MIN ? SIGNATURE_ROWS_MIN : rows > SIGNATURE_ROWS_MAX ? SIGNATURE_ROWS_MAX : rows;
    *builder = (struct signature_builder){.rows = (uint32_t)rows};
    builder->map = mem_array(rows, 1);
    for (size_t i = 0; i < LENGTH(builder->words); i++)
        builder->words[i] = mem_array(rows / 64, sizeof(uint64_t));
}

void signature_builder_fini(struct signature_builder *builder)
{
    mem_free(builder->map);
    for (size_t i = 0; i < LENGTH(builder->words); i++)
        mem_free(builder->words[i]);
    mem_free(builder->blocks);
    buf_fini(&builder->bits);
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

/* The words folded once into `out`; returns the bits that are set. */
static uint64_t fold(const uint64_t *words, size_t rows, uint64_t *out)
{
    uint64_t set = 0;
    for (size_t w = 0; w < rows / 64; w += 2) {
        out[w / 2] = fold_word(words[w]) | (uint64_t)fold_word(words[w + 1]) << 32;
        set += (uint64_t)__builtin_popcountll(out[w / 2]);
    }
    return set;
}

void signature_builder_end_block(struct signature_builder *builder)
{
    size_t rows = builder->rows;
    uint64_t *words = builder->words[0], *folded = builder->words[1];
    signature_pack(builder->map, words, rows / 64);
    memset(builder->map, 0, rows);
    while (rows % SIGNATURE_ROWS_UNIT == 0 && rows / 2 >= SIGNATURE_ROWS_MIN && fold(words, rows, folded) * 100 <= rows / 2 * FILL_PERCENT_MAX) {
        uint64_t *other = words;
        words = folded;
        folded = other;
        rows /= 2;
    }
    if (builder->count == builder->cap) {
        builder->cap = builder->cap == 0 ? 8 : builder->cap * 2;
        builder->blocks = mem_grow(builder->blocks, builder->cap, sizeof(*builder->blocks));
    }
    builder->blocks[builder->count++] = (struct signature_block){.rows = (uint32_t)rows, .first = builder->bits.len};
    buf_put(&builder->bits, slice_of((const char *)words, rows / 8));
}

/* Of the file: those of the block with the fewest, but so many that no block has more than 2^SIGNATURE_SHIFT_MAX bits in a row. */
static uint32_t common_rows(const struct signature_builder *builder)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < builder->count; i++) {
        least = builder->blocks[i].rows < least ? builder->blocks[i].rows : least;
        most = builder->blocks[i].rows > most ? builder->blocks[i].rows : most;
    }
    return least > most >> SIGNATURE_SHIFT_MAX ? least : most >> SIGNATURE_SHIFT_MAX;
}

/* Each bit twice, 32 to 64. */
static uint64_t unfold_word(uint32_t half)
{
    uint64_t x = half;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    x = (x | x << 1) & UINT64_C(0x5555555555555555);
    return x | x << 1;
}

/* The block with twice its rows, as if it had been folded once less and found nothing to tell apart. */
static void unfold(struct signature_builder *builder, struct signature_block *block)
{
    size_t first = builder->bits.len;
    for (size_t at = 0; at < block->rows / 8; at += sizeof(uint32_t)) {
        uint32_t half;
        memcpy(&half, builder->bits.ptr + block->first + at, sizeof(half));
        uint64_t whole = unfold_word(half);
        buf_put(&builder->bits, slice_of((const char *)&whole, sizeof(whole)));
    }
    *block = (struct signature_block){.rows = block->rows * 2, .first = first};
}

/* log2 of each block's bits in a row; returns their sum. */
static size_t measure_blocks(const struct signature_builder *builder, uint32_t rows, char *shifts)
{
    size_t row_bits = 0;
    for (size_t i = 0; i < builder->count; i++) {
        shifts[i] = (char)__builtin_ctz(builder->blocks[i].rows / rows);
        row_bits += (size_t)1 << shifts[i];
    }
    return row_bits;
}

/* Eight rows from `row` on, row_bytes each: of each block, eight rows' bits are one to eight bytes. */
static void put_rows(const struct signature_builder *builder, const char *shifts, size_t row, size_t row_bytes, uint8_t *out)
{
    uint32_t pending[8] = {0}; // bits of each row that fill no byte yet, and those of one block
    unsigned used = 0;
    size_t at = 0;
    for (size_t i = 0; i < builder->count; i++) {
        unsigned width = 1u << (unsigned)shifts[i];
        uint64_t bits = le64_get(builder->bits.ptr + builder->blocks[i].first + row / 8 * width); // some bytes more than are meant
        uint32_t mask = (1u << width) - 1;
        for (unsigned k = 0; k < 8; k++, bits >>= width)
            pending[k] |= ((uint32_t)bits & mask) << used;
        used += width;
        if (used < 8)
            continue;
        for (unsigned k = 0; k < 8; k++, pending[k - 1] >>= 8)
            out[k * row_bytes + at] = (uint8_t)pending[k];
        used -= 8;
        at++;
    }
    for (unsigned k = 0; used > 0 && k < 8; k++)
        out[k * row_bytes + at] = (uint8_t)pending[k];
}

static void put_head(const struct signature_builder *builder, uint32_t rows, uint32_t segment_crc, struct slice shifts, struct buf *out)
{
    char *head = buf_room(out, SIGNATURE_HEAD);
    memcpy(head, "LogiSig\n", 8);
    le32_put(head + 8, 2);
    le32_put(head + 12, (uint32_t)SIGNATURE_GRAM);
    le32_put(head + 16, rows);
    le32_put(head + 20, (uint32_t)builder->count);
    le32_put(head + 24, segment_crc);
    le32_put(head + 28, crc32c(0, slice_of(head, 28)));
    buf_took(out, SIGNATURE_HEAD);
    buf_put(out, shifts);
    le32_put(buf_room(out, 4), crc32c(0, shifts));
    buf_took(out, 4);
}

void signature_builder_encode(struct signature_builder *builder, uint32_t segment_crc, struct buf *out)
{
    assert(builder->count > 0 && builder->count <= SEGMENT_BLOCKS_MAX);
    char shifts[SEGMENT_BLOCKS_MAX];
    uint32_t rows = common_rows(builder);
    for (size_t i = 0; i < builder->count; i++)
        while (builder->blocks[i].rows < rows)
            unfold(builder, &builder->blocks[i]);
    memset(buf_room(&builder->bits, sizeof(uint64_t)), 0, sizeof(uint64_t)); // readable, for put_rows
    size_t row_bytes = (measure_blocks(builder, rows, shifts) + 7) / 8;
    size_t rows_per_page = (SIGNATURE_PAGE - 4) / row_bytes;
    put_head(builder, rows, segment_crc, slice_of(shifts, builder->count), out);

    struct buf scratch = BUF_INIT;
    uint8_t *sliced = (uint8_t *)buf_room(&scratch, rows * row_bytes);
    for (size_t row = 0; row < rows; row += 8)
        put_rows(builder, shifts, row, row_bytes, sliced + row * row_bytes);
    for (size_t row = 0; row < rows; row += rows_per_page) {
        size_t n = (rows - row < rows_per_page ? rows - row : rows_per_page) * row_bytes;
        char *page = buf_room(out, SIGNATURE_PAGE);
        memcpy(page, sliced + row * row_bytes, n);
        memset(page + n, 0, SIGNATURE_PAGE - 4 - n);
        le32_put(page + SIGNATURE_PAGE - 4, crc32c(0, slice_of(page, SIGNATURE_PAGE - 4)));
        buf_took(out, SIGNATURE_PAGE);
    }
    buf_fini(&scratch);
}
