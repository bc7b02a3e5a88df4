/* test_window_grid.c: edges of windows to the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_make_exactly_the_windows),
        cmocka_unit_test(windows_outside_of_time_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
