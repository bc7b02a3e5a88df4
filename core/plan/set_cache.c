#include "core/plan/set_cache.h"

#include "core/base/mem.h"

void set_cache_begin(struct set_cache *cache, const struct entry_batch *batch)
{
    size_t need = (size_t)batch->metadata_set_count + 1;
    if (need > cache->cap || cache->now == UINT32_MAX) {
        size_t cap = need > 2 * cache->cap ? need : 2 * cache->cap;
        mem_free(cache->values);
        mem_free(cache->stamps);
        *cache = (struct set_cache){.values = mem_array(cap, sizeof(void *)), .stamps = mem_array(cap, sizeof(uint32_t)), .cap = cap};
    }
    cache->now++;
}

void set_cache_fini(struct set_cache *cache)
{
    mem_free(cache->values);
    mem_free(cache->stamps);
    *cache = (struct set_cache){0};
}
