#include "storage/figures/store_figures.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/metrics/metric_table.h"

/* The children with fixed labels; set once, before is_counting. */
static struct {
    struct metric *damage[3], *log_corruptions;
    struct metric *flushed[3];
    struct metric *failures_io, *failures_full, *failures_checksum;
    struct metric *index[4];
    struct metric *merge_read, *merge_written;
    struct metric *merge_rounds[2], *retention_rounds[2];
    struct metric *index_entries, *utilization;
    struct metric *unlinks_pending, *unlink_time, *unlink_seconds[2];
    struct metric *deletes_loaded[2];
    struct metric *expired_segments, *expired_bytes;
    struct metric *appends[FIGURE_SHARDS_MAX];
} children;
static atomic_bool is_counting;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static bool counts(void)
{
    return atomic_load_explicit(&is_counting, memory_order_acquire); // pairs with make_children: the pointers are set
}

static struct metric *index_child(enum index_request request, bool ok)
{
    static const char *const operations[] = {
        [INDEX_WRITE] = "index_chunk", [INDEX_SELECT] = "chunk_refs", [INDEX_NAMES] = "label_names", [INDEX_VALUES] = "label_values"};
    const struct slice labels[] = {slice_str(operations[request]), ok ? SLICE("200") : SLICE("500"), SLICE("ingester")};
    return metric_get(METRIC_loki_index_request_duration_seconds, labels);
}

static void make_children(void)
{
    static const char *const kinds[] = {[DAMAGE_DATA] = "data", [DAMAGE_INDEX] = "index", [DAMAGE_LOG] = "wal"};
    static const char *const reasons[] = {[SEAL_FORCED] = "forced", [SEAL_FULL] = "full", [SEAL_AGE] = "max_age"};
    static const char *const results[] = {"failure", "success"};
    metric_table_init();
    for (size_t i = 0; i < LENGTH(kinds); i++)
        children.damage[i] = metric_get1(METRIC_logi_store_checksum_failures_total, slice_str(kinds[i]));
    children.log_corruptions = metric_get1(METRIC_loki_ingester_wal_corruptions_total, SLICE("segment"));
    for (size_t i = 0; i < LENGTH(reasons); i++)
        children.flushed[i] = metric_get1(METRIC_loki_ingester_chunks_flushed_total, slice_str(reasons[i]));
    children.failures_io = metric_get1(METRIC_logi_flush_failures_total, SLICE("io"));
    children.failures_full = metric_get1(METRIC_logi_flush_failures_total, SLICE("disk_full"));
    children.failures_checksum = metric_get1(METRIC_logi_flush_failures_total, SLICE("checksum"));
    for (size_t i = 0; i < LENGTH(children.index); i++)
        children.index[i] = index_child((enum index_request)i, true); // those of failures are made by the first one: 14 lines each
    children.merge_read = metric_get1(METRIC_logi_merge_bytes_total, SLICE("read"));
    children.merge_written = metric_get1(METRIC_logi_merge_bytes_total, SLICE("written"));
    for (size_t i = 0; i < LENGTH(results); i++) {
        children.merge_rounds[i] = metric_get1(METRIC_loki_boltdb_shipper_compact_tables_operation_total, slice_str(results[i]));
        children.unlink_seconds[i] = metric_get1(METRIC_loki_boltdb_shipper_retention_sweeper_chunk_deleted_duration_seconds, slice_str(results[i]));
        children.retention_rounds[i] = metric_get1(METRIC_loki_compactor_apply_retention_operation_total, slice_str(results[i]));
    }
    children.deletes_loaded[0] = metric_get1(METRIC_loki_compactor_load_pending_requests_attempts_total, SLICE("fail")); // Loki's word for this one
    children.deletes_loaded[1] = metric_get1(METRIC_loki_compactor_load_pending_requests_attempts_total, SLICE("success"));
    children.index_entries = metric_get0(METRIC_loki_chunk_store_index_entries_per_chunk);
    children.utilization = metric_get0(METRIC_loki_ingester_chunk_utilization);
    children.unlinks_pending = metric_get1(METRIC_loki_boltdb_shipper_retention_sweeper_marker_files_current, SLICE("local"));
    children.unlink_time = metric_get1(METRIC_loki_boltdb_shipper_retention_sweeper_marker_file_processing_current_time, SLICE("local"));
    children.expired_segments = metric_get1(METRIC_logi_retention_deleted_segments_total, SLICE("age"));
    children.expired_bytes = metric_get1(METRIC_logi_retention_deleted_bytes_total, SLICE("age"));
    atomic_store_explicit(&is_counting, true, memory_order_release);
}

void store_figures_init(void)
{
    (void)pthread_once(&once, make_children);
}

/* ---- tenants ---- */

void tenant_figures_get(struct slice tenant, struct tenant_figures *out)
{
    *out = (struct tenant_figures){0};
    if (!counts())
        return;
    *out = (struct tenant_figures){
        .streams_created = metric_get1(METRIC_loki_ingester_streams_created_total, tenant),
        .streams_removed = metric_get1(METRIC_loki_ingester_streams_removed_total, tenant),
        .memory_streams = metric_get1(METRIC_loki_ingester_memory_streams, tenant),
        .chunks_stored = metric_get1(METRIC_loki_ingester_chunks_stored_total, tenant),
        .chunk_bytes = metric_get1(METRIC_loki_ingester_chunk_stored_bytes_total, tenant),
        .duplicate_lines = metric_get1(METRIC_logi_ingest_duplicate_lines_total, tenant),
        .unordered_lines = metric_get1(METRIC_logi_ingest_unordered_lines_total, tenant),
    };
}

void figure_stream_created(const struct tenant_figures *tenant)
{
    if (tenant->streams_created == NULL)
        return;
    metric_add(tenant->streams_created, 1);
    metric_move(tenant->memory_streams, 1);
}

void figure_stream_removed(const struct tenant_figures *tenant)
{
    if (tenant->streams_removed == NULL)
        return;
    metric_add(tenant->streams_removed, 1);
    metric_move(tenant->memory_streams, -1);
}

void figure_unordered_lines(const struct tenant_figures *tenant, uint64_t lines)
{
    if (tenant->unordered_lines != NULL)
        metric_add(tenant->unordered_lines, lines);
}

/* ---- shards ---- */

void figure_shards(unsigned count)
{
    if (!counts())
        return;
    for (unsigned i = 0; i < count && i < FIGURE_SHARDS_MAX; i++) {
        char text[3] = {(char)('0' + i / 10), (char)('0' + i % 10), '\0'};
        struct slice shard = slice_str(i < 10 ? text + 1 : text);
        children.appends[i] = metric_get1(METRIC_loki_distributor_ingester_appends_total, shard);
        (void)metric_get1(METRIC_loki_distributor_ingester_append_failures_total, shard); // a shard refuses nothing: what it cannot take is refused before the log
    }
}

void figure_appended(unsigned shard)
{
    if (shard < FIGURE_SHARDS_MAX && children.appends[shard] != NULL)
        metric_add(children.appends[shard], 1);
}

/* ---- the log ---- */

void figure_log_commit(void *self, int64_t write_ns, int64_t sync_ns, size_t records, size_t bytes)
{
    (void)self, (void)records, (void)bytes;
    if (!counts())
        return;
    metric_observe(metric_get0(METRIC_logi_wal_append_seconds), seconds(write_ns));
    metric_observe(metric_get0(METRIC_logi_wal_fsync_seconds), seconds(sync_ns));
}

void figure_replayed(uint64_t bytes, uint64_t entries, uint64_t streams, int64_t took_ns)
{
    if (!counts())
        return;
    metric_add(metric_get0(METRIC_loki_ingester_wal_recovered_bytes_total), bytes);
    metric_add(metric_get0(METRIC_loki_ingester_wal_recovered_entries_total), entries);
    metric_add(metric_get0(METRIC_loki_ingester_wal_recovered_streams_total), streams);
    metric_set(metric_get0(METRIC_loki_ingester_wal_replay_duration_seconds), seconds(took_ns));
}

void figure_damage(enum damage kind)
{
    if (!counts())
        return;
    metric_add(children.damage[kind], 1);
    if (kind == DAMAGE_LOG)
        metric_add(children.log_corruptions, 1);
}

/* ---- sealing ---- */

void figure_chunk_begun(void)
{
    static struct metric *_Atomic begun; // on the way of a push: looked up once
    struct metric *metric = atomic_load_explicit(&begun, memory_order_relaxed); // a child never changes
    if (metric == NULL && counts()) {
        metric = metric_get0(METRIC_loki_ingester_chunks_created_total);
        atomic_store_explicit(&begun, metric, memory_order_relaxed); // as above
    }
    if (metric != NULL)
        metric_add(metric, 1);
}

void figure_queue_wait(int64_t ns)
{
    static struct metric *_Atomic wait;
    struct metric *metric = atomic_load_explicit(&wait, memory_order_relaxed); // as in figure_chunk_begun
    if (metric == NULL && counts()) {
        metric = metric_get0(METRIC_logi_ingest_queue_wait_seconds);
        atomic_store_explicit(&wait, metric, memory_order_relaxed); // as above
    }
    if (metric != NULL)
        metric_observe(metric, seconds(ns));
}

void figure_chunk_stored(const struct tenant_figures *tenant, uint64_t lines, uint64_t duplicates, uint64_t bytes, int64_t span_ns, int64_t age_ns)
{
    static struct metric *_Atomic histograms[4];
    if (tenant->chunks_stored == NULL)
        return;
    if (atomic_load_explicit(&histograms[3], memory_order_acquire) == NULL) { // pairs with the release below
        histograms[0] = metric_get0(METRIC_loki_ingester_chunk_entries);
        histograms[1] = metric_get0(METRIC_loki_ingester_chunk_bounds_hours);
        histograms[2] = metric_get0(METRIC_loki_ingester_chunk_age_seconds);
        atomic_store_explicit(&histograms[3], metric_get0(METRIC_loki_ingester_chunk_size_bytes), memory_order_release);
    }
    metric_add(tenant->chunks_stored, 1);
    metric_add(tenant->chunk_bytes, bytes);
    if (duplicates > 0)
        metric_add(tenant->duplicate_lines, duplicates);
    metric_observe(histograms[0], (double)lines);
    metric_observe(histograms[1], (double)span_ns / (double)NS_PER_HOUR);
    metric_observe(histograms[2], seconds(age_ns));
    metric_observe(histograms[3], (double)bytes);
}

void figure_chunk_indexed(uint32_t records, double utilization)
{
    if (!counts())
        return;
    if (records == 0)
        metric_add(metric_get0(METRIC_loki_chunk_store_deduped_chunks_total), 1);
    else
        metric_observe(children.index_entries, records);
    metric_observe(children.utilization, utilization);
}

void figure_segments_written(int64_t took_ns, uint64_t raw_bytes, uint64_t file_bytes)
{
    if (!counts())
        return;
    metric_observe(metric_get0(METRIC_logi_flush_seconds), seconds(took_ns));
    metric_observe(metric_get0(METRIC_loki_ingester_chunk_encode_time_seconds), seconds(took_ns));
    if (file_bytes > 0)
        metric_observe(metric_get0(METRIC_loki_ingester_chunk_compression_ratio), (double)raw_bytes / (double)file_bytes);
}

void figure_seal_tried(void)
{
    if (counts())
        metric_add(metric_get0(METRIC_loki_ingester_chunks_flush_requests_total), 1);
}

void figure_seal_failed(const struct err *err)
{
    if (!counts())
        return;
    metric_add(metric_get0(METRIC_loki_ingester_chunks_flush_failures_total), 1);
    metric_add(err->code == ERR_DISK_FULL ? children.failures_full
               : err->code == ERR_CORRUPT ? children.failures_checksum
                                          : children.failures_io,
               1);
}

void figure_sealed(enum seal_reason reason, size_t chunks)
{
    if (counts())
        metric_add(children.flushed[reason], chunks);
}

/* ---- files that are to go ---- */

void figure_unlink_pending(void)
{
    if (counts())
        metric_move(children.unlinks_pending, 1);
}

void figure_unlinked(bool ok, int64_t now_wall_ns, int64_t took_ns)
{
    if (!counts())
        return;
    metric_move(children.unlinks_pending, -1);
    metric_set(children.unlink_time, seconds(now_wall_ns));
    metric_observe(children.unlink_seconds[ok ? 1 : 0], seconds(took_ns));
}

/* ---- starts ---- */

void figure_unclean_starts(uint64_t count)
{
    if (counts())
        metric_set(metric_get0(METRIC_logi_unclean_starts_total), (double)count);
}

/* ---- the index ---- */

void figure_index_request(enum index_request request, bool ok, int64_t took_ns)
{
    if (!counts())
        return;
    metric_observe(ok ? children.index[request] : index_child(request, false), seconds(took_ns));
    if (request == INDEX_WRITE && ok)
        metric_observe(metric_get0(METRIC_logi_index_write_txn_seconds), seconds(took_ns));
}

void figure_streams_matched(size_t streams)
{
    if (counts())
        metric_observe(metric_get0(METRIC_logi_index_streams_matched), (double)streams);
}

void figure_templates_evicted(uint64_t shapes)
{
    if (counts())
        metric_add(metric_get0(METRIC_logi_pattern_evictions_total), shapes);
}

/* ---- merging and retention ---- */

void figure_merge(int running, uint64_t bytes_read, uint64_t bytes_written)
{
    if (!counts())
        return;
    metric_move(metric_get0(METRIC_logi_merge_running), running);
    metric_add(children.merge_read, bytes_read);
    metric_add(children.merge_written, bytes_written);
}

void figure_merge_round(bool ok, int64_t took_ns, int64_t now_wall_ns)
{
    if (!counts())
        return;
    metric_add(children.merge_rounds[ok ? 1 : 0], 1);
    metric_set(metric_get0(METRIC_loki_boltdb_shipper_compact_tables_operation_duration_seconds), seconds(took_ns));
    if (ok)
        metric_set(metric_get0(METRIC_loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds), seconds(now_wall_ns));
}

void figure_retention_round(bool ok, int64_t took_ns, int64_t now_wall_ns)
{
    if (!counts())
        return;
    metric_add(children.retention_rounds[ok ? 1 : 0], 1);
    metric_set(metric_get0(METRIC_loki_compactor_apply_retention_operation_duration_seconds), seconds(took_ns));
    if (ok)
        metric_set(metric_get0(METRIC_loki_compactor_apply_retention_last_successful_run_timestamp_seconds), seconds(now_wall_ns));
}

void figure_expired(uint64_t segments, uint64_t bytes)
{
    if (!counts())
        return;
    metric_add(children.expired_segments, segments);
    metric_add(children.expired_bytes, bytes);
}

/* ---- delete requests ---- */

void figure_deletes_loaded(bool ok)
{
    if (counts())
        metric_add(children.deletes_loaded[ok ? 1 : 0], 1);
}

void figure_delete_received(struct slice tenant)
{
    if (counts())
        metric_add(metric_get1(METRIC_loki_compactor_delete_requests_received_total, tenant), 1);
}

void figure_delete_processed(struct slice tenant)
{
    if (counts())
        metric_add(metric_get1(METRIC_loki_compactor_delete_requests_processed_total, tenant), 1);
}

void figure_deleted_lines(struct slice tenant, uint64_t lines)
{
    if (counts() && lines > 0)
        metric_add(metric_get1(METRIC_loki_compactor_deleted_lines, tenant), lines);
}

void figure_erased_segment(uint64_t bytes)
{
    if (!counts())
        return;
    metric_add(metric_get1(METRIC_logi_retention_deleted_segments_total, SLICE("delete_request")), 1);
    metric_add(metric_get1(METRIC_logi_retention_deleted_bytes_total, SLICE("delete_request")), bytes);
}

void figure_day_retained(const char *day, bool is_whole, bool ok, uint64_t segments, int64_t took_ns)
{
    if (!counts())
        return;
    struct slice table = slice_str(day);
    struct slice status = ok ? SLICE("success") : SLICE("failure");
    const struct slice processed[] = {table, SLICE(""), is_whole ? SLICE("deleted") : SLICE("modified")};
    const struct slice duration[] = {table, status};
    metric_add(metric_get(METRIC_loki_boltdb_shipper_retention_marker_table_processed_total, processed), 1);
    metric_observe(metric_get(METRIC_loki_boltdb_shipper_retention_marker_table_processed_duration_seconds, duration), seconds(took_ns));
    metric_add(metric_get1(METRIC_loki_boltdb_shipper_retention_marker_count_total, table), segments);
    if (segments > 0) // with the day's folder, not one by one
        metric_observe(children.unlink_seconds[ok ? 1 : 0], seconds(took_ns) / (double)segments);
}
