#include "core/plan/range_windows.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/quantile.h"

/* Windows of one length over buckets, two merges each and none undone (a sum that is taken back loses digits): buckets are cut into blocks of a
 * window's length; a window is the tail of one block and the head of the next. Source: van Herk 1992, Gil and Werman 1993. */
struct sliding {
    const struct accumulator *accumulator;
    size_t bucket_count, window;
    char *tails; /* by bucket: it and all behind it in its block */
    char *heads; /* by bucket: it and all before it in its block */
    char *joined;
};

static void slide_over(struct sliding *sliding, const char *buckets)
{
    const struct accumulator *a = sliding->accumulator;
    size_t size = a->bytes;
    for (size_t i = 0; i < sliding->bucket_count; i++) {
        memcpy(sliding->heads + i * size, i % sliding->window == 0 ? buckets + i * size : sliding->heads + (i - 1) * size, size);
        if (i % sliding->window != 0)
            a->merge(sliding->heads + i * size, buckets + i * size);
    }
    for (size_t i = sliding->bucket_count; i-- > 0;) {
        memcpy(sliding->tails + i * size, buckets + i * size, size);
        if (i + 1 < sliding->bucket_count && (i + 1) % sliding->window != 0)
            a->merge(sliding->tails + i * size, sliding->tails + (i + 1) * size);
    }
}

static bool slide_value(const struct sliding *sliding, size_t first, double range_s, double *out)
{
    size_t size = sliding->accumulator->bytes;
    memcpy(sliding->joined, sliding->tails + first * size, size);
    if (first % sliding->window != 0)
        sliding->accumulator->merge(sliding->joined, sliding->heads + (first + sliding->window - 1) * size);
    return sliding->accumulator->value(sliding->joined, range_s, out);
}

static void points_of_buckets(struct sliding *sliding, const struct partials *partials, const struct partial_series *from, struct series *to)
{
    const struct window_grid *grid = partials->grid;
    double range_s = (double)grid->range_ns / (double)NS_PER_S;
    if (sliding->window == 0)
        return;
    slide_over(sliding, from->buckets);
    for (size_t step = 0; step < grid->steps.count; step++) {
        double value = 0;
        if (slide_value(sliding, window_grid_first(grid, step), range_s, &value))
            series_put(to, step, value);
    }
}

static int order_of_samples(const void *a, const void *b)
{
    return sample_cmp(a, b);
}

static void points_of_samples(const struct partials *partials, const struct expr *range, struct partial_series *from, struct series *to,
                              double *scratch)
{
    const struct window_grid *grid = partials->grid;
    double range_s = (double)grid->range_ns / (double)NS_PER_S;
    if (from->sample_count > 1)
        qsort(from->samples, from->sample_count, sizeof(struct sample), order_of_samples);
    size_t first = 0;
    size_t end = 0;
    for (size_t step = 0; step < grid->steps.count; step++) {
        int64_t last_ns = step_grid_ns(&grid->steps, step) - grid->offset_ns;
        while (end < from->sample_count && from->samples[end].ts_ns <= last_ns)
            end++;
        while (first < end && from->samples[first].ts_ns <= last_ns - grid->range_ns)
            first++;
        if (first == end)
            continue;
        if (range->range_op == RANGE_RATE_COUNTER) {
            series_put(to, step, rate_counter_of(from->samples + first, end - first, range_s));
            continue;
        }
        for (size_t i = first; i < end; i++)
            scratch[i - first] = from->samples[i].value;
        series_put(to, step, quantile_of(range->parameter, scratch, end - first));
    }
}

static size_t most_samples(const struct partials *partials)
{
    size_t most = 1;
    for (size_t i = 0; i < partials->keys.count; i++)
        most = partials->items[i]->sample_count > most ? partials->items[i]->sample_count : most;
    return most;
}

bool range_windows(struct partials *partials, const struct expr *range, struct series_set *out, struct err *err)
{
    struct query_control *control = out->eval->control;
    const struct accumulator *accumulator = partials->accumulator;
    struct sliding sliding = {.accumulator = accumulator, .bucket_count = partials->grid->bucket_count, .window = partials->grid->window_buckets};
    size_t scratch_bytes = accumulator == NULL ? most_samples(partials) * sizeof(double) : (2 * sliding.bucket_count + 1) * accumulator->bytes;
    if (!query_control_charge(control, scratch_bytes, err))
        return false;
    char *scratch = mem_alloc(scratch_bytes);
    if (accumulator != NULL) {
        sliding.tails = scratch;
        sliding.heads = scratch + sliding.bucket_count * accumulator->bytes;
        sliding.joined = sliding.heads + sliding.bucket_count * accumulator->bytes;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < partials->keys.count; i++) {
        struct series *series = series_set_get(out, partials->keys.keys[i], err);
        ok = series != NULL && (i % 64 != 0 || query_control_check(control, err));
        if (ok && accumulator != NULL)
            points_of_buckets(&sliding, partials, partials->items[i], series);
        else if (ok)
            points_of_samples(partials, range, partials->items[i], series, (double *)(void *)scratch);
    }
    mem_free(scratch);
    query_control_refund(control, scratch_bytes);
    return ok;
}
