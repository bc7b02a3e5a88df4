/* block_cache.h: decompressed blocks that were read not long ago, for queries that read them again: the other panels of a dashboard, its next refresh.
 *
 * Kept whole, by segment and block, until others need the room: the least recently read goes first. A block that is held outlives its place in the cache.
 * Thread: any; one lock, for a few instructions a look.
 */
#pragma once

#include "storage/segment/segment.h"

struct block_cache;
struct block_cache *block_cache_create(size_t bytes_max) MUST_CHECK; /* 0: it keeps nothing */
void block_cache_destroy(struct block_cache *cache);                 /* nothing of it is held any more; NULL is fine */
void block_cache_shrink(struct block_cache *cache, size_t bytes);    /* drops the least recently read until the others are within so many bytes */

struct block_cache_stats {
    size_t bytes, bytes_max;
    uint64_t hits, misses, evictions;
};
size_t block_cache_bytes(const struct block_cache *cache); /* as of now: one load */
void block_cache_stats(struct block_cache *cache, struct block_cache_stats *out);

/* ---- for block_decode.c ---- */

struct cached_block {
    struct block_view view;
    unsigned columns; /* enum scan_columns: that view has */
};

/* What is kept of a block: all of it; its layout and metadata; or times and lines of a part, by its number. */
#define BLOCK_WHOLE UINT32_MAX
#define BLOCK_LAYOUT (UINT32_MAX - 1)

/* NULL: nothing is there with these columns. Never changes while it is held; give it back with block_cache_release. */
const struct cached_block *block_cache_find(struct block_cache *cache, uint64_t serial, size_t block, uint32_t part, unsigned columns);
void block_cache_release(const struct cached_block *block); /* NULL is fine */

/* Keeps a copy, in place of one with fewer columns. metadata: the bytes that the view's sets lie in. text_bytes: of the view's text. What is larger than a
 * quarter of the cache is not kept. */
void block_cache_add(struct block_cache *cache, uint64_t serial, size_t block, uint32_t part, unsigned columns, const struct block_view *view,
                     struct slice metadata, size_t text_bytes);
