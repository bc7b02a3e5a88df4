/* block_reader.h: what block_decode.c and block_read_part.c share. Thread: as the reader. */
#pragma once

#include <stdatomic.h>
#include <zstd.h>

#include "core/base/buf.h"
#include "storage/segment/block_cache.h"
#include "storage/segment/block_parts.h"
#include "storage/segment/segment_file.h"

struct block_reader {
    struct block_cache *cache;       /* NULL: none */
    _Atomic int64_t *allowance;      /* bytes that may still go into the cache; NULL: none */
    ZSTD_DCtx *zstd;
    struct buf stored, plain, text, metadata;
    int64_t *ts_ns;
    uint32_t *offsets, *metadata_index;
    size_t row_cap;
    struct slice *sets;
    size_t set_cap;
    struct block_part parts[BLOCK_PARTS_MAX];
    int64_t decompress_ns; /* that nobody has taken */
    /* What view holds; serial 0: nothing. */
    uint64_t serial;
    size_t block;
    unsigned columns;
    struct block_view view;
    const struct cached_block *held;      /* that view is of; NULL: view is of the buffers */
    const struct cached_block *held_part; /* that the part read last is of */
};

/* Room for so many rows in the columns. */
void block_reserve_rows(struct block_reader *reader, size_t rows);

/* Gives back what is held. */
void block_reader_clear(struct block_reader *reader);

/* The bytes [0, n) of the block into reader->stored, and a head that says what the directory says. */
bool block_read_head(struct segment *segment, size_t block, size_t n, struct block_reader *reader, struct block_head *head, struct err *err) MUST_CHECK;

/* Unpacks a frame into *out, with room behind it. plain_max: what it may be at most. what: for the error. */
bool block_unpack(struct block_reader *reader, struct slice stored, uint32_t crc, bool is_plain, size_t plain_max, const char *what, struct buf *out,
                  struct err *err) MUST_CHECK;

/* Metadata of a block whose bytes up to it are in reader->stored: into reader->view. */
bool block_decode_metadata(struct block_reader *reader, const struct block_head *head, struct err *err) MUST_CHECK;

/* The table of parts, likewise: into reader->parts. */
bool block_decode_table(struct block_reader *reader, const struct block_head *head, struct err *err) MUST_CHECK;

/* Offsets of rows [first, first + rows) in their text, from the lengths of all rows (four byte planes of `all` bytes). */
bool block_offsets_of_lengths(struct slice lengths, size_t all, size_t first, size_t rows, struct slice text, uint32_t *offsets) MUST_CHECK;

/* From the part's stored bytes its times to ts_ns, and with SCAN_LINES its text behind what is in reader->text. */
bool block_unpack_part(struct block_reader *reader, const struct block_part *part, const char *stored, unsigned columns, int64_t *ts_ns,
                       struct err *err) MUST_CHECK;

/* Whether so many bytes may go into the cache. */
bool block_reader_may_keep(struct block_reader *reader, size_t bytes);
