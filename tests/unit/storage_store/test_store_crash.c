/* kill -9 at any moment: every acknowledged push is there once, and of the one that was not answered all or nothing is. The child is this
 * program with arguments; it pushes, flushes and merges, and tells each acknowledgement through a pipe until it is killed. */
#include "store_model.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

#define CYCLES 12
#define PUSH_ENTRIES_MAX 48

/* The push of that number, the same in both processes. */
static size_t make_push(unsigned number, struct model_entry *entries)
{
    unsigned random = number * 2654435761u + 1;
    unsigned tenant = (unsigned)rand_r(&random) % TENANTS, first = (unsigned)rand_r(&random) % (STREAMS - 2);
    size_t count = 0;
    for (unsigned s = 0; s < 3; s++) {
        for (size_t i = 0, n = 1 + (size_t)rand_r(&random) % 16; i < n; i++) {
            struct model_entry *entry = &entries[count++];
            *entry = (struct model_entry){.tenant = tenant, .stream = first + s};
            entry->ts_ns = DAY0 * NS_PER_DAY + rand_r(&random) % 300 * (NS_PER_DAY / 100);
            (void)snprintf(entry->line, sizeof(entry->line), "%u.%zu", number, count);
        }
    }
    return count;
}

/* The child: pushes from `number` on, until it is killed. */
static int push_for_ever(const char *folder, unsigned number, unsigned shards)
{
    rcu_thread_join();
    struct store *store = open_store(folder, shards, number % 2 == 0);
    struct err err;
    for (;; number++) {
        struct model_entry entries[PUSH_ENTRIES_MAX];
        model_push(store, entries, make_push(number, entries));
        if (write(STDOUT_FILENO, "k", 1) != 1)
            return 1;
        if (number % 13 == 12 && !store_flush(store, &err))
            return 1;
        if (number % 40 == 39 && !store_maintain(store, &err))
            return 1;
    }
}

/* Runs the child until it has acknowledged `want` pushes and then some; returns how many it acknowledged. */
static unsigned run_child(const char *folder, unsigned number, unsigned shards, unsigned want, unsigned delay_us)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    char number_text[16], shards_text[16];
    (void)snprintf(number_text, sizeof(number_text), "%u", number);
    (void)snprintf(shards_text, sizeof(shards_text), "%u", shards);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)execl("/proc/self/exe", "test_store_crash", "child", folder, number_text, shards_text, (char *)NULL);
        _exit(127);
    }
    (void)close(pipes[1]);
    unsigned acknowledged = 0;
    char byte;
    while (acknowledged < want && read(pipes[0], &byte, 1) == 1)
        acknowledged++;
    (void)poll(NULL, 0, (int)(delay_us / 1000)); // any moment will do
    (void)kill(child, SIGKILL);
    while (read(pipes[0], &byte, 1) == 1)
        acknowledged++;
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(acknowledged >= want);
    (void)close(pipes[0]);
    return acknowledged;
}

/* Whether the store has the push: all of it or nothing. */
static bool has_push(struct store *store, unsigned number)
{
    struct model_entry entries[PUSH_ENTRIES_MAX];
    size_t count = make_push(number, entries), found = 0;
    struct model got = {0};
    scan_all(store, entries[0].tenant, INT64_MIN, INT64_MAX, &got);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < got.count; k++)
            found += entry_cmp(&entries[i], &got.entries[k]) == 0;
    mem_free(got.entries);
    assert_true(found == 0 || found == count);
    return found > 0;
}

static void a_killed_node_loses_and_doubles_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-crash-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct model model = {0};
    unsigned number = 1, random = 7;
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        unsigned acknowledged = run_child(folder, number, 1 + (unsigned)rand_r(&random) % 3, 1 + (unsigned)rand_r(&random) % 60, (unsigned)rand_r(&random) % 20000);
        for (unsigned i = 0; i < acknowledged; i++) {
            struct model_entry entries[PUSH_ENTRIES_MAX];
            for (size_t k = 0, n = make_push(number + i, entries); k < n; k++)
                model_add(&model, &entries[k]);
        }
        number += acknowledged;
        struct store *store = open_store(folder, 1 + cycle % 3, true);
        if (has_push(store, number)) {
            struct model_entry entries[PUSH_ENTRIES_MAX];
            for (size_t k = 0, n = make_push(number, entries); k < n; k++)
                model_add(&model, &entries[k]);
        }
        number++;
        expect_model(store, &model, cycle, "after a kill");
        store_close(store);
    }
    mem_free(model.entries);
    remove_tree(folder);
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return push_for_ever(argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_node_loses_and_doubles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
