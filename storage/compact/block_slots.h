/* block_slots.h: decompressed blocks, kept while they are used and a little longer, so that streams that share a block do not read it twice.
 *
 * Thread: one at a time.
 */
#pragma once

#include "storage/segment/segment.h"

#define BLOCK_SLOTS_KEPT ((size_t)18) /* that nobody uses now */

struct block_slot {
    struct block_reader *reader;
    struct segment *segment; /* with a reference; NULL: empty */
    size_t block;
    unsigned columns;
    struct block_view view;
    size_t users;
    uint64_t used; /* by age */
};

struct block_slots {
    struct block_slot **slots;
    size_t count;
    uint64_t clock;
    uint64_t blocks_read, stored_bytes; /* with lines; since the caller last looked, as the next */
    int64_t decompress_ns;
};

void block_slots_fini(struct block_slots *slots);

/* The block with at least these columns; pairs with release. */
bool block_slots_hold(struct block_slots *slots, struct segment *segment, size_t block, unsigned columns, struct block_slot **out,
                      struct err *err) MUST_CHECK;
void block_slots_release(struct block_slots *slots, struct block_slot *slot); /* NULL is fine */

/* Drops what nobody uses, with the references to segments. */
void block_slots_clear(struct block_slots *slots);
