#include "core/ingest/stream_cache.h"

#include "core/base/mem.h"

#define HALVINGS_MAX 6
#define LABELS_BYTES_MAX 4096 // longer ones are parsed each time: they must not fill the memory
#define LABELS_BYTES_EACH 256 // of an entry on average: past so much of all of them together a generation is full as well
#define LABELS_BYTES_SPARE ((size_t)64 << 10)

struct cache_entry {
    struct hash128 key;
    struct hash128 stream;
    const char *labels; // in the generation's arena; NULL: the slot is free
    uint32_t labels_bytes;
    uint32_t has_level;
};
_Static_assert(sizeof(struct cache_entry) == 48, "the size that ingest.h tells");

struct generation {
    struct cache_entry *slots; // a power of two, at most half of them taken
    size_t slot_count, count, moved; // moved: of count, to the younger one
    struct arena labels;
};

struct stream_cache {
    struct generation young, old;
    size_t count_max; // of one generation
    uint64_t hits, misses, evictions;
    unsigned halvings; // of the share of all keys that is kept
    size_t seen;         // lookups since the share was looked at last
    size_t asked, found; // of them, of the share
};

static struct generation generation_make(size_t count_max)
{
    size_t slots = 16;
    while (slots < 2 * count_max)
        slots *= 2;
    return (struct generation){.slots = mem_array(slots, sizeof(struct cache_entry)), .slot_count = slots, .labels = ARENA_INIT};
}

static void generation_fini(struct generation *generation)
{
    mem_free(generation->slots);
    arena_fini(&generation->labels);
}

struct stream_cache *stream_cache_create(size_t entries_max)
{
    struct stream_cache *cache = mem_zero(sizeof(*cache));
    cache->count_max = entries_max / 2 + 1;
    cache->young = generation_make(cache->count_max);
    cache->old = generation_make(cache->count_max);
    return cache;
}

void stream_cache_destroy(struct stream_cache *cache)
{
    if (cache == NULL)
        return;
    generation_fini(&cache->young);
    generation_fini(&cache->old);
    mem_free(cache);
}

static bool is_full(const struct stream_cache *cache)
{
    return cache->young.count == cache->count_max || cache->young.labels.bytes > cache->count_max * LABELS_BYTES_EACH + LABELS_BYTES_SPARE;
}

void stream_cache_empty(struct stream_cache *cache)
{
    cache->evictions += cache->young.count + cache->old.count - cache->old.moved;
    generation_fini(&cache->young);
    generation_fini(&cache->old);
    cache->young = generation_make(cache->count_max);
    cache->old = generation_make(cache->count_max);
}

// Slots lie where hashes put them, so the first ones cost the system a page each.
static size_t generation_bytes(const struct generation *generation)
{
    size_t slots = generation->slot_count * sizeof(struct cache_entry);
    size_t pages = generation->count * 4096;
    return (pages < slots ? pages : slots) + generation->labels.bytes;
}

struct stream_cache_counts stream_cache_counts(const struct stream_cache *cache)
{
    return (struct stream_cache_counts){cache->hits, cache->misses, cache->evictions, generation_bytes(&cache->young) + generation_bytes(&cache->old)};
}

struct hash128 stream_cache_key(uint64_t seed, struct slice label_text)
{
    return hash128_seeded(label_text, seed);
}

// The slot that has the key, or the free one where it would be.
static struct cache_entry *slot_find(const struct generation *generation, struct hash128 key)
{
    size_t at = (size_t)key.low & (generation->slot_count - 1);
    while (generation->slots[at].labels != NULL && !hash128_eq(generation->slots[at].key, key))
        at = (at + 1) & (generation->slot_count - 1);
    return &generation->slots[at];
}

static bool is_kept(const struct stream_cache *cache, struct hash128 key)
{
    return cache->halvings == 0 || key.high >> (64 - cache->halvings) == 0;
}

// Halves the share when most of it was not found again, and doubles it when nearly all was: then it is small, or fewer streams come than before.
static void share_adapt(struct stream_cache *cache)
{
    size_t missed = cache->asked - cache->found;
    if (missed > cache->count_max / 4 && cache->found < missed && cache->halvings < HALVINGS_MAX)
        cache->halvings++;
    else if (missed <= cache->count_max / 8 && cache->halvings > 0)
        cache->halvings--;
    cache->seen = cache->asked = cache->found = 0;
}

bool stream_cache_get(struct stream_cache *cache, struct hash128 key, struct stream_facts *out)
{
    if (++cache->seen > (2 * cache->count_max) << cache->halvings)
        share_adapt(cache);
    if (!is_kept(cache, key)) {
        cache->misses++;
        return false;
    }
    cache->asked++;
    const struct cache_entry *entry = slot_find(&cache->young, key);
    bool is_old = entry->labels == NULL;
    if (is_old)
        entry = slot_find(&cache->old, key);
    if (entry->labels == NULL) {
        cache->misses++;
        return false;
    }
    cache->hits++;
    cache->found++;
    *out = (struct stream_facts){entry->stream, slice_of(entry->labels, entry->labels_bytes), entry->has_level != 0};
    if (is_old && !is_full(cache)) { // in use: it outlives the older generation
        struct cache_entry *slot = slot_find(&cache->young, key);
        *slot = *entry;
        slot->labels = arena_copy(&cache->young.labels, out->labels).ptr;
        cache->young.count++;
        cache->old.moved++;
    }
    return true;
}

void stream_cache_put(struct stream_cache *cache, struct hash128 key, const struct stream_facts *facts)
{
    if (facts->labels.len == 0 || facts->labels.len > LABELS_BYTES_MAX || !is_kept(cache, key))
        return;
    if (is_full(cache)) {
        struct generation emptied = cache->old;
        cache->evictions += emptied.count - emptied.moved;
        cache->old = cache->young;
        memset(emptied.slots, 0, emptied.slot_count * sizeof(*emptied.slots));
        arena_reset(&emptied.labels);
        emptied.count = emptied.moved = 0;
        cache->young = emptied;
    }
    struct cache_entry *slot = slot_find(&cache->young, key);
    if (slot->labels != NULL)
        return;
    *slot = (struct cache_entry){.key = key,
                                 .stream = facts->stream,
                                 .labels = arena_copy(&cache->young.labels, facts->labels).ptr,
                                 .labels_bytes = (uint32_t)facts->labels.len,
                                 .has_level = facts->has_level};
    cache->young.count++;
}
