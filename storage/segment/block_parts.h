/* block_parts.h: the times and lines of a block in several frames, so that what lies in a short time is read without the rest.
 *
 * A part is whole rows. A stream that has much of a block ends with a part, and that is a quarter as large as the others: there are the newest lines, which
 * most queries want, and a small frame is soon unpacked (decisions/0020).
 *
 * FORMAT: frame T of the block is the table, not compressed, BLOCK_PART_ENTRY bytes a part; frame X is for each part its times (ts_column.h) and its lines, a frame each.
 *
 *     offset  size  field
 *          0     4  rows
 *          4     4  bytes of text
 *          8     4  stored bytes of the times; bit 31: as they are, not by zstd
 *         12     4  crc32c of these
 *         16     4  stored bytes of the lines, and bit 31
 *         20     4  crc32c of these
 *         24     8  first time, ns: no row has an earlier one
 *         32     8  last time, ns
 */
#pragma once

#include "storage/segment/block_encode.h"

#define BLOCK_PARTS_MAX 255u /* SEGMENT_PARTS_MAX */
#define BLOCK_PART_ENTRY ((size_t)40)
#define BLOCK_PART_IS_PLAIN (UINT32_C(1) << 31)

/* Of a block's flags: how many parts; 0: times and text are one frame each. */
static inline uint32_t block_part_count(uint32_t flags)
{
    return flags >> 16 & 0xff;
}

struct block_part_frame {
    uint32_t stored_bytes, crc;
    bool is_plain;
};

struct block_part {
    uint32_t first_row, rows;
    uint32_t text_at, text_bytes; /* in the block's text */
    uint32_t stored_at;           /* of the times, in frame X; the lines are behind them */
    struct block_part_frame times, lines;
    int64_t first_ns, last_ns;
};

/* Whether a stream that has so much text of a block ends with a part. */
static inline bool block_parts_end_stream(size_t text_bytes, size_t part_bytes)
{
    return part_bytes > 0 && text_bytes >= part_bytes / 2;
}

/* Cuts the rows into parts of about part_bytes. Returns how many; 1: not worth it. */
uint32_t block_parts_cut(const struct block_rows *rows, size_t part_bytes, struct block_part *out);

void block_part_put(const struct block_part *part, char *p); /* BLOCK_PART_ENTRY bytes */

/* False: the table does not make up so many rows and bytes. stored_bytes: of all parts. */
bool block_parts_take(struct slice table, uint32_t count, uint32_t rows, uint32_t text_bytes, uint64_t stored_bytes, struct block_part *out) MUST_CHECK;
