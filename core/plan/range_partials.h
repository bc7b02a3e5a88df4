/* range_partials.h: series of a range aggregation in the making: partial aggregates by bucket, or samples. Thread: one at a time. */
#pragma once

#include "core/plan/accumulator.h"
#include "core/plan/charged_arena.h"
#include "core/plan/key_table.h"
#include "core/plan/window_grid.h"

struct partial_series {
    char *buckets; /* bucket_count partials; NULL without an accumulator */
    struct sample *samples;
    size_t sample_count, sample_cap;
};

struct partials {
    const struct window_grid *grid;
    const struct accumulator *accumulator; /* NULL: samples are kept */
    struct key_table keys;
    struct partial_series **items; /* by key number */
    size_t cap;
    struct charged_arena memory;
    size_t sample_bytes; /* charged for samples */
};

/* Lives until partials_fini. NULL: the query's memory is used up. */
struct partial_series *partials_get(struct partials *partials, struct slice key, struct query_control *control, struct err *err) MUST_CHECK;
bool partials_add(struct partials *partials, struct partial_series *series, const struct sample *sample, struct query_control *control,
                  struct err *err) MUST_CHECK;
static inline void *partials_bucket(const struct partials *partials, const struct partial_series *series, size_t bucket)
{
    return series->buckets + bucket * partials->accumulator->bytes;
}

/* All of `from` joins `into`; `from` is only good for partials_fini then, after `into` is done with. */
bool partials_merge(struct partials *into, struct partials *from, struct query_control *control, struct err *err) MUST_CHECK;
void partials_fini(struct partials *partials, struct query_control *control);
