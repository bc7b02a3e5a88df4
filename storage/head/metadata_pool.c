#include "storage/head/metadata_pool.h"

#include <assert.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "storage/head/generation.h"

#define PIECE_MIN 64u
#define SLOTS_MIN ((size_t)128)

/* The place of reference r (from 1): piece and index in it. */
static unsigned place_of(uint32_t reference, uint32_t *out_index)
{
    uint32_t n = reference - 1 + PIECE_MIN; // 64..127: piece 0, 128..255: piece 1, ...
    unsigned piece = 31u - (unsigned)__builtin_clz(n) - 6u;
    *out_index = n - (PIECE_MIN << piece);
    return piece;
}

struct slice metadata_pool_get(const struct metadata_pool *pool, uint32_t reference)
{
    uint32_t index;
    unsigned piece = place_of(reference, &index);
    return OBSERVE(&pool->pieces[piece])[index];
}

static void slots_grow(struct metadata_pool *pool)
{
    size_t cap = pool->cap == 0 ? SLOTS_MIN : pool->cap * 2;
    uint32_t *slots = mem_array(cap, sizeof(*slots));
    uint32_t *tags = mem_array(cap, sizeof(*tags));
    for (size_t i = 0; i < pool->cap; i++) {
        if (pool->slots[i] == METADATA_NONE)
            continue;
        size_t at = (size_t)hash64(metadata_pool_get(pool, pool->slots[i])) & (cap - 1);
        while (slots[at] != METADATA_NONE)
            at = (at + 1) & (cap - 1);
        slots[at] = pool->slots[i];
        tags[at] = pool->tags[i];
    }
    pool->bytes += (cap - pool->cap) * 2 * sizeof(uint32_t);
    mem_free(pool->slots);
    mem_free(pool->tags);
    pool->slots = slots;
    pool->tags = tags;
    pool->cap = cap;
}

uint32_t metadata_pool_intern(struct metadata_pool *pool, struct generation *generation, struct slice set)
{
    if (set.len == 0)
        return METADATA_NONE;
    uint32_t count = RELAXED(&pool->count);
    if ((size_t)(count + 1) * 4 > pool->cap * 3)
        slots_grow(pool);
    uint64_t hash = hash64(set);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t at = (size_t)hash & (pool->cap - 1);
    for (; pool->slots[at] != METADATA_NONE; at = (at + 1) & (pool->cap - 1))
        if (pool->tags[at] == tag && slice_eq(metadata_pool_get(pool, pool->slots[at]), set))
            return pool->slots[at];
    assert(count < UINT32_MAX - PIECE_MIN);
    uint32_t reference = count + 1, index;
    unsigned piece = place_of(reference, &index);
    struct slice *sets = RELAXED(&pool->pieces[piece]);
    if (sets == NULL) {
        size_t bytes = ((size_t)PIECE_MIN << piece) * sizeof(struct slice);
        sets = mem_alloc(bytes);
        pool->bytes += bytes;
        PUBLISH(&pool->pieces[piece], sets);
    }
    char *copy = generation_alloc(generation, set.len, 1);
    memcpy(copy, set.ptr, set.len);
    sets[index] = slice_of(copy, set.len);
    pool->slots[at] = reference;
    pool->tags[at] = tag;
    atomic_store_explicit(&pool->count, reference, memory_order_relaxed); // readers learn of it by a published entry
    return reference;
}

void metadata_pool_seal(struct metadata_pool *pool)
{
    mem_free(pool->slots);
    mem_free(pool->tags);
    pool->bytes -= pool->cap * 2 * sizeof(uint32_t);
    pool->slots = NULL;
    pool->tags = NULL;
    pool->cap = 0;
}

void metadata_pool_fini(struct metadata_pool *pool)
{
    metadata_pool_seal(pool);
    for (size_t i = 0; i < METADATA_PIECES; i++)
        mem_free(RELAXED(&pool->pieces[i]));
}
