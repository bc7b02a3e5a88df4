/* key_table.h: byte strings to the numbers 0, 1, 2 ... in order of arrival. Thread: one at a time. */
#pragma once

#include "core/base/arena.h"

struct key_table {
    struct slice *keys; /* by number; bytes in the arena given to key_table_add */
    uint64_t *hashes;
    size_t count, cap;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slot_count; /* a power of two */
};

#define KEY_NONE SIZE_MAX
#define KEY_TABLE_BYTES_PER_KEY ((size_t)64) /* what a budget is charged with, beside the key itself */

/* The number of the key, or KEY_NONE. */
size_t key_table_find(const struct key_table *table, struct slice key);
/* The same, after adding it if it is not there; then *out_is_new. */
size_t key_table_add(struct key_table *table, struct slice key, struct arena *arena, bool *out_is_new);
void key_table_fini(struct key_table *table); /* all zero is an empty table */
