/* A needle among very many streams: what the scan finds is what was pushed, whether the streams are told by the indexes or by the parts that may hold the needle; and
 * the latter hold no list of all streams. */
#include "store_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/plan/query_control.h"

#define MANY 3000u

static const struct slice needle_text = {"the-needle", 10};
static const struct needle needle = {&needle_text, 1, false};

static struct scan_request request_of(unsigned tenant, int64_t start_ns, int64_t end_ns, const struct matcher *matcher)
{
    return (struct scan_request){.tenant = tenant_name(tenant),
                                 .start_ns = start_ns,
                                 .end_ns = end_ns,
                                 .matchers = matcher,
                                 .matcher_count = matcher != NULL,
                                 .needles = &needle,
                                 .needle_count = 1,
                                 .columns = SCAN_LINES | SCAN_METADATA};
}

/* The lines with the needle that the scan gives are those of the model. */
static void expect_found(struct store *store, const struct model *model, unsigned tenant, int64_t start_ns, int64_t end_ns, const struct matcher *matcher,
                         const char *when)
{
    struct scan_request request = request_of(tenant, start_ns, end_ns, matcher);
    struct model got = {0};
    size_t want = 0, found = 0;
    scan_request(store, tenant, &request, &got);
    for (size_t i = 0; i < model->count; i++) {
        const struct model_entry *entry = &model->entries[i];
        char app[24];
        (void)snprintf(app, sizeof(app), "app%u", entry->stream);
        bool is_wanted = entry->tenant == tenant && entry->ts_ns >= start_ns && entry->ts_ns <= end_ns && strstr(entry->line, needle_text.ptr) != NULL &&
                         (matcher == NULL || matcher_accepts(matcher, slice_str(app)));
        want += is_wanted;
        for (size_t k = 0; is_wanted && k < got.count; k++)
            found += entry_cmp(entry, &got.entries[k]) == 0;
    }
    size_t have = 0;
    for (size_t i = 0; i < got.count; i++)
        have += strstr(got.entries[i].line, needle_text.ptr) != NULL;
    if (found != want || have != want)
        fail_msg("%s, tenant %u: %zu of %zu lines are found, %zu lines have the needle", when, tenant, found, want, have);
    mem_free(got.entries);
}

static void expect_all(struct store *store, const struct model *model, const char *when)
{
    struct arena arena = ARENA_INIT;
    struct matcher matchers[3];
    struct err err;
    assert_true(matcher_init(&matchers[0], MATCH_EQ, SLICE("app"), SLICE("app5"), &arena, &err));
    assert_true(matcher_init(&matchers[1], MATCH_NEQ, SLICE("app"), SLICE("app5"), &arena, &err));
    assert_true(matcher_init(&matchers[2], MATCH_RE, SLICE("app"), SLICE("app1.*"), &arena, &err));
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        expect_found(store, model, tenant, INT64_MIN, INT64_MAX, NULL, when);
        expect_found(store, model, tenant, DAY0 * NS_PER_DAY + 2000, (DAY0 + 5) * NS_PER_DAY, NULL, when);
        for (size_t i = 0; i < LENGTH(matchers); i++)
            expect_found(store, model, tenant, INT64_MIN, INT64_MAX, &matchers[i], when);
    }
    for (size_t i = 0; i < LENGTH(matchers); i++)
        matcher_fini(&matchers[i]);
    arena_fini(&arena);
}

static void push(struct store *store, struct model *model, struct model_entry entry)
{
    model_push(store, &entry, 1);
    model_add(model, &entry);
}

/* Two lines a stream, on two days; three of a tenant's have the needle. */
static void fill(struct store *store, struct model *model)
{
    struct model_entry *entries = mem_array((size_t)MANY * 2, sizeof(*entries));
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        for (unsigned i = 0; i < MANY * 2; i++) {
            unsigned stream = i / 2;
            entries[i] = (struct model_entry){.tenant = tenant, .stream = stream, .ts_ns = (DAY0 + i % 2) * NS_PER_DAY + stream};
            bool has_needle = i % 2 == 0 ? stream == 5 + tenant || stream == 1717 : stream == MANY - 1;
            (void)snprintf(entries[i].line, sizeof(entries[i].line), has_needle ? "%u the-needle" : "%u another line", stream * 31);
        }
        model_push(store, entries, (size_t)MANY * 2);
        for (size_t i = 0; i < (size_t)MANY * 2; i++)
            if (strstr(entries[i].line, needle_text.ptr) != NULL)
                model_add(model, &entries[i]);
    }
    mem_free(entries);
}

/* Whether the scan can do with so little memory. */
static bool opens_within(struct store *store, const struct scan_request *request, int64_t bytes)
{
    const struct source *source = store_source(store);
    struct query_control control = {.clock = &system_clock, .memory_left = bytes, .memory_max = bytes, .bytes_read_left = INT64_MAX};
    struct scan *scan = NULL;
    struct err err;
    bool ok = source->scan_open(source->self, request, &control, &scan, &err);
    if (!ok) {
        assert_int_equal(err.code, ERR_LIMIT);
        return false;
    }
    source->scan_close(scan);
    assert_int_equal(control.memory_left, bytes);
    return true;
}

static void a_needle_is_found_among_very_many_streams(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct store_config config;
    struct store *store = NULL;
    struct model model = {0};
    struct err err;
    model_config(&config, folder, 2);
    config.seal_block_bytes = 2048;
    config.merge_block_bytes = 4096;
    if (!store_open(&config, &store, &err))
        fail_msg("open: %s", err.text);
    model_wait_ready(store);
    fill(store, &model);
    expect_all(store, &model, "in memory");
    assert_true(store_flush(store, &err));
    expect_all(store, &model, "in segments");

    struct scan_request request = request_of(0, INT64_MIN, INT64_MAX, NULL);
    assert_true(opens_within(store, &request, 300000));
    request.needle_count = 0;
    assert_false(opens_within(store, &request, 300000)); // so much takes the list of the streams

    push(store, &model, (struct model_entry){.stream = 5, .ts_ns = DAY0 * NS_PER_DAY + 9000, .line = "new the-needle"});
    push(store, &model, (struct model_entry){.stream = MANY + 1, .ts_ns = DAY0 * NS_PER_DAY + 9000, .line = "new the-needle"});
    push(store, &model, (struct model_entry){.tenant = 1, .stream = MANY + 2, .ts_ns = DAY0 * NS_PER_DAY + 9000, .line = "new the-needle"});
    expect_all(store, &model, "in both");
    request.needle_count = 1;
    assert_true(opens_within(store, &request, 300000));
    atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
    assert_true(store_maintain(store, &err));
    expect_all(store, &model, "after a merge");
    store_close(store);
    mem_free(model.entries);
    remove_tree(folder);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_needle_is_found_among_very_many_streams)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
