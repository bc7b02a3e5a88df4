/* duplicate_sieve.h: finds the rows of a part of a stream that an older part over the same time (an elder) has too: the same time, line and metadata.
 *
 * First times are compared, which are a small column of their own. Lines are read only of blocks in which an instant of the part occurs as well.
 * Thread: one at a time; a scratch of a scan's reader.
 */
#pragma once

#include "storage/compact/block_slots.h"
#include "storage/store/scan.h"

/* Rows of one part, in time order. */
struct part_rows {
    const int64_t *ts_ns;
    uint32_t count;
    int64_t first_ns, last_ns; /* all that the part has between these are here, for known_pairs; first > last: not known, and of chunk lists not asked */
    /* Of a block: */
    struct segment *segment; /* NULL: of a chunk list */
    const struct segment_run *run;
    uint32_t first_row; /* of the block */
    const struct entry_batch *batch; /* its lines and metadata from batch_row on, if they have been read already; or NULL */
    uint32_t batch_row;
    /* Of a chunk list: */
    const struct head_row *rows;
    struct generation *generation;
};

struct duplicate_sieve;
/* What it finds of whole runs goes to *known, which outlives it. */
struct duplicate_sieve *duplicate_sieve_create(struct known_pairs *known) MUST_CHECK;
void duplicate_sieve_destroy(struct duplicate_sieve *sieve); /* NULL is fine */

/* *out_twice: a byte a row, 1: an elder has it too; NULL: none of them is. Valid until the next call. */
bool duplicate_sieve_find(struct duplicate_sieve *sieve, const struct scan_elders *elders, const struct part_rows *rows, const uint8_t **out_twice,
                          uint32_t *out_count, struct err *err) MUST_CHECK;

/* *out_meets: an instant of the rows occurs in an elder. If not, none of the rows does. */
bool duplicate_sieve_meets(struct duplicate_sieve *sieve, const struct scan_elders *elders, const struct part_rows *rows, bool *out_meets,
                           struct err *err) MUST_CHECK;

/* After a unit: gives back what is large, and tells what was read since the last time. */
void duplicate_sieve_rest(struct duplicate_sieve *sieve, uint64_t *out_blocks, uint64_t *out_stored_bytes, int64_t *out_decompress_ns);

/* The times of chunk list rows; valid until the next call. */
const int64_t *duplicate_sieve_times(struct duplicate_sieve *sieve, const struct head_rows *rows);
