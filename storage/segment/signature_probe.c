#include <assert.h>
#include <fcntl.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/segment.h"
#include "storage/segment/signature.h"

#define WINDOWS_MAX 64 /* of a needle: more would tell no more */

struct signature_column { // a block's bits in each row
    uint16_t first;
    uint8_t shift; // log2 of how many
};
static_assert(SEGMENT_BLOCKS_MAX << SIGNATURE_SHIFT_MAX <= UINT16_MAX, "a bit's place in its row fits");
static_assert((SEGMENT_BLOCKS_MAX << SIGNATURE_SHIFT_MAX) / 8 <= SIGNATURE_PAGE - 4, "a row fits in its page");

static bool head_check(struct signature *signature, const char *p, uint32_t segment_crc, size_t blocks, struct err *err)
{
    if (memcmp(p, "LogiSig\n", 8) != 0 || le32_get(p + 28) != crc32c(0, slice_of(p, 28)))
        return err_set(err, ERR_CORRUPT, "header: checksum");
    uint32_t version = le32_get(p + 8);
    uint32_t rows = le32_get(p + 16);
    if (version < 1 || version > 2 || le32_get(p + 12) != SIGNATURE_GRAM || rows < SIGNATURE_ROWS_MIN || rows > SIGNATURE_ROWS_MAX || rows % 64 != 0)
        return err_set(err, ERR_CORRUPT, "header: version %u, windows of %u bytes, %u rows", version, le32_get(p + 12), rows);
    if (le32_get(p + 20) != blocks || le32_get(p + 24) != segment_crc || blocks == 0 || blocks > SEGMENT_BLOCKS_MAX)
        return err_set(err, ERR_CORRUPT, "header: of another segment");
    signature->rows = rows;
    signature->blocks = (uint32_t)blocks;
    signature->pages_offset = version == 1 ? SIGNATURE_HEAD : SIGNATURE_HEAD + blocks + 4;
    return true;
}

/* Version 2's bits of each block. */
static bool columns_read(struct signature *signature, size_t *row_bits, struct err *err)
{
    char shifts[SEGMENT_BLOCKS_MAX + 4];
    size_t blocks = signature->blocks;
    if (!disk_read_all(signature->disk, signature->fd, shifts, blocks + 4, SIGNATURE_HEAD, err))
        return err_wrap(err, "blocks");
    if (le32_get(shifts + blocks) != crc32c(0, slice_of(shifts, blocks)))
        return err_set(err, ERR_CORRUPT, "blocks: checksum");
    signature->columns = mem_array(blocks, sizeof(*signature->columns));
    *row_bits = 0;
    for (size_t i = 0; i < blocks; i++) {
        uint8_t shift = (uint8_t)shifts[i];
        if (shift > SIGNATURE_SHIFT_MAX)
            return err_set(err, ERR_CORRUPT, "block %zu: 2^%u bits in a row", i, shift);
        signature->columns[i] = (struct signature_column){(uint16_t)*row_bits, shift};
        *row_bits += (size_t)1 << shift;
    }
    return true;
}

static bool layout_check(struct signature *signature, size_t row_bits, struct err *err)
{
    signature->row_bytes = (uint32_t)(row_bits + 7) / 8;
    signature->rows_per_page = (uint32_t)(SIGNATURE_PAGE - 4) / signature->row_bytes;
    uint64_t pages = (signature->rows + signature->rows_per_page - 1) / signature->rows_per_page;
    uint64_t want = signature->pages_offset + pages * SIGNATURE_PAGE;
    return signature->file_bytes == want || err_set(err, ERR_CORRUPT, "%llu bytes, want %llu", (unsigned long long)signature->file_bytes,
                                                    (unsigned long long)want);
}

bool signature_open(struct signature *signature, const struct disk *disk, const char *path, uint32_t segment_crc, size_t blocks,
                    struct err *err)
{
    *signature = (struct signature){.disk = disk, .fd = disk->open(disk, path, O_RDONLY | O_CLOEXEC, 0)};
    if (signature->fd < 0)
        return err_set(err, ERR_NOT_FOUND, "cannot be opened");
    char head[SIGNATURE_HEAD];
    struct stat stat;
    bool ok = disk->fstat(disk, signature->fd, &stat) == 0 || err_errno(err, "fstat");
    signature->file_bytes = ok ? (uint64_t)stat.st_size : 0;
    ok = ok && disk_read_all(disk, signature->fd, head, sizeof(head), 0, err) && head_check(signature, head, segment_crc, blocks, err);
    size_t row_bits = blocks;
    if (ok && signature->pages_offset > SIGNATURE_HEAD)
        ok = columns_read(signature, &row_bits, err);
    ok = ok && layout_check(signature, row_bits, err);
    if (!ok)
        signature_close(signature);
    return ok;
}

void signature_close(struct signature *signature)
{
    if (signature->fd >= 0)
        (void)signature->disk->close(signature->disk, signature->fd);
    mem_free(signature->columns);
    signature->columns = NULL;
    signature->fd = -1;
}

static bool page_read(const struct signature *signature, uint32_t page, char *bytes, struct err *err)
{
    if (!disk_read_all(signature->disk, signature->fd, bytes, SIGNATURE_PAGE, signature->pages_offset + (uint64_t)page * SIGNATURE_PAGE, err))
        return err_wrap(err, "page %u", page);
    if (le32_get(bytes + SIGNATURE_PAGE - 4) != crc32c(0, slice_of(bytes, SIGNATURE_PAGE - 4)))
        return err_set(err, ERR_CORRUPT, "page %u: checksum", page);
    return true;
}

/* Of the blocks, keeps those whose bit for the hash is set in its row. */
static void keep_blocks(const struct signature *signature, uint32_t hash, const uint8_t *row, uint64_t *blocks)
{
    // The bit of a block with the most bits in a row; of one with fewer, its place is that through a power of two.
    uint32_t finest = signature_row(hash, signature->rows << SIGNATURE_SHIFT_MAX) & ((1u << SIGNATURE_SHIFT_MAX) - 1);
    for (size_t w = 0; w < SEGMENT_BLOCKS_MAX / 64; w++) {
        for (uint64_t left = blocks[w]; left != 0; left &= left - 1) {
            uint64_t lowest = left & -left;
            const struct signature_column *column = &signature->columns[w * 64 + (size_t)__builtin_ctzll(left)];
            uint32_t bit = column->first + (finest >> (SIGNATURE_SHIFT_MAX - column->shift));
            if ((row[bit / 8] >> (bit % 8) & 1) == 0)
                blocks[w] &= ~lowest;
        }
    }
}

/* ANDs a window's row into the blocks. False: nothing is left, or nothing can be told. */
static bool probe_window(const struct signature *signature, const char *p, uint64_t *blocks)
{
    char window[8] = {0};
    char page[SIGNATURE_PAGE];
    struct err err;
    memcpy(window, p, SIGNATURE_GRAM);
    uint32_t hash = signature_hash(window);
    uint32_t row = signature_row(hash, signature->rows);
    if (!page_read(signature, row / signature->rows_per_page, page, &err))
        return false;
    const char *bytes = page + (size_t)(row % signature->rows_per_page) * signature->row_bytes;
    uint64_t left = 0;
    if (signature->columns != NULL) {
        keep_blocks(signature, hash, (const uint8_t *)bytes, blocks);
    } else {
        uint64_t bits[SEGMENT_BLOCKS_MAX / 64] = {0};
        memcpy(bits, bytes, signature->row_bytes);
        for (size_t w = 0; w < LENGTH(bits); w++)
            blocks[w] &= bits[w];
    }
    for (size_t w = 0; w < SEGMENT_BLOCKS_MAX / 64; w++)
        left |= blocks[w];
    return left != 0;
}

void signature_probe(const struct signature *signature, struct slice text, uint64_t *blocks)
{
    if (signature->fd < 0 || text.len < SIGNATURE_GRAM)
        return;
    for (size_t i = signature->blocks; i < SEGMENT_BLOCKS_MAX; i++) // the segment has no more
        blocks[i / 64] &= ~(UINT64_C(1) << (i % 64));
    // Windows of a long needle are taken apart from one another first: neighbours tell much the same.
    size_t windows = text.len - SIGNATURE_GRAM + 1;
    size_t stride = windows > 8 ? SIGNATURE_GRAM : 1;
    size_t probed = 0;
    for (size_t phase = 0; phase < stride; phase++) {
        for (size_t at = phase; at < windows && probed < WINDOWS_MAX; at += stride, probed++) {
            if (!probe_window(signature, text.ptr + at, blocks))
                return;
        }
    }
}

bool signature_verify(const struct signature *signature, struct err *err)
{
    uint32_t pages = (signature->rows + signature->rows_per_page - 1) / signature->rows_per_page;
    char page[SIGNATURE_PAGE];
    for (uint32_t i = 0; i < pages; i++) {
        if (!page_read(signature, i, page, err))
            return false;
    }
    return true;
}
