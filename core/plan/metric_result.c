#include "core/plan/metric_result.h"

#include "core/plan/query_limits.h"

static int64_t step_ms(const struct step_grid *steps, size_t step)
{
    return step_grid_ns(steps, step) / NS_PER_MS;
}

static struct result_series make_series(const struct series *const *alike, size_t count, const struct step_grid *steps, struct arena *arena)
{
    const struct label_set *from = &alike[0]->labels;
    struct result_label *labels = ARENA_ARRAY(arena, struct result_label, from->count);
    for (size_t i = 0; i < from->count; i++)
        labels[i] = (struct result_label){arena_copy(arena, from->labels[i].name), arena_copy(arena, from->labels[i].value)};
    struct result_series made = {.labels = labels, .label_count = from->count};
    for (size_t i = 0; i < count; i++)
        for (size_t step = 0; step < steps->count; step++)
            made.point_count += series_has(alike[i], step);
    made.points = ARENA_ARRAY(arena, struct result_point, made.point_count);
    size_t n = 0;
    for (size_t step = 0; step < steps->count; step++)
        for (size_t i = 0; i < count; i++)
            if (series_has(alike[i], step))
                made.points[n++] = (struct result_point){step_ms(steps, step), alike[i]->values[step]};
    return made;
}

bool metric_result_build(const struct series_set *set, bool is_instant, int64_t max_series, struct arena *arena, struct query_result *out,
                         struct err *err)
{
    const struct step_grid *steps = &set->eval->steps;
    const struct series **shown = ARENA_ARRAY(arena, const struct series *, set->count);
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!series_is_empty(set->items[i], steps->count))
            shown[count++] = set->items[i];
    struct result_series *series = ARENA_ARRAY(arena, struct result_series, count);
    size_t made = 0;
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (!is_instant && end < count && slice_eq(shown[first]->key, shown[end]->key))
            end++;
        if (max_series > 0 && made >= (size_t)max_series)
            return query_limits_refuse_series(max_series, err);
        series[made++] = make_series(shown + first, end - first, steps, arena);
        first = end;
    }
    out->series = series;
    out->series_count = made;
    return true;
}

void metric_result_scalar(double value, const struct step_grid *steps, bool is_instant, struct arena *arena, struct query_result *out)
{
    if (is_instant) {
        out->kind = RESULT_SCALAR;
        out->scalar = (struct result_point){step_ms(steps, 0), value};
        return;
    }
    struct result_series *series = ARENA_NEW(arena, struct result_series);
    series->points = ARENA_ARRAY(arena, struct result_point, steps->count);
    for (size_t step = 0; step < steps->count; step++)
        series->points[series->point_count++] = (struct result_point){step_ms(steps, step), value};
    out->series = series;
    out->series_count = 1;
}
