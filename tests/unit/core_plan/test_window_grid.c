/* test_window_grid.c: edges of windows to the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/plan/window_grid.h"

static const struct grid_case {
    const char *name;
    int64_t start_ns, end_ns, step_ns, range_ns, offset_ns;
} cases[] = {
    {"windows side by side", 0, 50, 10, 10, 0},     {"windows with gaps", 0, 50, 10, 3, 0},       {"one instant wide", 0, 50, 10, 1, 0},
    {"overlapping, a multiple", 0, 50, 10, 20, 0},  {"overlapping, no multiple", 3, 53, 10, 27, 0}, {"all overlap", 0, 50, 10, 50, 0},
    {"all overlap by far", 0, 50, 10, 1234, 0},     {"nearly all overlap", 0, 50, 10, 49, 0},     {"one step", 5, 5, 1, 17, 0},
    {"offset back", 0, 50, 10, 15, 7},              {"offset ahead", 0, 50, 10, 15, -7},           {"before 1970", -100, -50, 7, 9, 0},
};

static void buckets_make_exactly_the_windows(void **state)
{
    (void)state;
    for (size_t c = 0; c < LENGTH(cases); c++) {
        const struct grid_case *k = &cases[c];
        struct step_grid steps;
        struct window_grid grid;
        struct err err;
        assert_true(step_grid_init(&steps, k->start_ns, k->end_ns, k->step_ns, &err));
        assert_true(window_grid_init(&grid, &steps, k->range_ns, k->offset_ns, &err));
        for (int64_t ts = grid.origin_ns + 1; ts <= grid.last_ns; ts++) {
            size_t bucket = window_grid_bucket(&grid, ts);
            bool is_used = false;
            for (size_t step = 0; step < steps.count; step++) {
                int64_t t = step_grid_ns(&steps, step) - k->offset_ns;
                size_t first = window_grid_first(&grid, step);
                bool inside = ts > t - k->range_ns && ts <= t;
                is_used = is_used || inside;
                if (inside != (bucket >= first && bucket < first + grid.window_buckets))
                    fail_msg("%s: %lld at step %zu: bucket %zu of %zu from %zu", k->name, (long long)ts, step, bucket, grid.window_buckets, first);
            }
            if (bucket >= grid.bucket_count || (is_used && !window_grid_is_used(&grid, bucket)))
                fail_msg("%s: %lld: bucket %zu", k->name, (long long)ts, bucket);
            int64_t last_ns = window_grid_bucket_last(&grid, bucket);
            if (last_ns < ts || window_grid_bucket(&grid, last_ns) != bucket ||
                (last_ns < grid.last_ns && window_grid_bucket(&grid, last_ns + 1) == bucket))
                fail_msg("%s: %lld: bucket %zu does not end at %lld", k->name, (long long)ts, bucket, (long long)last_ns);
        }
    }
}

static void windows_outside_of_time_are_refused(void **state)
{
    (void)state;
    struct step_grid steps;
    struct window_grid grid;
    struct err err;
    assert_true(step_grid_init(&steps, INT64_MIN + 5, INT64_MIN + 5, 1, &err));
    assert_false(window_grid_init(&grid, &steps, 100, 0, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(step_grid_init(&steps, INT64_MIN, INT64_MAX, 1, &err));
}

/* Spans from end to end of int64 are longer than int64 reaches. */
static const struct grid_case long_cases[] = {
    {"a range of 290 years, hours apart", NS_PER_DAY, INT64_MAX, 1000 * NS_PER_HOUR, 290 * 365 * NS_PER_DAY, 0},
    {"the same with a part of a step", NS_PER_DAY, INT64_MAX, 1000 * NS_PER_HOUR, 200 * 365 * NS_PER_DAY + 1, 0},
    {"few steps from end to end", INT64_MIN + 1, INT64_MAX, INT64_MAX, 1, 0},
    {"all overlap, from end to end", INT64_MIN / 2, INT64_MAX, INT64_MAX / 2, INT64_MAX / 2, 0},
};

static void buckets_hold_to_the_ends_of_time(void **state)
{
    (void)state;
    for (size_t c = 0; c < LENGTH(long_cases); c++) {
        const struct grid_case *k = &long_cases[c];
        struct step_grid steps;
        struct window_grid grid;
        struct err err = {.text = ""};
        if (!step_grid_init(&steps, k->start_ns, k->end_ns, k->step_ns, &err) || !window_grid_init(&grid, &steps, k->range_ns, k->offset_ns, &err))
            fail_msg("%s: %s", k->name, err.text);
        int64_t last_step_ns = step_grid_ns(&steps, steps.count - 1);
        if (last_step_ns > k->end_ns || last_step_ns <= step_grid_ns(&steps, steps.count - 2))
            fail_msg("%s: the last step is at %lld", k->name, (long long)last_step_ns);
        uint64_t span = (uint64_t)grid.last_ns - (uint64_t)grid.origin_ns;
        for (uint64_t i = 1; i <= 1000; i++) {
            int64_t ts = (int64_t)((uint64_t)grid.origin_ns + 1 + (span - 1) / 1000 * i);
            size_t bucket = window_grid_bucket(&grid, ts);
            int64_t last_ns = window_grid_bucket_last(&grid, bucket);
            if (bucket >= grid.bucket_count || last_ns < ts || window_grid_bucket(&grid, last_ns) != bucket)
                fail_msg("%s: %lld: bucket %zu does not end at %lld", k->name, (long long)ts, bucket, (long long)last_ns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_make_exactly_the_windows),
        cmocka_unit_test(windows_outside_of_time_are_refused),
        cmocka_unit_test(buckets_hold_to_the_ends_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
