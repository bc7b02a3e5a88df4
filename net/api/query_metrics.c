#include "net/api/query_metrics.h"

#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "core/model/go_text.h"
#include "core/model/query_tags.h"
#include "core/pipeline/pipeline.h"

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

static const char *cancel_reason(const struct query_scope *scope, const struct err *err)
{
    if (err->code == ERR_TIMEOUT)
        return "timeout";
    return http_request_is_given_up(scope->http) ? "shutdown" : "client_closed";
}

static const char *reject_reason(const struct err *err)
{
    if (err->code == ERR_INVALID)
        return "syntax";
    return strcmp(err->text, QUERY_BLOCKED_TEXT) == 0 ? "blocked" : "limit";
}

static void count_reason(const struct query_scope *scope, const struct err *err)
{
    enum memory_stop stop = (enum memory_stop)atomic_load_explicit(&scope->control.memory_stop, memory_order_relaxed); // the query has ended
    if (stop == MEMORY_STOP_NODE)
        metric_add(metric_get1(METRIC_logi_query_rejected_total, SLICE("memory")), 1);
    else if (stop == MEMORY_STOP_OWN)
        metric_add(metric_get1(METRIC_logi_query_cancelled_total, SLICE("memory")), 1);
    else if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT)
        metric_add(metric_get1(METRIC_logi_query_cancelled_total, slice_str(cancel_reason(scope, err))), 1);
    else if (err->code == ERR_INVALID || err->code == ERR_LIMIT)
        metric_add(metric_get1(METRIC_logi_query_rejected_total, slice_str(reject_reason(err))), 1);
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
    metric_add(metric_get0(METRIC_logi_query_decompress_seconds_total), total(&stats->decompress_ns));
    metric_add(metric_get1(METRIC_logi_query_match_seconds_total, SLICE("literal")), total(&stats->match_ns[MATCH_LITERAL]));
    metric_add(metric_get1(METRIC_logi_query_match_seconds_total, SLICE("regex")), total(&stats->match_ns[MATCH_REGEX]));
    uint64_t filtered = total(&stats->blocks_filtered);
    uint64_t skipped = total(&stats->blocks_skipped) - filtered;
    bool has_limit = strcmp(type, "limited") == 0 || strcmp(type, "filter") == 0; // a log query, that leaves out what cannot be among its first entries
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, SLICE("filter")), filtered);
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, has_limit ? SLICE("limit") : SLICE("minmax")), skipped);
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, SLICE("time")), total(&stats->blocks_out_of_time));
    metric_add(metric_get1(METRIC_logi_query_skipped_segments_total, SLICE("labels")), total(&stats->blocks_of_others));
    if (err != NULL)
        count_reason(scope, err);
}

static const char *text_of(struct arena *arena, struct slice text)
{
    return arena_printf(arena, "%.*s", SLICE_ARG(text)).ptr;
}

static const char *duration_of(struct arena *arena, int64_t ns)
{
    struct buf text = BUF_INIT;
    go_print_duration(&text, ns);
    const char *copy = text_of(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

/* Times of a query may be any: what does not fit is cut. */
static const char *span_of(struct arena *arena, int64_t from_ns, int64_t to_ns)
{
    int64_t span_ns;
    if (__builtin_sub_overflow(to_ns, from_ns, &span_ns))
        span_ns = to_ns > from_ns ? INT64_MAX : INT64_MIN;
    return duration_of(arena, span_ns);
}

static bool has_name(const struct log_pair *pairs, size_t count, const char *name)
{
    static const char *const always[] = {"ts", "level", "component", "msg", "repeats_left_out"};
    bool found = false;
    for (size_t i = 0; i < LENGTH(always); i++)
        found = found || strcmp(always[i], name) == 0;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(pairs[i].name, name) == 0;
    return found;
}

/* The client's tags, as pairs of their own; a tag cannot take the name of one that is there. */
static size_t tags_put(const struct query_tags *tags, struct arena *arena, struct log_pair *pairs, size_t count, size_t max)
{
    for (size_t i = 0; i < tags->count && count < max; i++) {
        struct slice name = arena_printf(arena, "%.*s", SLICE_ARG(tags->items[i].name));
        for (char *at = (char *)name.ptr; *at != '\0'; at++)
            *at = *at == ' ' ? '_' : *at;
        if (!has_name(pairs, count, name.ptr))
            pairs[count++] = (struct log_pair){name.ptr, text_of(arena, tags->items[i].value)};
    }
    return count;
}

static struct slice tag_of(const struct query_tags *tags, struct slice name)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (slice_eq(tags->items[i].name, name))
            return tags->items[i].value;
    }
    return SLICE("");
}

/* The fields that dashboards on Loki's own log read. */
static void log_query(const struct query_scope *scope, const struct query_request *request, const char *type, struct slice text,
                      int64_t took_ns, const struct err *err)
{
    struct arena arena = ARENA_INIT;
    char status[12];
    const struct query_stats *stats = &scope->control.stats;
    uint64_t bytes = total(&stats->bytes_scanned);
    struct query_tags tags;
    struct slice header = SLICE("");
    (void)http_header_get(scope->http, SLICE("x-query-tags"), &header);
    query_tags_parse(header, &arena, &tags);
#define NUMBER(value) arena_printf(&arena, "%llu", (unsigned long long)(value)).ptr
    struct log_pair pairs[LOG_PAIRS_MAX + QUERY_TAGS_MAX] = {
        {"org_id", text_of(&arena, scope->caller->tenants[0])},
        {"latency", took_ns >= SLOW_NS ? "slow" : "fast"},
        {"query", text_of(&arena, text)},
        {"query_hash", NUMBER(query_block_hash(text))},
        {"query_type", type},
        {"range_type", request->is_instant ? "instant" : "range"},
        {"length", span_of(&arena, request->start_ns, request->end_ns)},
        {"start_delta", span_of(&arena, request->start_ns, scope->now_ns)},
        {"end_delta", span_of(&arena, request->end_ns, scope->now_ns)},
        {"step", NUMBER(request->step_ns / NS_PER_MS)},
        {"duration", duration_of(&arena, took_ns)},
        {"status", status_text(err, status)},
        {"limit", NUMBER(request->limit)},
        {"returned_lines", NUMBER(total(&stats->entries_returned))},
        {"throughput", NUMBER(took_ns > 0 ? (double)bytes * 1e9 / (double)took_ns : 0)},
        {"total_bytes", NUMBER(bytes)},
        {"total_lines", NUMBER(total(&stats->lines_scanned))},
        {"post_filter_lines", NUMBER(total(&stats->lines_after_filters))},
        {"splits", "0"},
        {"shards", NUMBER(store_shard_count(scope->api->store))},
        {"source", text_of(&arena, tag_of(&tags, SLICE("source")))},
        {"err", err == NULL ? "" : err->text},
    };
#undef NUMBER
    size_t count = 0;
    while (count < LENGTH(pairs) && pairs[count].name != NULL)
        count++;
    count = tags_put(&tags, &arena, pairs, count, LENGTH(pairs));
    log_write_pairs(LOG_INFO, "querier", "query", pairs, count);
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

/* These read the index and little else, so that they are its requests as well. */
static void count_index(const char *type, int64_t took_ns, const struct err *err)
{
    char status[12];
    if (strcmp(type, "labels") == 0) // the store counts those, by their kind
        return;
    const struct slice labels[] = {slice_str(type), slice_str(status_text(err, status)), SLICE("ingester")};
    metric_observe(metric_get(METRIC_loki_index_request_duration_seconds, labels), (double)took_ns / (double)NS_PER_S);
}

void metadata_metrics_done(const struct query_scope *scope, const char *type, const struct err *err)
{
    int64_t took_ns = clock_mono_ns(scope->api->clock) - scope->start_mono_ns;
    count(scope, type, "", type, took_ns, err);
    count_index(type, took_ns, err);
}
