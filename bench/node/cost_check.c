#include "bench/node/cost_check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/node/client.h"
#include "bench/node/fill.h"
#include "bench/node/process.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

/* Flat: not more than so many times the CPU time, or not this much more of it: a needle has about a dozen pages read of each signature, some 20 us for 512 MB. */
#define TIMES_MAX 2.0
#define FLOOR_MS 0.5
/* Of what reads whole blocks: merging makes them twice as large as sealing did, so that the answer's lines lie in up to twice the bytes, packed more
 * tightly. */
#define TIMES_MAX_BLOCKS 4.0

#define BATCHES 5 /* the cheapest counts */
#define BATCH_NS (30 * NS_PER_MS)
#define ROUNDS_MIN ((size_t)3)     /* of a batch */
#define ROUNDS_MAX ((size_t)10000) /* of all batches */

#define IDLE_WINDOW_NS (200 * NS_PER_MS)
#define IDLE_MS 4.0 /* of CPU in a window; three windows in a row */
#define IDLE_WAIT_NS (300 * NS_PER_S)

#define STATES_MAX 3

enum cost_kind { COST_LOG, COST_LABELS, COST_VALUES, COST_SERIES };

struct cost_row {
    const char *name;
    enum cost_kind kind;
    const char *label; /* COST_VALUES */
    const char *query; /* NULL: none */
    unsigned limit;    /* COST_LOG */
    enum cost_range { COST_ALL, COST_TO_MIDDLE, COST_PART } range;
    int entries;       /* that the answer has; -1: not known */
    double times_max;
};

/* What asks for the newest lines asks from the middle of the hour: the end is in small segments, whose borders are where chance has put them. */
static const struct cost_row data_rows[] = {
    {"needle: 3 lines", COST_LOG, NULL, "{cluster=\"eu-1\"} |= \"" NEEDLE "\"", 1000, COST_ALL, 3, TIMES_MAX_BLOCKS},
    {"needle of a stream that has none", COST_LOG, NULL, "{pod=\"hdfs-1\"} |= \"" NEEDLE "\"", 1000, COST_ALL, 0, TIMES_MAX},
    {"needle that is not there", COST_LOG, NULL, "{cluster=\"eu-1\"} |= \"7d1e0b52-90aa-4c1f-8d35-aa00bb11cc22\"", 1000, COST_ALL, 0, TIMES_MAX},
    {"newest 1000 of an app", COST_LOG, NULL, "{app=\"nginx\"}", 1000, COST_TO_MIDDLE, 1000, TIMES_MAX_BLOCKS},
    {"newest 100 of a stream", COST_LOG, NULL, "{pod=\"nginx-3\"}", 100, COST_TO_MIDDLE, 100, TIMES_MAX_BLOCKS},
    {"a stream's lines of a little while", COST_LOG, NULL, "{pod=\"nginx-3\"}", 5000, COST_PART, -1, TIMES_MAX_BLOCKS},
    {"label names", COST_LABELS, NULL, NULL, 0, COST_ALL, -1, TIMES_MAX},
    {"label values of pod", COST_VALUES, "pod", NULL, 0, COST_ALL, -1, TIMES_MAX},
    {"label values of pod of an app", COST_VALUES, "pod", "{app=\"nginx\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"series of namespace=prod", COST_SERIES, NULL, "{namespace=\"prod\"}", 0, COST_ALL, -1, TIMES_MAX},
};

static const struct cost_row stream_rows[] = {
    {"label names", COST_LABELS, NULL, NULL, 0, COST_ALL, -1, TIMES_MAX},
    {"label names of a stream", COST_LABELS, NULL, "{pod=\"nginx-7\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"label values of app (6)", COST_VALUES, "app", NULL, 0, COST_ALL, -1, TIMES_MAX},
    {"label values of node of three streams", COST_VALUES, "node", "{app=\"nginx\", pod=~\"nginx-7|nginx-8|nginx-9\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"series of a stream", COST_SERIES, NULL, "{app=\"nginx\", cluster=\"eu-1\", pod=\"nginx-7\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"series of three streams, less one", COST_SERIES, NULL, "{pod=~\"nginx-(7|8|9)\", namespace!=\"prod\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"series of a pattern (10)", COST_SERIES, NULL, "{pod=~\"nginx-23[0-9]x?\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"series of nothing", COST_SERIES, NULL, "{cluster=\"eu-1\", pod=\"nginx-none\"}", 0, COST_ALL, -1, TIMES_MAX},
    {"needle that is not there, all streams", COST_LOG, NULL, "{cluster=\"eu-1\"} |= \"7d1e0b52-90aa-4c1f-8d35-aa00bb11cc22\"", 1000, COST_ALL, 0, TIMES_MAX},
    {"newest 5 of a stream", COST_LOG, NULL, "{pod=\"nginx-7\"}", 5, COST_ALL, 5, TIMES_MAX_BLOCKS},
};

static const struct cost_size sizes[] = {
    {"short", 80000000, 24, 2000, 100000},
    {"long", 442000000, 240, 10000, 1000000},
};

struct cost { /* of a row in a state */
    double cpu_ms, wall_ms;
    size_t answer_bytes;
    bool has_answer;
};

struct check {
    const char *url;
    int pid;
    struct client client;
    struct buf target, answer;
    const struct cost_row *rows;
    size_t row_count;
    struct cost costs[STATES_MAX][16];
    bool is_ok;
};

const struct cost_size *cost_size_find(const char *name)
{
    for (size_t i = 0; i < LENGTH(sizes); i++)
        if (strcmp(sizes[i].name, name) == 0)
            return &sizes[i];
    return NULL;
}

/* Of the hour from start_ns on. denser: so many times the lines are in it. */
static void target_make(struct buf *out, const struct cost_row *row, int64_t start_ns, unsigned denser)
{
    long long start = (long long)start_ns;
    long long end = (long long)(start_ns + (row->range == COST_ALL ? NS_PER_HOUR : NS_PER_HOUR / 2));
    if (row->range == COST_PART)
        start = end - (long long)(NS_PER_HOUR / 60 / denser);
    buf_reset(out);
    switch (row->kind) {
    case COST_LOG:
        buf_printf(out, "/loki/api/v1/query_range?limit=%u&start=%lld&end=%lld", row->limit, start, end);
        break;
    case COST_LABELS:
        buf_printf(out, "/loki/api/v1/labels?start=%lld&end=%lld", start, end);
        break;
    case COST_VALUES:
        buf_printf(out, "/loki/api/v1/label/%s/values?start=%lld&end=%lld", row->label, start, end);
        break;
    case COST_SERIES:
        buf_printf(out, "/loki/api/v1/series?start=%lld&end=%lld", start, end);
        break;
    }
    if (row->query != NULL) {
        buf_str(out, row->kind == COST_SERIES ? "&match[]=" : "&query=");
        client_encode(out, row->query);
    }
    buf_byte(out, '\0');
}

static bool is_answer(const struct cost_row *row, int status, const struct buf *answer)
{
    char entries[64];
    int len = snprintf(entries, sizeof(entries), "\"totalEntriesReturned\":%d,", row->entries);
    return status == 200 && (row->entries < 0 || memmem(answer->ptr, answer->len, entries, (size_t)len) != NULL);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Asks for the target again and again. False: an answer is none. */
static bool measure(struct check *check, const struct cost_row *row, struct cost *out)
{
    struct err err = {.code = ERR_NONE};
    double *wall_ms = mem_array(ROUNDS_MAX, sizeof(*wall_ms));
    size_t rounds = 0;
    int status = 0;
    bool ok = true;
    *out = (struct cost){.cpu_ms = 1e9};
    for (unsigned b = 0; ok && b < BATCHES; b++) {
        double before_s = process_usage(check->pid).cpu_s;
        int64_t batch_ns = clock_mono_ns(&system_clock), now_ns = batch_ns;
        size_t first = rounds;
        while (ok && rounds < ROUNDS_MAX && (rounds - first < ROUNDS_MIN || now_ns - batch_ns < BATCH_NS)) {
            int64_t start_ns = now_ns;
            ok = client_request(&check->client, "GET", check->target.ptr, "", SLICE_NONE, &status, &check->answer, &err) &&
                 is_answer(row, status, &check->answer);
            now_ns = clock_mono_ns(&system_clock);
            wall_ms[rounds++] = (double)(now_ns - start_ns) / 1e6;
        }
        double cpu_ms = (process_usage(check->pid).cpu_s - before_s) * 1e3 / (double)(rounds - first);
        if (rounds > first && cpu_ms < out->cpu_ms)
            out->cpu_ms = cpu_ms;
    }
    qsort(wall_ms, rounds, sizeof(*wall_ms), by_value);
    out->wall_ms = wall_ms[rounds / 2];
    out->answer_bytes = check->answer.len;
    out->has_answer = ok;
    if (!ok)
        (void)fprintf(stderr, "%s: status %d %s %.*s\n", row->name, status, err.text, (int)(check->answer.len < 300 ? check->answer.len : 300),
                      check->answer.ptr == NULL ? "" : check->answer.ptr);
    mem_free(wall_ms);
    return ok;
}

/* Sealing and merging that a fill leaves behind are no query's cost. */
static void wait_until_idle(int pid)
{
    int64_t start_ns = clock_mono_ns(&system_clock);
    for (unsigned idle = 0; idle < 3 && clock_mono_ns(&system_clock) - start_ns < IDLE_WAIT_NS;) {
        double before_s = process_usage(pid).cpu_s;
        (void)usleep(IDLE_WINDOW_NS / NS_PER_US);
        idle = (process_usage(pid).cpu_s - before_s) * 1e3 < IDLE_MS ? idle + 1 : 0;
    }
}

/* Costs of all rows over the hour. denser: so many times the lines in it. */
static void measure_rows(struct check *check, unsigned state, int64_t start_ns, unsigned denser)
{
    bool has_terminal = isatty(STDERR_FILENO) != 0;
    wait_until_idle(check->pid);
    client_fini(&check->client); // during a long fill the server has closed what was idle
    for (size_t i = 0; i < check->row_count; i++) {
        const struct cost_row *row = &check->rows[i];
        if (has_terminal)
            (void)fprintf(stderr, "\rmeasuring: %s\033[K", row->name);
        target_make(&check->target, row, start_ns, denser);
        check->is_ok = measure(check, row, &check->costs[state][i]) && check->is_ok;
    }
    if (has_terminal)
        (void)fputs("\r\033[K", stderr);
}

static void fill(struct check *check, const struct corpus_config *corpus)
{
    struct fill_result result;
    fill_run(check->url, corpus, &result);
    printf("stored: %.0f MB in %zu lines, %zu streams, of %zu s\n", (double)result.line_bytes / 1e6, result.lines, corpus->streams,
           (size_t)(corpus->span_ns / NS_PER_S));
    check->is_ok = check->is_ok && result.failed == 0;
    fill_result_fini(&result);
}

/* One column more of a row: its cost beside the first's. */
static bool print_cost(const struct cost_row *row, const struct cost *first, const struct cost *cost)
{
    // Answers from the index are the same to the byte; those of lines differ by their lines.
    bool is_same = row->kind == COST_LOG || cost->answer_bytes == first->answer_bytes;
    bool is_flat = cost->cpu_ms <= row->times_max * first->cpu_ms || cost->cpu_ms <= first->cpu_ms + FLOOR_MS;
    bool is_ok = cost->has_answer && is_same && is_flat;
    printf(" %9.3f %9.3f %6.2f %-5s", cost->cpu_ms, cost->wall_ms, cost->cpu_ms / first->cpu_ms,
           !cost->has_answer || !is_same ? "WRONG" : is_flat ? "flat" : "GROWS");
    return is_ok;
}

static void print_table(struct check *check, unsigned states, const char *const *names)
{
    printf("%-40s %19s", "", names[0]);
    for (unsigned s = 1; s < states; s++)
        printf(" %32s", names[s]);
    printf("\n%-40s %9s %9s", "query", "CPU ms", "ms");
    for (unsigned s = 1; s < states; s++)
        printf(" %9s %9s %6s %-5s", "CPU ms", "ms", "times", "");
    (void)putchar('\n');
    for (size_t i = 0; i < check->row_count; i++) {
        const struct cost *first = &check->costs[0][i];
        printf("%-40s %9.3f %9.3f", check->rows[i].name, first->cpu_ms, first->wall_ms);
        for (unsigned s = 1; s < states; s++)
            check->is_ok = print_cost(&check->rows[i], first, &check->costs[s][i]) && check->is_ok;
        (void)putchar('\n');
    }
}

/* One hour, then ten times its lines in another hour of the same day. */
static void check_data(struct check *check, const struct cost_size *size, int64_t day_ns)
{
    static const char *const names[] = {"an hour", "... ten hours' more stored", "an hour of ten times as much"};
    struct corpus_config corpus = {.seed = 1,
                                   .streams = size->data_streams,
                                   .bytes = size->bytes,
                                   .start_ns = day_ns + 2 * NS_PER_HOUR,
                                   .span_ns = NS_PER_HOUR,
                                   .push_bytes = 1000000,
                                   .writers = 4};
    int64_t first_ns = corpus.start_ns;
    check->rows = data_rows;
    check->row_count = LENGTH(data_rows);
    fill(check, &corpus);
    measure_rows(check, 0, first_ns, 1);
    corpus.seed++;
    corpus.start_ns += 8 * NS_PER_HOUR;
    corpus.bytes *= 10;
    fill(check, &corpus);
    measure_rows(check, 1, first_ns, 1);
    measure_rows(check, 2, corpus.start_ns, 10);
    print_table(check, LENGTH(names), names);
}

/* Some streams, then many more in the same hour. */
static void check_streams(struct check *check, const struct cost_size *size, int64_t day_ns)
{
    char before[32], after[32];
    const char *const names[] = {before, after};
    (void)snprintf(before, sizeof(before), "%zu streams", size->streams);
    (void)snprintf(after, sizeof(after), "%zu streams", size->streams_after);
    struct corpus_config corpus = {.seed = 3,
                                   .streams = size->streams,
                                   .bytes = size->streams * 1600, // ten lines each: hardly one has none
                                   .start_ns = day_ns + 2 * NS_PER_HOUR,
                                   .span_ns = NS_PER_HOUR,
                                   .push_bytes = 1000000,
                                   .writers = 4};
    check->rows = stream_rows;
    check->row_count = LENGTH(stream_rows);
    fill(check, &corpus);
    measure_rows(check, 0, corpus.start_ns, 1);
    corpus.seed++;
    corpus.first_stream = size->streams;
    corpus.streams = size->streams_after - size->streams;
    corpus.bytes = corpus.streams * 640;
    fill(check, &corpus);
    measure_rows(check, 1, corpus.start_ns, 1);
    print_table(check, LENGTH(names), names);
}

bool cost_check_run(const char *url, int pid, const struct cost_size *size)
{
    struct check check = {.url = url, .pid = pid, .target = BUF_INIT, .answer = BUF_INIT, .is_ok = true};
    struct err err = {.code = ERR_NONE};
    static_assert(LENGTH(data_rows) <= LENGTH(check.costs[0]) && LENGTH(stream_rows) <= LENGTH(check.costs[0]), "costs have room for a table");
    if (!client_init(&check.client, url, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return false;
    }
    int64_t today_ns = clock_wall_ns(&system_clock) / NS_PER_DAY * NS_PER_DAY;
    check_data(&check, size, today_ns - NS_PER_DAY);
    check_streams(&check, size, today_ns - 2 * NS_PER_DAY);
    printf("%s. Flat: at most %.0f times the CPU time (%.0f where whole blocks are read), or %.2f ms more\n", check.is_ok ? "All is flat" : "FAILED",
           TIMES_MAX, TIMES_MAX_BLOCKS, FLOOR_MS);
    client_fini(&check.client);
    buf_fini(&check.target);
    buf_fini(&check.answer);
    return check.is_ok;
}
