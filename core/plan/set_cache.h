/* set_cache.h: what was found out for the metadata sets of one batch, so that it is found out once a set and not once a row. Cleared in
 * constant time. Thread: one at a time. */
#pragma once

#include "core/plan/source.h"

struct set_cache {
    void **values;    /* by metadata set; the last is for rows without metadata */
    uint32_t *stamps; /* a value holds if its stamp is `now` */
    size_t cap;
    uint32_t now;
};

/* Forgets all and makes room for the batch. */
void set_cache_begin(struct set_cache *cache, const struct entry_batch *batch);
void set_cache_fini(struct set_cache *cache); /* all zero is an empty cache */

/* metadata_index: UINT32_MAX for none. NULL: not known yet. */
static inline void *set_cache_get(const struct set_cache *cache, uint32_t metadata_index)
{
    size_t i = metadata_index == UINT32_MAX ? cache->cap - 1 : metadata_index;
    return cache->stamps[i] == cache->now ? cache->values[i] : NULL;
}
static inline void set_cache_put(struct set_cache *cache, uint32_t metadata_index, void *value)
{
    size_t i = metadata_index == UINT32_MAX ? cache->cap - 1 : metadata_index;
    cache->stamps[i] = cache->now;
    cache->values[i] = value;
}
