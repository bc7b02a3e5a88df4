#include "core/plan/window_grid.h"

#include <assert.h>

#include "core/base/clock.h"

bool step_grid_init(struct step_grid *out, int64_t start_ns, int64_t end_ns, int64_t step_ns, struct err *err)
{
    if (end_ns == start_ns) {
        *out = (struct step_grid){start_ns, 1, 1};
        return true;
    }
    if (step_ns <= 0)
        return err_set(err, ERR_INVALID, "zero or negative query resolution step widths are not accepted. Try a positive integer");
    if (end_ns < start_ns) {
        *out = (struct step_grid){start_ns, 1, 0};
        return true;
    }
    uint64_t steps = ((uint64_t)end_ns - (uint64_t)start_ns) / (uint64_t)step_ns;
    if (steps >= STEPS_MAX)
        return err_set(err, ERR_INVALID,
                       "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
    *out = (struct step_grid){start_ns, steps == 0 ? 1 : step_ns, (size_t)steps + 1};
    return true;
}

int64_t step_grid_ns(const struct step_grid *grid, size_t step)
{
    return instant_of_step(grid->start_ns, step, grid->step_ns);
}

bool window_grid_init(struct window_grid *out, const struct step_grid *steps, int64_t range_ns, int64_t offset_ns, struct err *err)
{
    assert(steps->count > 0 && range_ns >= 0);
    int64_t origin_ns = 0;
    int64_t last_ns = 0;
    if (__builtin_sub_overflow(steps->start_ns, offset_ns, &origin_ns) || __builtin_sub_overflow(origin_ns, range_ns, &origin_ns) ||
        __builtin_sub_overflow(step_grid_ns(steps, steps->count - 1), offset_ns, &last_ns))
        return err_set(err, ERR_INVALID, "the query's windows begin or end outside of the times that can be stored");

    size_t n = steps->count;
    int64_t step_ns = steps->step_ns;
    struct window_grid grid = {
        .steps = *steps,
        .range_ns = range_ns,
        .offset_ns = offset_ns,
        .origin_ns = origin_ns,
        .last_ns = last_ns,
        .phase_ns = range_ns % step_ns,
        .all_overlap = (uint64_t)range_ns >= (uint64_t)(n - 1) * (uint64_t)step_ns,
    };
    size_t whole = (size_t)(range_ns / step_ns);
    if (grid.all_overlap) {
        grid.window_buckets = n;
        grid.bucket_count = 2 * n - 1;
    } else if (grid.phase_ns == 0) {
        grid.window_buckets = whole;
        grid.bucket_count = n - 1 + whole;
    } else {
        grid.window_buckets = 2 * whole + 1;
        grid.bucket_count = 2 * (n - 1) + grid.window_buckets;
    }
    *out = grid;
    return true;
}

size_t window_grid_bucket(const struct window_grid *grid, int64_t ts_ns)
{
    uint64_t at = (uint64_t)ts_ns - (uint64_t)grid->origin_ns - 1; // 0 is the first instant of the first window
    uint64_t step = (uint64_t)grid->steps.step_ns;
    uint64_t range = (uint64_t)grid->range_ns;
    if (grid->all_overlap) {
        uint64_t before = (uint64_t)(grid->steps.count - 1);
        if (at < before * step)
            return (size_t)(at / step);
        return (size_t)(at < range ? before : before + 1 + (at - range) / step);
    }
    uint64_t whole = at / step;
    if (grid->phase_ns == 0)
        return (size_t)whole;
    return (size_t)(2 * whole + (at - whole * step >= (uint64_t)grid->phase_ns));
}

int64_t window_grid_bucket_last(const struct window_grid *grid, size_t bucket)
{
    int64_t step_ns = grid->steps.step_ns;
    if (grid->all_overlap) {
        size_t before = grid->steps.count - 1;
        return bucket < before ? instant_of_step(grid->origin_ns, bucket + 1, step_ns)
                               : instant_of_step(grid->origin_ns + grid->range_ns, bucket - before, step_ns);
    }
    if (grid->phase_ns == 0)
        return instant_of_step(grid->origin_ns, bucket + 1, step_ns);
    return instant_of_step(grid->origin_ns, bucket / 2, step_ns) + (bucket % 2 == 0 ? grid->phase_ns : step_ns);
}

size_t window_grid_first(const struct window_grid *grid, size_t step)
{
    return grid->all_overlap || grid->phase_ns == 0 ? step : 2 * step;
}

bool window_grid_is_used(const struct window_grid *grid, size_t bucket)
{
    return grid->all_overlap || grid->range_ns >= grid->steps.step_ns || bucket % 2 == 0;
}
