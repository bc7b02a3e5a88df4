/* stream_directory.h: what a segment holds and where: streams, runs, blocks, and the footer that leads to them.
 *
 * FORMAT: docs/formats/segment.md. The directory is one zstd frame; plain, it is, in the order of writing:
 *
 *     each stream  varint 0 (tenant as before) or tenant length + 1 and tenant; varint length, label_set encoding
 *     columns      varints, all of a column together: runs of each stream; entries, line bytes, metadata bytes of each run
 *     times        ts_column.h: first of each run; last less first of each run
 *     columns      varints: stored bytes, runs, flags, stored bytes of frame T, of frame M of each block
 *
 * Streams' ids are not stored: they are stream_id of what is. Offsets, sums and bounds follow from the rest. Thread: one at a time.
 */
#pragma once

#include "storage/segment/block_encode.h"
#include "storage/segment/segment.h"

#define SEGMENT_VERSION 2u     /* that is written; */
#define SEGMENT_VERSION_MIN 1u /* and the oldest that is read: its blocks have no parts, all else is the same */
#define SEGMENT_HEAD_BYTES ((size_t)16)   /* magic "LogiSeg\n", version, crc32c of these 12 bytes */
#define SEGMENT_FOOTER_BYTES ((size_t)120)
#define SEGMENT_DIRECTORY_MAX (UINT32_C(1) << 30) /* plain */

struct segment_footer {
    uint64_t directory_offset;
    uint32_t directory_stored, directory_plain, directory_crc;
    uint32_t runs;
    struct segment_stats stats; /* without file_bytes and signature_bytes */
};

void segment_head_put(char *p);
bool segment_head_check(const char *p, struct err *err) MUST_CHECK;
/* Returns the footer's checksum, by which a signature file knows its segment. */
uint32_t segment_footer_put(const struct segment_footer *footer, char *p);
bool segment_footer_get(const char *p, struct segment_footer *out, uint32_t *crc, struct err *err) MUST_CHECK;

/* Growing, in the order of writing; or decoded, with the streams sorted by id. */
struct stream_directory {
    struct segment_stream *streams;
    struct segment_run *runs;
    struct segment_block *blocks;
    uint32_t *times_stored, *metadata_stored; /* a block: bytes of its frames T and M */
    size_t stream_count, run_count, block_count;
    size_t stream_cap, run_cap, block_cap;
    struct buf text; /* tenants and labels that the streams' slices point into, when decoded; before, of all so far */
};

void stream_directory_fini(struct stream_directory *directory);
struct segment_run *stream_directory_add_run(struct stream_directory *directory);
/* Slices are offsets until encoded: see stream_directory_encode. */
void stream_directory_add_stream(struct stream_directory *directory, struct hash128 id, struct slice tenant, struct slice labels);
void stream_directory_add_block(struct stream_directory *directory, const struct segment_block *block, const struct block_head *head);

void stream_directory_encode(const struct stream_directory *directory, struct buf *out);

/* Counts are the footer's, and checked against the bytes. ERR_CORRUPT. */
bool stream_directory_decode(struct slice plain, const struct segment_footer *footer, struct stream_directory *out, struct err *err) MUST_CHECK;
size_t stream_directory_bytes(const struct stream_directory *directory);
