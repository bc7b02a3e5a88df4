/* window_grid.h: the instants that a metric query is evaluated at, and the buckets that its windows are made of.
 *
 * Step k is at start + k * step. Its window is (t - offset - range, t - offset]. The edges of all windows cut time into buckets, half-open
 * like the windows, so that each window is a run of whole buckets; all windows are runs of the same length:
 *
 *     windows overlap little   edges at every k*step and k*step + range: window k begins at bucket k (or 2k, when range is no multiple of step)
 *     all windows overlap      the middle, which all of them hold, is one bucket; n - 1 before it, n - 1 after it
 *
 * So there are at most 4 buckets a step, whatever range and step are. Thread: any; immutable after init.
 */
#pragma once

#include "core/base/err.h"

struct step_grid {
    int64_t start_ns, step_ns; /* step is 1 when there is one step only */
    size_t count;
};

/* start, start + step, ... <= end. ERR_INVALID for a step below 1 or over STEPS_MAX steps. */
#define STEPS_MAX ((size_t)100000)
bool step_grid_init(struct step_grid *out, int64_t start_ns, int64_t end_ns, int64_t step_ns, struct err *err) MUST_CHECK;
int64_t step_grid_ns(const struct step_grid *grid, size_t step);

struct window_grid {
    struct step_grid steps;
    int64_t range_ns, offset_ns;
    int64_t origin_ns; /* the first window's start: exclusive */
    int64_t last_ns;   /* the last window's end: inclusive */
    int64_t phase_ns;  /* range mod step */
    bool all_overlap;
    size_t bucket_count;
    size_t window_buckets; /* of each window */
};

/* ERR_INVALID when the windows leave int64. */
bool window_grid_init(struct window_grid *out, const struct step_grid *steps, int64_t range_ns, int64_t offset_ns, struct err *err) MUST_CHECK;

/* The bucket of a time in (origin_ns, last_ns]. */
size_t window_grid_bucket(const struct window_grid *grid, int64_t ts_ns);
/* The last instant in a bucket. */
int64_t window_grid_bucket_last(const struct window_grid *grid, size_t bucket);
/* The first bucket of a window; it has window_buckets of them. */
size_t window_grid_first(const struct window_grid *grid, size_t step);
/* Whether any window holds the bucket: with range < step there are gaps. */
bool window_grid_is_used(const struct window_grid *grid, size_t bucket);
