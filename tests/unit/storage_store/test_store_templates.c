/* Templates of the store's segments against a naive model: random pushes, also of old times and of entries that are there, delete requests, flushes, merges,
 * reopenings, files that are damaged or go. What scan_templates gives, and the lines where it gives nothing, are all entries, each once. */
#include "store_model.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/pipeline/pattern_text.h"
#include "core/plan/query_control.h"
#include "storage/store/store_verify.h"

#define DAY_MS (NS_PER_DAY / NS_PER_MS)
#define WAIT_NS (60 * NS_PER_S)

struct life {
    unsigned seed, random, counter;
    char folder[64];
    struct store *store;
    struct model model;
    bool has_deletes; // from then on nothing is pushed that a request would hide until it is processed
    unsigned parts_apart_max;
    uint64_t by_templates, by_lines, overlapping_by_templates; // units
};

static unsigned pick(struct life *life, unsigned below)
{
    return (unsigned)rand_r(&life->random) % below;
}

static void open_here(struct life *life)
{
    struct store_config config;
    struct err err;
    model_config(&config, life->folder, 2);
    config.keeps_templates = true;
    config.delete_delay_ns = 0;
    config.parts_apart_max = life->parts_apart_max;
    if (!store_open(&config, &life->store, &err))
        fail_msg("open: %s", err.text);
    model_wait_ready(life->store);
}

static void push_some(struct life *life)
{
    struct model_entry entries[64];
    size_t count = 0;
    unsigned tenant = pick(life, TENANTS), first = pick(life, STREAMS);
    for (unsigned s = first; s < STREAMS && s < first + 3; s++) {
        size_t n = 1 + pick(life, 16);
        for (size_t i = 0; i < n; i++) {
            struct model_entry *entry = &entries[count++];
            *entry = (struct model_entry){.tenant = tenant, .stream = s};
            // Rarely the same instant, so that some parts that overlap can be counted by templates.
            entry->ts_ns = DAY0 * NS_PER_DAY + pick(life, 300) * (NS_PER_DAY / 100) + (pick(life, 30) > 0 ? pick(life, 1000000) : 0);
            unsigned kind = pick(life, 20);
            if (kind == 0)
                entry->line[0] = '\0';
            else
                (void)snprintf(entry->line, sizeof(entry->line), kind == 1 ? "two\nwords %u" : kind < 9 && !life->has_deletes ? "took %u ms" : "line %u", life->counter++);
            if (pick(life, 3) == 0)
                (void)snprintf(entry->metadata, sizeof(entry->metadata), "v%u", pick(life, 9));
            if (life->model.count > 0 && pick(life, 12) == 0) { // one that is there already
                const struct model_entry *old = &life->model.entries[pick(life, (unsigned)life->model.count)];
                if (old->tenant == tenant && old->stream == s)
                    *entry = *old;
            }
        }
    }
    model_push(life->store, entries, count);
    for (size_t i = 0; i < count; i++)
        model_add(&life->model, &entries[i]);
}

static void delete_some(struct life *life)
{
    unsigned tenant = pick(life, TENANTS);
    int64_t start_ms = DAY0 * DAY_MS + pick(life, 300) * (DAY_MS / 100), end_ms = start_ms + pick(life, 50) * (DAY_MS / 100);
    struct delete_request request = {.query = SLICE("{app=~\"app[0-5]\"} |= \"took\""), .start_ms = start_ms, .end_ms = end_ms};
    struct err err;
    uint32_t id;
    if (!store_delete_add(life->store, tenant_name(tenant), &request, &id, &err))
        fail_msg("delete: %s", err.text);
    size_t kept = 0;
    for (size_t i = 0; i < life->model.count; i++) {
        const struct model_entry *entry = &life->model.entries[i];
        bool goes = entry->tenant == tenant && entry->stream <= 5 && strstr(entry->line, "took") != NULL && entry->ts_ns >= start_ms * NS_PER_MS &&
                    entry->ts_ns <= end_ms * NS_PER_MS;
        if (!goes)
            life->model.entries[kept++] = *entry;
    }
    life->model.count = kept;
    life->has_deletes = true;
}

/* ---- what is there ---- */

struct instant {
    unsigned stream;
    int64_t ts_ns;
};

struct instants {
    const struct scan *scan;
    struct instant *items;
    size_t count, cap;
    struct arena arena;
};

static int instant_cmp(const void *a, const void *b)
{
    const struct instant *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return (x->ts_ns > y->ts_ns) - (x->ts_ns < y->ts_ns);
}

static void instant_add(struct instants *instants, unsigned stream, int64_t ts_ns)
{
    if (instants->count == instants->cap) {
        instants->cap = instants->cap == 0 ? 1024 : instants->cap * 2;
        instants->items = mem_grow(instants->items, instants->cap, sizeof(*instants->items));
    }
    instants->items[instants->count++] = (struct instant){stream, ts_ns};
}

static unsigned stream_number(const struct scan *scan, uint32_t stream)
{
    struct slice app;
    assert_true(label_set_get(&scan->streams[stream].labels, SLICE("app"), &app));
    return (unsigned)atoi(app.ptr + 3);
}

static void take_templates(void *self, const struct template_batch *batch)
{
    struct instants *instants = self;
    for (uint32_t i = 0; i < batch->count; i++) {
        assert_true(batch->ids[i] < batch->template_count);
        instant_add(instants, stream_number(instants->scan, batch->stream), batch->ts_ns[i]);
    }
}

static bool take_lines(void *self, const struct entry_batch *batch)
{
    struct instants *instants = self;
    for (uint32_t i = 0; i < batch->count; i++)
        instant_add(instants, stream_number(instants->scan, batch->stream), batch->ts_ns[i]);
    return true;
}

static void count_unit(struct life *life, struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct instants *got)
{
    const struct source *source = store_source(life->store);
    struct err err;
    bool has = false;
    size_t before = got->count;
    if (!source->scan_templates(scan, unit, reader, take_templates, got, &has, &err))
        fail_msg("scan_templates: %s", err.text);
    if (has) {
        life->by_templates++;
        life->overlapping_by_templates += unit->is_exact ? 0 : 1;
        return;
    }
    assert_int_equal(got->count, before); // nothing was given
    life->by_lines++;
    if (!source->scan_read(scan, unit, reader, take_lines, got, &err))
        fail_msg("scan_read: %s", err.text);
}

static void expect_all(struct life *life, const char *when)
{
    const struct source *source = store_source(life->store);
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        int64_t start = pick(life, 3) == 0 ? INT64_MIN : DAY0 * NS_PER_DAY + pick(life, 300) * (NS_PER_DAY / 100);
        int64_t end = start == INT64_MIN ? INT64_MAX : start + pick(life, 100) * (NS_PER_DAY / 100);
        struct query_control control = {.clock = &system_clock, .memory_left = INT64_C(1) << 32, .memory_max = INT64_C(1) << 32, .bytes_read_left = INT64_MAX};
        struct scan_request request = {.tenant = tenant_name(tenant), .start_ns = start, .end_ns = end, .columns = SCAN_LINES | SCAN_METADATA};
        struct instants want = {0}, got = {0};
        struct scan *scan = NULL;
        struct err err;
        if (!source->scan_open(source->self, &request, &control, &scan, &err))
            fail_msg("scan: %s", err.text);
        got.scan = scan;
        struct scan_reader *reader = source->reader_create(source->self);
        for (size_t i = 0; i < scan->unit_count; i++)
            count_unit(life, scan, &scan->units[i], reader, &got);
        source->reader_destroy(reader);
        source->scan_close(scan);
        for (size_t i = 0; i < life->model.count; i++) {
            const struct model_entry *entry = &life->model.entries[i];
            if (entry->tenant == tenant && entry->ts_ns >= start && entry->ts_ns <= end)
                instant_add(&want, entry->stream, entry->ts_ns);
        }
        if (want.count > 0)
            qsort(want.items, want.count, sizeof(*want.items), instant_cmp);
        if (got.count > 0)
            qsort(got.items, got.count, sizeof(*got.items), instant_cmp);
        if (want.count != got.count)
            fail_msg("seed %u, %s, tenant %u: %zu entries, want %zu", life->seed, when, tenant, got.count, want.count);
        for (size_t i = 0; i < want.count; i++)
            if (instant_cmp(&want.items[i], &got.items[i]) != 0)
                fail_msg("seed %u, %s: entry %zu is at another time", life->seed, when, i);
        mem_free(want.items);
        mem_free(got.items);
    }
}

/* ---- the files ---- */

static unsigned damage_every;

static int damage_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)flag, (void)ftw;
    size_t len = strlen(path);
    if (len < 4 || strcmp(path + len - 4, ".pat") != 0)
        return 0;
    if (damage_every++ % 3 == 0)
        return unlink(path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char byte = 0;
    off_t at = damage_every % 2 == 0 ? stat->st_size / 3 : stat->st_size - 60;
    bool ok = fd >= 0 && pread(fd, &byte, 1, at) == 1;
    byte = (char)(byte ^ 0x20);
    ok = ok && pwrite(fd, &byte, 1, at) == 1 && close(fd) == 0;
    return ok ? 0 : 1;
}

static void report(void *self, const char *what)
{
    (void)self;
    fail_msg("verify: %s", what);
}

/* Counts until nothing that lies in segments alone is read by its lines any more. */
static void wait_until_kept(struct life *life, bool may_tie)
{
    int64_t until = clock_mono_ns(&system_clock) + WAIT_NS;
    for (;;) {
        life->by_templates = life->by_lines = 0;
        expect_all(life, "while templates are made");
        if (life->by_templates > 0 && (may_tie || life->by_lines == 0))
            return;
        if (clock_mono_ns(&system_clock) > until)
            fail_msg("seed %u: templates were not kept", life->seed);
        (void)usleep(20000);
    }
}

static void life_begin(struct life *life, unsigned seed, unsigned parts_apart_max)
{
    *life = (struct life){.seed = seed, .random = seed, .parts_apart_max = parts_apart_max};
    (void)snprintf(life->folder, sizeof(life->folder), "/tmp/logi-test-templates-XXXXXX");
    assert_non_null(mkdtemp(life->folder));
    open_here(life);
}

static void life_end(struct life *life)
{
    store_close(life->store);
    remove_tree(life->folder);
    mem_free(life->model.entries);
}

static void must_flush(struct life *life)
{
    struct err err;
    if (!store_flush(life->store, &err))
        fail_msg("flush: %s", err.text);
}

static void all_entries_are_counted_once_whatever_happens_to_segments_and_files(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++) {
        struct life life;
        struct err err;
        life_begin(&life, seed, seed % 3 == 0 ? 16 : seed % 3 - 1); // also 0: all that overlaps is merged
        for (unsigned step = 0; step < 120; step++) {
            unsigned dice = pick(&life, 100);
            if (dice < 50)
                push_some(&life);
            else if (dice < 65)
                must_flush(&life);
            else if (dice < 69 && !store_maintain(life.store, &err))
                fail_msg("maintain: %s", err.text);
            else if (dice < 73)
                delete_some(&life);
            else if (dice < 76) {
                store_close(life.store);
                if (dice == 75)
                    (void)nftw(life.folder, damage_one, 16, FTW_PHYS);
                open_here(&life);
            }
            expect_all(&life, "a step");
            atomic_fetch_add(&clock_moved_ns, NS_PER_MIN);
        }
        must_flush(&life);
        wait_until_kept(&life, true);
        store_close(life.store);
        struct store_totals totals;
        struct store_config config;
        model_config(&config, life.folder, 2);
        if (damage_every == 0 && !store_verify(&config, report, NULL, &totals, &err))
            fail_msg("verify: %s", err.text);
        damage_every = 0;
        open_here(&life);
        life_end(&life);
    }
}

static void templates_are_made_when_a_query_wanted_them_and_go_with_their_segments(void **state)
{
    (void)state;
    struct life life;
    struct err err;
    struct store_stats stats;
    life_begin(&life, 7, 16);
    for (unsigned i = 0; i < 400; i++) {
        struct model_entry entry = {.stream = i % STREAMS, .ts_ns = DAY0 * NS_PER_DAY + i};
        (void)snprintf(entry.line, sizeof(entry.line), "took %u ms", i);
        model_push(life.store, &entry, 1);
        model_add(&life.model, &entry);
        if (i % 100 == 99)
            must_flush(&life);
    }
    store_stats(life.store, &stats);
    assert_int_equal(stats.templates, 0); // sealed segments' are made only when they are wanted
    wait_until_kept(&life, false);
    store_stats(life.store, &stats);
    assert_true(stats.templates > 0 && stats.template_bytes > 0);
    uint64_t bytes = stats.template_bytes;
    store_close(life.store);
    open_here(&life);
    life.by_lines = 0;
    expect_all(&life, "after a restart");
    assert_int_equal(life.by_lines, 0);
    atomic_fetch_add(&clock_moved_ns, 30 * NS_PER_DAY); // the day is over and quiet: its segments become one
    assert_true(store_maintain(life.store, &err));
    wait_until_kept(&life, false);
    store_stats(life.store, &stats);
    assert_int_equal(stats.segments[0], 0);
    assert_true(stats.template_bytes < bytes); // the files of the segments that are gone are gone
    life_end(&life);
}

static void overlap_by_templates(unsigned parts_apart_max)
{
    struct life life;
    life_begin(&life, 8, parts_apart_max);
    for (unsigned part = 0; part < 2; part++) {
        for (unsigned i = 0; i < 50; i++) {
            struct model_entry entry = {.stream = 1, .ts_ns = DAY0 * NS_PER_DAY + 2 * i + part};
            (void)snprintf(entry.line, sizeof(entry.line), "line %u", i);
            model_push(life.store, &entry, 1);
            model_add(&life.model, &entry);
        }
        must_flush(&life);
    }
    wait_until_kept(&life, false);
    store_close(life.store);
    open_here(&life); // what it has learned of pairs is forgotten
    life.by_lines = life.overlapping_by_templates = 0;
    for (unsigned i = 0; i < 30; i++)
        expect_all(&life, "with times that differ");
    assert_true(life.overlapping_by_templates > 0);
    assert_int_equal(life.by_lines, 0);
    // One common instant, and lines must tell whether it is the same entry.
    struct model_entry entry = {.stream = 1, .ts_ns = DAY0 * NS_PER_DAY + 20, .line = "line 10"};
    struct model_entry apart = {.stream = 2, .ts_ns = DAY0 * NS_PER_DAY, .line = "line 10"};
    model_push(life.store, &entry, 1);
    model_push(life.store, &apart, 1);
    model_add(&life.model, &apart);
    must_flush(&life);
    wait_until_kept(&life, true);
    life.by_lines = 0;
    for (unsigned i = 0; i < 10; i++)
        expect_all(&life, "with an entry that is in two segments");
    assert_true(life.by_lines > 0);
    life_end(&life);
}

static void parts_that_overlap_without_a_common_instant_need_no_lines(void **state)
{
    (void)state;
    overlap_by_templates(0);
    overlap_by_templates(16);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_entries_are_counted_once_whatever_happens_to_segments_and_files),
        cmocka_unit_test(templates_are_made_when_a_query_wanted_them_and_go_with_their_segments),
        cmocka_unit_test(parts_that_overlap_without_a_common_instant_need_no_lines),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_thread_part();
    return failed;
}
