/* metadata_column.h: structured metadata of a block's rows: the distinct sets, in order of first occurrence, and an index a row.
 *
 * FORMAT: varint count of sets; each set: varint length, label_set encoding (the empty set: length 0); then, if there are two sets or more,
 * the rows' indexes as byte planes of width 1 (up to 256 sets), 2 (up to 65536) or 4: byte 0 of all rows, then byte 1 of all, ...
 *
 * Thread: one at a time.
 */
#pragma once

#include "core/base/buf.h"

struct metadata_set {
    uint64_t hash;
    uint32_t offset, len; /* in bytes */
    uint32_t weight;      /* of names and values */
};

struct metadata_column {
    struct metadata_set *sets;
    size_t set_count, set_cap;
    struct buf bytes;
    uint32_t *slots; /* of the table: set index + 1; 0: free */
    size_t slot_count;
    uint32_t *rows;
    size_t row_count, row_cap;
    bool has_metadata; /* some row's set is not empty */
};

void metadata_column_fini(struct metadata_column *column);
void metadata_column_reset(struct metadata_column *column);

/* Returns the bytes of names and values in the set. */
uint32_t metadata_column_add(struct metadata_column *column, struct slice encoded);
struct slice metadata_column_set(const struct metadata_column *column, size_t i);
void metadata_column_encode(const struct metadata_column *column, struct buf *out);

/* Decodes for `rows` rows. The sets are slices of `in`; *sets has room for *set_cap and grows; index has room for rows. False: it is no such column. */
bool metadata_column_decode(struct slice in, size_t rows, struct slice **sets, size_t *set_cap, uint32_t *set_count, uint32_t *index) MUST_CHECK;
