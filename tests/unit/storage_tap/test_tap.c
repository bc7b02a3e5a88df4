#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "storage/tap/tap.h"

#define SHARDS 2
#define TENANT SLICE("t")

static struct arena arena;

static struct slice labels_of(const char *app)
{
    struct label label = {SLICE("app"), slice_str(app)};
    return label_set_encode_in(&arena, &(struct label_set){&label, 1});
}

static struct push_run run_of(const char *app, struct push_entry *entries, size_t count)
{
    struct slice labels = labels_of(app);
    return (struct push_run){.stream = stream_id(TENANT, labels), .labels = labels, .entries = entries, .count = count};
}

static void feed(struct tap_board *board, unsigned shard, struct slice tenant, const struct push_run *run)
{
    struct tap_feed feed;
    if (!tap_feed_begin(board, tenant, &feed))
        return;
    tap_feed_run(&feed, board, shard, run, 7);
    tap_feed_end(&feed);
}

static void count_release(void *self)
{
    atomic_fetch_add((_Atomic int *)self, 1);
}

static struct matcher matcher_of(const char *pattern)
{
    struct matcher matcher;
    struct err err;
    assert_true(matcher_init(&matcher, MATCH_RE, SLICE("app"), slice_str(pattern), &arena, &err));
    return matcher;
}

static void a_tap_gets_its_tenants_and_matchers_entries_as_a_batch(void **state)
{
    (void)state;
    struct tap_board *board = tap_board_create(SHARDS, 1 << 20);
    struct matcher matcher = matcher_of("a.*");
    _Atomic int released = 0;
    struct push_entry entries[] = {
        {5, SLICE("one"), SLICE("\x01k\x01v")}, {4, SLICE(""), SLICE_NONE}, {6, SLICE("three"), SLICE("\x01k\x01v")}, {6, SLICE("four"), SLICE("\x01k\x01v")}};
    struct push_run wanted = run_of("ab", entries, 4), other = run_of("b", entries, 4);
    feed(board, 0, TENANT, &wanted); // nobody listens yet
    struct tap *tap = tap_open(board, &(struct tap_config){TENANT, &matcher, 1, 1 << 20, count_release, &released});
    feed(board, 0, TENANT, &wanted);
    feed(board, 1, TENANT, &other);
    feed(board, 1, SLICE("elsewhere"), &wanted);
    struct tap_run *run = tap_take(tap);
    assert_non_null(run);
    assert_true(tap_take(tap) == NULL);
    assert_int_equal(run->batch.count, 4);
    static const char *const lines[] = {"one", "", "three", "four"};
    static const size_t metadata[] = {4, 0, 4, 4};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(run->batch.ts_ns[i], entries[i].ts_ns);
        assert_true(slice_eq_str(entry_batch_line(&run->batch, i), lines[i]));
        assert_int_equal(entry_batch_metadata(&run->batch, i).len, metadata[i]);
    }
    assert_true(slice_eq(run->labels, wanted.labels));
    assert_true(tap_board_bytes(board) > 0);
    tap_run_unref(run);
    assert_int_equal(tap_board_bytes(board), 0);
    feed(board, 0, TENANT, &wanted); // not taken: goes with the tap
    tap_close(tap);
    feed(board, 0, TENANT, &wanted);
    tap_board_destroy(board);
    assert_int_equal(atomic_load(&released), 1);
    matcher_fini(&matcher);
}

static void what_has_no_room_is_counted_and_named(void **state)
{
    (void)state;
    struct tap_board *board = tap_board_create(SHARDS, 1 << 20);
    struct push_entry entries[300];
    for (size_t i = 0; i < LENGTH(entries); i++)
        entries[i] = (struct push_entry){(int64_t)i, SLICE("a line of thirty bytes or more"), SLICE_NONE};
    struct push_run run = run_of("a", entries, LENGTH(entries));
    struct tap *tap = tap_open(board, &(struct tap_config){TENANT, NULL, 0, 1000, NULL, NULL});
    for (int i = 0; i < 10; i++) // the first passes, whatever its size
        feed(board, 0, TENANT, &run);
    assert_true(tap_has_news(tap));
    struct tap_loss *losses = NULL;
    assert_int_equal(tap_take_losses(tap, &losses), 9 * 300);
    size_t named = 0;
    for (const struct tap_loss *loss = losses; loss != NULL; loss = loss->next) {
        assert_true(slice_eq(loss->labels, run.labels));
        for (size_t i = 0; i < loss->count; i++)
            assert_int_equal(loss->ts_ns[i], i);
        named += loss->count;
    }
    assert_int_equal(named, TAP_LOSSES_MAX);
    tap_loss_destroy(losses);
    assert_int_equal(tap_take_losses(tap, &losses), 0);
    assert_null(losses);
    struct tap_run *first = tap_take(tap);
    assert_int_equal(first->batch.count, 300);
    tap_run_unref(first);
    feed(board, 0, TENANT, &run); // there is room again
    tap_run_unref(tap_take(tap));
    tap_close(tap);
    tap_board_destroy(board);
}

static void a_large_run_comes_in_pieces_and_in_order(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct tap_board *board = tap_board_create(SHARDS, 64 << 20);
    struct push_entry *entries = mem_array(COUNT, sizeof(*entries));
    static char line[200];
    for (size_t i = 0; i < COUNT; i++)
        entries[i] = (struct push_entry){(int64_t)i, slice_of(line, i % 200), SLICE_NONE};
    struct push_run run = run_of("a", entries, COUNT);
    struct tap *taps[3];
    for (size_t t = 0; t < 3; t++)
        taps[t] = tap_open(board, &(struct tap_config){TENANT, NULL, 0, 64 << 20, NULL, NULL});
    feed(board, 1, TENANT, &run);
    size_t bytes = tap_board_bytes(board);
    assert_true(bytes < 2 * COUNT * (100 + 20)); // one copy for all three
    for (size_t t = 0; t < 3; t++) {
        size_t seen = 0, pieces = 0;
        for (struct tap_run *piece = tap_take(taps[t]); piece != NULL; piece = tap_take(taps[t]), pieces++) {
            for (size_t i = 0; i < piece->batch.count; i++, seen++) {
                assert_int_equal(piece->batch.ts_ns[i], seen);
                assert_int_equal(entry_batch_line(&piece->batch, i).len, seen % 200);
            }
            tap_run_unref(piece);
        }
        assert_int_equal(seen, COUNT);
        assert_true(pieces > 2);
        tap_close(taps[t]);
    }
    assert_int_equal(tap_board_bytes(board), 0);
    tap_board_destroy(board);
    mem_free(entries);
}

/* ---- many threads ---- */

struct race {
    struct tap_board *board;
    atomic_bool stops;
};

struct worker {
    struct race *race;
    unsigned shard;
    struct push_run run;
    struct push_entry entry;
};

static void *feed_much(void *self)
{
    struct worker *worker = self;
    rcu_thread_join();
    while (!atomic_load(&worker->race->stops)) {
        worker->entry.ts_ns++;
        feed(worker->race->board, worker->shard, TENANT, &worker->run);
    }
    rcu_thread_part();
    return NULL;
}

static void *open_and_close(void *self)
{
    struct race *race = self;
    rcu_thread_join();
    _Atomic int released = 0;
    for (int i = 0; i < 200; i++) {
        struct tap *tap = tap_open(race->board, &(struct tap_config){TENANT, NULL, 0, 100000, count_release, &released});
        int64_t last[SHARDS] = {0};
        for (int taken = 0; taken < 20;) {
            struct tap_run *run = tap_take(tap);
            if (run == NULL)
                continue;
            size_t shard = run->labels.ptr[run->labels.len - 1] == '0' ? 0 : 1;
            assert_true(run->batch.ts_ns[0] > last[shard]); // each shard's in order
            last[shard] = run->batch.ts_ns[0];
            tap_run_unref(run);
            taken++;
        }
        tap_close(tap);
    }
    rcu_wait_frees();
    while (atomic_load(&released) < 200)
        ;
    rcu_thread_part();
    return NULL;
}

static void taps_come_and_go_while_workers_feed(void **state)
{
    (void)state;
    struct race race = {.board = tap_board_create(SHARDS, 1 << 20)};
    struct worker workers[SHARDS];
    pthread_t feeders[SHARDS], takers[3];
    for (unsigned i = 0; i < SHARDS; i++) {
        workers[i] = (struct worker){.race = &race, .shard = i, .entry = {0, SLICE("a line"), SLICE_NONE}};
        workers[i].run = run_of(i == 0 ? "s0" : "s1", &workers[i].entry, 1);
        assert_int_equal(pthread_create(&feeders[i], NULL, feed_much, &workers[i]), 0);
    }
    for (size_t i = 0; i < LENGTH(takers); i++)
        assert_int_equal(pthread_create(&takers[i], NULL, open_and_close, &race), 0);
    for (size_t i = 0; i < LENGTH(takers); i++)
        (void)pthread_join(takers[i], NULL);
    atomic_store(&race.stops, true);
    for (size_t i = 0; i < SHARDS; i++)
        (void)pthread_join(feeders[i], NULL);
    tap_board_destroy(race.board);
}

static int begin(void **state)
{
    (void)state;
    rcu_thread_join();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_fini(&arena);
    rcu_thread_part();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tap_gets_its_tenants_and_matchers_entries_as_a_batch),
        cmocka_unit_test(what_has_no_room_is_counted_and_named),
        cmocka_unit_test(a_large_run_comes_in_pieces_and_in_order),
        cmocka_unit_test(taps_come_and_go_while_workers_feed),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
