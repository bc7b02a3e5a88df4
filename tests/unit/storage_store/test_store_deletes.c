/* Delete requests of the store against a naive model: random pushes, requests, cancellations, flushes, merges, rounds of erasing, reopenings. A scan never shows
 * a line that a waiting request takes, shows all others once, and after a request is processed what is pushed anew stays. */
#include "store_model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/plan/query_control.h"
#include "storage/store/store_verify.h"

#define REQUESTS_MAX 64u
#define DAY_MS (NS_PER_DAY / NS_PER_MS)

enum form { WHOLE_STREAM, SOME_STREAMS_LINE, METADATA, NOT_REGEX, EVERY_STREAM, FORMS };

struct request {
    unsigned tenant;
    enum form form;
    unsigned number; // what the form's text has
    uint32_t id;
    int64_t start_ns, end_ns;
    bool is_over; // processed or cancelled
};

struct history {
    unsigned seed, random, counter;
    char folder[64];
    struct store *store;
    struct model model; // without what processed requests took
    struct request requests[REQUESTS_MAX];
    size_t request_count;
    size_t processed;
};

static unsigned pick(struct history *history, unsigned below)
{
    return (unsigned)rand_r(&history->random) % below;
}

static struct store *open_here(const char *folder, unsigned shards)
{
    struct store_config config;
    struct store *store = NULL;
    struct err err;
    model_config(&config, folder, shards);
    config.delete_delay_ns = NS_PER_HOUR; // of the clock that the test moves: so requests are processed where the test says
    if (!store_open(&config, &store, &err))
        fail_msg("open: %s", err.text);
    model_wait_ready(store);
    return store;
}

static void print_query(const struct request *request, char *out, size_t size)
{
    switch (request->form) {
    case WHOLE_STREAM:
        (void)snprintf(out, size, "{app=\"app%u\"}", request->number % STREAMS);
        break;
    case SOME_STREAMS_LINE:
        (void)snprintf(out, size, "{app=~\"app[0-5]\"} |= \"line %u\"", request->number % 10);
        break;
    case METADATA:
        (void)snprintf(out, size, "{app=~\".+\"} | m=\"v%u\"", request->number % 9);
        break;
    case NOT_REGEX:
        (void)snprintf(out, size, "{app=\"app%u\"} !~ \"line [0-%u]\" | line_format \"x{{.app}}\" |= \"xapp\"", request->number % STREAMS, request->number % 9);
        break;
    case EVERY_STREAM:
    case FORMS:
        (void)snprintf(out, size, "{app=~\".+\"}");
        break;
    }
}

/* The same, by hand. */
static bool takes(const struct request *request, const struct model_entry *entry)
{
    char text[16];
    if (entry->tenant != request->tenant || entry->ts_ns < request->start_ns || entry->ts_ns > request->end_ns)
        return false;
    const char *number = strstr(entry->line, "line ");
    switch (request->form) {
    case WHOLE_STREAM:
        return entry->stream == request->number % STREAMS;
    case SOME_STREAMS_LINE:
        (void)snprintf(text, sizeof(text), "line %u", request->number % 10);
        return entry->stream <= 5 && strstr(entry->line, text) != NULL;
    case METADATA:
        (void)snprintf(text, sizeof(text), "v%u", request->number % 9);
        return strcmp(entry->metadata, text) == 0;
    case NOT_REGEX:
        return entry->stream == request->number % STREAMS &&
               (number == NULL || number[5] < '0' || number[5] > '0' + (int)(request->number % 9));
    case EVERY_STREAM:
    case FORMS:
        return true;
    }
    return false;
}

static void push_some(struct history *history)
{
    struct model_entry entries[64];
    size_t count = 0;
    unsigned tenant = pick(history, TENANTS), first = pick(history, STREAMS);
    for (unsigned s = first; s < STREAMS && s < first + 3; s++) {
        size_t n = 1 + pick(history, 16);
        for (size_t i = 0; i < n; i++) {
            struct model_entry *entry = &entries[count++];
            *entry = (struct model_entry){.tenant = tenant, .stream = s};
            entry->ts_ns = DAY0 * NS_PER_DAY + pick(history, 300) * (NS_PER_DAY / 100);
            (void)snprintf(entry->line, sizeof(entry->line), pick(history, 20) == 0 ? "two\nwords %u" : "line %u", history->counter++);
            if (pick(history, 3) == 0)
                (void)snprintf(entry->metadata, sizeof(entry->metadata), "v%u", pick(history, 9));
        }
    }
    model_push(history->store, entries, count);
    for (size_t i = 0; i < count; i++)
        model_add(&history->model, &entries[i]);
}

static void ask_delete(struct history *history)
{
    if (history->request_count == REQUESTS_MAX)
        return;
    struct request *request = &history->requests[history->request_count++];
    char query[128];
    struct err err;
    *request = (struct request){.tenant = pick(history, TENANTS), .form = (enum form)pick(history, FORMS), .number = pick(history, 1000)};
    int64_t start_ms = DAY0 * DAY_MS + pick(history, 300) * (DAY_MS / 100);
    int64_t end_ms = start_ms + pick(history, request->form == EVERY_STREAM ? 20 : 150) * (DAY_MS / 100);
    request->start_ns = start_ms * NS_PER_MS;
    request->end_ns = end_ms * NS_PER_MS;
    print_query(request, query, sizeof(query));
    struct delete_request wanted = {.start_ms = start_ms, .end_ms = end_ms, .query = slice_str(query)};
    if (!store_delete_add(history->store, tenant_name(request->tenant), &wanted, &request->id, &err))
        fail_msg("seed %u: %s: %s", history->seed, query, err.text);
}

static void take_back(struct history *history)
{
    if (history->request_count == 0)
        return;
    struct request *request = &history->requests[pick(history, (unsigned)history->request_count)];
    struct err err;
    bool ok = store_delete_cancel(history->store, tenant_name(request->tenant), request->id, false, &err);
    assert_int_equal(ok, !request->is_over);
    request->is_over = true;
}

static void forget(struct history *history, const struct request *request)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->model.count; i++)
        if (!takes(request, &history->model.entries[i]))
            history->model.entries[kept++] = history->model.entries[i];
    history->model.count = kept;
}

/* What processed requests took leaves the model. */
static void follow(struct history *history)
{
    struct arena arena = ARENA_INIT;
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        struct delete_request *list;
        size_t count = store_delete_list(history->store, tenant_name(tenant), &arena, &list);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < history->request_count; k++) {
                struct request *request = &history->requests[k];
                if (request->id != list[i].id || request->tenant != tenant || request->is_over || list[i].state != DELETE_PROCESSED)
                    continue;
                request->is_over = true;
                history->processed++;
                forget(history, request);
            }
        }
    }
    arena_fini(&arena);
}

static void expect_visible(struct history *history, const char *when)
{
    struct model visible = {0};
    for (size_t i = 0; i < history->model.count; i++) {
        bool hidden = false;
        for (size_t k = 0; k < history->request_count && !hidden; k++)
            hidden = !history->requests[k].is_over && takes(&history->requests[k], &history->model.entries[i]);
        if (!hidden)
            model_add(&visible, &history->model.entries[i]);
    }
    expect_model(history->store, &visible, history->seed, when);
    mem_free(visible.entries);
}

static void must(bool ok, const struct err *err, const struct history *history)
{
    if (!ok)
        fail_msg("seed %u: %s", history->seed, err->text);
}

static const char *step(struct history *history)
{
    struct err err;
    switch (pick(history, 12)) {
    case 0:
    case 1:
        must(store_flush(history->store, &err), &err, history);
        return "after a flush";
    case 2:
        atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
        must(store_maintain(history->store, &err), &err, history);
        follow(history);
        return "after maintenance";
    case 3:
        store_close(history->store);
        history->store = open_here(history->folder, 1 + pick(history, 4));
        follow(history);
        return "after a reopening";
    case 4:
    case 5:
    case 6:
        ask_delete(history);
        return "after a request";
    case 7:
        take_back(history);
        return "after a cancellation";
    default:
        for (unsigned i = 0; i < 6; i++)
            push_some(history);
        return "after pushes";
    }
}

static void ignore(void *self, const char *what)
{
    fail_msg("%s: %s", (const char *)self, what);
}

static void finish(struct history *history)
{
    struct err err;
    atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
    must(store_maintain(history->store, &err), &err, history);
    follow(history);
    for (size_t i = 0; i < history->request_count; i++)
        assert_true(history->requests[i].is_over);
    expect_visible(history, "at the end");
    store_close(history->store);
    struct store_config config;
    struct store_totals totals;
    model_config(&config, history->folder, 1);
    must(store_verify(&config, ignore, history->folder, &totals, &err), &err, history);
    assert_int_equal(totals.entries, history->model.count); // nothing of it is left on the disk
}

static void one_history(unsigned seed)
{
    struct history history = {.seed = seed, .random = seed, .folder = "/tmp/logi-test-deletes-XXXXXX"};
    assert_non_null(mkdtemp(history.folder));
    history.store = open_here(history.folder, 1 + seed % 3);
    for (unsigned i = 0; i < 70; i++) {
        const char *when = step(&history);
        expect_visible(&history, when);
    }
    finish(&history);
    assert_true(history.processed > 0);
    mem_free(history.model.entries);
    remove_tree(history.folder);
}

static void a_scan_shows_what_no_request_takes(void **state)
{
    (void)state;
    const char *only = getenv("LOGI_TEST_SEED");
    unsigned first = only != NULL ? (unsigned)atoi(only) : 1, last = only != NULL ? first : 5;
    for (unsigned seed = first; seed <= last; seed++)
        one_history(seed);
}

/* ---- readers beside the eraser ---- */

#define CYCLES 12u
#define CYCLE_LINES 40u

struct readers {
    struct store *store;
    _Atomic unsigned pushed, asked; // cycles whose lines are acknowledged; whose request is answered
    atomic_bool stops;
    _Atomic unsigned scans;
};

/* Each scan: nothing of a cycle whose request was answered before it began; all that stays of cycles that were pushed before. */
static void *read_on(void *self)
{
    struct readers *readers = self;
    rcu_thread_join();
    while (!atomic_load(&readers->stops)) {
        struct model got = {0};
        unsigned asked = atomic_load(&readers->asked), pushed = atomic_load(&readers->pushed), kept[CYCLES] = {0};
        scan_all(readers->store, 0, INT64_MIN, INT64_MAX, &got);
        for (size_t i = 0; i < got.count; i++) {
            unsigned cycle = (unsigned)atoi(got.entries[i].line + 5);
            if (got.entries[i].line[0] == 'd' && cycle < asked)
                fail_msg("\"%s\" is there after %u requests", got.entries[i].line, asked);
            kept[cycle] += got.entries[i].line[0] == 'k';
        }
        for (unsigned c = 0; c < pushed; c++)
            assert_int_equal(kept[c], CYCLE_LINES / 2);
        mem_free(got.entries);
        atomic_fetch_add(&readers->scans, 1);
    }
    rcu_thread_part();
    return NULL;
}

static void push_cycle(struct store *store, unsigned cycle, unsigned part)
{
    struct model_entry entries[CYCLE_LINES / 2];
    for (unsigned i = 0; i < CYCLE_LINES / 2; i++) {
        entries[i] = (struct model_entry){.stream = i / 5, .ts_ns = DAY0 * NS_PER_DAY + cycle * NS_PER_S + i * 2 + part};
        (void)snprintf(entries[i].line, sizeof(entries[i].line), "%s %u line %u", i % 2 == 0 ? "drop" : "keep", cycle, i * 2 + part);
    }
    model_push(store, entries, CYCLE_LINES / 2);
}

static void readers_never_see_what_was_deleted_nor_miss_what_was_not(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-deletes-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct readers readers = {.store = open_here(folder, 2)};
    pthread_t threads[2];
    struct err err;
    for (size_t i = 0; i < LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
    for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
        push_cycle(readers.store, cycle, 0);
        if (cycle % 2 == 0)
            assert_true(store_flush(readers.store, &err));
        push_cycle(readers.store, cycle, 1);
        atomic_store(&readers.pushed, cycle + 1);
        char query[64];
        uint32_t id;
        (void)snprintf(query, sizeof(query), "{app=~\".+\"} |= \"drop %u \"", cycle);
        struct delete_request wanted = {.start_ms = DAY0 * DAY_MS, .end_ms = (DAY0 + 1) * DAY_MS, .query = slice_str(query)};
        assert_true(store_delete_add(readers.store, tenant_name(0), &wanted, &id, &err));
        atomic_store(&readers.asked, cycle + 1);
        for (unsigned scans = atomic_load(&readers.scans); atomic_load(&readers.scans) < scans + 2;)
            ;
        atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
        assert_true(store_maintain(readers.store, &err));
    }
    atomic_store(&readers.stops, true);
    for (size_t i = 0; i < LENGTH(threads); i++)
        (void)pthread_join(threads[i], NULL);
    store_close(readers.store);
    remove_tree(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_shows_what_no_request_takes),
        cmocka_unit_test(readers_never_see_what_was_deleted_nor_miss_what_was_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
