/* stream_merge.h: the entries of one stream that lies in several parts (blocks of segments, chunk lists), as one: in time order, ties by
 * the age of the part, exact duplicates dropped. What a scan of overlapping parts shows, and what merging writes.
 *
 * A part is read when its first entry's turn has come and given back after its last, so memory follows how many parts overlap, not how many there are.
 * Thread: one at a time.
 */
#pragma once

#include "storage/compact/block_slots.h"
#include "storage/head/generation.h"

/* Entries in time order, unique among themselves. */
struct merge_piece {
    int64_t first_ns, last_ns;
    uint32_t age; /* lower: older, shown first on ties; runs of one segment have the same */
    struct segment *segment; /* with run; or NULL, and: */
    const struct segment_run *run;
    struct generation *generation;
    const struct chunk_list *list;
    const struct chunk_list_view *view;
};

/* By first_ns, age, block: the order that stream_merge_begin wants. */
int merge_piece_cmp(const void *a, const void *b);

struct merged_row {
    int64_t ts_ns;
    struct slice line, metadata; /* valid until the next row */
};

/* By which entries of one instant are told apart: 128 bits, taken as unique. */
struct hash128 entry_hash(struct slice line, struct slice metadata);

struct stream_merge;
struct stream_merge *stream_merge_create(void) MUST_CHECK;
void stream_merge_destroy(struct stream_merge *merge); /* NULL is fine */

/* Rows of [start_ns, end_ns]. The pieces and what they refer to stay until the end of the rows. */
void stream_merge_begin(struct stream_merge *merge, const struct merge_piece *pieces, size_t count, int64_t start_ns, int64_t end_ns);

/* *out_end: no row was left. */
bool stream_merge_next(struct stream_merge *merge, struct merged_row *out, bool *out_end, struct err *err) MUST_CHECK;

uint64_t stream_merge_duplicates(const struct stream_merge *merge); /* since begin */
struct block_slots *stream_merge_slots(struct stream_merge *merge);
