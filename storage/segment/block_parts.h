/* block_parts.h: the lines of a block in several frames of zstd, so that what lies in a short time is read without the rest.
 *
 * A part is whole rows. The last one, where the newest lines of most queries are, is a quarter as large as the others: so a query for the newest lines
 * unpacks little, and the small frame costs little (decisions/0020).
 *
 * FORMAT: the table stands before the parts, 16 bytes a part: u32 rows, u32 bytes of text, u32 stored bytes (bit 31: as they are, not by zstd), u32 crc32c of the stored
 * bytes. Little-endian.
 */
#pragma once

#include "storage/segment/block_encode.h"

#define BLOCK_PARTS_MAX 255u
#define BLOCK_PART_ENTRY ((size_t)16)
#define BLOCK_PART_IS_PLAIN (UINT32_C(1) << 31)

/* Of a block's flags: how many parts; 0: the text is one frame. */
static inline uint32_t block_part_count(uint32_t flags)
{
    return flags >> 16 & 0xff;
}

struct block_part {
    uint32_t first_row, rows;
    uint32_t text_at, text_bytes; /* in the block's text */
    uint32_t stored_at, stored_bytes; /* behind the table */
    uint32_t crc;
    bool is_plain;
};

/* Cuts rows into parts of about part_bytes, the last one of a quarter of that. Returns how many; 1: not worth it. offsets: count + 1. */
uint32_t block_parts_cut(const uint32_t *offsets, size_t count, size_t part_bytes, struct block_part *out);

void block_part_put(const struct block_part *part, char *p); /* BLOCK_PART_ENTRY bytes */

/* False: the table does not make up so many rows and bytes. stored_bytes: of all parts, without the table. */
bool block_parts_take(struct slice table, uint32_t count, uint32_t rows, uint32_t text_bytes, uint64_t stored_bytes, struct block_part *out) MUST_CHECK;
