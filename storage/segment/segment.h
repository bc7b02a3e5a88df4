/* segment.h: an immutable, checksummed file of entries of one shard and one UTC day. Writing one, and reading one.
 *
 * It describes itself: tenants, label sets and counts are in it, so that the index can be rebuilt from it.
 * Format: docs/formats/segment.md (blocks: header, frames T M L X; then stream directory, block table, footer, needle signature).
 * Thread: a writer belongs to one thread; an open segment is read by many at once.
 */
#pragma once

#include "core/base/hash.h"
#include "core/plan/source.h"
#include "storage/disk/disk.h"

#define SEGMENT_BLOCKS_MAX 512 /* columns of the bit-sliced signature */

/* What the log has that this segment makes unneeded: all entries of the day with stream.low mod shard_count == shard and
 * a sequence up to `sequence` are in this or in earlier segments of the day. */
struct segment_mark {
    uint32_t shard_count;
    uint32_t shard;
    uint64_t sequence;
};

struct segment_stats {
    uint64_t file_bytes, signature_bytes;
    uint64_t entries, line_bytes, metadata_bytes;
    uint32_t blocks, streams;
    int64_t first_ns, last_ns;
    uint32_t level; /* 0: sealed, 1 and up: merged */
    struct segment_mark mark;
    int64_t created_ns;
};

/* ---- writing ---- */

struct segment_writer_config {
    const struct disk *disk;
    const char *folder;    /* of the day */
    const char *name;      /* without .seg */
    int zstd_level;        /* 1 at seal, more at compaction */
    size_t block_bytes;    /* raw lines in a block: 256 KiB to 1 MiB; a block ends at the entry that passes it */
    size_t part_bytes;     /* of a block's lines, that can be read without the others; 0: a block is read whole */
    uint32_t level;
    struct segment_mark mark;
    int64_t created_ns;
};

struct segment_writer;

bool segment_writer_open(const struct segment_writer_config *config, struct segment_writer **out, struct err *err) MUST_CHECK;

/* The entries that follow belong to this stream. Streams come in the order in which they should lie beside each other (similar ones together,
 * see segment_similarity); each stream once. The id is stream_id(tenant, encoded_labels), asserted: the file does not hold it. A stream without entries is left out. */
bool segment_writer_stream(struct segment_writer *writer, struct slice tenant, struct hash128 id, struct slice encoded_labels,
                           struct err *err) MUST_CHECK;

/* Entries of the stream in time order, ties in order of arrival, no exact duplicates. Bytes are copied. */
bool segment_writer_entry(struct segment_writer *writer, int64_t ts_ns, struct slice line, struct slice metadata,
                          struct err *err) MUST_CHECK;

/* Blocks left in this segment: when 0, the caller finishes it and begins another. */
size_t segment_writer_blocks_left(const struct segment_writer *writer);

/* Ends the file: directory, table, footer, signature; synced, renamed to its name, folder synced. The writer is gone in any case. Nothing is
 * left on disk under its name when it fails. */
bool segment_writer_finish(struct segment_writer *writer, struct segment_stats *out, struct err *err) MUST_CHECK;
void segment_writer_abandon(struct segment_writer *writer); /* NULL is fine */

/* Sort key that brings streams of one kind together: hash of the tenant and of the labels less those whose names tell instances apart (pod, instance,
 * host, filename, ...), or whose values look generated. */
uint64_t segment_similarity(struct slice tenant, struct slice encoded_labels);

/* ---- reading ---- */

struct segment; /* reference counted */

/* Reads and checks header, footer, directory and the signature's header; keeps the directory in memory; the signature's pages and blocks
 * are read with pread and checked then. A missing or damaged signature is no error: nothing is pruned, segment_verify names it. *out has one reference. ERR_CORRUPT names what and where. */
bool segment_open(const struct disk *disk, const char *folder, const char *name, struct segment **out, struct err *err) MUST_CHECK;
struct segment *segment_ref(struct segment *segment);
void segment_unref(struct segment *segment); /* the last one closes the file; with segment_unlink_on_close, unlinks it */
void segment_unlink_on_close(struct segment *segment);

const struct segment_stats *segment_stats(const struct segment *segment);
const char *segment_name(const struct segment *segment);
uint64_t segment_serial(const struct segment *segment); /* of this opening: no other has it, and none has 0 */
size_t segment_memory_bytes(const struct segment *segment);

struct segment_stream {
    struct hash128 id;
    struct slice tenant, encoded_labels; /* live with the segment */
    uint32_t first_run, run_count; /* its runs, one a block that it occurs in, in time order */
    uint64_t entries, line_bytes;
    int64_t first_ns, last_ns;
};
struct segment_run {
    uint32_t stream; /* index of the stream */
    uint32_t block;
    uint32_t first_row, entries; /* rows of the block */
    uint32_t line_bytes_low;     /* of this run: blocks are under 4 GiB */
    uint32_t metadata_bytes;
    int64_t first_ns, last_ns;
};
struct segment_block {
    uint64_t offset;
    uint32_t stored_bytes, line_bytes, entries;
    uint32_t first_run, run_count; /* runs of the block lie together in block order, too: see segment_block_runs */
    uint32_t flags;                /* SEGMENT_BLOCK_..., and in the third byte the parts */
    int64_t first_ns, last_ns;
};
enum {
    SEGMENT_BLOCK_ASCII = 1,          /* every line byte is below 0x80 */
    SEGMENT_BLOCK_HAS_NEWLINES = 2,   /* some line contains '\n' */
    SEGMENT_BLOCK_HAS_METADATA = 4,
};

size_t segment_stream_count(const struct segment *segment);
const struct segment_stream *segment_stream_at(const struct segment *segment, size_t i); /* sorted by id */
const struct segment_stream *segment_stream_find(const struct segment *segment, struct hash128 id); /* NULL: not here */
const struct segment_run *segment_stream_runs(const struct segment *segment, const struct segment_stream *stream);
/* The runs of a block, in the order of its rows. */
const struct segment_run *segment_block_runs(const struct segment *segment, const struct segment_block *block);
size_t segment_block_count(const struct segment *segment);
const struct segment_block *segment_block_at(const struct segment *segment, size_t i);

/* Clears in `blocks` (a bit a block, SEGMENT_BLOCKS_MAX bits) those that cannot hold the needle, nor one that differs from it in the case of ASCII letters
 * (other letters' case is told apart). Never clears one that does. Needles under five bytes tell nothing. */
void segment_probe(const struct segment *segment, const struct needle *needle, uint64_t blocks[SEGMENT_BLOCKS_MAX / 64]);

/* Scratch of one thread: zstd context, buffers, the last block decompressed. cache: where blocks with lines are looked for first (block_cache.h); NULL: nowhere. */
struct block_cache;
struct block_reader;
struct block_reader *block_reader_create(struct block_cache *cache) MUST_CHECK;
/* Blocks that are read from now on go into the cache, as long as the bytes of *allowance last. It lives as long as the reader is used, or until the next
 * call; NULL, as at first: none go. */
void block_reader_keep(struct block_reader *reader, _Atomic int64_t *allowance);
void block_reader_destroy(struct block_reader *reader);
int64_t block_reader_take_decompress_ns(struct block_reader *reader); /* CPU in decompression since it was last asked */

/* How a block in parts lies on the disk: for segment_read_part. */
struct block_part; /* block_parts.h */
struct block_layout {
    const struct block_part *parts;
    uint32_t part_count; /* 0: not in parts */
    uint64_t parts_at, lengths_at;
    uint32_t lengths_stored, lengths_crc;
    bool lengths_are_plain;
};

/* A decompressed block; only the columns asked for are filled (times always). Valid until the reader's next use. */
struct block_view {
    uint32_t entries;
    const int64_t *ts_ns;
    const char *text;        /* as entry_batch: '\n' after each line, 64 readable bytes behind */
    const uint32_t *offsets; /* entries + 1 */
    const uint32_t *metadata_index;
    const struct slice *metadata_sets;
    uint32_t metadata_set_count;
    uint32_t flags;
    struct block_layout layout; /* of segment_read_layout only */
};
/* columns: enum scan_columns. ERR_CORRUPT: "<name>.seg: block 7: lines: checksum". */
bool segment_read_block(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out,
                        struct err *err) MUST_CHECK;

/* ---- a block part by part, for what needs some of its rows only ---- */

#define SEGMENT_PARTS_MAX 255u /* of a block */

uint32_t segment_block_parts(const struct segment_block *block); /* 0: it can be read whole only */

/* Which parts a block has, and with SCAN_METADATA its metadata; no times, no lines. Valid until the reader reads another block. */
bool segment_read_layout(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out,
                         struct err *err) MUST_CHECK;

struct block_part_span {
    uint32_t first_row, end_row;
    int64_t first_ns, last_ns; /* no row is outside */
};
void block_view_part(const struct block_view *view, uint32_t part, struct block_part_span *out);

struct block_rows_view { /* each column begins with row first_row of the block */
    uint32_t first_row, rows;
    const int64_t *ts_ns;
    const char *text;        /* NULL without SCAN_LINES; 64 readable bytes behind */
    const uint32_t *offsets; /* rows + 1 */
    uint32_t stored_bytes;
};
/* Times of one part of the block whose layout the reader has, and with SCAN_LINES its lines. Valid until the reader's next use. */
bool segment_read_part(struct segment *segment, size_t block, uint32_t part, unsigned columns, struct block_reader *reader,
                       struct block_rows_view *out, struct err *err) MUST_CHECK;

/* Reads everything and checks all checksums and invariants; calls back for each damage. For logi verify. */
void segment_verify(struct segment *segment, void (*damaged)(void *self, const char *what), void *self);
