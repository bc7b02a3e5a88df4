#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "storage/pool/worker_pool.h"

#define ITEMS 2000
#define THREADS 3

static struct worker_pool *create(size_t tasks_max)
{
    struct worker_pool_config config = {.name = "test", .threads = THREADS, .tasks_max = tasks_max};
    struct worker_pool *pool;
    struct err err;
    assert_true(worker_pool_create(&config, &pool, &err));
    return pool;
}

struct work {
    struct executor executor;
    atomic_uint seen[ITEMS];
    atomic_bool in_use[THREADS + 1];
    atomic_uint sum;
};

static void item(void *self, size_t i, size_t worker)
{
    struct work *work = self;
    assert_true(worker <= THREADS);
    assert_false(atomic_exchange(&work->in_use[worker], true));
    atomic_fetch_add(&work->seen[i], 1);
    atomic_store(&work->in_use[worker], false);
}

static void *run_items(void *self)
{
    struct work *work = self;
    work->executor.run(work->executor.self, ITEMS, item, work);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(atomic_load(&work->seen[i]), 1);
    return NULL;
}

static void loops_of_many_callers_run_each_item_once_and_share_no_worker_index(void **state)
{
    (void)state;
    struct worker_pool *pool = create(1);
    static struct work works[5];
    pthread_t threads[5];
    for (size_t i = 0; i < 5; i++) {
        works[i].executor = worker_pool_executor(pool);
        assert_int_equal(works[i].executor.workers, THREADS + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, run_items, &works[i]), 0);
    }
    for (size_t i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    worker_pool_destroy(pool);
}

static void inner(void *self, size_t i, size_t worker)
{
    (void)i, (void)worker;
    atomic_fetch_add(&((struct work *)self)->sum, 1);
}

static void outer(void *self, size_t i, size_t worker)
{
    (void)i, (void)worker;
    struct work *work = self;
    work->executor.run(work->executor.self, 20, inner, work);
}

static void loop_task(void *self)
{
    struct work *work = self;
    work->executor.run(work->executor.self, 20, outer, work);
}

static void a_loop_in_a_loop_in_a_task_ends_also_when_every_thread_is_busy(void **state)
{
    (void)state;
    struct worker_pool *pool = create(20);
    static struct work work;
    struct err err;
    work.executor = worker_pool_executor(pool);
    for (size_t i = 0; i < 20; i++)
        assert_true(worker_pool_submit(pool, loop_task, &work, &err));
    worker_pool_destroy(pool); // runs what waits
    assert_int_equal(atomic_load(&work.sum), 20 * 20 * 20);
}

static void wait_for_gate(void *self)
{
    while (!atomic_load((atomic_bool *)self))
        (void)usleep(100);
}

static void tasks_over_the_bound_are_refused(void **state)
{
    (void)state;
    struct worker_pool *pool = create(4);
    atomic_bool gate = false;
    struct err err;
    struct worker_pool_stats stats;
    for (size_t i = 0; i < THREADS; i++)
        assert_true(worker_pool_submit(pool, wait_for_gate, &gate, &err));
    do
        worker_pool_stats(pool, &stats);
    while (stats.busy < THREADS);
    for (size_t i = 0; i < 4; i++)
        assert_true(worker_pool_submit(pool, wait_for_gate, &gate, &err));
    assert_false(worker_pool_submit(pool, wait_for_gate, &gate, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    atomic_store(&gate, true);
    worker_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_of_many_callers_run_each_item_once_and_share_no_worker_index),
        cmocka_unit_test(a_loop_in_a_loop_in_a_task_ends_also_when_every_thread_is_busy),
        cmocka_unit_test(tasks_over_the_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
