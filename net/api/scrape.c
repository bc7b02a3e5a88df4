#include "net/api/scrape.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/base/rcu.h"
#include "core/metrics/metric_table.h"
#include "net/api/push.h"
#include "net/api/query_scheduler.h"
#include "net/api/scrape_limits.h"
#include "net/api/scrape_process.h"
#include "net/tail/tails.h"

struct scrape {
    struct api *api;
    struct http_server *server;
    double start_s;
};

static void set0(size_t family, double value)
{
    metric_set(metric_get0(family), value);
}

static void set1(size_t family, const char *label, double value)
{
    metric_set(metric_get1(family, slice_str(label)), value);
}

static void set2(size_t family, const char *a, const char *b, double value)
{
    const struct slice labels[] = {slice_str(a), slice_str(b)};
    metric_set(metric_get(family, labels), value);
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void scrape_store(const struct scrape *scrape)
{
    struct store_stats s;
    struct err err;
    store_stats(scrape->api->store, &s);
    set0(METRIC_logi_ready, store_ready(scrape->api->store, &err) ? 1 : 0);
    set1(METRIC_logi_head_bytes, "open", (double)s.head_open_bytes);
    set1(METRIC_logi_head_bytes, "sealed", (double)s.head_sealed_bytes);
    set1(METRIC_logi_head_bytes, "spilled", (double)s.head_spilled_bytes);
    set0(METRIC_logi_head_entries, (double)s.head_entries);
    set0(METRIC_logi_head_oldest_entry_timestamp_seconds, s.head_entries > 0 ? seconds(s.head_oldest_ns) : 0);
    set0(METRIC_loki_ingester_memory_streams_labels_bytes, (double)s.stream_label_bytes);
    set0(METRIC_loki_ingester_memory_chunks, (double)s.head_chunks);
    set0(METRIC_loki_ingester_flush_queue_length, (double)s.head_sealed_chunks);
    for (unsigned i = 0; i < s.shards && i < LENGTH(s.shard_pending); i++) {
        char shard[16];
        (void)snprintf(shard, sizeof(shard), "%u", i);
        set1(METRIC_logi_ingest_queue_depth, shard, (double)s.shard_pending[i]);
    }
    static const char *const levels[] = {"0", "1", "2", "3"};
    for (size_t i = 0; i < LENGTH(levels); i++)
        set2(METRIC_logi_store_segments, "local", levels[i], (double)s.segments[i]);
    set2(METRIC_logi_store_bytes, "local", "data", (double)s.segment_bytes);
    set2(METRIC_logi_store_bytes, "local", "filter", (double)s.signature_bytes);
    set2(METRIC_logi_store_bytes, "local", "meta", (double)s.template_bytes);
    set0(METRIC_logi_pattern_templates, (double)s.templates);
    set2(METRIC_logi_store_bytes, "local", "index", (double)s.index_bytes);
    set1(METRIC_logi_store_uncompressed_bytes, "local", (double)s.raw_bytes);
    set0(METRIC_logi_store_oldest_entry_timestamp_seconds, s.entries > 0 ? seconds(s.oldest_ns) : 0);
    set0(METRIC_logi_store_disk_free_bytes, (double)s.disk_free_bytes);
    set0(METRIC_logi_store_disk_size_bytes, (double)s.disk_size_bytes);
    set0(METRIC_logi_store_read_only, s.is_read_only ? 1 : 0);
    set1(METRIC_logi_index_map_bytes, "used", (double)s.index_bytes);
    set1(METRIC_logi_index_map_bytes, "mapped", (double)s.index_mapped_bytes);
    set1(METRIC_logi_index_entries, "streams", (double)s.index_streams);
    set1(METRIC_logi_index_entries, "pairs", (double)s.index_pairs);
    set1(METRIC_logi_index_entries, "postings", (double)s.index_postings);
    set0(METRIC_logi_index_free_pages, (double)s.index_free_pages);
    set0(METRIC_logi_index_readers, (double)s.index_readers);
    set0(METRIC_logi_index_oldest_reader_age_seconds, seconds(s.index_oldest_read_ns));
    set0(METRIC_logi_wal_size_bytes, (double)s.log.bytes_on_disk);
    set0(METRIC_logi_wal_segments, (double)s.log.files);
    set0(METRIC_logi_wal_replay_remaining_bytes, (double)s.replay_bytes_left);
    set0(METRIC_loki_ingester_wal_replay_active, s.replay_bytes_left > 0 ? 1 : 0);
    set0(METRIC_loki_ingester_wal_logged_bytes_total, (double)s.log.bytes_logged);
    set0(METRIC_loki_ingester_wal_records_logged_total, (double)s.log.records_logged);
    set0(METRIC_loki_ingester_wal_disk_full_failures_total, (double)s.log.disk_full_failures);
    if (s.disk_size_bytes > 0)
        set0(METRIC_loki_ingester_wal_disk_usage_percent, 1 - (double)s.disk_free_bytes / (double)s.disk_size_bytes);
    set0(METRIC_loki_compactor_pending_delete_requests_count, (double)s.deletes.pending);
    set0(METRIC_loki_compactor_oldest_pending_delete_request_age_seconds,
         s.deletes.pending > 0 ? (double)(clock_wall_ns(scrape->api->clock) / NS_PER_MS - s.deletes.oldest_ms) / 1e3 : 0);
    set1(METRIC_logi_cache_bytes, "block", (double)s.block_cache.bytes);
    set1(METRIC_logi_cache_evictions_total, "block", (double)s.block_cache.evictions);
    set2(METRIC_logi_cache_requests_total, "block", "hit", (double)s.block_cache.hits);
    set2(METRIC_logi_cache_requests_total, "block", "miss", (double)s.block_cache.misses);
}

static void scrape_memory(struct api *api)
{
    struct memory_budget *memory = api->memory;
    if (memory == NULL)
        return;
    for (int i = 0; i < MEMORY_AREAS; i++)
        set1(METRIC_logi_memory_used_bytes, memory_area_text((enum memory_area)i), (double)memory_budget_area(memory, (enum memory_area)i));
    for (int i = 0; i < SHED_ACTIONS; i++)
        set1(METRIC_logi_memory_shed_total, memory_shed_text((enum memory_shed)i), (double)memory_budget_sheds(memory, (enum memory_shed)i));
    set0(METRIC_logi_memory_limit_bytes, (double)memory_budget_limit(memory));
    set0(METRIC_logi_memory_pressure_level, (double)memory_budget_look(memory, clock_mono_ns(api->clock)));
    set1(METRIC_logi_cache_bytes, "label", (double)push_cache_bytes());
}

static void scrape_now(void *self)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // two loops may be asked at once
    const struct scrape *scrape = self;
    (void)pthread_mutex_lock(&lock);
    scrape_store(scrape);
    scrape_memory(scrape->api);
    scrape_process(scrape->api->start_wall_ns);
    scrape_limits(scrape->api->limits);
    set1(METRIC_loki_tcp_connections, "http", (double)http_server_connections(scrape->server));
    set1(METRIC_loki_tcp_connections, "grpc", 0);
    size_t websockets = http_server_websockets(scrape->server);
    size_t connections = http_server_connections(scrape->server);
    set1(METRIC_logi_http_connections, "h1", (double)(connections > websockets ? connections - websockets : 0));
    set1(METRIC_logi_http_connections, "h2", 0); // switched off
    set1(METRIC_logi_http_connections, "websocket", (double)websockets);
    set0(METRIC_logi_query_running, (double)query_scheduler_running(scrape->api->scheduler));
    set0(METRIC_loki_query_frontend_queries_in_progress,
         (double)(query_scheduler_running(scrape->api->scheduler) + query_scheduler_queued(scrape->api->scheduler)));
    set0(METRIC_logi_rcu_callbacks_pending, (double)rcu_frees_pending());
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    for (size_t i = 0; i < LENGTH(levels); i++) {
        double lines = (double)logger_count(levels[i]);
        set1(METRIC_log_messages_total, log_level_text(levels[i]), lines);
        set1(METRIC_loki_log_messages_total, log_level_text(levels[i]), lines);
        set1(METRIC_loki_internal_log_messages_total, log_level_text(levels[i]), lines);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void build_info(const struct api *api)
{
    struct utsname host;
    bool known = uname(&host) == 0;
    const char *arch = known ? host.machine : "";
    struct slice revision = slice_str(api->revision);
    const struct slice loki[] = {SLICE("3.7.6"), revision, SLICE("logi"), SLICE("c"), SLICE("linux"), slice_str(arch), SLICE("")};
    const struct slice logi[] = {slice_str(api->version), revision, SLICE("gcc " __VERSION__), slice_str(arch), SLICE("linux")};
    metric_set(metric_get(METRIC_loki_build_info, loki), 1);
    metric_set(metric_get(METRIC_logi_build_info, logi), 1);
}

/* Closed lists: a counter that appears with its first event hides that event from rate(). */
static void children_from_start(void)
{
    static const struct {
        size_t family;
        const char *values[10];
    } lists[] = {
        {METRIC_logi_http_rejected_total, {"parse", "too_large", "bad_encoding", "auth", "overload", "slow_client", "tls"}},
        {METRIC_logi_query_rejected_total, {"syntax", "limit", "queue_full", "memory", "blocked", "auth"}},
        {METRIC_logi_query_cancelled_total, {"client_closed", "timeout", "memory", "shutdown"}},
        {METRIC_logi_query_skipped_segments_total, {"time", "labels", "filter", "limit", "minmax"}},
        {METRIC_logi_query_match_seconds_total, {"literal", "regex"}},
        {METRIC_logi_cache_evictions_total, {"label"}},
        {METRIC_logi_query_scanned_bytes_total, {"head", "local", "object"}},
        {METRIC_logi_ingest_lines_total, {"loki_protobuf", "loki_json", "loki_v0_protobuf", "loki_v0_json", "otlp_protobuf", "otlp_json", "ochi_json"}},
        {METRIC_logi_ingest_decode_seconds, {"loki_protobuf", "loki_json", "loki_v0_protobuf", "loki_v0_json", "otlp_protobuf", "otlp_json", "ochi_json"}},
    };
    static const char *const logins[][2] = {{"none", "denied"}, {"basic", "ok"}, {"basic", "denied"}, {"basic", "error"}};
    for (size_t i = 0; i < LENGTH(logins); i++) {
        const struct slice labels[] = {slice_str(logins[i][0]), slice_str(logins[i][1])};
        (void)metric_get(METRIC_logi_auth_requests_total, labels);
    }
    static const char *const results[] = {"hit", "miss"};
    for (size_t i = 0; i < LENGTH(results); i++) {
        const struct slice labels[] = {SLICE("label"), slice_str(results[i])};
        (void)metric_get(METRIC_logi_cache_requests_total, labels);
    }
    for (size_t i = 0; i < LENGTH(lists); i++) {
        for (size_t k = 0; k < LENGTH(lists[i].values) && lists[i].values[k] != NULL; k++)
            (void)metric_get1(lists[i].family, slice_str(lists[i].values[k]));
    }
}

/* One node is every member that a dashboard looks for. */
static void ring_members(void)
{
    static const char *const members[] = {"compactor", "distributor", "ingester", "query-scheduler"};
    for (size_t i = 0; i < LENGTH(members); i++)
        set2(METRIC_loki_ring_members, members[i], "ACTIVE", 1);
}

static void config_hash(const struct api *api)
{
    struct buf text = BUF_INIT;
    api->print_config(api->config_self, "", &text);
    set0(METRIC_logi_config_hash, (double)(hash64(buf_slice(&text)) & UINT64_C(0xffffffffffff)));
    buf_fini(&text);
}

static void on_freed(int64_t waited_ns)
{
    metric_observe(metric_get0(METRIC_logi_rcu_grace_period_seconds), seconds(waited_ns));
}

void scrape_register(struct api *api, struct http_server *server)
{
    struct scrape *scrape = mem_zero(sizeof(*scrape)); // lives as long as the process, like the registry
    scrape->api = api;
    scrape->server = server;
    build_info(api);
    set0(METRIC_logi_start_seconds, seconds(clock_mono_ns(api->clock) - api->start_mono_ns));
    set0(METRIC_loki_distributor_replication_factor, 1);
    set0(METRIC_loki_boltdb_shipper_compactor_running, 1);
    static const char *const components[] = {"http", "shards", "index", "wal", "store", "query", "ruler", "tail"};
    for (size_t i = 0; i < LENGTH(components); i++)
        set1(METRIC_logi_component_up, components[i], 1);
    set1(METRIC_loki_tcp_connections_limit, "http", (double)http_server_connections_max(server));
    set1(METRIC_loki_tcp_connections_limit, "grpc", 0);
    set1(METRIC_loki_compactor_locked_table_successive_compaction_skips, "all", 0);
    children_from_start();
    ring_members();
    config_hash(api);
    set0(METRIC_logi_config_last_reload_successful, 1); // it has been read to get here
    set0(METRIC_logi_config_last_reload_success_timestamp_seconds, seconds(api->start_wall_ns));
    rcu_on_freed(on_freed);
    metrics_on_scrape(scrape_now, scrape);
}
