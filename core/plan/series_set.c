#include "core/plan/series_set.h"

#include <stdlib.h>

#include "core/base/mem.h"

struct series_set *series_set_create(struct eval_context *eval)
{
    struct series_set *set = mem_zero(sizeof(*set));
    set->eval = eval;
    return set;
}

void series_set_destroy(struct series_set *set)
{
    if (set == NULL)
        return;
    key_table_fini(&set->keys);
    mem_free(set->items);
    mem_free(set);
}

static struct series *add(struct series_set *set, struct slice stored_key, struct err *err)
{
    struct arena *arena = &set->eval->memory.arena;
    size_t steps = set->eval->steps.count;
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 16 : 2 * set->cap;
        set->items = mem_grow(set->items, set->cap, sizeof(struct series *));
    }
    struct series *series = ARENA_NEW(arena, struct series);
    series->key = stored_key;
    series->labels = label_key_decode(stored_key, arena);
    series->values = ARENA_ARRAY(arena, double, steps);
    series->present = ARENA_ARRAY(arena, uint64_t, (steps + 63) / 64);
    set->items[set->count++] = series;
    return charged_arena_settle(&set->eval->memory, set->eval->control, err) ? series : NULL;
}

struct series *series_set_get(struct series_set *set, struct slice key, struct err *err)
{
    bool is_new = false;
    size_t i = key_table_add(&set->keys, key, &set->eval->memory.arena, &is_new);
    return is_new ? add(set, set->keys.keys[i], err) : set->items[i];
}

struct series *series_set_append(struct series_set *set, struct slice key, struct err *err)
{
    return add(set, arena_copy(&set->eval->memory.arena, key), err);
}

bool series_is_empty(const struct series *series, size_t steps)
{
    for (size_t i = 0; i < (steps + 63) / 64; i++)
        if (series->present[i] != 0)
            return false;
    return true;
}

struct sort_item {
    struct series *series;
    size_t place;
};

static int order_of_series(const void *a, const void *b)
{
    const struct sort_item *x = a;
    const struct sort_item *y = b;
    int order = label_set_cmp_text(&x->series->labels, &y->series->labels);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

void series_set_sort(struct series_set *set)
{
    if (set->count < 2)
        return;
    struct sort_item *items = mem_array(set->count, sizeof(*items));
    for (size_t i = 0; i < set->count; i++)
        items[i] = (struct sort_item){set->items[i], i};
    qsort(items, set->count, sizeof(*items), order_of_series);
    for (size_t i = 0; i < set->count; i++)
        set->items[i] = items[i].series;
    mem_free(items);
    key_table_fini(&set->keys); // numbers no longer are places
}
