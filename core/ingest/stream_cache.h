/* stream_cache.h: what a stream's label text stands for, for those seen before. The type and its life are in ingest.h.
 *
 * Two generations of half the entries each; when the younger is full, the older is dropped and the younger takes its place. Where far more streams come than
 * it has room for, it keeps a share of them that fits, by their keys, and the others cost it nothing: to hold the latest of a million that come in turn
 * is to hold none that is asked for.
 * Thread: one at a time.
 */
#pragma once

#include "core/base/hash.h"
#include "core/ingest/ingest.h"

struct stream_facts {
    struct hash128 stream;
    struct slice labels; /* encoding; the cache's until its next stream_cache_put */
    bool has_level;      /* a label of log_level_fields gives the level of all its entries */
};

/* The key of a label text: the seed is of tenant, limits version and whether labels are added, so that none of these has to be compared. */
struct hash128 stream_cache_key(uint64_t seed, struct slice label_text);

bool stream_cache_get(struct stream_cache *cache, struct hash128 key, struct stream_facts *out);
/* Copies the labels. */
void stream_cache_put(struct stream_cache *cache, struct hash128 key, const struct stream_facts *facts);
