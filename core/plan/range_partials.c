#include "core/plan/range_partials.h"

#include "core/base/mem.h"

struct partial_series *partials_get(struct partials *partials, struct slice key, struct query_control *control, struct err *err)
{
    bool is_new = false;
    size_t i = key_table_add(&partials->keys, key, &partials->memory.arena, &is_new);
    if (!is_new)
        return partials->items[i];
    if (i >= partials->cap) {
        partials->cap = partials->cap == 0 ? 16 : 2 * partials->cap;
        partials->items = mem_grow(partials->items, partials->cap, sizeof(struct partial_series *));
    }
    struct partial_series *series = ARENA_NEW(&partials->memory.arena, struct partial_series);
    if (partials->accumulator != NULL)
        series->buckets = arena_array(&partials->memory.arena, partials->grid->bucket_count, partials->accumulator->bytes, 8);
    partials->items[i] = series;
    return charged_arena_settle(&partials->memory, control, err) ? series : NULL;
}

static bool samples_room(struct partials *partials, struct partial_series *series, size_t more, struct query_control *control, struct err *err)
{
    if (series->sample_cap - series->sample_count >= more)
        return true;
    size_t cap = 2 * series->sample_cap;
    cap = cap < series->sample_count + more ? series->sample_count + more : cap;
    cap = cap < 16 ? 16 : cap;
    size_t bytes = (cap - series->sample_cap) * sizeof(struct sample);
    if (!query_control_charge(control, bytes, err))
        return false;
    partials->sample_bytes += bytes;
    series->samples = mem_grow(series->samples, cap, sizeof(struct sample));
    series->sample_cap = cap;
    return true;
}

bool partials_add(struct partials *partials, struct partial_series *series, const struct sample *sample, struct query_control *control,
                  struct err *err)
{
    if (partials->accumulator != NULL) {
        size_t bucket = window_grid_bucket(partials->grid, sample->ts_ns);
        if (window_grid_is_used(partials->grid, bucket))
            partials->accumulator->add(partials_bucket(partials, series, bucket), sample);
        return true;
    }
    if (!samples_room(partials, series, 1, control, err))
        return false;
    series->samples[series->sample_count++] = *sample;
    return true;
}

bool partials_merge(struct partials *into, struct partials *from, struct query_control *control, struct err *err)
{
    for (size_t i = 0; i < from->keys.count; i++) {
        struct partial_series *theirs = from->items[i];
        struct partial_series *ours = partials_get(into, from->keys.keys[i], control, err);
        if (ours == NULL)
            return false;
        if (into->accumulator != NULL) {
            for (size_t b = 0; b < into->grid->bucket_count; b++)
                into->accumulator->merge(partials_bucket(into, ours, b), partials_bucket(from, theirs, b));
        } else {
            if (!samples_room(into, ours, theirs->sample_count, control, err))
                return false;
            if (theirs->sample_count > 0)
                memcpy(ours->samples + ours->sample_count, theirs->samples, theirs->sample_count * sizeof(struct sample));
            ours->sample_count += theirs->sample_count;
        }
    }
    return true;
}

void partials_fini(struct partials *partials, struct query_control *control)
{
    for (size_t i = 0; i < partials->keys.count; i++)
        if (partials->items[i] != NULL)
            mem_free(partials->items[i]->samples);
    query_control_refund(control, partials->sample_bytes);
    key_table_fini(&partials->keys);
    mem_free(partials->items);
    charged_arena_fini(&partials->memory, control);
    partials->items = NULL;
    partials->sample_bytes = partials->cap = 0;
}
