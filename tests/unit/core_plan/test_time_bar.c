/* test_time_bar.c: the bar is the N-th best of all times told, as sorting them says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "core/plan/time_bar.h"

#define TIMES 3000
#define PART 37 /* told at once */

static struct query_control control_of(int64_t bytes)
{
    struct query_control control = {.memory_max = bytes};
    atomic_store(&control.memory_left, bytes);
    return control;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void fill(int64_t *times, size_t count)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        times[i] = (int64_t)(seed >> 53) - 1000; // few enough that some are equal
    }
}

static int64_t nth_best(const int64_t *times, size_t count, size_t n, bool forward)
{
    int64_t sorted[TIMES];
    memcpy(sorted, times, count * sizeof(*times));
    qsort(sorted, count, sizeof(*sorted), ascending);
    return forward ? sorted[n - 1] : sorted[count - n];
}

static void the_bar_is_the_nth_best_so_far(void **state)
{
    (void)state;
    static const size_t mosts[] = {1, 2, 63, 64, 65, 1000, TIMES, TIMES + 1};
    int64_t times[TIMES];
    fill(times, TIMES);
    for (size_t m = 0; m < LENGTH(mosts); m++) {
        for (int forward = 0; forward < 2; forward++) {
            struct query_control control = control_of(1 << 20);
            struct time_bar bar;
            struct err err;
            time_bar_init(&bar, mosts[m], forward);
            for (size_t at = 0; at < TIMES; at += PART) {
                size_t end = at + PART < TIMES ? at + PART : TIMES;
                assert_true(time_bar_add(&bar, times + at, end - at, &control, &err));
                int64_t open = forward ? INT64_MAX : INT64_MIN; // all may come in
                assert_int_equal(time_bar_get(&bar), end < mosts[m] ? open : nth_best(times, end, mosts[m], forward));
            }
            time_bar_fini(&bar, &control);
            assert_int_equal(atomic_load(&control.memory_left), 1 << 20);
        }
    }
}

static void a_query_without_memory_is_told_so(void **state)
{
    (void)state;
    int64_t times[TIMES];
    struct query_control control = control_of(1000 * sizeof(*times));
    struct time_bar bar;
    struct err err;
    fill(times, TIMES);
    time_bar_init(&bar, TIMES, false);
    assert_false(time_bar_add(&bar, times, TIMES, &control, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    time_bar_fini(&bar, &control);
    assert_int_equal(atomic_load(&control.memory_left), control.memory_max);
}

struct teller {
    struct time_bar *bar;
    struct query_control *control;
    const int64_t *times;
    size_t count;
};

static void *tell(void *self)
{
    struct teller *teller = self;
    struct err err;
    for (size_t i = 0; i < teller->count; i++)
        if (!time_bar_add(teller->bar, teller->times + i, 1, teller->control, &err))
            abort();
    return NULL;
}

static void workers_that_tell_at_once_get_the_same_bar(void **state)
{
    (void)state;
    int64_t times[TIMES];
    struct query_control control = control_of(1 << 20);
    struct time_bar bar;
    struct teller tellers[3];
    pthread_t threads[3];
    fill(times, TIMES);
    time_bar_init(&bar, 500, false);
    for (size_t i = 0; i < 3; i++) {
        tellers[i] = (struct teller){&bar, &control, times + i * (TIMES / 3), TIMES / 3};
        assert_int_equal(pthread_create(&threads[i], NULL, tell, &tellers[i]), 0);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(time_bar_get(&bar), nth_best(times, TIMES, 500, false));
    time_bar_fini(&bar, &control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_is_the_nth_best_so_far),
        cmocka_unit_test(a_query_without_memory_is_told_so),
        cmocka_unit_test(workers_that_tell_at_once_get_the_same_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
