#include "storage/segment/block_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"
#include "storage/segment/block_parts.h"

#define PLACES ((size_t)1024) /* of the table; more blocks than that make chains */
#define TEXT_SLACK ((size_t)64)

struct kept_block {
    struct cached_block block; /* first: what callers hold */
    _Atomic uint32_t references; /* the cache's own is one */
    uint64_t serial;
    size_t number;
    uint32_t part;
    size_t bytes; /* charged to the cache */
    size_t taken; /* of big_block; 0: of mem_alloc */
    struct kept_block *next_in_place;
    struct kept_block *newer, *older;
};

struct block_cache {
    pthread_mutex_t lock;
    size_t bytes_max;
    _Atomic size_t bytes; // written under the lock
    struct kept_block *places[PLACES];
    struct kept_block *newest, *oldest;
    struct block_cache_stats stats;
};

struct block_cache *block_cache_create(size_t bytes_max)
{
    struct block_cache *cache = mem_zero(sizeof(*cache));
    (void)pthread_mutex_init(&cache->lock, NULL);
    cache->bytes_max = bytes_max;
    return cache;
}

static struct kept_block *kept_alloc(size_t bytes)
{
    size_t taken = bytes < BIG_BLOCK_BYTES_MIN ? 0 : bytes;
    struct kept_block *kept = taken == 0 ? mem_alloc(bytes) : big_block_take(&taken);
    *kept = (struct kept_block){.references = 1, .bytes = bytes, .taken = taken};
    return kept;
}

static void kept_free(struct kept_block *kept)
{
    if (kept->taken == 0)
        mem_free(kept);
    else
        big_block_give(kept, kept->taken);
}

static void release(struct kept_block *kept)
{
    if (atomic_fetch_sub_explicit(&kept->references, 1, memory_order_acq_rel) == 1) // the last one sees all that others did with it
        kept_free(kept);
}

void block_cache_release(const struct cached_block *block)
{
    if (block != NULL)
        release((struct kept_block *)(uintptr_t)block); // the one thing that a holder may change
}

static struct kept_block **place_of(struct block_cache *cache, uint64_t serial, size_t number, uint32_t part)
{
    uint64_t hash = ((serial * 521 + number) * 263 + part) * UINT64_C(0x9e3779b97f4a7c15);
    return &cache->places[hash >> 54];
}

static void unlink_age(struct block_cache *cache, struct kept_block *kept)
{
    *(kept->newer == NULL ? &cache->newest : &kept->newer->older) = kept->older;
    *(kept->older == NULL ? &cache->oldest : &kept->older->newer) = kept->newer;
}

static void link_newest(struct block_cache *cache, struct kept_block *kept)
{
    kept->newer = NULL;
    kept->older = cache->newest;
    *(cache->newest == NULL ? &cache->oldest : &cache->newest->newer) = kept;
    cache->newest = kept;
}

static struct kept_block **find(struct block_cache *cache, uint64_t serial, size_t number, uint32_t part)
{
    struct kept_block **at = place_of(cache, serial, number, part);
    while (*at != NULL && ((*at)->serial != serial || (*at)->number != number || (*at)->part != part))
        at = &(*at)->next_in_place;
    return at;
}

static void drop(struct block_cache *cache, struct kept_block **at)
{
    struct kept_block *kept = *at;
    *at = kept->next_in_place;
    unlink_age(cache, kept);
    cache->bytes -= kept->bytes;
    release(kept);
}

static void shrink(struct block_cache *cache, size_t bytes)
{
    while (cache->bytes > bytes) {
        drop(cache, find(cache, cache->oldest->serial, cache->oldest->number, cache->oldest->part));
        cache->stats.evictions++;
    }
}

void block_cache_shrink(struct block_cache *cache, size_t bytes)
{
    pthread_mutex_lock(&cache->lock);
    shrink(cache, bytes);
    pthread_mutex_unlock(&cache->lock);
}

void block_cache_destroy(struct block_cache *cache)
{
    if (cache == NULL)
        return;
    shrink(cache, 0);
    (void)pthread_mutex_destroy(&cache->lock);
    mem_free(cache);
}

size_t block_cache_bytes(const struct block_cache *cache)
{
    return atomic_load_explicit(&cache->bytes, memory_order_relaxed); // a figure
}

void block_cache_stats(struct block_cache *cache, struct block_cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    *out = cache->stats;
    out->bytes = cache->bytes;
    out->bytes_max = cache->bytes_max;
    pthread_mutex_unlock(&cache->lock);
}

const struct cached_block *block_cache_find(struct block_cache *cache, uint64_t serial, size_t block, uint32_t part, unsigned columns)
{
    pthread_mutex_lock(&cache->lock);
    struct kept_block *kept = *find(cache, serial, block, part);
    if (kept != NULL && (columns & ~kept->block.columns) != 0)
        kept = NULL;
    if (kept != NULL) {
        atomic_fetch_add_explicit(&kept->references, 1, memory_order_relaxed); // the cache's own keeps it
        unlink_age(cache, kept);
        link_newest(cache, kept);
        cache->stats.hits++;
    } else {
        cache->stats.misses++;
    }
    pthread_mutex_unlock(&cache->lock);
    return kept == NULL ? NULL : &kept->block;
}

/* ---- copying ---- */

struct places { /* where in the copy each column of the view begins */
    size_t times, offsets, indexes, sets, metadata, parts, text, end;
};

static size_t place(size_t *at, size_t bytes)
{
    size_t begin = *at;
    *at = (begin + bytes + 7) & ~(size_t)7;
    return begin;
}

static struct places places_of(const struct block_view *view, size_t metadata_bytes, size_t text_bytes)
{
    size_t at = (sizeof(struct kept_block) + 7) & ~(size_t)7;
    struct places places = {.times = place(&at, view->ts_ns == NULL ? 0 : view->entries * sizeof(*view->ts_ns))};
    places.offsets = place(&at, view->offsets == NULL ? 0 : ((size_t)view->entries + 1) * sizeof(*view->offsets));
    places.indexes = place(&at, view->metadata_index == NULL ? 0 : view->entries * sizeof(*view->metadata_index));
    places.sets = place(&at, view->metadata_set_count * sizeof(*view->metadata_sets));
    places.metadata = place(&at, metadata_bytes);
    places.parts = place(&at, view->layout.part_count * sizeof(*view->layout.parts));
    places.text = place(&at, view->text == NULL ? 0 : text_bytes + TEXT_SLACK);
    places.end = at;
    return places;
}

static const void *copy(char *to, const void *from, size_t bytes)
{
    return from == NULL ? NULL : memcpy(to, from, bytes);
}

static void copy_view(const struct block_view *view, struct slice metadata, size_t text_bytes, const struct places *places, char *base,
                      struct block_view *out)
{
    *out = *view;
    out->ts_ns = copy(base + places->times, view->ts_ns, view->entries * sizeof(*view->ts_ns));
    out->offsets = copy(base + places->offsets, view->offsets, ((size_t)view->entries + 1) * sizeof(*view->offsets));
    out->metadata_index = copy(base + places->indexes, view->metadata_index, view->entries * sizeof(*view->metadata_index));
    out->text = copy(base + places->text, view->text, text_bytes + TEXT_SLACK);
    out->layout.parts = copy(base + places->parts, view->layout.parts, view->layout.part_count * sizeof(*view->layout.parts));
    out->metadata_sets = NULL;
    if (view->metadata_set_count == 0)
        return;
    memcpy(base + places->metadata, metadata.ptr, metadata.len);
    struct slice *sets = (struct slice *)(void *)(base + places->sets);
    for (size_t i = 0; i < view->metadata_set_count; i++) {
        struct slice set = view->metadata_sets[i];
        assert(set.len == 0 || (set.ptr >= metadata.ptr && set.ptr + set.len <= metadata.ptr + metadata.len));
        sets[i] = set.len == 0 ? SLICE_NONE : slice_of(base + places->metadata + (set.ptr - metadata.ptr), set.len);
    }
    out->metadata_sets = sets;
}

void block_cache_add(struct block_cache *cache, uint64_t serial, size_t block, uint32_t part, unsigned columns, const struct block_view *view,
                     struct slice metadata, size_t text_bytes)
{
    struct places places = places_of(view, view->metadata_set_count == 0 ? 0 : metadata.len, text_bytes);
    if (places.end > cache->bytes_max / 4)
        return;
    struct kept_block *kept = kept_alloc(places.end);
    kept->serial = serial;
    kept->number = block;
    kept->part = part;
    kept->block.columns = columns;
    copy_view(view, metadata, text_bytes, &places, (char *)kept, &kept->block.view);

    pthread_mutex_lock(&cache->lock);
    struct kept_block **at = find(cache, serial, block, part);
    bool is_known = *at != NULL && (columns & ~(*at)->block.columns) == 0; // another thread was faster
    if (!is_known) {
        if (*at != NULL)
            drop(cache, at);
        shrink(cache, cache->bytes_max - kept->bytes);
        at = place_of(cache, serial, block, part);
        kept->next_in_place = *at;
        *at = kept;
        link_newest(cache, kept);
        cache->bytes += kept->bytes;
    }
    pthread_mutex_unlock(&cache->lock);
    if (is_known)
        release(kept);
}
