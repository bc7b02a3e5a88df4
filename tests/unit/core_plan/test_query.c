/* test_query.c: whole queries over a source in memory, against an evaluator that is slow and plain: every step looks at every entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/query.h"
#include "tests/unit/core_plan/memory_source.h"

#define ENTRIES ((size_t)400)
#define MEMORY_MAX (INT64_C(64) << 20)

static const struct memory_stream streams[] = {
    {{{"app", 3}, {"a", 1}}, {{"env", 3}, {"x", 1}}},
    {{{"app", 3}, {"a", 1}}, {{"env", 3}, {"y", 1}}},
    {{{"app", 3}, {"b", 1}}, {{NULL, 0}, {NULL, 0}}},
};

/* ---- an executor of three threads ---- */

struct crew {
    size_t count, threads;
    void (*task)(void *self, size_t i, size_t worker);
    void *task_self;
    atomic_size_t next;
};
struct member {
    struct crew *crew;
    size_t worker;
};
static void *work(void *arg)
{
    struct member *member = arg;
    for (size_t i; (i = atomic_fetch_add(&member->crew->next, 1)) < member->crew->count;)
        member->crew->task(member->crew->task_self, i, member->worker);
    return NULL;
}
static void run_crew(void *self, size_t count, void (*task)(void *task_self, size_t i, size_t worker), void *task_self)
{
    (void)self;
    struct crew crew = {.count = count, .task = task, .task_self = task_self};
    struct member members[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        members[i] = (struct member){&crew, i};
        if (pthread_create(&threads[i], NULL, work, &members[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < 3; i++)
        (void)pthread_join(threads[i], NULL);
}
static const struct executor parallel_executor = {.run = run_crew, .workers = 3};

/* ---- data ---- */

static uint64_t seed;
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static char lines[ENTRIES][40];
static struct memory_entry entries[ENTRIES];

static void make_entries(uint64_t with_seed, int64_t span_ns)
{
    seed = with_seed;
    for (size_t i = 0; i < ENTRIES; i++) {
        uint64_t r = next_random();
        int len = snprintf(lines[i], sizeof(lines[i]), "k=%c v=%d n=%zu", (char)('p' + r % 3), (int)(r >> 8) % 50, i);
        entries[i] = (struct memory_entry){.stream = (uint32_t)((r >> 20) % 3), .ts_ns = (int64_t)((r >> 30) % (uint64_t)span_ns) - 20,
                                           .line = slice_of(lines[i], (size_t)len)};
        if ((r >> 4) % 4 != 0)
            entries[i].metadata = (struct label){SLICE("level"), (r >> 4) % 4 == 1 ? SLICE("info") : SLICE("warn")};
    }
}

static struct memory_source memory;
static struct limits limits;
static struct query_control control;
static struct arena arena;

static void use_source(size_t unit_entries)
{
    memory_source_init(&memory, streams, LENGTH(streams), entries, ENTRIES, unit_entries);
    limits = (struct limits){.max_query_series = 500, .max_entries_limit_per_query = 5000};
    arena_reset(&arena);
    control = (struct query_control){.clock = &system_clock, .memory_left = MEMORY_MAX, .memory_max = MEMORY_MAX, .bytes_read_left = INT64_MAX};
}

static bool run(const struct executor *executor, struct query_request *request, struct query_result *out, struct err *err)
{
    request->limits = &limits;
    bool ok = query_run(&memory.source, executor, request, &control, &arena, out, err);
    assert_int_equal(atomic_load(&control.memory_left), MEMORY_MAX); // all that was charged is given back
    assert_int_equal(atomic_load(&memory.scans_open), 0);
    return ok;
}

/* ---- the plain evaluator ---- */

static struct slice k_of(const struct memory_entry *entry)
{
    return slice_of(entry->line.ptr + 2, 1);
}
static double v_of(const struct memory_entry *entry)
{
    return atof(entry->line.ptr + 6);
}

enum by { BY_ALL, BY_APP, BY_LEVEL, BY_NOTHING, BY_K };

static void put(struct buf *text, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    buf_printf(text, "%s%s=\"%.*s\"", text->len > 0 ? ", " : "", name, SLICE_ARG(value));
}

static void group_text(const struct memory_entry *entry, enum by by, bool parses, struct buf *text)
{
    const struct memory_stream *stream = &streams[entry->stream];
    buf_reset(text);
    if (by == BY_ALL || by == BY_APP)
        put(text, "app", stream->label.value);
    if (by == BY_ALL)
        put(text, "env", stream->second.value);
    if ((by == BY_ALL && parses) || by == BY_K)
        put(text, "k", k_of(entry));
    if (by == BY_ALL || by == BY_LEVEL)
        put(text, "level", entry->metadata.value);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double plain_value(enum range_op op, bool unwraps, const struct memory_entry *const *in, size_t n, int64_t range_ns, double q)
{
    double range_s = (double)range_ns / 1e9;
    double sum = 0, bytes = 0, low = INFINITY, high = -INFINITY, squares = 0;
    double values[ENTRIES];
    for (size_t i = 0; i < n; i++) {
        values[i] = v_of(in[i]);
        sum += values[i];
        bytes += (double)in[i]->line.len;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    double first = values[0];
    double last = values[n - 1];
    double mean = sum / (double)n;
    double increase = last - first;
    for (size_t i = 0; i < n; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
        if (i > 0 && values[i] < values[i - 1])
            increase += values[i - 1];
    }
    double covered = (double)(in[n - 1]->ts_ns - in[0]->ts_ns) / 1000;
    qsort(values, n, sizeof(double), by_value);
    double rank = q * (double)(n - 1);
    size_t lower = (size_t)rank;
    switch (op) {
    case RANGE_COUNT_OVER_TIME: return (double)n;
    case RANGE_RATE: return (unwraps ? sum : (double)n) / range_s;
    case RANGE_BYTES_OVER_TIME: return bytes;
    case RANGE_BYTES_RATE: return bytes / range_s;
    case RANGE_AVG_OVER_TIME: return mean;
    case RANGE_SUM_OVER_TIME: return sum;
    case RANGE_MIN_OVER_TIME: return low;
    case RANGE_MAX_OVER_TIME: return high;
    case RANGE_STDVAR_OVER_TIME: return squares / (double)n;
    case RANGE_STDDEV_OVER_TIME: return sqrt(squares / (double)n);
    case RANGE_FIRST_OVER_TIME: return first;
    case RANGE_LAST_OVER_TIME: return last;
    case RANGE_QUANTILE_OVER_TIME:
        return lower + 1 < n ? values[lower] + (values[lower + 1] - values[lower]) * (rank - (double)lower) : values[lower];
    case RANGE_RATE_COUNTER: {
        if (n < 2)
            return 0;
        double mean_gap = covered / (double)(n - 1);
        double to_start = increase > 0 && first >= 0 ? fmin(range_s, covered * first / increase) : range_s;
        return increase * ((covered + (to_start < 1.1 * mean_gap ? to_start : mean_gap / 2)) / covered) / range_s;
    }
    case RANGE_ABSENT_OVER_TIME: break;
    }
    return 0;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-12;
}

static void series_text(const struct result_series *series, struct buf *text)
{
    buf_reset(text);
    for (size_t i = 0; i < series->label_count; i++)
        buf_printf(text, "%s%.*s=\"%.*s\"", i > 0 ? ", " : "", SLICE_ARG(series->labels[i].name), SLICE_ARG(series->labels[i].value));
}

struct shape {
    int64_t start_ns, end_ns, step_ns, range_ns, offset_ns;
};

/* Which series each entry belongs to, and the texts of the series. */
struct plain_series {
    size_t of[ENTRIES];
    char texts[64][64];
    size_t count;
};

static struct plain_series *plain_groups(enum by by, bool parses)
{
    static struct plain_series groups;
    groups.count = 0;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < ENTRIES; i++) {
        group_text(&entries[i], by, parses, &text);
        buf_byte(&text, '\0');
        size_t k = 0;
        while (k < groups.count && strcmp(groups.texts[k], text.ptr) != 0)
            k++;
        if (k == groups.count)
            (void)snprintf(groups.texts[groups.count++], sizeof(groups.texts[0]), "%s", text.ptr);
        groups.of[i] = k;
    }
    buf_fini(&text);
    return &groups;
}

static size_t plain_window(const struct plain_series *groups, size_t series, const struct shape *shape, int64_t t, const struct memory_entry **in)
{
    size_t n = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        if (groups->of[i] == series && entries[i].ts_ns > t - shape->offset_ns - shape->range_ns && entries[i].ts_ns <= t - shape->offset_ns)
            in[n++] = &entries[i];
    return n;
}

/* The result has the plain evaluator's points, all of them and no others. */
static void check_points(const char *name, const struct query_result *result, const struct expr *range, const struct shape *shape, enum by by)
{
    const struct plain_series *groups = plain_groups(by, range->range.log.stage_count > 0);
    struct buf text = BUF_INIT;
    for (size_t g = 0; g < groups->count; g++) {
        const struct result_series *series = NULL;
        for (size_t s = 0; s < result->series_count; s++) {
            series_text(&result->series[s], &text);
            if (slice_eq_str(buf_slice(&text), groups->texts[g]))
                series = &result->series[s];
        }
        size_t at = 0;
        for (int64_t t = shape->start_ns; t <= shape->end_ns; t += shape->step_ns) {
            const struct memory_entry *in[ENTRIES];
            size_t n = plain_window(groups, g, shape, t, in);
            if (n == 0)
                continue;
            double want = plain_value(range->range_op, range->range.has_unwrap, in, n, shape->range_ns, range->parameter);
            if (series == NULL || at >= series->point_count)
                fail_msg("%s: {%s} has no point at %lld", name, groups->texts[g], (long long)t);
            if (series->points[at].ts_ms != t / NS_PER_MS || !same(series->points[at].value, want))
                fail_msg("%s: {%s} at %lld: %.17g, want %.17g of %zu", name, groups->texts[g], (long long)t, series->points[at].value, want, n);
            at++;
        }
        if (series != NULL && at != series->point_count)
            fail_msg("%s: {%s} has %zu points, want %zu", name, groups->texts[g], series->point_count, at);
    }
    if (result->series_count > groups->count)
        fail_msg("%s: %zu series, want at most %zu", name, result->series_count, groups->count);
    buf_fini(&text);
}

static const struct shape shapes[] = {
    {0, 1000, 100, 100, 0},   {0, 1000, 100, 250, 0}, {7, 1003, 90, 30, 0},   {0, 1000, 50, 1, 0},    {5, 300, 1, 3, 0},
    {100, 900, 100, 800, 0}, {100, 900, 100, 1000, 0}, {100, 900, 100, 799, 0}, {500, 500, 1, 300, 0}, {0, 1000, 33, 77, 40},
    {0, 1000, 33, 77, -50},  {100, 900, 100, 5000000000, 0},
};

static struct stage parse_stage = {.kind = STAGE_LOGFMT};

static struct expr range_expr(enum range_op op, bool unwraps, bool parses, const struct shape *shape)
{
    struct expr range = {.kind = EXPR_RANGE, .range_op = op, .parameter = 0.9};
    range.range.range_ns = shape->range_ns;
    range.range.offset_ns = shape->offset_ns;
    range.range.has_unwrap = unwraps;
    range.range.unwrap.label = SLICE("v");
    if (parses) {
        range.range.log.stages = &parse_stage;
        range.range.log.stage_count = 1;
    }
    return range;
}

static void check_range(const struct expr *query, const struct expr *range, const struct shape *shape, enum by by, const struct executor *executor)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "op %d, [%lld] step %lld, units of %zu", (int)range->range_op, (long long)shape->range_ns,
                   (long long)shape->step_ns, memory.unit_entries);
    struct query_request request = {.expr = query, .start_ns = shape->start_ns, .end_ns = shape->end_ns, .step_ns = shape->step_ns};
    struct query_result result;
    struct err err;
    if (!run(executor, &request, &result, &err))
        fail_msg("%s: %s", name, err.text);
    check_points(name, &result, range, shape, by);
}

static void each_range_aggregation_is_what_the_plain_evaluator_says(void **state)
{
    (void)state;
    static const size_t unit_sizes[] = {1, 7, 400};
    make_entries(0x9e3779b97f4a7c15, 1100);
    for (size_t u = 0; u < LENGTH(unit_sizes); u++)
        for (size_t s = 0; s < LENGTH(shapes); s++)
            for (int op = RANGE_COUNT_OVER_TIME; op < RANGE_ABSENT_OVER_TIME; op++) {
                bool unwraps = op == RANGE_RATE_COUNTER || op >= RANGE_AVG_OVER_TIME;
                if (op == RANGE_RATE_COUNTER || op == RANGE_FIRST_OVER_TIME || op == RANGE_LAST_OVER_TIME)
                    continue; // below, without ties
                use_source(unit_sizes[u]);
                bool parses = (s + (size_t)op) % 2 == 0;
                struct expr range = range_expr((enum range_op)op, unwraps, parses, &shapes[s]);
                check_range(&range, &range, &shapes[s], BY_ALL, u == 1 ? &parallel_executor : &serial_executor);
            }
}

static void order_of_samples_decides_first_last_and_rate_counter(void **state)
{
    (void)state;
    make_entries(0x1234567, 1000);
    for (size_t i = 0; i < ENTRIES; i++)
        entries[i].ts_ns = (int64_t)i * 2 + 1;
    static const int ops[] = {RANGE_FIRST_OVER_TIME, RANGE_LAST_OVER_TIME, RANGE_RATE_COUNTER};
    for (size_t unit = 1; unit < 60; unit += 13)
        for (size_t s = 0; s < LENGTH(shapes); s++)
            for (size_t i = 0; i < LENGTH(ops); i++) {
                use_source(unit);
                struct expr range = range_expr((enum range_op)ops[i], true, s % 2 == 0, &shapes[s]);
                check_range(&range, &range, &shapes[s], BY_ALL, &parallel_executor);
            }
}

static void a_sum_around_counts_groups_as_if_done_afterwards(void **state)
{
    (void)state;
    static struct slice app[] = {{"app", 3}}, level[] = {{"level", 5}}, k[] = {{"k", 1}};
    static const struct {
        enum by by;
        struct slice *labels;
        size_t count;
    } groupings[] = {{BY_APP, app, 1}, {BY_LEVEL, level, 1}, {BY_NOTHING, NULL, 0}, {BY_K, k, 1}};
    static const int ops[] = {RANGE_COUNT_OVER_TIME, RANGE_RATE, RANGE_BYTES_OVER_TIME, RANGE_BYTES_RATE, RANGE_SUM_OVER_TIME};
    make_entries(77, 1100);
    for (size_t unit = 1; unit < 200; unit += 47)
        for (size_t s = 0; s < LENGTH(shapes); s++)
            for (size_t g = 0; g < LENGTH(groupings); g++)
                for (size_t i = 0; i < LENGTH(ops); i++) {
                    use_source(unit);
                    struct expr range = range_expr((enum range_op)ops[i], ops[i] == RANGE_SUM_OVER_TIME, groupings[g].by == BY_K, &shapes[s]);
                    struct expr sum = {.kind = EXPR_VECTOR_AGG, .vector_op = VECTOR_SUM, .inner = &range};
                    sum.grouping = (struct grouping){true, false, groupings[g].labels, groupings[g].count};
                    check_range(&sum, &range, &shapes[s], groupings[g].by, s % 2 == 0 ? &serial_executor : &parallel_executor);
                }
}

static void units_inside_one_bucket_are_counted_without_reading_them(void **state)
{
    (void)state;
    static struct slice app[] = {{"app", 3}};
    make_entries(5, 1000);
    use_source(3);
    struct shape shape = {1000, 1000, 1, 1100, 0};
    struct expr range = range_expr(RANGE_COUNT_OVER_TIME, false, false, &shape);
    struct expr sum = {.kind = EXPR_VECTOR_AGG, .vector_op = VECTOR_SUM, .inner = &range, .grouping = {true, false, app, 1}};
    check_range(&sum, &range, &shape, BY_APP, &serial_executor);
    assert_int_equal(atomic_load(&memory.units_read), 0);
}

/* ---- log queries ---- */

static void append_result(const struct query_result *result, struct buf *text)
{
    for (size_t s = 0; s < result->stream_count; s++) {
        buf_str(text, "{");
        for (size_t i = 0; i < result->streams[s].label_count; i++)
            buf_printf(text, "%.*s=%.*s,", SLICE_ARG(result->streams[s].labels[i].name), SLICE_ARG(result->streams[s].labels[i].value));
        buf_str(text, "}");
        for (size_t i = 0; i < result->streams[s].entry_count; i++)
            buf_printf(text, " %lld:%.*s", (long long)result->streams[s].entries[i].ts_ns, SLICE_ARG(result->streams[s].entries[i].line));
        buf_str(text, "\n");
    }
}

static struct line_filter_alternative has_q = {.text = {"k=q", 3}};
static struct stage q_stage = {.kind = STAGE_LINE_FILTER, .alternatives = &has_q, .alternative_count = 1};

static void log_answers_do_not_depend_on_units_or_workers(void **state)
{
    (void)state;
    make_entries(99, 25); // many ties, also at the limit
    for (unsigned variant = 0; variant < 24; variant++) {
        struct expr expr = {.kind = EXPR_LOG};
        if (variant & 1) {
            expr.log.stages = &q_stage;
            expr.log.stage_count = 1;
        }
        struct query_request request = {
            .expr = &expr, .start_ns = -19, .end_ns = 4, .limit = (int64_t[]){5, 60, 1000}[variant / 8],
            .direction = variant & 2 ? QUERY_FORWARD : QUERY_BACKWARD, .categorize = variant & 4, .interval_ns = variant % 5 == 4 ? 9 : 0,
        };
        struct buf want = BUF_INIT;
        static const size_t unit_sizes[] = {400, 1, 3, 50};
        for (size_t u = 0; u < LENGTH(unit_sizes); u++) {
            use_source(unit_sizes[u]);
            struct query_result result;
            struct err err;
            struct buf got = BUF_INIT;
            if (!run(u % 2 == 0 ? &serial_executor : &parallel_executor, &request, &result, &err))
                fail_msg("variant %u: %s", variant, err.text);
            append_result(&result, &got);
            if (u == 0)
                buf_put(&want, buf_slice(&got));
            if (!slice_eq(buf_slice(&want), buf_slice(&got)))
                fail_msg("variant %u, units of %zu:\n%.*swant\n%.*s", variant, unit_sizes[u], SLICE_ARG(buf_slice(&got)), SLICE_ARG(buf_slice(&want)));
            buf_fini(&got);
        }
        buf_fini(&want);
    }
}

static void backward_is_forward_reversed_inside_each_stream(void **state)
{
    (void)state;
    make_entries(3, 200);
    struct expr expr = {.kind = EXPR_LOG};
    struct query_request request = {.expr = &expr, .start_ns = -100, .end_ns = 300, .limit = 5000};
    for (int categorize = 0; categorize < 2; categorize++) {
        struct query_result forward, backward;
        struct err err;
        use_source(9);
        request.categorize = categorize;
        request.direction = QUERY_FORWARD;
        assert_true(run(&serial_executor, &request, &forward, &err));
        request.direction = QUERY_BACKWARD;
        assert_true(run(&serial_executor, &request, &backward, &err));
        assert_int_equal(forward.stream_count, backward.stream_count);
        size_t entries_seen = 0;
        for (size_t s = 0; s < forward.stream_count; s++) {
            size_t n = forward.streams[s].entry_count;
            assert_int_equal(n, backward.streams[s].entry_count);
            for (size_t i = 0; i < n; i++)
                assert_true(slice_eq(forward.streams[s].entries[i].line, backward.streams[s].entries[n - 1 - i].line));
            entries_seen += n;
        }
        assert_int_equal(entries_seen, ENTRIES);
        assert_int_equal(forward.stream_count, categorize ? 3 : 9);
    }
}

static void a_limit_takes_the_newest_and_reads_little(void **state)
{
    (void)state;
    make_entries(11, 100000);
    use_source(4);
    struct expr expr = {.kind = EXPR_LOG};
    struct query_request request = {.expr = &expr, .start_ns = -100, .end_ns = 200000, .limit = 10};
    struct query_result result;
    struct err err;
    assert_true(run(&serial_executor, &request, &result, &err));
    size_t n = 0;
    for (size_t s = 0; s < result.stream_count; s++)
        for (size_t i = 0; i < result.streams[s].entry_count; i++, n++)
            assert_true(result.streams[s].entries[i].ts_ns >= entries[ENTRIES - 10].ts_ns);
    assert_int_equal(n, 10);
    assert_true(atomic_load(&memory.units_read) <= 4);
}

static void an_interval_thins_what_the_limit_has_left(void **state)
{
    (void)state;
    make_entries(11, 100000);
    use_source(4);
    for (size_t i = 0; i < ENTRIES; i++)
        entries[i].ts_ns = (int64_t)i * 10;
    struct expr expr = {.kind = EXPR_LOG};
    static const struct {
        int64_t limit, interval_ns;
        size_t want;
    } cases[] = {{20, 1, 20}, {20, 10, 20}, {20, 11, 10}, {20, 50, 4}, {20, 190, 2}, {20, 191, 1}, {1, 1000, 1}, {30, 100, 3}};
    for (size_t c = 0; c < LENGTH(cases); c++)
        for (int forward = 0; forward < 2; forward++) {
            struct query_request request = {.expr = &expr, .start_ns = 0, .end_ns = 200000, .limit = cases[c].limit, .interval_ns = cases[c].interval_ns,
                                            .direction = forward ? QUERY_FORWARD : QUERY_BACKWARD};
            struct query_result result;
            struct err err;
            size_t n = 0;
            assert_true(run(&parallel_executor, &request, &result, &err));
            for (size_t s = 0; s < result.stream_count; s++)
                n += result.streams[s].entry_count;
            if (n != cases[c].want)
                fail_msg("limit %lld, interval %lld, %s: %zu entries, want %zu", (long long)cases[c].limit, (long long)cases[c].interval_ns,
                         forward ? "forward" : "backward", n, cases[c].want);
        }
}

/* ---- refusals ---- */

static void failed_lines_end_a_metric_query_with_lokis_words(void **state)
{
    (void)state;
    make_entries(1, 100);
    entries[50].line = SLICE("bad line");
    use_source(10);
    struct shape shape = {0, 200, 100, 200, 0};
    struct expr range = range_expr(RANGE_COUNT_OVER_TIME, false, true, &shape);
    struct query_request request = {.expr = &range, .start_ns = 0, .end_ns = 200, .step_ns = 100};
    struct query_result result;
    struct err err;
    assert_false(run(&parallel_executor, &request, &result, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, "pipeline error: 'LogfmtParserErr' for series: '{__error__=\"LogfmtParserErr\", app=\""));
    assert_non_null(strstr(err.text, "(e.g | __error__!=\"LogfmtParserErr\").\nTo skip all"));
}

static void a_failed_line_between_two_windows_is_nobodys(void **state)
{
    (void)state;
    make_entries(1, 100);
    for (size_t i = 0; i < ENTRIES; i++)
        entries[i].ts_ns = (int64_t)(i * 100 / ENTRIES) + 1;
    for (size_t bad = 0; bad < 2; bad++) {
        for (size_t i = 0; i < ENTRIES; i++)
            entries[i].line = entries[i].ts_ns == (bad == 0 ? 50 : 90) ? SLICE("bad line") : SLICE("k=1");
        use_source(10);
        struct shape shape = {100, 200, 100, 20, 0}; // (80, 100] and (180, 200]
        struct expr range = range_expr(RANGE_COUNT_OVER_TIME, false, true, &shape);
        struct query_request request = {.expr = &range, .start_ns = 100, .end_ns = 200, .step_ns = 100};
        struct query_result result;
        struct err err;
        assert_int_equal(run(&parallel_executor, &request, &result, &err), bad == 0);
    }
}

static void limits_refuse_in_lokis_words(void **state)
{
    (void)state;
    make_entries(1, 100);
    struct expr log = {.kind = EXPR_LOG};
    struct shape shape = {0, 200, 100, 200, 0};
    struct expr range = range_expr(RANGE_COUNT_OVER_TIME, false, true, &shape);
    struct query_result result;
    struct err err;
    use_source(10);
    struct query_request request = {.expr = &log, .is_instant = true, .limit = 1};
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_non_null(strstr(err.text, "log queries are not supported as an instant query type"));
    request = (struct query_request){.expr = &log, .end_ns = 744 * NS_PER_HOUR, .limit = 1};
    limits.max_query_length = 721 * NS_PER_HOUR;
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_string_equal(err.text, "the query time range exceeds the limit (query length: 744h0m0s, limit: 30d1h)");
    request = (struct query_request){.expr = &log, .end_ns = 5, .limit = 5001};
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_string_equal(err.text, "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)");
    request = (struct query_request){.expr = &range, .end_ns = 100, .is_instant = true};
    limits.max_query_series = 2;
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_non_null(strstr(err.text, "maximum number of series (2) reached for a single query"));
    limits.max_query_series = 500;
    atomic_store(&control.is_cancelled, true);
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
}

static void a_start_that_cannot_be_aligned_stays(void **state)
{
    (void)state;
    make_entries(1, 100);
    use_source(10);
    limits.split_queries_by_interval = NS_PER_HOUR;
    struct shape shape = {0, 200, 100, 200, 0};
    struct expr range = range_expr(RANGE_COUNT_OVER_TIME, false, true, &shape);
    struct query_request request = {.expr = &range, .start_ns = INT64_MIN, .end_ns = INT64_MIN + 1, .step_ns = 1000 * NS_PER_HOUR};
    struct query_result result;
    struct err err;
    assert_false(run(&serial_executor, &request, &result, &err));
    assert_string_equal(err.text, "the query's windows begin or end outside of the times that can be stored");
}

static void a_timeout_without_end_never_comes(void **state)
{
    (void)state;
    const struct limits endless = {.query_timeout = INT64_MAX};
    struct query_control own = {.clock = &system_clock};
    struct err err = {.code = ERR_NONE};
    query_control_begin(&own, &system_clock, &endless, NULL);
    if (!query_control_check(&own, &err))
        fail_msg("%s", err.text);
    query_control_end(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_range_aggregation_is_what_the_plain_evaluator_says),
        cmocka_unit_test(order_of_samples_decides_first_last_and_rate_counter),
        cmocka_unit_test(a_sum_around_counts_groups_as_if_done_afterwards),
        cmocka_unit_test(units_inside_one_bucket_are_counted_without_reading_them),
        cmocka_unit_test(log_answers_do_not_depend_on_units_or_workers),
        cmocka_unit_test(backward_is_forward_reversed_inside_each_stream),
        cmocka_unit_test(a_limit_takes_the_newest_and_reads_little),
        cmocka_unit_test(an_interval_thins_what_the_limit_has_left),
        cmocka_unit_test(failed_lines_end_a_metric_query_with_lokis_words),
        cmocka_unit_test(a_failed_line_between_two_windows_is_nobodys),
        cmocka_unit_test(limits_refuse_in_lokis_words),
        cmocka_unit_test(a_start_that_cannot_be_aligned_stays),
        cmocka_unit_test(a_timeout_without_end_never_comes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
