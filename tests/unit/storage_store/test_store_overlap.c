/* Parts of a stream that overlap in time, a little and much, against a naive list of what was pushed: each entry once, in order of time, ties in order of arrival;
 * in units, in steps, newest first, with bounds; log queries of both directions with limits; counts; under delete requests. Times are few, so that instants meet at
 * every edge where a scan may cut. LOGI_TEST_SEED runs one history alone. */
#include "store_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/logql/parser.h"
#include "core/plan/query.h"
#include "core/plan/query_control.h"

#define BEGIN (DAY0 * NS_PER_DAY)
#define OWN_STREAMS 3u
#define SEEDS 42u

/* ---- a history ---- */

struct shape { /* in ms */
    unsigned step, overlap, parts;
    unsigned far; /* of 100 entries so many lie anywhere */
    unsigned again; /* ... were pushed before */
    unsigned each;  /* entries of a stream and part, at most */
};

static const struct shape shapes[] = {
    {50, 3, 20, 0, 5, 40},    // neighbours, by a little
    {50, 1, 20, 0, 30, 40},   // at an instant or two, many of them twice
    {20, 60, 16, 0, 10, 20},  // several deep
    {5, 400, 40, 1, 10, 10},  // all over all
    {10, 40, 30, 0, 10, 12},  // now more than are read apart, now fewer
    {50, 5, 20, 2, 10, 40},   // some entries long before or after
    {4, 2, 30, 0, 10, 60},    // few instants, each with many entries
};

struct history {
    unsigned seed, random, counter;
    struct shape shape;
    struct store *store;
    struct model model; // in order of arrival
    bool deletes;
    int64_t deleted_first_ns, deleted_last_ns;
};

static unsigned pick(struct history *history, unsigned below)
{
    return (unsigned)rand_r(&history->random) % below;
}

static int64_t span_ms(const struct history *history)
{
    return (int64_t)history->shape.parts * history->shape.step + history->shape.overlap;
}

static int64_t any_time(struct history *history)
{
    return BEGIN + (int64_t)pick(history, (unsigned)span_ms(history) + 1) * NS_PER_MS;
}

static void push_part(struct history *history, unsigned number)
{
    const struct shape *shape = &history->shape;
    struct model_entry entries[OWN_STREAMS * 64];
    size_t count = 0;
    for (unsigned s = 0; s < OWN_STREAMS; s++) {
        unsigned n = pick(history, 8) == 0 ? 0 : 1 + pick(history, shape->each);
        for (unsigned i = 0; i < n; i++) {
            struct model_entry *entry = &entries[count++];
            int64_t at_ms = (int64_t)number * shape->step + pick(history, shape->step + shape->overlap);
            *entry = (struct model_entry){.stream = s, .ts_ns = BEGIN + at_ms * NS_PER_MS};
            if (pick(history, 100) < shape->far)
                entry->ts_ns = any_time(history);
            if (history->model.count > 0 && pick(history, 100) < shape->again) {
                size_t newest = history->model.count < 200 ? history->model.count : 200;
                *entry = history->model.entries[history->model.count - 1 - pick(history, (unsigned)newest)];
                entry->stream = s;
                if (pick(history, 4) == 0) // the same but for its metadata, which makes it another
                    (void)snprintf(entry->metadata, sizeof(entry->metadata), "v%u", pick(history, 3));
                continue;
            }
            (void)snprintf(entry->line, sizeof(entry->line), "line %u", pick(history, 3) == 0 ? pick(history, 10) : history->counter++);
            if (pick(history, 4) == 0)
                (void)snprintf(entry->metadata, sizeof(entry->metadata), "v%u", pick(history, 3));
        }
    }
    if (count == 0)
        return;
    model_push(history->store, entries, count);
    for (size_t i = 0; i < count; i++)
        model_add(&history->model, &entries[i]);
}

static bool is_visible(const struct history *history, const struct model_entry *entry)
{
    return !history->deletes || entry->stream != 1 || entry->ts_ns < history->deleted_first_ns || entry->ts_ns > history->deleted_last_ns ||
           strstr(entry->line, "line 1") == NULL;
}

static unsigned stream_of_app(struct slice app) // "app" and a digit
{
    assert_int_equal(app.len, 4);
    return (unsigned)(app.ptr[3] - '0');
}

/* ---- what must come ---- */

struct row {
    struct model_entry entry;
    size_t unit, row; // arrival
};

struct rows {
    struct row *rows;
    size_t count, cap;
};

static void rows_add(struct rows *rows, const struct row *row)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 1024 : rows->cap * 2;
        rows->rows = mem_grow(rows->rows, rows->cap, sizeof(*row));
    }
    rows->rows[rows->count++] = *row;
}

static int row_cmp(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->entry.stream != y->entry.stream)
        return x->entry.stream < y->entry.stream ? -1 : 1;
    if (x->entry.ts_ns != y->entry.ts_ns)
        return x->entry.ts_ns < y->entry.ts_ns ? -1 : 1;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void rows_of_model(const struct history *history, int64_t start_ns, int64_t end_ns, struct rows *out)
{
    for (size_t i = 0; i < history->model.count; i++) {
        const struct model_entry *entry = &history->model.entries[i];
        if (entry->ts_ns >= start_ns && entry->ts_ns <= end_ns && is_visible(history, entry))
            rows_add(out, &(struct row){*entry, 0, i});
    }
    if (out->count > 0)
        qsort(out->rows, out->count, sizeof(*out->rows), row_cmp);
}

static void rows_expect(const struct history *history, const struct rows *got, const struct rows *want, unsigned columns, const char *what)
{
    const bool has_text = (columns & SCAN_LINES) != 0, has_metadata = (columns & SCAN_METADATA) != 0;
    for (size_t i = 0; i < got->count && i < want->count; i++) {
        const struct model_entry *g = &got->rows[i].entry, *w = &want->rows[i].entry;
        if (g->stream != w->stream || g->ts_ns != w->ts_ns || (has_text && strcmp(g->line, w->line) != 0) ||
            (has_metadata && strcmp(g->metadata, w->metadata) != 0))
            fail_msg("seed %u: %s: entry %zu is %u %lld %s %s, want %u %lld %s %s", history->seed, what, i, g->stream, (long long)(g->ts_ns - BEGIN), g->line,
                     g->metadata, w->stream, (long long)(w->ts_ns - BEGIN), w->line, w->metadata);
    }
    if (got->count != want->count)
        fail_msg("seed %u: %s: %zu entries, want %zu", history->seed, what, got->count, want->count);
}

/* ---- units ---- */

struct reading {
    const struct scan *scan;
    const struct scan_unit *unit;
    const struct scan_request *request;
    size_t index;
    struct rows rows;
    int64_t given_best_ns; // since the last step
    uint64_t given;
};

static bool take_batch(void *self, const struct entry_batch *batch)
{
    struct reading *reading = self;
    struct slice app;
    assert_true(label_set_get(&reading->scan->streams[batch->stream].labels, SLICE("app"), &app));
    assert_true(batch->count > 0);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct row row = {.entry.stream = stream_of_app(app), .entry.ts_ns = batch->ts_ns[i], .unit = reading->index, .row = batch->first_row + i};
        assert_true(i == 0 || batch->ts_ns[i - 1] <= batch->ts_ns[i]);
        assert_true(batch->ts_ns[i] >= reading->unit->first_ns && batch->ts_ns[i] <= reading->unit->last_ns);
        assert_true(batch->ts_ns[i] >= reading->request->start_ns && batch->ts_ns[i] <= reading->request->end_ns);
        if ((reading->request->columns & SCAN_LINES) != 0)
            memcpy(row.entry.line, entry_batch_line(batch, i).ptr, entry_batch_line(batch, i).len);
        struct slice set = (reading->request->columns & SCAN_METADATA) != 0 ? entry_batch_metadata(batch, i) : SLICE_NONE, value;
        if (set.len > 0 && label_encoded_get(set, SLICE("m"), &value))
            memcpy(row.entry.metadata, value.ptr, value.len);
        rows_add(&reading->rows, &row);
    }
    reading->given += batch->count;
    return true;
}

static void read_unit(const struct source *source, struct scan_reader *reader, struct reading *reading, bool in_steps)
{
    const struct scan_unit *unit = reading->unit;
    struct unit_cursor cursor = {0};
    struct err err;
    bool ok = true;
    if (!in_steps)
        ok = source->scan_read((struct scan *)reading->scan, unit, reader, take_batch, reading, &err);
    while (ok && in_steps && !cursor.is_done) {
        bool is_first = cursor.next == 0;
        size_t before = reading->rows.count;
        int64_t promised_ns = cursor.next_ns;
        ok = source->scan_read_step((struct scan *)reading->scan, unit, reader, &cursor, take_batch, reading, &err);
        for (size_t i = before; ok && !is_first && i < reading->rows.count; i++)
            assert_true(reading->request->newest_first ? reading->rows.rows[i].entry.ts_ns <= promised_ns
                                                       : reading->rows.rows[i].entry.ts_ns >= promised_ns);
    }
    if (!ok)
        fail_msg("read: %s", err.text);
}

static int64_t fixed_bound(void *self)
{
    return *(const int64_t *)self;
}

/* The runs' counts and times against what an unbounded read has given. */
static void expect_claims(const struct scan_unit *unit, const struct reading *reading, size_t before)
{
    uint64_t claimed = 0;
    for (size_t r = 0; r < unit->run_count; r++)
        claimed += unit->runs[r].entries;
    if (!unit->is_exact) {
        assert_true(claimed >= reading->given);
        return;
    }
    assert_int_equal(claimed, reading->given);
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
    for (size_t i = before; i < reading->rows.count; i++) {
        int64_t ts_ns = reading->rows.rows[i].entry.ts_ns;
        first_ns = ts_ns < first_ns ? ts_ns : first_ns;
        last_ns = ts_ns > last_ns ? ts_ns : last_ns;
    }
    assert_true(first_ns == unit->first_ns && last_ns == unit->last_ns);
}

static void scan_and_compare(struct history *history, bool is_whole)
{
    static const unsigned columns[] = {SCAN_TIMES, SCAN_LINES, SCAN_METADATA, SCAN_LINES | SCAN_METADATA};
    const struct source *source = store_source(history->store);
    int64_t bound_ns = any_time(history), a_ns = any_time(history), b_ns = any_time(history);
    struct scan_request request = {.tenant = tenant_name(0),
                                   .start_ns = is_whole ? INT64_MIN : a_ns < b_ns ? a_ns : b_ns,
                                   .end_ns = is_whole ? INT64_MAX : a_ns < b_ns ? b_ns : a_ns,
                                   .columns = columns[pick(history, 4)],
                                   .newest_first = pick(history, 2) == 0};
    bool is_bound = !is_whole && pick(history, 3) == 0;
    if (is_bound) {
        request.bound_ns = fixed_bound;
        request.bound_self = &bound_ns;
    }
    struct query_control control = {.clock = &system_clock, .memory_left = INT64_C(1) << 32, .memory_max = INT64_C(1) << 32, .bytes_read_left = INT64_MAX};
    struct scan *scan = NULL;
    struct err err;
    if (!source->scan_open(source->self, &request, &control, &scan, &err))
        fail_msg("scan: %s", err.text);
    struct scan_reader *reader = source->reader_create(source->self);
    struct reading reading = {.scan = scan, .request = &request};
    bool in_steps = pick(history, 2) == 0;
    for (size_t i = 0; i < scan->unit_count; i++) {
        size_t before = reading.rows.count;
        reading.unit = &scan->units[i];
        reading.index = i;
        reading.given = 0;
        read_unit(source, reader, &reading, in_steps);
        if (is_whole)
            expect_claims(&scan->units[i], &reading, before);
    }
    source->reader_destroy(reader);
    source->scan_close(scan);
    assert_int_equal(control.memory_left, control.memory_max);
    int64_t from_ns = is_bound && request.newest_first && bound_ns > request.start_ns ? bound_ns : request.start_ns;
    int64_t to_ns = is_bound && !request.newest_first && bound_ns < request.end_ns ? bound_ns : request.end_ns;
    size_t kept = 0;
    for (size_t i = 0; i < reading.rows.count; i++) // what is beyond the bound may come, and need not
        if (reading.rows.rows[i].entry.ts_ns >= from_ns && reading.rows.rows[i].entry.ts_ns <= to_ns)
            reading.rows.rows[kept++] = reading.rows.rows[i];
    reading.rows.count = kept;
    if (kept > 0)
        qsort(reading.rows.rows, kept, sizeof(struct row), row_cmp);
    struct rows want = {0};
    rows_of_model(history, from_ns, to_ns, &want);
    rows_expect(history, &reading.rows, &want, request.columns, is_whole ? "a whole scan" : "a scan");
    mem_free(reading.rows.rows);
    mem_free(want.rows);
}

/* ---- queries ---- */

static void run_query(struct history *history, const char *text, struct query_request *request, struct arena *arena, struct query_result *out)
{
    struct query_control control = {.clock = &system_clock, .memory_left = INT64_C(1) << 32, .memory_max = INT64_C(1) << 32, .bytes_read_left = INT64_MAX};
    struct limits limits;
    struct expr *expr = NULL;
    struct err err;
    limits_defaults(&limits);
    if (!logql_parse(slice_str(text), arena, &expr, &err))
        fail_msg("%s: %s", text, err.text);
    request->tenant = tenant_name(0);
    request->expr = expr;
    request->limits = &limits;
    request->now_ns = BEGIN + NS_PER_DAY;
    if (!query_run(store_source(history->store), store_executor(history->store), request, &control, arena, out, &err))
        fail_msg("seed %u: %s: %s", history->seed, text, err.text);
    expr_fini(expr);
}

/* Result streams by label text: app, then m where there is one, else pod, which sorts behind it. */
static int result_stream_cmp(const struct model_entry *x, const struct model_entry *y)
{
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return strcmp(x->metadata[0] == '\0' ? "~" : x->metadata, y->metadata[0] == '\0' ? "~" : y->metadata);
}

/* By time, at one time by result stream, there by arrival. */
static int forward_cmp(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->entry.ts_ns != y->entry.ts_ns)
        return x->entry.ts_ns < y->entry.ts_ns ? -1 : 1;
    int order = result_stream_cmp(&x->entry, &y->entry);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Time and arrival the other way round. */
static int backward_cmp(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->entry.ts_ns != y->entry.ts_ns)
        return x->entry.ts_ns > y->entry.ts_ns ? -1 : 1;
    int order = result_stream_cmp(&x->entry, &y->entry);
    return order != 0 ? order : (x->row < y->row) - (x->row > y->row);
}

static bool is_of(const struct result_stream *stream, const struct model_entry *entry)
{
    bool same_app = false, same_metadata = entry->metadata[0] == '\0';
    for (size_t i = 0; i < stream->label_count; i++) {
        const struct result_label *label = &stream->labels[i];
        same_app = same_app || (slice_eq_str(label->name, "app") && stream_of_app(label->value) == entry->stream);
        if (slice_eq_str(label->name, "m"))
            same_metadata = slice_eq_str(label->value, entry->metadata);
    }
    return same_app && same_metadata;
}

/* Log queries: the best `limit` of the model, each result stream's in the asked direction. */
static void query_and_compare(struct history *history)
{
    struct arena arena = ARENA_INIT;
    struct query_result result;
    struct rows want = {0};
    bool forward = pick(history, 2) == 0;
    int64_t a_ns = any_time(history), b_ns = any_time(history);
    struct query_request request = {.start_ns = a_ns < b_ns ? a_ns : b_ns, .end_ns = (a_ns < b_ns ? b_ns : a_ns) + 1, .limit = 1 + pick(history, 60)};
    request.direction = forward ? QUERY_FORWARD : QUERY_BACKWARD;
    if (pick(history, 3) == 0)
        request.limit = 5000;
    run_query(history, "{app=~\"app.+\"}", &request, &arena, &result);
    rows_of_model(history, request.start_ns, request.end_ns - 1, &want);
    if (want.count > 0)
        qsort(want.rows, want.count, sizeof(*want.rows), forward ? forward_cmp : backward_cmp);
    size_t limit = (size_t)request.limit < want.count ? (size_t)request.limit : want.count;
    size_t seen = 0;
    for (size_t s = 0; s < result.stream_count; s++) {
        const struct result_stream *stream = &result.streams[s];
        size_t next = 0;
        for (size_t i = 0; i < limit; i++) {
            const struct model_entry *entry = &want.rows[i].entry;
            if (!is_of(stream, entry))
                continue;
            if (next == stream->entry_count || stream->entries[next].ts_ns != entry->ts_ns || !slice_eq_str(stream->entries[next].line, entry->line))
                fail_msg("seed %u: %s, limit %lld: stream %zu: entry %zu of %zu is not %lld %s", history->seed, forward ? "forward" : "backward",
                         (long long)request.limit, s, next, stream->entry_count, (long long)(entry->ts_ns - BEGIN), entry->line);
            next++;
        }
        if (next != stream->entry_count)
            fail_msg("seed %u: %s, limit %lld: stream %zu goes on with %lld %s", history->seed, forward ? "forward" : "backward", (long long)request.limit, s,
                     (long long)(stream->entries[next].ts_ns - BEGIN), stream->entries[next].line.ptr);
        seen += next;
    }
    if (seen != limit)
        fail_msg("seed %u: %s: %zu entries, want %zu", history->seed, forward ? "forward" : "backward", seen, limit);
    mem_free(want.rows);
    arena_fini(&arena);
}

/* Counts by stream over a range that ends anywhere. */
static void count_and_compare(struct history *history)
{
    struct arena arena = ARENA_INIT;
    struct query_result result;
    struct query_request request = {.is_instant = true, .end_ns = any_time(history)};
    unsigned range_ms = 1 + pick(history, (unsigned)span_ms(history));
    char text[128];
    if (pick(history, 2) == 0) { // all of it
        request.end_ns = BEGIN + (span_ms(history) + 1) * NS_PER_MS;
        range_ms = (unsigned)span_ms(history) + 10;
    }
    request.start_ns = request.end_ns;
    (void)snprintf(text, sizeof(text), "sum by (app) (%s({app=~\"app.+\"}%s[%ums]))", pick(history, 2) == 0 ? "count_over_time" : "rate",
                   pick(history, 3) == 0 ? " |= \"line\"" : "", range_ms);
    run_query(history, text, &request, &arena, &result);
    struct rows want = {0};
    rows_of_model(history, request.end_ns - range_ms * NS_PER_MS + 1, request.end_ns, &want);
    size_t total = 0;
    for (size_t s = 0; s < result.series_count; s++) {
        const struct result_series *series = &result.series[s];
        size_t count = 0;
        for (size_t i = 0; i < want.count; i++)
            count += want.rows[i].entry.stream == stream_of_app(series->labels[0].value);
        double got = series->points[0].value * (strstr(text, "rate") != NULL ? (double)range_ms / 1000 : 1);
        if (got < (double)count - 0.01 || got > (double)count + 0.01)
            fail_msg("seed %u: %s at %lld: %g, want %zu", history->seed, text, (long long)(request.end_ns - BEGIN), got, count);
        total += count;
    }
    assert_int_equal(total, want.count);
    mem_free(want.rows);
    arena_fini(&arena);
}

/* ---- the whole ---- */

static void look(struct history *history, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        scan_and_compare(history, i % 4 == 0);
        query_and_compare(history);
        count_and_compare(history);
    }
}

static void ask_delete(struct history *history)
{
    int64_t a_ns = any_time(history), b_ns = any_time(history);
    history->deleted_first_ns = a_ns < b_ns ? a_ns : b_ns;
    history->deleted_last_ns = a_ns < b_ns ? b_ns : a_ns;
    history->deletes = true;
    struct delete_request wanted = {.start_ms = history->deleted_first_ns / NS_PER_MS,
                                    .end_ms = history->deleted_last_ns / NS_PER_MS,
                                    .query = SLICE("{app=\"app1\"} |= \"line 1\"")};
    uint32_t id;
    struct err err;
    if (!store_delete_add(history->store, tenant_name(0), &wanted, &id, &err))
        fail_msg("delete: %s", err.text);
}

static void one_history(unsigned seed)
{
    char folder[] = "/tmp/logi-test-overlap-XXXXXX";
    struct history history = {.seed = seed, .random = seed, .shape = shapes[seed % LENGTH(shapes)]};
    struct store_config config;
    struct err err;
    assert_non_null(mkdtemp(folder));
    model_config(&config, folder, 1 + seed % 2);
    config.seal_block_bytes = seed % 3 == 0 ? 4096 : 100 + pick(&history, 400); // mostly some runs a stream and segment
    config.merge_block_bytes = 400 + pick(&history, 2000);
    config.merge_part_bytes = 60 + pick(&history, 200);
    config.parts_apart_max = seed % 5 == 0 ? 16 : pick(&history, 6); // 0: all that overlaps is merged
    config.query_threads = 1 + seed % 2;
    config.delete_delay_ns = INT64_MAX / 4;
    if (!store_open(&config, &history.store, &err))
        fail_msg("open: %s", err.text);
    model_wait_ready(history.store);
    for (unsigned part = 0; part < history.shape.parts; part++) {
        push_part(&history, part);
        if (pick(&history, 5) != 0 && !store_flush(history.store, &err))
            fail_msg("flush: %s", err.text);
        bool is_quiet = pick(&history, 40) == 0; // all becomes one segment then; else any eight sealed ones do
        if (is_quiet)
            atomic_fetch_add(&clock_moved_ns, 2 * NS_PER_HOUR);
        if ((is_quiet || seed % 4 == 3) && !store_maintain(history.store, &err))
            fail_msg("maintain: %s", err.text);
        if (part % 8 == 7)
            look(&history, 6);
    }
    look(&history, 30);
    if (seed % 2 == 0) {
        ask_delete(&history);
        look(&history, 15);
    }
    store_close(history.store);
    mem_free(history.model.entries);
    remove_tree(folder);
}

static void parts_that_overlap_give_each_entry_once_and_in_order(void **state)
{
    (void)state;
    const char *only = getenv("LOGI_TEST_SEED");
    unsigned first = only != NULL ? (unsigned)atoi(only) : 1, last = only != NULL ? first : SEEDS;
    for (unsigned seed = first; seed <= last; seed++)
        one_history(seed);
}

int main(void)
{
    rcu_thread_join();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_overlap_give_each_entry_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
