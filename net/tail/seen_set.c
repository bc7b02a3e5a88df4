#include "net/tail/seen_set.h"

#include "core/base/mem.h"

static uint64_t *place_of(const struct seen_set *set, uint64_t hash)
{
    size_t i = (size_t)hash & (set->cap - 1);
    while (set->slots[i] != 0 && set->slots[i] != hash)
        i = (i + 1) & (set->cap - 1);
    return &set->slots[i];
}

static void grow(struct seen_set *set)
{
    struct seen_set larger = {.cap = set->cap == 0 ? 64 : set->cap * 2, .count = set->count};
    larger.slots = mem_array(larger.cap, sizeof(uint64_t));
    for (size_t i = 0; i < set->cap; i++)
        if (set->slots[i] != 0)
            *place_of(&larger, set->slots[i]) = set->slots[i];
    mem_free(set->slots);
    *set = larger;
}

bool seen_set_add(struct seen_set *set, uint64_t hash)
{
    hash = hash == 0 ? 1 : hash;
    if ((set->count + 1) * 2 > set->cap)
        grow(set);
    uint64_t *place = place_of(set, hash);
    if (*place == hash)
        return false;
    *place = hash;
    set->count++;
    return true;
}

bool seen_set_has(const struct seen_set *set, uint64_t hash)
{
    return set->count > 0 && *place_of(set, hash == 0 ? 1 : hash) != 0;
}

void seen_set_fini(struct seen_set *set)
{
    mem_free(set->slots);
    *set = (struct seen_set){NULL, 0, 0};
}

bool seen_recent_add(struct seen_recent *recent, uint64_t hash)
{
    if (seen_set_has(&recent->old, hash) || !seen_set_add(&recent->young, hash))
        return false;
    if (recent->young.count >= SEEN_RECENT) {
        seen_set_fini(&recent->old);
        recent->old = recent->young;
        recent->young = (struct seen_set){NULL, 0, 0};
    }
    return true;
}

void seen_recent_fini(struct seen_recent *recent)
{
    seen_set_fini(&recent->young);
    seen_set_fini(&recent->old);
}
