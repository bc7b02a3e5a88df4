#include "core/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct slice bytes)
{
    return XXH3_64bits(bytes.ptr, bytes.len);
}

uint64_t hash64_seeded(struct slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

struct hash128 hash128(struct slice bytes)
{
    XXH128_hash_t h = XXH3_128bits(bytes.ptr, bytes.len);
    return (struct hash128){h.low64, h.high64};
}

struct hash128 hash128_seeded(struct slice bytes, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(bytes.ptr, bytes.len, seed);
    return (struct hash128){h.low64, h.high64};
}
