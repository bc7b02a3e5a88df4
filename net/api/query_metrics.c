#include "net/api/query_metrics.h"

#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "core/model/go_text.h"

#define SLOW_NS (10 * NS_PER_S) /* latency=slow from here on, as Loki's query log has it */

static uint64_t total(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed); // the query has ended
}

static const char *status_text(const struct err *err, char out[12])
{
    (void)snprintf(out, 12, "%d", err == NULL ? 200 : http_status_of(err->code));
    return out;
}

static const char *type_of(const struct query_request *request, const struct query_result *result, const struct err *err)
{
    if (request->is_instant || (err == NULL && result->kind != RESULT_STREAMS))
        return "metric";
    return request->limit > 0 ? "limited" : "filter";
}

/* Under the names of Loki's gRPC, which dashboards read for the part that queriers ask of ingesters. */
static void count_store_call(const char *type, double seconds, const struct err *err)
{
    static const struct {
        const char *type, *route;
    } routes[] = {{"metric", "/logproto.Querier/QuerySample"}, {"labels", "/logproto.Querier/Label"},  {"series", "/logproto.Querier/Series"},
                  {"stats", "/logproto.Querier/GetStats"},     {"volume", "/logproto.Querier/GetVolume"}, {"volume_range", "/logproto.Querier/GetVolume"}};
    const char *route = "/logproto.Querier/Query";
    for (size_t i = 0; i < LENGTH(routes); i++) {
        if (strcmp(type, routes[i].type) == 0)
            route = routes[i].route;
    }
    const struct slice labels[] = {SLICE("gRPC"), slice_str(route), err == NULL ? SLICE("success") : SLICE("error"), SLICE("false")};
    metric_observe(metric_get(METRIC_loki_request_duration_seconds, labels), seconds);
}

static void count_reason(const struct err *err)
{
    if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT)
        metric_add(metric_get1(METRIC_logi_query_cancelled_total, err->code == ERR_TIMEOUT ? SLICE("timeout") : SLICE("client_closed")), 1);
    else if (err->code == ERR_INVALID || err->code == ERR_LIMIT)
        metric_add(metric_get1(METRIC_logi_query_rejected_total, err->code == ERR_INVALID                         ? SLICE("syntax")
                                                                 : strcmp(err->text, QUERY_BLOCKED_TEXT) == 0 ? SLICE("blocked")
                                                                                                                  : SLICE("limit")),
                   1);
}

static void count(const struct query_scope *scope, const char *type, const char *range, const char *query_type, int64_t took_ns,
                  const struct err *err)
{
    char status[12];
    double seconds = (double)took_ns / (double)NS_PER_S;
    const struct slice latency[] = {slice_str(range), slice_str(status_text(err, status)), slice_str(type)};
    metric_observe(metric_get(METRIC_loki_logql_querystats_latency_seconds, latency), seconds);
    metric_observe(metric_get1(METRIC_logql_query_duration_seconds, slice_str(query_type)), seconds);
    count_store_call(type, seconds, err);
    const struct query_stats *stats = &scope->control.stats;
    uint64_t head_bytes = total(&stats->head_bytes);
    uint64_t bytes = total(&stats->bytes_scanned);
    const struct slice speed[] = {took_ns >= SLOW_NS ? SLICE("slow") : SLICE("fast"), slice_str(range), SLICE("false"), latency[1], slice_str(type)};
    metric_observe(metric_get(METRIC_loki_logql_querystats_bytes_processed_per_seconds, speed), took_ns > 0 ? (double)bytes / seconds : 0);
    metric_add(metric_get1(METRIC_logi_query_scanned_bytes_total, SLICE("head")), head_bytes);
    metric_add(metric_get1(METRIC_logi_query_scanned_bytes_total, SLICE("local")), bytes > head_bytes ? bytes - head_bytes : 0);
    metric_add(metric_get0(METRIC_logi_query_scanned_lines_total), total(&stats->lines_scanned));
    metric_add(metric_get0(METRIC_logi_query_returned_lines_total), total(&stats->entries_returned));
    uint64_t filtered = total(&stats->blocks_filtered);
    uint64_t skipped = total(&stats->blocks_skipped) - filtered;
    bool has_limit = strcmp(type, "limited") == 0 || strcmp(type, "filter") == 0; // a log query, that leaves out what cannot be among its first entries
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, SLICE("filter")), filtered);
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, has_limit ? SLICE("limit") : SLICE("minmax")), skipped);
    if (err != NULL)
        count_reason(err);
}

/* The fields that dashboards on Loki's own log read. */
static void log_query(const struct query_scope *scope, const struct query_request *request, const char *type, struct slice text,
                      int64_t took_ns, const struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct buf took = BUF_INIT;
    struct buf length = BUF_INIT;
    char status[12];
    const struct query_stats *stats = &scope->control.stats;
    go_print_duration(&took, took_ns);
    int64_t length_ns = INT64_MAX;
    if (__builtin_sub_overflow(request->end_ns, request->start_ns, &length_ns))
        length_ns = INT64_MAX; // end is not before start
    go_print_duration(&length, length_ns);
    uint64_t bytes = total(&stats->bytes_scanned);
    struct slice tags = SLICE("");
    (void)http_header_get(scope->http, SLICE("x-query-tags"), &tags);
#define NUMBER(value) arena_printf(&arena, "%llu", (unsigned long long)(value)).ptr
#define TEXT(slice) arena_printf(&arena, "%.*s", SLICE_ARG(slice)).ptr
    log_info("querier", "query", "org_id", TEXT(scope->caller->tenants[0]), "latency", took_ns >= SLOW_NS ? "slow" : "fast", "query",
             TEXT(text), "query_hash", NUMBER(query_block_hash(text)), "query_type", type, "range_type",
             request->is_instant ? "instant" : "range", "length", TEXT(buf_slice(&length)), "step",
             NUMBER(request->step_ns / NS_PER_MS), "duration", TEXT(buf_slice(&took)), "status", status_text(err, status), "limit",
             NUMBER(request->limit), "returned_lines", NUMBER(total(&stats->entries_returned)), "throughput",
             NUMBER(took_ns > 0 ? (double)bytes * 1e9 / (double)took_ns : 0), "total_bytes", NUMBER(bytes), "total_lines",
             NUMBER(total(&stats->lines_scanned)), "post_filter_lines", NUMBER(total(&stats->lines_after_filters)), "splits", "0", "shards",
             NUMBER(store_shard_count(scope->api->store)), "source", TEXT(tags), "err", err == NULL ? "" : err->text);
#undef NUMBER
#undef TEXT
    buf_fini(&took);
    buf_fini(&length);
    arena_fini(&arena);
}

void query_metrics_done(const struct query_scope *scope, const struct query_request *request, const struct query_result *result,
                        struct slice text, const struct err *err)
{
    int64_t took_ns = clock_mono_ns(scope->api->clock) - scope->start_mono_ns;
    const char *type = type_of(request, result, err);
    const char *range = request->is_instant ? "instant" : "range";
    count(scope, type, range, range, took_ns, err);
    metric_observe(metric_get0(METRIC_logi_query_fanout_shards), (double)store_shard_count(scope->api->store));
    metric_observe(metric_get0(METRIC_logi_query_peak_memory_bytes), (double)atomic_load(&scope->control.memory_peak));
    if (err == NULL)
        metric_observe(metric_get0(METRIC_logi_query_first_byte_seconds), (double)took_ns / (double)NS_PER_S); // an answer is sent when it is whole
    if (logger_level() <= LOG_INFO)
        log_query(scope, request, type, text, took_ns, err);
}

void metadata_metrics_done(const struct query_scope *scope, const char *type, const struct err *err)
{
    count(scope, type, "", type, clock_mono_ns(scope->api->clock) - scope->start_mono_ns, err);
}
