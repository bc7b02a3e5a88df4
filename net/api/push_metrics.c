#include "net/api/push_metrics.h"

#include <stdio.h>

#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/api/api.h"
#include "net/tenancy/caller.h"

/* Children of one tenant and format: kept by each thread for the pair that it saw last, since a promtail's pushes follow each other. */
struct accepted {
    char tenant[160];
    const char *format;
    struct metric *bytes, *metadata_bytes, *lines, *lines_by_format, *delay;
};

/* Retention as Loki's label has it: whole hours; empty when data is kept for ever. */
static struct slice retention_text(const struct limits *limits, char out[24])
{
    if (limits->retention_period <= 0)
        return SLICE("");
    int n = snprintf(out, 24, "%lld", (long long)(limits->retention_period / NS_PER_HOUR));
    return slice_of(out, n > 0 ? (size_t)n : 0);
}

static const struct accepted *accepted_of(const struct caller *caller, const char *api, const char *format)
{
    static _Thread_local struct accepted last;
    struct slice tenant = caller->tenants[0];
    if (last.format == format && slice_eq_str(tenant, last.tenant))
        return &last;
    char hours[24];
    const struct slice bytes_labels[] = {tenant, retention_text(caller->limits, hours), SLICE(""), SLICE("false"), slice_str(api)};
    const struct slice lines_labels[] = {tenant, SLICE(""), SLICE("false"), slice_str(api)};
    last.bytes = metric_get(METRIC_loki_distributor_bytes_received_total, bytes_labels);
    last.metadata_bytes = metric_get(METRIC_loki_distributor_structured_metadata_bytes_received_total, bytes_labels);
    last.lines = metric_get(METRIC_loki_distributor_lines_received_total, lines_labels);
    last.lines_by_format = metric_get1(METRIC_logi_ingest_lines_total, slice_str(format));
    last.delay = metric_get0(METRIC_logi_ingest_delay_seconds);
    last.format = format;
    (void)snprintf(last.tenant, sizeof(last.tenant), "%.*s", SLICE_ARG(tenant));
    return &last;
}

void push_metrics_decoded(const char *format, int64_t took_ns)
{
    static _Thread_local struct {
        const char *format;
        struct metric *seconds;
    } last; // as struct accepted
    if (format == NULL)
        return;
    if (last.format != format) {
        last.seconds = metric_get1(METRIC_logi_ingest_decode_seconds, slice_str(format));
        last.format = format;
    }
    metric_observe(last.seconds, (double)took_ns / (double)NS_PER_S);
}

static struct metric *cache_request(struct slice result)
{
    const struct slice labels[] = {SLICE("label"), result};
    return metric_get(METRIC_logi_cache_requests_total, labels);
}

void push_metrics_cache(const struct stream_cache_counts *before, const struct stream_cache_counts *now)
{
    static _Thread_local struct {
        struct metric *hits, *misses, *evictions;
    } own;
    if (own.hits == NULL) {
        own.misses = cache_request(SLICE("miss"));
        own.evictions = metric_get1(METRIC_logi_cache_evictions_total, SLICE("label"));
        own.hits = cache_request(SLICE("hit"));
    }
    if (now->hits > before->hits)
        metric_add(own.hits, now->hits - before->hits);
    if (now->misses > before->misses)
        metric_add(own.misses, now->misses - before->misses);
    if (now->evictions > before->evictions)
        metric_add(own.evictions, now->evictions - before->evictions);
}

void push_metrics_stored(bool ok, int64_t took_ns)
{
    static _Thread_local struct metric *seconds[2];
    if (seconds[ok] == NULL) {
        // The name of Loki's gRPC, which dashboards read for what distributors ask of ingesters.
        const struct slice labels[] = {SLICE("gRPC"), SLICE("/logproto.Pusher/Push"), ok ? SLICE("success") : SLICE("error"), SLICE("false")};
        seconds[ok] = metric_get(METRIC_loki_request_duration_seconds, labels);
    }
    metric_observe(seconds[ok], (double)took_ns / (double)NS_PER_S);
}

void push_metrics_accepted(const struct http_request *http, const struct ingest_outcome *outcome, const char *api, const char *format, int64_t now_ns)
{
    const struct caller *caller = caller_of(http);
    const struct accepted *accepted = accepted_of(caller, api, format);
    metric_add(accepted->bytes, outcome->batch.line_bytes + outcome->batch.metadata_bytes);
    metric_add(accepted->metadata_bytes, outcome->batch.metadata_bytes);
    metric_add(accepted->lines, outcome->batch.entry_count);
    metric_add(accepted->lines_by_format, outcome->batch.entry_count);
    for (size_t i = 0; i < outcome->batch.run_count; i++) { // the newest entry of each stream stands for the others
        int64_t delay_ns;
        const struct push_run *run = &outcome->batch.runs[i];
        if (run->count > 0 && !__builtin_sub_overflow(now_ns, run->last_ns, &delay_ns))
            metric_observe(accepted->delay, delay_ns > 0 ? (double)delay_ns / (double)NS_PER_S : 0);
    }
    if (outcome->truncated_lines > 0)
        metric_add(metric_get1(METRIC_logi_ingest_truncated_lines_total, caller->tenants[0]), outcome->truncated_lines);
}

static void discarded(const struct caller *caller, const char *api, const char *reason, uint64_t lines, uint64_t bytes)
{
    char hours[24];
    const struct slice labels[] = {slice_str(reason), caller->tenants[0], retention_text(caller->limits, hours), SLICE(""), slice_str(api)};
    metric_add(metric_get(METRIC_loki_discarded_samples_total, labels), lines);
    metric_add(metric_get(METRIC_loki_discarded_bytes_total, labels), bytes);
}

void push_metrics_discarded(const struct http_request *http, const struct ingest_outcome *outcome, const char *api)
{
    for (int i = 0; i < DISCARD_REASON_COUNT; i++) {
        if (outcome->discarded[i].lines > 0)
            discarded(caller_of(http), api, discard_reason_text((enum discard_reason)i), outcome->discarded[i].lines, outcome->discarded[i].bytes);
    }
}

void push_metrics_refused(const struct http_request *http, const struct err *err, const char *api, size_t lines, size_t bytes)
{
    enum discard_reason reason = err->code == ERR_TOO_LARGE     ? DISCARD_request_body_too_large
                                 : err->code == ERR_DISK_FULL   ? DISCARD_disk_full
                                 : err->code == ERR_UNAVAILABLE ? (atomic_load(&api_of(http)->is_stopping) ? DISCARD_shutting_down : DISCARD_memory_limit)
                                 : err->code == ERR_RATE        ? DISCARD_rate_limited
                                                                : DISCARD_invalid_labels;
    discarded(caller_of(http), api, discard_reason_text(reason), lines, bytes);
}
