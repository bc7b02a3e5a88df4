/* A short life of a store in which each call to the disk fails, once or from then on, or the power goes: a push is refused or acknowledged, and what
 * was acknowledged is there once, in this life when the disk is well again and in the next one. Nothing hangs.
 *
 * LOGI_LONG=1 fails every call with every kind of fault; else later calls are taken with a stride. LOGI_FAULT_AT=n: only the nth. */
#include "store_model.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/store/store_verify.h"
#include "tests/fault/fault_disk.h"

#define PUSHES 9u
#define EVERY_CALL_UP_TO 40u
#define STRIDE 7u
#define WAIT_MS 10000 // far more than anything here takes: what is not over by then hangs

struct life {
    struct fault_disk fault;
    struct store_config config;
    char folder[64];
    const char *name;
    unsigned at;
    struct model acknowledged, refused;
};

static void life_begin(struct life *life, const char *name, unsigned at, bool keeps_undo)
{
    *life = (struct life){.name = name, .at = at};
    (void)snprintf(life->folder, sizeof(life->folder), "%s/logi-test-faults-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(life->folder));
    fault_disk_init(&life->fault);
    life->fault.keeps_undo = keeps_undo;
    model_config(&life->config, life->folder, 2);
    life->config.disk = &life->fault.disk;
    life->config.durability = LOG_SYNC;
    life->config.log_file_bytes = (size_t)16 << 10; // several files
}

static void life_end(struct life *life)
{
    mem_free(life->acknowledged.entries);
    mem_free(life->refused.entries);
    fault_disk_fini(&life->fault);
    remove_tree(life->folder);
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

static bool is_ready_soon(struct store *store)
{
    struct err err;
    for (int waited = 0; waited < WAIT_MS; waited++) {
        if (store_ready(store, &err))
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
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
            fail_msg("%s, call %u, %s: \"%s\" is there twice", life->name, life->at, when, got.entries[i].line);
    for (size_t i = 0; i < life->acknowledged.count; i++)
        if (got.count == 0 || bsearch(&life->acknowledged.entries[i], got.entries, got.count, sizeof(*got.entries), entry_cmp) == NULL)
            fail_msg("%s, call %u, %s: acknowledged and lost: \"%s\"", life->name, life->at, when, life->acknowledged.entries[i].line);
    size_t known = 0;
    for (size_t i = 0; i < life->refused.count; i++)
        known += got.count > 0 && bsearch(&life->refused.entries[i], got.entries, got.count, sizeof(*got.entries), entry_cmp) != NULL;
    if (got.count != life->acknowledged.count + known)
        fail_msg("%s, call %u, %s: %zu entries, of which %zu acknowledged and %zu refused ones", life->name, life->at, when, got.count,
                 life->acknowledged.count, known);
    mem_free(got.entries);
}

static struct store *open_well(struct life *life, const char *when)
{
    struct store *store = NULL;
    struct err err;
    if (!store_open(&life->config, &store, &err))
        fail_msg("%s, call %u, %s: open: %s", life->name, life->at, when, err.text);
    if (!is_ready_soon(store))
        fail_msg("%s, call %u, %s: never ready", life->name, life->at, when);
    return store;
}

static void ignore_damage(void *self, const char *what)
{
    struct life *life = self;
    fail_msg("%s, call %u: verify: %s", life->name, life->at, what);
}

/* The disk is well again: the store works, in this life and in the next. */
static void expect_well(struct life *life, struct store *store)
{
    struct err err;
    if (store == NULL)
        store = open_well(life, "after a failed open");
    if (!store_maintain(store, &err))
        fail_msg("%s, call %u: maintenance of a disk that is well: %s", life->name, life->at, err.text);
    bool ok = false;
    for (int waited = 0; !ok && waited < WAIT_MS; waited++) {
        ok = push(life, store, PUSHES + (unsigned)waited, &err);
        if (!ok)
            (void)poll(NULL, 0, 1);
    }
    if (!ok)
        fail_msg("%s, call %u: no push is taken by a disk that is well: %s", life->name, life->at, err.text);
    ok = store_flush(store, &err) || store_flush(store, &err); // the first may be told of a seal that failed before
    if (!ok)
        fail_msg("%s, call %u: flush to a disk that is well: %s", life->name, life->at, err.text);
    expect_all(life, store, "in the same life");
    store_close(store);
    struct store_totals totals;
    if (!store_verify(&life->config, ignore_damage, life, &totals, &err))
        fail_msg("%s, call %u: verify: %s", life->name, life->at, err.text);
    store = open_well(life, "the next life");
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

static bool is_long(void)
{
    const char *text = getenv("LOGI_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

static unsigned next_call(unsigned at)
{
    if (getenv("LOGI_FAULT_AT") != NULL)
        return UINT32_MAX;
    return at + (is_long() || at < EVERY_CALL_UP_TO ? 1 : STRIDE);
}

static unsigned first_call(void)
{
    const char *only = getenv("LOGI_FAULT_AT");
    return only != NULL ? (unsigned)atoi(only) : 1;
}

/* False: the life ended before that call. */
static bool fail_one(const struct kind *kind, unsigned at)
{
    struct life life;
    life_begin(&life, kind->name, at, false);
    life.fault.fault = kind->fault;
    life.fault.is_sticky = kind->is_sticky;
    life.fault.fails_at = at;
    struct store *store = NULL;
    struct err err;
    if (store_open(&life.config, &store, &err)) {
        live(&life, store);
        if (at % 2 == 0) { // closed while it fails
            store_close(store);
            store = NULL;
        }
    } else {
        assert_true(life.fault.faults > 0);
    }
    bool was_reached = fault_disk_heal(&life.fault) >= at;
    expect_well(&life, store);
    life_end(&life);
    return was_reached;
}

static void any_call_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        unsigned lives = 0;
        if (kinds[i].is_long && !is_long())
            continue;
        for (unsigned at = first_call(); at != UINT32_MAX && fail_one(&kinds[i], at); at = next_call(at))
            lives++;
        assert_true(getenv("LOGI_FAULT_AT") != NULL || lives > 40);
    }
}

/* False: the life ended before that call. */
static bool cut_power(unsigned at, uint64_t seed)
{
    struct life life;
    life_begin(&life, seed == 0 ? "power cut" : "power cut, some was written", at, true);
    life.fault.stops_at = at;
    struct store *store = NULL;
    struct err err;
    if (store_open(&life.config, &store, &err)) {
        live(&life, store);
        store_close(store);
    }
    bool was_reached = life.fault.is_dead;
    fault_disk_power_cut(&life.fault, seed);
    store = open_well(&life, "after the cut");
    expect_all(&life, store, "after the cut");
    expect_well(&life, store);
    life_end(&life);
    return was_reached;
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        unsigned lives = 0;
        for (unsigned at = first_call(); at != UINT32_MAX && cut_power(at, round == 0 ? 0 : at); at = next_call(at))
            lives++;
        assert_true(getenv("LOGI_FAULT_AT") != NULL || lives > 40);
    }
}

static void say_nothing(void *self, struct slice line)
{
    (void)self, (void)line;
}

int main(void)
{
    if (getenv("LOGI_FAULT_AT") == NULL) // thousands of failures, each of which is told
        logger_init(LOG_LOGFMT, say_nothing, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(the_power_may_go_at_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
