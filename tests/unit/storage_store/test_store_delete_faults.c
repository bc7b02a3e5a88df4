/* A life with delete requests in which each call to the disk fails, once or from then on, or the power goes: lines of an accepted request never show again,
 * in this life or the next; all others that were acknowledged stay, once; and when the disk is well the requests come to their end.
 *
 * LOGI_LONG=1 fails every call; else later calls are taken with a stride. LOGI_FAULT_AT=n: only the nth. */
#include "faulty_life.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

#define EVERY_CALL_UP_TO 60u
#define STRIDE 5u

enum fate { STAYS, FIRST_REQUEST, SECOND_REQUEST };

struct life {
    struct faulty_life base;
    struct model kept;      // acknowledged, and no request takes them
    bool is_accepted[3];    // by fate
};

static void life_begin(struct life *life, const char *name, unsigned at, bool keeps_undo)
{
    *life = (struct life){.kept = {0}};
    faulty_life_begin(&life->base, name, at, keeps_undo);
    life->base.config.delete_delay_ns = NS_PER_HOUR; // of the clock that the test moves
}

static void life_end(struct life *life)
{
    mem_free(life->kept.entries);
    faulty_life_end(&life->base);
}

static enum fate fate_of(const struct model_entry *entry)
{
    return strstr(entry->line, "drop") != NULL ? FIRST_REQUEST : entry->stream == 3 && entry->ts_ns < (DAY0 + 1) * NS_PER_DAY ? SECOND_REQUEST : STAYS;
}

static bool push(struct life *life, struct store *store, unsigned number, bool only_kept)
{
    struct model_entry entries[64];
    size_t count = 0;
    struct err err;
    for (unsigned s = 0; s < 4; s++) {
        for (unsigned i = 0; i < 8; i++) {
            struct model_entry *entry = &entries[count];
            *entry = (struct model_entry){.stream = s, .ts_ns = DAY0 * NS_PER_DAY + (number % 3) * NS_PER_DAY / 2 + i};
            (void)snprintf(entry->line, sizeof(entry->line), "%s %u line %u", s < 2 && i % 2 == 0 ? "drop" : "keep", number, i);
            count += !only_kept || fate_of(entry) == STAYS;
        }
    }
    if (!model_try_push(store, entries, count, &err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (fate_of(&entries[i]) == STAYS)
            model_add(&life->kept, &entries[i]);
    return true;
}

static void ask(struct life *life, struct store *store, const char *query, int64_t end_day, enum fate fate)
{
    struct delete_request request = {.start_ms = DAY0 * (NS_PER_DAY / NS_PER_MS), .end_ms = end_day * (NS_PER_DAY / NS_PER_MS) - 1, .query = slice_str(query)};
    uint32_t id;
    struct err err;
    life->is_accepted[fate] = store_delete_add(store, tenant_name(0), &request, &id, &err);
}

/* Nothing of an accepted request shows; what is kept is there once. */
static void expect(const struct life *life, struct store *store, const char *when)
{
    struct model got = {0};
    scan_all(store, 0, INT64_MIN, INT64_MAX, &got);
    if (got.count > 0)
        qsort(got.entries, got.count, sizeof(*got.entries), entry_cmp);
    for (size_t i = 0; i < got.count; i++) {
        if (i > 0 && entry_cmp(&got.entries[i - 1], &got.entries[i]) == 0)
            fail_msg("%s, call %u, %s: \"%s\" is there twice", life->base.name, life->base.at, when, got.entries[i].line);
        if (life->is_accepted[fate_of(&got.entries[i])])
            fail_msg("%s, call %u, %s: deleted and there: \"%s\" of stream %u", life->base.name, life->base.at, when, got.entries[i].line, got.entries[i].stream);
    }
    for (size_t i = 0; i < life->kept.count; i++)
        if (got.count == 0 || bsearch(&life->kept.entries[i], got.entries, got.count, sizeof(*got.entries), entry_cmp) == NULL)
            fail_msg("%s, call %u, %s: acknowledged and lost: \"%s\"", life->base.name, life->base.at, when, life->kept.entries[i].line);
    mem_free(got.entries);
}

static void maintain(struct store *store)
{
    struct err err;
    atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
    (void)!store_maintain(store, &err);
}

/* What fails, fails. Reads do not fail here. */
static void live(struct life *life, struct store *store)
{
    struct err err;
    (void)push(life, store, 0, false);
    (void)push(life, store, 1, false);
    (void)!store_flush(store, &err);
    (void)push(life, store, 2, false);
    ask(life, store, "{app=~\"app[01]\"} |= \"drop\"", DAY0 + 5, FIRST_REQUEST);
    (void)push(life, store, 3, true);
    maintain(store);
    ask(life, store, "{app=\"app3\"}", DAY0 + 1, SECOND_REQUEST);
    (void)push(life, store, 4, true);
    maintain(store);
    (void)push(life, store, 5, true);
}

static bool are_processed(struct store *store)
{
    struct arena arena = ARENA_INIT;
    struct delete_request *list;
    size_t count = store_delete_list(store, tenant_name(0), &arena, &list), done = 0;
    for (size_t i = 0; i < count; i++)
        done += list[i].state == DELETE_PROCESSED;
    arena_fini(&arena);
    return done == count;
}

/* The disk is well again: the requests end, in this life and for all that follow. */
static void expect_well(struct life *life, struct store *store)
{
    struct err err;
    if (store == NULL)
        store = faulty_life_open(&life->base, "after a failed open");
    (void)store_is_ready_soon(store);
    bool ok = false;
    for (int waited = 0; !ok && waited < WAIT_MS; waited++) {
        ok = push(life, store, 6 + (unsigned)waited % 3, true);
        if (!ok) {
            (void)!store_maintain(store, &err);
            (void)poll(NULL, 0, 1);
        }
    }
    ok = ok && (store_flush(store, &err) || store_flush(store, &err)); // the first may be told of a seal that failed before
    if (!ok)
        fail_msg("%s, call %u: a disk that is well takes no push", life->base.name, life->base.at);
    expect(life, store, "once well");
    for (int waited = 0; !are_processed(store) && waited < WAIT_MS; waited++) {
        maintain(store);
        (void)poll(NULL, 0, 1);
    }
    if (!are_processed(store))
        fail_msg("%s, call %u: the requests do not end", life->base.name, life->base.at);
    expect(life, store, "when they are processed");
    store_close(store);
    faulty_life_verify(&life->base);
    store = faulty_life_open(&life->base, "the next life");
    expect(life, store, "in the next life");
    store_close(store);
}

static const struct kind {
    const char *name;
    enum fault_kind fault;
    bool is_sticky;
} kinds[] = {{"EIO once", FAULT_EIO, false}, {"EIO from then on", FAULT_EIO, true}, {"ENOSPC from then on", FAULT_ENOSPC, true}, {"a short write", FAULT_SHORT, false}};

/* False: the life ended before that call. */
static bool fail_one(const void *self, unsigned at)
{
    const struct kind *kind = self;
    struct life life;
    struct err err;
    struct store *store = NULL;
    life_begin(&life, kind->name, at, false);
    life.base.fault.fault = kind->fault;
    life.base.fault.is_sticky = kind->is_sticky;
    life.base.fault.fails_at = at;
    if (store_open(&life.base.config, &store, &err)) {
        live(&life, store);
        if (at % 2 == 0) { // closed while it fails
            store_close(store);
            store = NULL;
        }
    }
    bool was_reached = fault_disk_heal(&life.base.fault) >= at;
    expect_well(&life, store);
    life_end(&life);
    return was_reached;
}

static void any_call_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(kinds); i++)
        faulty_calls_each(EVERY_CALL_UP_TO, STRIDE, fail_one, &kinds[i]);
}

/* False: the life ended before that call. */
static bool cut_power(const void *self, unsigned at)
{
    uint64_t seed = *(const bool *)self ? at : 0;
    struct life life;
    struct err err;
    struct store *store = NULL;
    life_begin(&life, seed == 0 ? "power cut" : "power cut, some was written", at, true);
    life.base.fault.stops_at = at;
    if (store_open(&life.base.config, &store, &err)) {
        live(&life, store);
        store_close(store);
    }
    bool was_reached = life.base.fault.is_dead;
    fault_disk_power_cut(&life.base.fault, seed);
    expect_well(&life, NULL);
    life_end(&life);
    return was_reached;
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    static const bool some_was_written[] = {false, true};
    for (unsigned round = 0; round < 2; round++)
        faulty_calls_each(EVERY_CALL_UP_TO, STRIDE, cut_power, &some_was_written[round]);
}

int main(void)
{
    faulty_calls_silence_log();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(the_power_may_go_at_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
