/* The store against a naive model: random pushes (out of order, duplicates, days, tenants), flushes, merges, reopenings with other
 * numbers of shards. A scan always gives what the model has, each entry once. */
#include "store_model.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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
            push_random(store, &model, &random, &counter); // answered at once, and seen when the replay is through
            model_wait_ready(store);
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

static void *prepare_often(void *self)
{
    struct err err;
    size_t failures = 0;
    for (int i = 0; i < 50; i++)
        failures += !store_prepare_shutdown(self, i % 3 != 0, &err);
    return (void *)(uintptr_t)failures;
}

static void a_shutdown_may_be_prepared_by_several_at_once(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store *store = open_store(folder, 1, true);
    struct err err;
    pthread_t threads[4];
    for (size_t i = 0; i < LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, prepare_often, store), 0);
    for (size_t i = 0; i < LENGTH(threads); i++) {
        void *failures = NULL;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    assert_true(store_prepare_shutdown(store, true, &err));
    assert_true(store_shutdown_is_prepared(store));
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
    model_wait_ready(store);
    int64_t today = moved_wall(NULL);
    struct model_entry entries[] = {
        {.stream = 1, .ts_ns = today, .line = "new"},
        {.stream = 1, .ts_ns = today - 9 * NS_PER_DAY, .line = "alone on its day"},
        {.stream = 1, .ts_ns = today - 8 * NS_PER_DAY, .line = "beside another tenant"},
        {.tenant = 1, .stream = 1, .ts_ns = today - 8 * NS_PER_DAY, .line = "kept for ever"},
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
    // What comes late is seen until retention looks again; also of a stream that the dropped day's index knew.
    struct model_entry late[] = {{.stream = 2, .ts_ns = today - 9 * NS_PER_DAY, .line = "begins the day anew"},
                                 {.stream = 1, .ts_ns = today - 9 * NS_PER_DAY, .line = "late"}};
    for (size_t i = 0; i < LENGTH(late); i++) {
        model_push(store, &late[i], 1);
        got.count = 0;
        scan_all(store, 0, late[i].ts_ns, late[i].ts_ns, &got);
        assert_int_equal(got.count, 1 + i);
    }
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

/* ---- readers beside everything else ---- */

#define CROWD_ENTRIES 40

struct crowd {
    struct store *store;
    _Atomic size_t acknowledged;
    atomic_bool is_done;
};

static void *scan_beside(void *self)
{
    struct crowd *crowd = self;
    rcu_thread_join();
    while (!atomic_load(&crowd->is_done)) {
        struct model got = {0};
        size_t least = atomic_load(&crowd->acknowledged);
        scan_all(crowd->store, 0, INT64_MIN, INT64_MAX, &got);
        assert_true(got.count >= least);
        if (got.count > 0)
            qsort(got.entries, got.count, sizeof(*got.entries), entry_cmp);
        for (size_t i = 1; i < got.count; i++)
            assert_true(entry_cmp(&got.entries[i - 1], &got.entries[i]) != 0);
        mem_free(got.entries);
    }
    rcu_thread_part();
    return NULL;
}

/* Asks for what the pushes hold: labels, and the lines with a text; also of a tenant whose old days go meanwhile. */
static void *ask_beside(void *self)
{
    struct crowd *crowd = self;
    const struct source *source = store_source(crowd->store);
    const struct slice text = SLICE(".33 end");
    const struct needle needle = {.any = &text, .count = 1};
    rcu_thread_join();
    while (!atomic_load(&crowd->is_done)) {
        struct query_control control = {.clock = &system_clock, .memory_left = INT64_C(1) << 32, .memory_max = INT64_C(1) << 32, .bytes_read_left = INT64_MAX};
        struct scan_request request = {.tenant = tenant_name(0), .start_ns = INT64_MIN, .end_ns = INT64_MAX, .columns = SCAN_LINES | SCAN_METADATA};
        struct err err;
        struct buf names = BUF_INIT;
        bool any = atomic_load(&crowd->acknowledged) > 0;
        assert_true(source->label_values(source->self, &request, SLICE("app"), &control, collect_name, &names, &err));
        assert_true(!any || slice_starts(buf_slice(&names), SLICE("app0 app1 ")));
        buf_fini(&names);
        request.needles = &needle;
        request.needle_count = 1;
        size_t least = atomic_load(&crowd->acknowledged) / CROWD_ENTRIES;
        struct model got = {0};
        scan_request(crowd->store, 0, &request, &got);
        size_t found = 0;
        for (size_t i = 0; i < got.count; i++)
            found += strstr(got.entries[i].line, ".33 end") != NULL;
        assert_true(found >= least);
        got.count = 0;
        scan_all(crowd->store, 1, INT64_MIN, INT64_MAX, &got); // may shrink at any moment, never doubles
        mem_free(got.entries);
    }
    rcu_thread_part();
    return NULL;
}

static int64_t keep_others_for_two_days(void *self, struct slice tenant)
{
    (void)self;
    return slice_eq_str(tenant, "other") ? 2 * NS_PER_DAY : 0;
}

static void *flush_beside(void *self)
{
    struct crowd *crowd = self;
    rcu_thread_join();
    while (!atomic_load(&crowd->is_done)) {
        struct err err;
        assert_true(store_flush(crowd->store, &err));
        assert_true(store_maintain(crowd->store, &err));
        atomic_fetch_add(&clock_moved_ns, NS_PER_MIN); // days become quiet, and old
    }
    rcu_thread_part();
    return NULL;
}

static void readers_see_each_entry_once_while_it_moves_to_segments(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct crowd crowd = {0};
    struct store_config config;
    struct err err;
    model_config(&config, folder, 2);
    config.retention_ns = keep_others_for_two_days;
    assert_true(store_open(&config, &crowd.store, &err));
    model_wait_ready(crowd.store);
    pthread_t threads[3];
    assert_int_equal(pthread_create(&threads[0], NULL, scan_beside, &crowd), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, flush_beside, &crowd), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, ask_beside, &crowd), 0);
    for (unsigned i = 0; i < 300; i++) {
        struct model_entry entries[CROWD_ENTRIES];
        struct model_entry others[8];
        for (unsigned k = 0; k < LENGTH(others); k++) {
            others[k] = (struct model_entry){.tenant = 1, .stream = k, .ts_ns = (DAY0 + i % 10) * NS_PER_DAY};
            (void)snprintf(others[k].line, sizeof(others[k].line), "%u.%u", i, k);
        }
        model_push(crowd.store, others, LENGTH(others));
        for (unsigned k = 0; k < LENGTH(entries); k++) {
            entries[k] = (struct model_entry){.stream = k / 4, .ts_ns = DAY0 * NS_PER_DAY + (int64_t)(i * 7 % 300) * NS_PER_HOUR / 4};
            (void)snprintf(entries[k].line, sizeof(entries[k].line), "%u.%u end", i, k);
        }
        model_push(crowd.store, entries, LENGTH(entries));
        atomic_fetch_add(&crowd.acknowledged, LENGTH(entries));
    }
    atomic_store(&crowd.is_done, true);
    for (size_t i = 0; i < LENGTH(threads); i++)
        (void)pthread_join(threads[i], NULL);
    store_close(crowd.store);
    remove_tree(folder);
}

static void a_quiet_shard_does_not_keep_the_log_of_a_busy_one(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store_config config;
    struct store *store = NULL;
    struct err err;
    model_config(&config, folder, 2);
    config.log_file_bytes = (size_t)32 << 10;
    config.seal_bytes = (size_t)64 << 10;
    assert_true(store_open(&config, &store, &err));
    model_wait_ready(store);
    unsigned busy = 1;
    while (model_shard(0, busy, 2) == model_shard(0, 0, 2))
        busy++;
    struct model_entry quiet = {.stream = 0, .ts_ns = DAY0 * NS_PER_DAY, .line = "alone"};
    model_push(store, &quiet, 1);
    struct store_stats stats;
    uint64_t most = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct model_entry entries[32];
        for (unsigned k = 0; k < LENGTH(entries); k++) {
            entries[k] = (struct model_entry){.stream = busy, .ts_ns = DAY0 * NS_PER_DAY + i * 32 + k};
            (void)snprintf(entries[k].line, sizeof(entries[k].line), "%08x %08x", i * 2654435761u, k * 40503u + i);
        }
        model_push(store, entries, LENGTH(entries));
        if (i % 100 == 99) {
            assert_true(store_maintain(store, &err));
            store_stats(store, &stats);
            most = stats.log.bytes_on_disk > most ? stats.log.bytes_on_disk : most;
        }
    }
    assert_true(stats.log.bytes_logged > 30 * config.log_file_bytes);
    if (most > 14 * config.log_file_bytes)
        fail_msg("the log grew to %zu files", (size_t)(most / config.log_file_bytes));
    store_close(store);
    remove_tree(folder);
}

/* ---- a disk that fills ---- */

static _Atomic uint64_t fake_free_bytes;

static _Atomic unsigned free_looks;

static int fake_free(const struct disk *disk, const char *path, uint64_t *out_free, uint64_t *out_size)
{
    (void)disk;
    (void)path;
    atomic_fetch_add(&free_looks, 1);
    *out_free = atomic_load(&fake_free_bytes);
    *out_size = UINT64_C(1) << 40;
    return 0;
}

/* The calendar's clock as one reads it just before it is set back by an hour: stands for libc's function in this program. */
static atomic_bool clock_is_ahead;

int clock_gettime(clockid_t id, struct timespec *out)
{
    long code = syscall(SYS_clock_gettime, id, out);
    if (id == CLOCK_REALTIME && atomic_load(&clock_is_ahead))
        out->tv_sec += 3600;
    return (int)code;
}

static void a_calendar_that_is_set_back_holds_nobody_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct disk disk = system_disk;
    disk.free_bytes = fake_free;
    struct store_config config;
    struct err err;
    model_config(&config, folder, 1);
    config.disk = &disk;
    config.compaction_interval_ns = NS_PER_S;
    atomic_store(&fake_free_bytes, (uint64_t)1 << 39);
    struct store *store = NULL;
    assert_true(store_open(&config, &store, &err));
    atomic_store(&clock_is_ahead, true);
    unsigned before = atomic_load(&free_looks);
    for (int i = 0; i < 2000 && atomic_load(&free_looks) < before + 3; i++)
        (void)usleep(10000); // the maintenance thread looks once a second
    assert_true(atomic_load(&free_looks) >= before + 3);
    atomic_store(&clock_is_ahead, false);
    store_close(store);
    remove_tree(folder);
}

static void unexpected_done(struct push_job *job, bool ok, const struct err *err)
{
    (void)job;
    (void)ok;
    fail_msg("done was called for a push that was refused: %s", err == NULL ? "" : err->text);
}

static void a_full_disk_refuses_pushes_and_answers_queries_until_there_is_room(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct disk disk = system_disk;
    disk.free_bytes = fake_free;
    struct store_config config;
    struct err err;
    store_config_defaults(&config);
    config.folder = folder;
    config.disk = &disk;
    config.disk_free_reserve = (uint64_t)1 << 30;
    atomic_store(&fake_free_bytes, (uint64_t)1 << 39);
    struct store *store = NULL;
    assert_true(store_open(&config, &store, &err));
    model_wait_ready(store);
    struct model_entry entry = {.stream = 1, .ts_ns = DAY0 * NS_PER_DAY, .line = "before"};
    model_push(store, &entry, 1);
    atomic_store(&fake_free_bytes, 1000);
    while (store_ready(store, &err))
        (void)sched_yield();
    assert_int_equal(err.code, ERR_DISK_FULL);
    struct push_entry one = {.ts_ns = 1, .line = SLICE("refused")};
    struct push_run run = {.entries = &one, .count = 1, .line_bytes = 7};
    struct push_job job = {.batch = {.tenant = SLICE("acme"), .runs = &run, .run_count = 1, .entry_count = 1}, .done = unexpected_done};
    assert_false(store_push(store, &job, &err));
    assert_int_equal(err.code, ERR_DISK_FULL);
    struct model got = {0};
    scan_all(store, 0, INT64_MIN, INT64_MAX, &got);
    assert_int_equal(got.count, 1);
    atomic_store(&fake_free_bytes, (uint64_t)1 << 39);
    model_wait_ready(store);
    entry.ts_ns++;
    model_push(store, &entry, 1);
    got.count = 0;
    scan_all(store, 0, INT64_MIN, INT64_MAX, &got);
    assert_int_equal(got.count, 2);
    mem_free(got.entries);
    store_close(store);
    remove_tree(folder);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_gives_what_was_pushed_each_entry_once),
        cmocka_unit_test(a_folder_has_one_store),
        cmocka_unit_test(a_shutdown_may_be_prepared_by_several_at_once),
        cmocka_unit_test(labels_are_those_of_the_range),
        cmocka_unit_test(a_closed_store_verifies_and_a_flipped_byte_is_found),
        cmocka_unit_test(a_calendar_that_is_set_back_holds_nobody_up),
        cmocka_unit_test(a_full_disk_refuses_pushes_and_answers_queries_until_there_is_room),
        cmocka_unit_test(a_quiet_shard_does_not_keep_the_log_of_a_busy_one),
        cmocka_unit_test(readers_see_each_entry_once_while_it_moves_to_segments),
        cmocka_unit_test(retention_drops_days_and_tenants_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
