/* signature.h: which blocks of a segment can hold a text: a bit a hash of five bytes, for each block, bit-sliced.
 *
 * Each window of SIGNATURE_GRAM bytes that lies inside a line, or inside a value of its metadata, sets the bit of its hash; bytes are taken with bit
 * 0x20 set, so that ASCII letters are found without case (and a few punctuation marks fall together: harmless). A block can hold a needle only if all bits of the
 * needle's windows are set. Never a false negative.
 *
 * A block has as many bits as the variety of its text asks for: one, two, four or eight in each row (decisions/0016).
 *
 * FORMAT (the file <name>.sig): docs/formats/segment.md. Integers are little-endian. Version 1 is read, version 2 written.
 *
 *     offset  size  field
 *          0     8  magic "LogiSig\n"
 *          8     4  version 2
 *         12     4  bytes of a window: 5
 *         16     4  rows
 *         20     4  blocks b
 *         24     4  crc32c of the segment's footer: it belongs to this segment
 *         28     4  crc32c of bytes 0 to 27
 *         32     b  of each block: log2 of its bits in a row, 0 to 3 (version 1 has neither these nor the next: one bit a block)
 *       32+b     4  crc32c of these
 *       36+b        pages of SIGNATURE_PAGE bytes: as many whole rows as fit in it less 4, zeros, crc32c of the bytes before
 *
 * A row has the bits of all blocks one after the other, from the lowest bit of its first byte on, and whole bytes. Of a block with w bits in a row: bit i of row r is
 * set when a window's hash, 24 bits as a fraction of one, falls into part r w + i of rows w. Pages are checked when they are read, so that opening costs
 * a header, and a page is all that a probe reads for a window.
 */
#pragma once

#include "core/base/buf.h"
#include "storage/disk/disk.h"

#define SIGNATURE_GRAM ((size_t)5)
#define SIGNATURE_PAGE ((size_t)2048)
#define SIGNATURE_HEAD ((size_t)32)
#define SIGNATURE_ROWS_MIN ((size_t)1024)
#define SIGNATURE_ROWS_MAX ((size_t)1 << 18)
#define SIGNATURE_ROWS_UNIT ((size_t)128) /* rows are a multiple of it until they are folded, then of half of it */
#define SIGNATURE_SHIFT_MAX 3u            /* log2 of a block's bits in a row */

#define SIGNATURE_GRAM_MASK UINT64_C(0xffffffffff)

/* The hash of five bytes as a number, bit 0x20 of each set. */
static inline uint32_t signature_hash_gram(uint64_t gram)
{
    return (uint32_t)((gram * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

/* The row that a hash falls into. Half as many rows: half the row, so that a signature can be folded. */
static inline uint32_t signature_row(uint32_t hash, uint32_t rows)
{
    return (uint32_t)((uint64_t)hash * rows >> 24);
}

/* The hash of the window at p, 24 bits; 8 readable bytes. */
static inline uint32_t signature_hash(const char *p)
{
    uint64_t gram;
    memcpy(&gram, p, sizeof(gram));
    return signature_hash_gram((gram & SIGNATURE_GRAM_MASK) | UINT64_C(0x2020202020));
}

/* ---- building: one thread ---- */

struct signature_block;

struct signature_builder {
    uint32_t rows;   /* of the map: as fine as a block's bits can be */
    uint8_t *map;    /* a byte a row, of the block that is being filled */
    uint64_t *words[2]; /* the same as bits, and folded, in turn */
    struct buf bits; /* of finished blocks, one after the other */
    struct signature_block *blocks;
    size_t count, cap; /* of blocks */
};

void signature_builder_init(struct signature_builder *builder, size_t block_bytes);
void signature_builder_fini(struct signature_builder *builder);
/* 8 readable bytes behind the text. */
void signature_builder_add(struct signature_builder *builder, struct slice text);
/* Halves the block's rows while it stays sparse enough. */
void signature_builder_end_block(struct signature_builder *builder);

/* Appends the file. */
void signature_builder_encode(struct signature_builder *builder, uint32_t segment_crc, struct buf *out);

/* Packs 64 * words bytes of 0 or 1 into bits. The portable one is there for the tests. */
void signature_pack(const uint8_t *map, uint64_t *bits, size_t words);
void signature_pack_portable(const uint8_t *map, uint64_t *bits, size_t words);

/* ---- probing: any thread ---- */

struct signature {
    const struct disk *disk;
    int fd; /* -1: there is none, nothing is pruned */
    uint32_t rows, blocks, row_bytes, rows_per_page;
    uint64_t pages_offset, file_bytes;
    struct signature_column *columns; /* of each block; NULL: one bit each, in their order */
};

/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO: signature->fd is -1. */
bool signature_open(struct signature *signature, const struct disk *disk, const char *path, uint32_t segment_crc, size_t blocks,
                    struct err *err) MUST_CHECK;
void signature_close(struct signature *signature);

/* ANDs into `blocks` (SEGMENT_BLOCKS_MAX bits) those that may hold the text. Leaves them as they are if the text is too short to tell, or
 * if the file cannot be read. */
void signature_probe(const struct signature *signature, struct slice text, uint64_t *blocks);

/* Reads all pages. */
bool signature_verify(const struct signature *signature, struct err *err) MUST_CHECK;
