#include "bench/node/queries.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/node/client.h"
#include "bench/node/process.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

enum query_kind { QUERY_LOG, QUERY_RANGE_METRIC, QUERY_INSTANT, QUERY_VALUES, QUERY_SERIES, QUERY_PATTERNS };

static const struct row {
    const char *name;
    enum query_kind kind;
    const char *query;
    double must_ms;
} rows[] = {
    {"needle: 3 lines", QUERY_LOG, "{cluster=\"eu-1\"} |= \"" NEEDLE "\"", 15},
    {"needle that is not there", QUERY_LOG, "{cluster=\"eu-1\"} |= \"7d1e0b52-90aa-4c1f-8d35-aa00bb11cc22\"", 10},
    {"newest 1000 of an app (40 streams)", QUERY_LOG, "{app=\"nginx\"}", 10},
    {"newest 1000 with |= \"error\"", QUERY_LOG, "{cluster=\"eu-1\"} |= \"error\"", 15},
    {"count of all lines", QUERY_INSTANT, "sum(count_over_time({cluster=\"eu-1\"}[61m]))", 5},
    {"sum by (app) (rate), 1m steps", QUERY_RANGE_METRIC, "sum by (app) (rate({namespace=\"prod\"}[1m]))", 60},
    {"count of a phrase in all lines", QUERY_INSTANT, "sum(count_over_time({cluster=\"eu-1\"} |= \"Failed password for root\" [61m]))", 150},
    {"count of a regex in two apps", QUERY_INSTANT, "sum(count_over_time({app=~\"nginx|sshd\"} |~ \"(GET|POST) /api/v[0-9]+/users|port 2[0-9]{3} \" [61m]))", 120},
    {"json: count by level", QUERY_INSTANT, "sum by (level) (count_over_time({app=\"checkout\"} | json [61m]))", 200},
    {"json: unwrap, p99 by method", QUERY_INSTANT, "quantile_over_time(0.99, {app=\"checkout\"} | json | unwrap duration_ms [61m]) by (method)", 250},
    {"logfmt: two filters, by currency, 5m", QUERY_RANGE_METRIC,
     "sum by (currency) (count_over_time({app=\"payments\"} | logfmt | level=\"error\" | latency > 100ms [5m]))", 150},
    {"pattern: topk by path", QUERY_INSTANT,
     "topk(5, sum by (path) (count_over_time({app=\"nginx\"} | pattern \"<_> - - <_> \\\"<method> <path>/<_> <_>\\\" <status> <_>\" [61m])))", 120},
    {"label values of pod (240)", QUERY_VALUES, "pod", 2},
    {"series of namespace=prod (120)", QUERY_SERIES, "{namespace=\"prod\"}", 3},
    // Last: the first round reads lines, and asks for the templates that the others may find.
    {"patterns of all lines, 10s", QUERY_PATTERNS, "{cluster=\"eu-1\"}", 500},
};

static void target_of(const struct row *row, const struct corpus_config *corpus, struct buf *out)
{
    long long start = (long long)corpus->start_ns;
    long long end = (long long)(corpus->start_ns + corpus->span_ns + NS_PER_S);
    buf_reset(out);
    switch (row->kind) {
    case QUERY_LOG:
        buf_printf(out, "/loki/api/v1/query_range?limit=1000&start=%lld&end=%lld&query=", start, end);
        break;
    case QUERY_RANGE_METRIC:
        buf_printf(out, "/loki/api/v1/query_range?step=%s&start=%lld&end=%lld&query=", strstr(row->query, "[5m]") != NULL ? "300" : "60", start, end);
        break;
    case QUERY_INSTANT:
        buf_printf(out, "/loki/api/v1/query?time=%lld&query=", end);
        break;
    case QUERY_VALUES:
        buf_printf(out, "/loki/api/v1/label/%s/values?start=%lld&end=%lld", row->query, start, end);
        break;
    case QUERY_SERIES:
        buf_printf(out, "/loki/api/v1/series?start=%lld&end=%lld&match[]=", start, end);
        break;
    case QUERY_PATTERNS:
        buf_printf(out, "/loki/api/v1/patterns?step=10&start=%lld&end=%lld&query=", start, end);
        break;
    }
    if (row->kind != QUERY_VALUES)
        client_encode(out, row->query);
    buf_byte(out, '\0');
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row_run(struct client *client, const struct row *row, const char *target, int pid, unsigned rounds)
{
    struct buf answer = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    double *ms = mem_array(rounds + 1, sizeof(*ms));
    int status = 0;
    struct process_usage before = process_usage(pid);
    bool ok = true;
    for (unsigned i = 0; ok && i < rounds; i++) {
        int64_t start = clock_mono_ns(&system_clock);
        ok = client_request(client, "GET", target, "", SLICE_NONE, &status, &answer, &err);
        ms[i] = (double)(clock_mono_ns(&system_clock) - start) / 1e6;
    }
    double cpu_ms = (process_usage(pid).cpu_s - before.cpu_s) * 1e3 / rounds;
    qsort(ms, rounds, sizeof(*ms), by_value);
    if (!ok || status != 200)
        printf("%-40s failed: status %d %s %.*s\n", row->name, status, err.text, (int)(answer.len < 200 ? answer.len : 200), answer.ptr == NULL ? "" : answer.ptr);
    else
        printf("%-40s %9.2f %9.2f %9.2f %9.1f %8.0f  %s %9zu\n", row->name, ms[rounds / 2], ms[0], ms[rounds - 1], cpu_ms, row->must_ms,
               ms[rounds / 2] <= row->must_ms ? "ok  " : "MISS", answer.len);
    buf_fini(&answer);
    mem_free(ms);
}

void queries_run(const char *url, int pid, const struct corpus_config *corpus, unsigned rounds)
{
    struct client client;
    struct err err = {.code = ERR_NONE};
    struct buf target = BUF_INIT;
    if (rounds == 0 || !client_init(&client, url, &err))
        return;
    printf("%-40s %9s %9s %9s %9s %8s  %4s %9s\n", "query", "median ms", "min", "max", "CPU ms", "must", "", "bytes");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        target_of(&rows[i], corpus, &target);
        row_run(&client, &rows[i], target.ptr, pid, rounds);
    }
    client_fini(&client);
    buf_fini(&target);
}
