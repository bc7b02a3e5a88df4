/* seen_set.h: a set of 64-bit hashes; two entries with the same one are taken for the same (2^-50 for the tens of thousands that are held).
 * Thread: one at a time. */
#pragma once

#include "core/base/slice.h"

struct seen_set { /* all zero: empty */
    uint64_t *slots; /* open addressing; 0: free */
    size_t cap, count;
};

bool seen_set_add(struct seen_set *set, uint64_t hash); /* false: it was there */
bool seen_set_has(const struct seen_set *set, uint64_t hash);
void seen_set_fini(struct seen_set *set);

/* The last SEEN_RECENT to 2 * SEEN_RECENT hashes. */
#define SEEN_RECENT ((size_t)8192)
struct seen_recent { /* all zero: empty */
    struct seen_set young, old;
};
bool seen_recent_add(struct seen_recent *recent, uint64_t hash); /* false: it was there */
void seen_recent_fini(struct seen_recent *recent);
