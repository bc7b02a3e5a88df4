#include "core/plan/key_table.h"

#include "core/base/hash.h"
#include "core/base/mem.h"

static void grow(struct key_table *table)
{
    if (table->count == table->cap) {
        table->cap = table->cap == 0 ? 16 : 2 * table->cap;
        table->keys = mem_grow(table->keys, table->cap, sizeof(*table->keys));
        table->hashes = mem_grow(table->hashes, table->cap, sizeof(*table->hashes));
    }
    if (2 * (table->count + 1) <= table->slot_count)
        return;
    mem_free(table->slots);
    table->slot_count = table->slot_count == 0 ? 32 : 2 * table->slot_count;
    table->slots = mem_array(table->slot_count, sizeof(*table->slots));
    for (size_t i = 0; i < table->count; i++) {
        size_t at = table->hashes[i] & (table->slot_count - 1);
        while (table->slots[at] != 0)
            at = (at + 1) & (table->slot_count - 1);
        table->slots[at] = (uint32_t)(i + 1);
    }
}

static size_t find_hashed(const struct key_table *table, struct slice key, uint64_t hash)
{
    if (table->slot_count == 0)
        return KEY_NONE;
    for (size_t at = hash & (table->slot_count - 1); table->slots[at] != 0; at = (at + 1) & (table->slot_count - 1)) {
        size_t i = table->slots[at] - 1;
        if (table->hashes[i] == hash && slice_eq(table->keys[i], key))
            return i;
    }
    return KEY_NONE;
}

size_t key_table_find(const struct key_table *table, struct slice key)
{
    return find_hashed(table, key, hash64(key));
}

size_t key_table_add(struct key_table *table, struct slice key, struct arena *arena, bool *out_is_new)
{
    uint64_t hash = hash64(key);
    size_t found = find_hashed(table, key, hash);
    *out_is_new = found == KEY_NONE;
    if (found != KEY_NONE)
        return found;
    grow(table);
    size_t i = table->count++;
    table->keys[i] = arena_copy(arena, key);
    table->hashes[i] = hash;
    size_t at = hash & (table->slot_count - 1);
    while (table->slots[at] != 0)
        at = (at + 1) & (table->slot_count - 1);
    table->slots[at] = (uint32_t)(i + 1);
    return i;
}

void key_table_fini(struct key_table *table)
{
    mem_free(table->keys);
    mem_free(table->hashes);
    mem_free(table->slots);
    *table = (struct key_table){0};
}
