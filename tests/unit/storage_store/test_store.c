/* The store against a naive model: random pushes (out of order, duplicates, days, tenants), flushes, merges, reopenings with other
 * numbers of shards. A scan always gives what the model has, each entry once. */
#include "store_model.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/plan/query_control.h"
#include "storage/store/store_verify.h"

static void push_random(struct store *store, struct model *model, unsigned *random, unsigned *counter)
{
    struct model_entry entries[64];
    size_t count = 0;
    unsigned tenant = (unsigned)rand_r(random) % TENANTS;
    unsigned first = (unsigned)rand_r(random) % STREAMS;
    unsigned streams = 1 + (unsigned)rand_r(random) % 3;
    for (unsigned s = 0; s < streams && first + s < STREAMS; s++) {
        size_t n = 1 + (size_t)rand_r(random) % 16;
        for (size_t i = 0; i < n; i++) {
            struct model_entry *entry = &entries[count++];
            *entry = (struct model_entry){.tenant = tenant, .stream = first + s};
            if (model->count > 0 && rand_r(random) % 6 == 0) { // something that was pushed before
                const struct model_entry *old = &model->entries[(size_t)rand_r(random) % model->count];
                *entry = *old;
                entry->tenant = tenant;
                entry->stream = first + s;
            } else {
                entry->ts_ns = DAY0 * NS_PER_DAY + rand_r(random) % 300 * (NS_PER_DAY / 100) + rand_r(random) % 3;
                (void)snprintf(entry->line, sizeof(entry->line), rand_r(random) % 20 == 0 ? "two\nlines %u" : "line %u", (*counter)++ % 5000);
                if (rand_r(random) % 3 == 0)
                    (void)snprintf(entry->metadata, sizeof(entry->metadata), "v%u", (unsigned)rand_r(random) % 9);
            }
        }
    }
    model_push(store, entries, count);
    for (size_t i = 0; i < count; i++)
        model_add(model, &entries[i]);
}

static void one_history(unsigned seed)
{
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    unsigned random = seed, counter = 0;
    struct model model = {0};
    struct store *store = open_store(folder, 1 + seed % 3, true);
    struct err err;
    for (unsigned step = 0; step < 60; step++) {
        const char *when = "after pushes";
        switch (rand_r(&random) % 10) {
        case 0:
        case 1:
            when = "after a flush";
            if (!store_flush(store, &err))
                fail_msg("seed %u: flush: %s", seed, err.text);
            break;
        case 2:
            when = "after a merge";
            atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
            if (!store_maintain(store, &err))
                fail_msg("seed %u: maintain: %s", seed, err.text);
            break;
        case 3:
            when = "after a reopening";
            store_close(store);
            store = open_store(folder, 1 + (unsigned)rand_r(&random) % 4, rand_r(&random) % 2 == 0);
            push_random(store, &model, &random, &counter); // held until the replay is through, and answered then
            break;
        default:
            for (unsigned i = 0; i < 8; i++)
                push_random(store, &model, &random, &counter);
        }
        if (step % 3 == 0 || step > 50)
            expect_model(store, &model, seed, when);
    }
    store_close(store);
    mem_free(model.entries);
    remove_tree(folder);
}

static void a_scan_gives_what_was_pushed_each_entry_once(void **state)
{
    (void)state;
    const char *only = getenv("LOGI_TEST_SEED");
    unsigned first = only != NULL ? (unsigned)atoi(only) : 1, last = only != NULL ? first : 8;
    for (unsigned seed = first; seed <= last; seed++)
        one_history(seed);
}

static void a_folder_has_one_store(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store *store = open_store(folder, 1, true), *second = NULL;
    struct store_config config;
    struct err err;
    store_config_defaults(&config);
    config.folder = folder;
    assert_false(store_open(&config, &second, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "in use by another process"));
    store_close(store);
    remove_tree(folder);
}

static void collect_name(void *self, struct slice name)
{
    buf_put(self, name);
    buf_byte(self, ' ');
}

static void labels_are_those_of_the_range(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store *store = open_store(folder, 2, true);
    struct model_entry one = {.stream = 1, .ts_ns = DAY0 * NS_PER_DAY + 5, .line = "x"};
    struct model_entry two = {.stream = 2, .ts_ns = (DAY0 + 2) * NS_PER_DAY, .line = "y"};
    model_push(store, &one, 1);
    model_push(store, &two, 1);
    struct query_control control = {.clock = &system_clock, .memory_left = 1 << 20, .memory_max = 1 << 20, .bytes_read_left = INT64_MAX};
    struct scan_request request = {.tenant = SLICE("acme"), .start_ns = INT64_MIN, .end_ns = INT64_MAX};
    const struct source *source = store_source(store);
    struct buf got = BUF_INIT;
    struct err err;
    assert_true(source->label_names(source->self, &request, &control, collect_name, &got, &err));
    assert_true(source->label_values(source->self, &request, SLICE("app"), &control, collect_name, &got, &err));
    request.end_ns = (DAY0 + 1) * NS_PER_DAY;
    assert_true(source->label_values(source->self, &request, SLICE("app"), &control, collect_name, &got, &err));
    request.tenant = SLICE("other");
    assert_true(source->label_values(source->self, &request, SLICE("app"), &control, collect_name, &got, &err));
    assert_true(slice_eq_str(buf_slice(&got), "app pod app1 app2 app1 "));
    buf_fini(&got);
    store_close(store);
    remove_tree(folder);
}

static int64_t keep_three_days(void *self, struct slice tenant)
{
    (void)self;
    return slice_eq_str(tenant, "acme") ? 3 * NS_PER_DAY : 0;
}

static void retention_drops_days_and_tenants_streams(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store_config config;
    struct err err;
    store_config_defaults(&config);
    config.folder = folder;
    config.clock = &moved_clock;
    config.disk_free_reserve = 0;
    config.compaction_interval_ns = INT64_MAX;
    config.retention_ns = keep_three_days;
    struct store *store = NULL;
    assert_true(store_open(&config, &store, &err));
    while (!store_ready(store, &err))
        (void)sched_yield();
    int64_t today = moved_wall(NULL);
    struct model_entry entries[] = {
        {.stream = 1, .ts_ns = today - 9 * NS_PER_DAY, .line = "alone on its day"},
        {.stream = 1, .ts_ns = today - 8 * NS_PER_DAY, .line = "beside another tenant"},
        {.tenant = 1, .stream = 1, .ts_ns = today - 8 * NS_PER_DAY, .line = "kept for ever"},
        {.stream = 1, .ts_ns = today, .line = "new"},
    };
    for (size_t i = 0; i < LENGTH(entries); i++)
        model_push(store, &entries[i], 1);
    assert_true(store_flush(store, &err));
    assert_true(store_maintain(store, &err)); // seen for the first time: nothing goes yet
    struct model got = {0};
    scan_all(store, 0, INT64_MIN, INT64_MAX, &got);
    assert_int_equal(got.count, 3);
    atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_MIN);
    assert_true(store_maintain(store, &err));
    got.count = 0;
    scan_all(store, 0, INT64_MIN, INT64_MAX, &got);
    assert_int_equal(got.count, 1);
    scan_all(store, 1, INT64_MIN, INT64_MAX, &got);
    assert_int_equal(got.count, 2);
    mem_free(got.entries);
    store_close(store);
    remove_tree(folder);
}

static void count_damage(void *self, const char *what)
{
    (void)what;
    ++*(unsigned *)self;
}

static void a_closed_store_verifies_and_a_flipped_byte_is_found(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store *store = open_store(folder, 2, true);
    struct model model = {0};
    unsigned random = 5, counter = 0;
    for (unsigned i = 0; i < 40; i++)
        push_random(store, &model, &random, &counter);
    store_close(store);
    struct store_config config;
    struct store_totals totals;
    struct err err;
    unsigned damages = 0;
    store_config_defaults(&config);
    config.folder = folder;
    if (!store_verify(&config, count_damage, &damages, &totals, &err))
        fail_msg("%s", err.text);
    assert_int_equal(damages, 0);
    assert_int_equal(totals.entries, model.count);
    if (!store_rebuild_index(&config, &totals, &err))
        fail_msg("%s", err.text);
    store = open_store(folder, 2, true);
    expect_model(store, &model, 5, "after new indexes");
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.entries, model.count);
    store_close(store);
    char command[256]; // the last byte of a block of the first segment that the shell finds
    (void)snprintf(command, sizeof(command), "f=$(ls %s/days/*/*.seg | head -1); printf '\\377\\377' | dd of=$f bs=1 seek=100 conv=notrunc 2>/dev/null", folder);
    assert_int_equal(system(command), 0);
    assert_true(store_verify(&config, count_damage, &damages, &totals, &err));
    assert_true(damages > 0);
    mem_free(model.entries);
    remove_tree(folder);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_gives_what_was_pushed_each_entry_once),
        cmocka_unit_test(a_folder_has_one_store),
        cmocka_unit_test(labels_are_those_of_the_range),
        cmocka_unit_test(a_closed_store_verifies_and_a_flipped_byte_is_found),
        cmocka_unit_test(retention_drops_days_and_tenants_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
