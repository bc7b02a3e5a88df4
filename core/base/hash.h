/* hash.h: XXH3, 64 and 128 bits. Source: the XXH3 specification of libxxhash 0.8; the values are stored on disk. */
#pragma once

#include "core/base/slice.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(struct slice bytes);
uint64_t hash64_seeded(struct slice bytes, uint64_t seed);
struct hash128 hash128(struct slice bytes);
struct hash128 hash128_seeded(struct slice bytes, uint64_t seed);

static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

/* Order by high, then low. */
static inline int hash128_cmp(struct hash128 a, struct hash128 b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}
