/* Queries that find no place on the pool run where they were asked for: one after the other, however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/metrics/metric_table.h"
#include "net/api/query_scheduler.h"

#define QUERIES 500

static atomic_bool blocks = true;

static void block(void *self)
{
    (void)self;
    while (atomic_load(&blocks))
        (void)usleep(1000);
}

struct counting {
    struct query_scheduler *scheduler;
    size_t ran;
    uintptr_t lowest, highest; // of stack frames
};

static void one(void *self)
{
    struct counting *counting = self;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    counting->lowest = here < counting->lowest ? here : counting->lowest;
    counting->highest = here > counting->highest ? here : counting->highest;
    counting->ran++;
}

static void first(void *self)
{
    struct counting *counting = self;
    for (size_t i = 0; i < QUERIES; i++) // one may run at a time: they wait for this one's end
        assert_true(query_scheduler_submit(counting->scheduler, SLICE("acme"), one, counting));
    one(self);
}

static void a_full_pool_does_not_pile_queries_upon_each_other(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-scheduler-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store_config config;
    struct store *store = NULL;
    struct err err;
    metric_table_init();
    store_config_defaults(&config);
    config.folder = folder;
    config.query_threads = 1;
    config.disk_free_reserve = 0;
    if (!store_open(&config, &store, &err))
        fail_msg("%s", err.text);
    while (store_run(store, block, NULL)) // until no more may wait
        continue;
    struct counting counting = {.scheduler = query_scheduler_create(store, &system_clock, 1, QUERIES), .lowest = UINTPTR_MAX};
    assert_true(query_scheduler_submit(counting.scheduler, SLICE("acme"), first, &counting));
    assert_int_equal(counting.ran, QUERIES + 1);
    assert_true(counting.highest - counting.lowest < 4096);
    atomic_store(&blocks, false);
    store_close(store);
    query_scheduler_destroy(counting.scheduler);
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pool_does_not_pile_queries_upon_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
