/* Replay beside pushes, and with heads that go to files: what was acknowledged is there, each entry once, whatever the files do. */
#include "store_model.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

/* A disk that holds up the replay's reading until it is let go, counts what is mapped, and fails what goes to a head's file. */
static struct gate {
    struct disk disk;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_shut;
    unsigned waiting;
    unsigned maps, maps_fail_at; // 0: none
    int spill_open_errno;        // 0: it works
    bool holds_segments;         // no segment is begun until it is let go
} gate;

static ssize_t gate_pread(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset)
{
    (void)disk;
    char name[16] = "";
    (void)pthread_getname_np(pthread_self(), name, sizeof(name));
    pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    while (gate.is_shut && strcmp(name, "replay") == 0)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.waiting--;
    pthread_mutex_unlock(&gate.lock);
    return system_disk.pread(&system_disk, fd, bytes, count, offset);
}

static int gate_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    (void)disk;
    bool is_direct = (flags & O_DIRECT) != 0;
    if (gate.spill_open_errno != 0 && strstr(path, "/spill-") != NULL && (gate.spill_open_errno != EINVAL || is_direct)) {
        errno = gate.spill_open_errno;
        return -1;
    }
    pthread_mutex_lock(&gate.lock);
    while (gate.holds_segments && (flags & O_CREAT) != 0 && strstr(path, ".seg") != NULL)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return system_disk.open(&system_disk, path, flags, mode);
}

static int gate_map(const struct disk *disk, int fd, off_t offset, size_t bytes, void *at)
{
    (void)disk;
    pthread_mutex_lock(&gate.lock);
    bool fails = ++gate.maps == gate.maps_fail_at;
    pthread_mutex_unlock(&gate.lock);
    if (fails) {
        errno = ENOMEM;
        return -1;
    }
    return system_disk.map(&system_disk, fd, offset, bytes, at);
}

static void gate_reset(bool is_shut)
{
    gate.disk = system_disk;
    gate.disk.pread = gate_pread;
    gate.disk.open = gate_open;
    gate.disk.map = gate_map;
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.changed, NULL);
    gate.is_shut = is_shut;
    gate.maps = gate.maps_fail_at = 0;
    gate.spill_open_errno = 0;
    gate.holds_segments = false;
}

static void gate_release(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_shut = gate.holds_segments = false;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static struct store *open_on(const struct disk *disk, const char *folder, unsigned shards, size_t head_bytes_max, size_t seal_bytes)
{
    struct store_config config;
    struct store *store = NULL;
    struct err err;
    model_config(&config, folder, shards);
    config.disk = disk;
    config.head_bytes_max = head_bytes_max;
    config.seal_bytes = seal_bytes;
    if (!store_open(&config, &store, &err))
        fail_msg("open: %s", err.text);
    return store;
}

static void push_some(struct store *store, struct model *model, unsigned pushes, unsigned *random)
{
    for (unsigned push = 0; push < pushes; push++) {
        struct model_entry entries[8];
        unsigned tenant = (unsigned)rand_r(random) % TENANTS;
        for (size_t i = 0; i < LENGTH(entries); i++) {
            entries[i] = (struct model_entry){.tenant = tenant, .stream = (unsigned)(i / 2 + push) % STREAMS};
            entries[i].ts_ns = DAY0 * NS_PER_DAY + rand_r(random) % 200 * (NS_PER_DAY / 100);
            (void)snprintf(entries[i].line, sizeof(entries[i].line), "line %d", rand_r(random) % 500);
            if (i % 3 == 0)
                (void)snprintf(entries[i].metadata, sizeof(entries[i].metadata), "v%d", rand_r(random) % 9);
        }
        for (size_t i = 1; i < LENGTH(entries); i++) // by stream, as model_push wants them
            assert_true(i % 2 == 0 || entries[i].stream == entries[i - 1].stream);
        model_push(store, entries, LENGTH(entries));
        for (size_t i = 0; i < LENGTH(entries); i++)
            model_add(model, &entries[i]);
    }
}

static void copy_tree(const char *from, const char *to)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "cp -r %s/. %s", from, to);
    assert_int_equal(system(command), 0);
}

static void a_push_during_replay_is_answered_at_once_and_seen_after_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-replay-XXXXXX", image[] = "/tmp/logi-test-image-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_non_null(mkdtemp(image));
    struct model model = {0};
    struct err err;
    unsigned random = 1;
    struct store *store = open_store(folder, 2, true);
    push_some(store, &model, 20, &random);
    store_close(store);

    gate_reset(true);
    store = open_on(&gate.disk, folder, 2, (size_t)64 << 20, (size_t)1 << 20);
    push_some(store, &model, 40, &random); // each waits for its answer: this ends only if they do not wait for the replay
    assert_false(store_ready(store, &err));
    assert_string_equal(err.text, "the log is being replayed");
    copy_tree(folder, image); // as a kill -9 now leaves it
    struct model acknowledged = {0};
    for (size_t i = 0; i < model.count; i++)
        model_add(&acknowledged, &model.entries[i]);
    gate_release();
    model_wait_ready(store);
    expect_model(store, &model, 1, "after the replay");
    push_some(store, &model, 5, &random);
    expect_model(store, &model, 1, "after more pushes");
    store_close(store);

    store = open_store(image, 3, true);
    expect_model(store, &acknowledged, 1, "after a kill during the replay");
    store_close(store);
    store = open_store(folder, 2, true);
    expect_model(store, &model, 1, "after a start in order");
    store_close(store);
    mem_free(acknowledged.entries);
    mem_free(model.entries);
    remove_tree(folder);
    remove_tree(image);
}

static const struct spill_case {
    const char *name;
    int open_errno;
    unsigned maps_fail_at;
    bool maps; // something is
} spill_cases[] = {
    {"files work", 0, 0, true},
    {"no file can be made", ENOSPC, 0, false},
    {"the file system has no direct writes", EINVAL, 0, true},
    {"the first page cannot be mapped", 0, 1, true},
    {"a later page cannot be mapped", 0, 7, true},
};

static void heads_in_files_are_read_and_sealed_as_those_in_memory_are(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-replay-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct model model = {0};
    unsigned random = 2;
    struct store *store = open_on(&system_disk, folder, 4, (size_t)64 << 20, (size_t)64 << 20);
    model_wait_ready(store);
    push_some(store, &model, 60, &random); // nothing is sealed: all of it is for the replay
    for (size_t i = 0; i < LENGTH(spill_cases); i++) {
        const struct spill_case *c = &spill_cases[i];
        char image[] = "/tmp/logi-test-image-XXXXXX";
        struct err err;
        assert_non_null(mkdtemp(image));
        copy_tree(folder, image); // as after a kill -9
        gate_reset(false);
        gate.spill_open_errno = c->open_errno;
        gate.maps_fail_at = c->maps_fail_at;
        // A head of one page is over what it may hold, so each record's part is frozen, and sealed only when the replay is over.
        struct store *again = open_on(&gate.disk, image, 4, (size_t)1 << 20, 1);
        model_wait_ready(again);
        expect_model(again, &model, 1, c->name);
        pthread_mutex_lock(&gate.lock);
        unsigned maps = gate.maps;
        pthread_mutex_unlock(&gate.lock);
        if ((maps > 0) != c->maps)
            fail_msg("%s: %u pages were mapped", c->name, maps);
        if (!store_flush(again, &err))
            fail_msg("%s: flush: %s", c->name, err.text);
        expect_model(again, &model, 1, "after a flush");
        struct store_stats stats;
        store_stats(again, &stats);
        assert_int_equal(stats.head_entries, 0);
        store_close(again);
        again = open_store(image, 2, true);
        expect_model(again, &model, 1, "after a start in order");
        store_close(again);
        remove_tree(image);
    }
    store_close(store);
    mem_free(model.entries);
    remove_tree(folder);
}

static struct flushing {
    struct store *store;
    atomic_int begun, ended;
    bool ok;
    struct err err;
} flushing;

static void flush_it(void *self)
{
    struct flushing *it = self;
    atomic_store(&it->begun, 1);
    it->ok = store_flush(it->store, &it->err);
    atomic_store(&it->ended, 1);
}

static void *close_it(void *self)
{
    store_close(self);
    return NULL;
}

static void a_flush_under_way_does_not_keep_the_store_from_closing(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-replay-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct model model = {0};
    unsigned random = 3;
    pthread_t closing;
    char image[] = "/tmp/logi-test-image-XXXXXX";
    assert_non_null(mkdtemp(image));
    struct store *store = open_on(&system_disk, folder, 4, (size_t)64 << 20, (size_t)64 << 20);
    model_wait_ready(store);
    push_some(store, &model, 60, &random);
    copy_tree(folder, image); // as after a kill -9
    store_close(store);
    gate_reset(false);
    gate.holds_segments = true;
    store = open_on(&gate.disk, image, 4, (size_t)1 << 20, 1); // each record's part is a head in a file, and waits to be sealed
    model_wait_ready(store);
    flushing = (struct flushing){.store = store};
    assert_true(store_run(store, flush_it, &flushing));
    while (atomic_load(&flushing.begun) == 0)
        (void)sched_yield();
    assert_int_equal(pthread_create(&closing, NULL, close_it, store), 0);
    for (int i = 0; i < 2000 && atomic_load(&flushing.ended) == 0; i++)
        (void)usleep(10000);
    bool has_ended = atomic_load(&flushing.ended) != 0;
    gate_release();
    assert_true(has_ended);
    assert_int_equal(pthread_join(closing, NULL), 0);
    assert_false(flushing.ok);
    assert_int_equal(flushing.err.code, ERR_UNAVAILABLE);
    store = open_store(image, 2, true);
    expect_model(store, &model, 1, "after a start in order");
    store_close(store);
    mem_free(model.entries);
    remove_tree(folder);
    remove_tree(image);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_during_replay_is_answered_at_once_and_seen_after_it),
        cmocka_unit_test(heads_in_files_are_read_and_sealed_as_those_in_memory_are),
        cmocka_unit_test(a_flush_under_way_does_not_keep_the_store_from_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
