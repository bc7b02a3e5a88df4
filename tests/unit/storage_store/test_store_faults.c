/* A short life of a store in which each call to the disk fails, once or from then on, or the power goes: a push is refused or acknowledged, and what
 * was acknowledged is there once, in this life when the disk is well again and in the next one. Nothing hangs.
 *
 * LOGI_LONG=1 fails every call with every kind of fault; else later calls are taken with a stride. LOGI_FAULT_AT=n: only the nth. */
#include "faulty_life.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

#define PUSHES 9u
#define EVERY_CALL_UP_TO 40u
#define STRIDE 7u

struct life {
    struct faulty_life base;
    struct model acknowledged, refused;
};

static void life_begin(struct life *life, const char *name, unsigned at, bool keeps_undo)
{
    *life = (struct life){.acknowledged = {0}};
    faulty_life_begin(&life->base, name, at, keeps_undo);
}

static void life_end(struct life *life)
{
    mem_free(life->acknowledged.entries);
    mem_free(life->refused.entries);
    faulty_life_end(&life->base);
}

static size_t make_push(unsigned number, struct model_entry *entries)
{
    size_t count = 0;
    for (unsigned s = 0; s < 4; s++) {
        for (unsigned i = 0; i < 12; i++) {
            struct model_entry *entry = &entries[count++];
            *entry = (struct model_entry){.tenant = number % TENANTS, .stream = s};
            entry->ts_ns = DAY0 * NS_PER_DAY + (number % 3) * NS_PER_DAY / 2 + i;
            (void)snprintf(entry->line, sizeof(entry->line), "push %u line %u", number, i);
        }
    }
    return count;
}

/* Pushes; says in the model what was answered. */
static bool push(struct life *life, struct store *store, unsigned number, struct err *err)
{
    struct model_entry entries[64];
    size_t count = make_push(number, entries);
    bool ok = model_try_push(store, entries, count, err);
    for (size_t i = 0; i < count; i++)
        model_add(ok ? &life->acknowledged : &life->refused, &entries[i]);
    return ok;
}

/* Everything a node does in a day. What fails, fails. */
static void live(struct life *life, struct store *store)
{
    struct err err;
    for (unsigned i = 0; i < PUSHES; i++) {
        (void)push(life, store, i, &err);
        if (i % 3 == 2)
            (void)!store_flush(store, &err);
        if (i == 5 || i == 8) {
            atomic_fetch_add(&clock_moved_ns, NS_PER_HOUR);
            (void)!store_maintain(store, &err);
        }
    }
}

/* All that was acknowledged is there once; what else is there was refused, and is there once. */
static void expect_all(struct life *life, struct store *store, const char *when)
{
    struct model got = {0};
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        scan_all(store, tenant, INT64_MIN, INT64_MAX, &got);
    if (got.count > 0)
        qsort(got.entries, got.count, sizeof(*got.entries), entry_cmp);
    for (size_t i = 1; i < got.count; i++)
        if (entry_cmp(&got.entries[i - 1], &got.entries[i]) == 0)
            fail_msg("%s, call %u, %s: \"%s\" is there twice", life->base.name, life->base.at, when, got.entries[i].line);
    for (size_t i = 0; i < life->acknowledged.count; i++)
        if (got.count == 0 || bsearch(&life->acknowledged.entries[i], got.entries, got.count, sizeof(*got.entries), entry_cmp) == NULL)
            fail_msg("%s, call %u, %s: acknowledged and lost: \"%s\"", life->base.name, life->base.at, when, life->acknowledged.entries[i].line);
    size_t known = 0;
    for (size_t i = 0; i < life->refused.count; i++)
        known += got.count > 0 && bsearch(&life->refused.entries[i], got.entries, got.count, sizeof(*got.entries), entry_cmp) != NULL;
    if (got.count != life->acknowledged.count + known)
        fail_msg("%s, call %u, %s: %zu entries, of which %zu acknowledged and %zu refused ones", life->base.name, life->base.at, when, got.count,
                 life->acknowledged.count, known);
    mem_free(got.entries);
}

/* The disk is well again: the store works, in this life and in the next. */
static void expect_well(struct life *life, struct store *store)
{
    struct err err;
    if (store == NULL)
        store = faulty_life_open(&life->base, "after a failed open");
    if (!store_maintain(store, &err))
        fail_msg("%s, call %u: maintenance of a disk that is well: %s", life->base.name, life->base.at, err.text);
    bool ok = false;
    for (int waited = 0; !ok && waited < WAIT_MS; waited++) {
        ok = push(life, store, PUSHES + (unsigned)waited, &err);
        if (!ok)
            (void)poll(NULL, 0, 1);
    }
    if (!ok)
        fail_msg("%s, call %u: no push is taken by a disk that is well: %s", life->base.name, life->base.at, err.text);
    ok = store_flush(store, &err) || store_flush(store, &err); // the first may be told of a seal that failed before
    if (!ok)
        fail_msg("%s, call %u: flush to a disk that is well: %s", life->base.name, life->base.at, err.text);
    expect_all(life, store, "in the same life");
    store_close(store);
    faulty_life_verify(&life->base);
    store = faulty_life_open(&life->base, "the next life");
    expect_all(life, store, "in the next life");
    store_close(store);
}

static const struct kind {
    const char *name;
    enum fault_kind fault;
    bool is_sticky;
    bool is_long; // with LOGI_LONG only
} kinds[] = {
    {"EIO once", FAULT_EIO, false, false},         {"EIO from then on", FAULT_EIO, true, false},
    {"ENOSPC once", FAULT_ENOSPC, false, true},    {"ENOSPC from then on", FAULT_ENOSPC, true, false},
    {"EDQUOT once", FAULT_EDQUOT, false, true},    {"EDQUOT from then on", FAULT_EDQUOT, true, true},
    {"a short write", FAULT_SHORT, false, false},  {"short writes from then on", FAULT_SHORT, true, true},
};

/* False: the life ended before that call. */
static bool fail_one(const void *self, unsigned at)
{
    const struct kind *kind = self;
    struct life life;
    life_begin(&life, kind->name, at, false);
    life.base.fault.fault = kind->fault;
    life.base.fault.is_sticky = kind->is_sticky;
    life.base.fault.fails_at = at;
    struct store *store = NULL;
    struct err err;
    if (store_open(&life.base.config, &store, &err)) {
        live(&life, store);
        if (at % 2 == 0) { // closed while it fails
            store_close(store);
            store = NULL;
        }
    } else {
        assert_true(life.base.fault.faults > 0);
    }
    bool was_reached = fault_disk_heal(&life.base.fault) >= at;
    expect_well(&life, store);
    life_end(&life);
    return was_reached;
}

static void any_call_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        if (kinds[i].is_long && !faulty_calls_are_long())
            continue;
        faulty_calls_each(EVERY_CALL_UP_TO, STRIDE, fail_one, &kinds[i]);
    }
}

/* False: the life ended before that call. */
static bool cut_power(const void *self, unsigned at)
{
    uint64_t seed = *(const bool *)self ? at : 0;
    struct life life;
    life_begin(&life, seed == 0 ? "power cut" : "power cut, some was written", at, true);
    life.base.fault.stops_at = at;
    struct store *store = NULL;
    struct err err;
    if (store_open(&life.base.config, &store, &err)) {
        live(&life, store);
        store_close(store);
    }
    bool was_reached = life.base.fault.is_dead;
    fault_disk_power_cut(&life.base.fault, seed);
    store = faulty_life_open(&life.base, "after the cut");
    expect_all(&life, store, "after the cut");
    expect_well(&life, store);
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
