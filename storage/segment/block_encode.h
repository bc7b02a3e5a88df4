/* block_encode.h: a block: rows of consecutive streams, in frames that are compressed and checked alone.
 *
 * FORMAT: docs/formats/segment.md. Integers are little-endian.
 *
 *     offset  size  field
 *          0     4  magic "LBLK"
 *          4     4  entries n, 1 to BLOCK_ENTRIES_MAX
 *          8     4  bytes of the text: lines, each with its '\n'
 *         12     4  flags: low byte as enum segment_block_flags; bit 8 + f: frame f is stored as it is, not by zstd; third byte: parts, 0: none (block_parts.h)
 *         16    16  stored bytes of the frames T M L X, 4 each; 0: no such frame
 *         32    16  crc32c of the stored bytes of the frames
 *         48     4  crc32c of bytes 0 to 47
 *         52        frames T M L X
 *
 * T ts_column.h; M metadata_column.h; L, only if a line contains '\n': the lines' lengths as four byte planes; X the text. With parts, T is
 * their table and X their times and lines, each with a crc32c in the table; the one of X is 0.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "storage/segment/metadata_column.h"

#define BLOCK_HEAD_BYTES ((size_t)52)
#define BLOCK_MAGIC UINT32_C(0x4b4c424c) /* "LBLK" */
#define BLOCK_ENTRIES_MAX ((uint32_t)1 << 20)
#define BLOCK_TEXT_MAX ((uint32_t)1 << 30)
#define BLOCK_FRAME_IS_PLAIN(frame) (UINT32_C(0x100) << (frame))
#define BLOCK_FLAGS_LISTED UINT32_C(0xff00ff) /* of the flags: those that the directory has too */

enum block_frame { FRAME_TIMES, FRAME_METADATA, FRAME_LENGTHS, FRAME_LINES, FRAME_COUNT };

struct block_head {
    uint32_t entries, text_bytes, flags;
    uint32_t stored[FRAME_COUNT];
    uint32_t crc[FRAME_COUNT];
};

/* False: no head of a block, or a damaged one. */
bool block_head_take(struct slice *in, struct block_head *out) MUST_CHECK;

/* Rows gathered for one block. */
struct block_rows {
    int64_t *ts_ns;
    uint32_t *offsets; /* count + 1 */
    size_t count, cap;
    struct buf text;
    struct metadata_column metadata;
    bool has_newlines;
    uint32_t *ends; /* rows before which a part ends because a stream does: block_parts_end_stream */
    size_t end_count, end_cap;
};

struct block_encoder; /* zstd's context and scratch; one thread */
struct block_encoder *block_encoder_create(int zstd_level) MUST_CHECK;
void block_encoder_destroy(struct block_encoder *encoder); /* NULL is fine */

/* Appends the block of the rows; there is one at least. part_bytes: of text in a part; 0: no parts. */
bool block_encode(struct block_encoder *encoder, const struct block_rows *rows, size_t part_bytes, struct buf *out, struct block_head *out_head,
                  struct err *err) MUST_CHECK;

/* Appends zstd's frame of the bytes, content size in its header, no checksum of its own. */
bool block_compress(struct block_encoder *encoder, struct slice plain, struct buf *out, struct err *err) MUST_CHECK;
