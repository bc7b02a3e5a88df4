/* metric_table.h: every metric family that Logi exposes, once: /metrics and the documentation are made from it.
 *
 * FAMILY(name, type, components, help, (labels), (buckets)). The id of a family is METRIC_<name>. Names that begin with loki_ keep Loki's
 * spelling, labels and buckets; families of object storage, Kafka and cluster come with those parts.
 * Source: the metrics specification; Loki 3.7's families. Units: bytes, seconds, Unix seconds, ratios of 0 to 1.
 * Thread: any, all is constant.
 */
#pragma once

#include "core/base/metric.h"

/* Instead of components: those of the child's route (route_components.h). */
#define METRIC_BY_ROUTE "route"

// clang-format off
#define METRIC_TABLE(FAMILY) \
    FAMILY(log_messages_total, COUNTER, "all", "Logi's own log messages by level (debug, info, warn, error).", ("level"), ()) \
    FAMILY(logi_allocator_fragmentation_ratio, GAUGE, "logi", "Resident over in-use memory.", (), ()) \
    FAMILY(logi_auth_requests_total, COUNTER, "logi", "Authenticated requests by method (none, basic, bearer, oidc, mtls) and result (ok, denied, error).", ("method", "result"), ()) \
    FAMILY(logi_build_info, GAUGE, "logi", "1, with what was built in its labels.", ("version", "revision", "compiler", "arch", "os"), ()) \
    FAMILY(logi_cache_bytes, GAUGE, "logi", "Bytes in caches.", ("cache"), ()) \
    FAMILY(logi_cache_evictions_total, COUNTER, "logi", "Cache entries dropped.", ("cache"), ()) \
    FAMILY(logi_cache_requests_total, COUNTER, "logi", "Cache lookups by result (hit, miss); caches: block (decompressed blocks), label (label texts of pushes, and the streams that they stand for).", ("cache", "result"), ()) \
    FAMILY(logi_component_up, GAUGE, "logi", "1 per running component: http, shards, index, wal, store, query, tail, ruler.", ("component"), ()) \
    FAMILY(logi_config_hash, GAUGE, "logi", "48 bits of the effective configuration's hash: equal on all nodes.", (), ()) \
    FAMILY(logi_config_last_reload_success_timestamp_seconds, GAUGE, "logi", "Time of the last good reload of the configuration, Unix seconds.", (), ()) \
    FAMILY(logi_config_last_reload_successful, GAUGE, "logi", "1 if the last reload of the configuration succeeded.", (), ()) \
    FAMILY(logi_event_loop_lag_seconds, HISTOGRAM, "logi", "Delay of a due timer on the HTTP loops.", (), (0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384)) \
    FAMILY(logi_flush_failures_total, COUNTER, "logi", "Segments that could not be written: io, disk_full, object_store, checksum.", ("reason"), ()) \
    FAMILY(logi_flush_seconds, HISTOGRAM, "logi", "One segment written.", (), (0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384)) \
    FAMILY(logi_head_bytes, GAUGE, "logi", "Chunk lists: open and sealed in memory, spilled to files by a replay.", ("state"), ()) \
    FAMILY(logi_head_entries, GAUGE, "logi", "Entries in memory.", (), ()) \
    FAMILY(logi_head_oldest_entry_timestamp_seconds, GAUGE, "logi", "Oldest entry not yet in a segment.", (), ()) \
    FAMILY(logi_http_connections, GAUGE, "logi", "Open connections: h1, h2, websocket.", ("protocol"), ()) \
    FAMILY(logi_http_rejected_total, COUNTER, "logi", "Requests refused for what is around them: parse, too_large, bad_encoding, auth, overload, slow_client, tls.", ("reason"), ()) \
    FAMILY(logi_index_entries, GAUGE, "logi", "Records by sub-database.", ("db"), ()) \
    FAMILY(logi_index_free_pages, GAUGE, "logi", "Reusable pages.", (), ()) \
    FAMILY(logi_index_map_bytes, GAUGE, "logi", "LMDB: used, mapped.", ("state"), ()) \
    FAMILY(logi_index_oldest_reader_age_seconds, GAUGE, "logi", "Age of the oldest read transaction: while it lives, pages are not reused.", (), ()) \
    FAMILY(logi_index_readers, GAUGE, "logi", "Reader slots in use.", (), ()) \
    FAMILY(logi_index_streams_matched, HISTOGRAM, "logi", "Streams selected by one selector.", (), (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)) \
    FAMILY(logi_index_write_txn_seconds, HISTOGRAM, "logi", "Commit time of an index transaction.", (), (0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384)) \
    FAMILY(logi_ingest_decode_seconds, HISTOGRAM, "logi", "Decompress and parse of one request.", ("format"), (1e-05, 4e-05, 0.00016, 0.00064, 0.00256, 0.01024, 0.04096, 0.16384, 0.65536)) \
    FAMILY(logi_ingest_delay_seconds, HISTOGRAM, "logi", "Arrival time minus entry time, of the newest entry of each stream of a push.", (), (0.1, 1, 10, 60, 600, 3600, 86400, 604800)) \
    FAMILY(logi_ingest_duplicate_lines_total, COUNTER, "logi", "Dropped as equal to a stored entry, or a repeated idempotency key.", ("tenant"), ()) \
    FAMILY(logi_ingest_lines_total, COUNTER, "logi", "Accepted lines by wire format.", ("format"), ()) \
    FAMILY(logi_ingest_queue_depth, GAUGE, "logi", "Batches waiting for a shard.", ("shard"), ()) \
    FAMILY(logi_ingest_queue_wait_seconds, HISTOGRAM, "logi", "Wait in that queue.", (), (1e-05, 4e-05, 0.00016, 0.00064, 0.00256, 0.01024, 0.04096, 0.16384, 0.65536, 2.62144)) \
    FAMILY(logi_ingest_truncated_lines_total, COUNTER, "logi", "Lines cut to the size limit.", ("tenant"), ()) \
    FAMILY(logi_ingest_unordered_lines_total, COUNTER, "logi", "Accepted lines older than their stream's newest.", ("tenant"), ()) \
    FAMILY(logi_memory_limit_bytes, GAUGE, "logi", "The memory budget: memory.limit, or 80 % of the cgroup's limit or of the machine.", (), ()) \
    FAMILY(logi_memory_pressure_level, GAUGE, "logi", "0 none, 1 flush early, 2 refuse big queries, 3 refuse pushes.", (), ()) \
    FAMILY(logi_memory_shed_total, COUNTER, "logi", "What pressure did: flush, evict, reject_query, reject_push.", ("action"), ()) \
    FAMILY(logi_memory_used_bytes, GAUGE, "logi", "Memory by area: head, index_map (file pages, no part of the budget), query, cache, http, wal, tail, other (resident, of no area).", ("area"), ()) \
    FAMILY(logi_merge_bytes_total, COUNTER, "logi", "Bytes that merges have read and written.", ("direction"), ()) \
    FAMILY(logi_merge_running, GAUGE, "logi", "Merges now.", (), ()) \
    FAMILY(logi_pattern_evictions_total, COUNTER, "logi", "Lines whose template found no room beside a segment's others and was dropped: they count as <_>.", (), ()) \
    FAMILY(logi_pattern_templates, GAUGE, "logi", "Templates of log lines that are kept with segments, as far as they are open.", (), ()) \
    FAMILY(logi_query_cancelled_total, COUNTER, "logi", "Queries given up: client_closed, timeout, memory, shutdown.", ("reason"), ()) \
    FAMILY(logi_query_decompress_seconds_total, COUNTER, "logi", "CPU in decompression.", (), ()) \
    FAMILY(logi_query_fanout_shards, HISTOGRAM, "logi", "Shards asked per query.", (), (1, 2, 4, 8, 16, 32, 64, 128)) \
    FAMILY(logi_query_first_byte_seconds, HISTOGRAM, "logi", "Time to the first result byte.", (), (0.0005, 0.002, 0.008, 0.032, 0.128, 0.512, 2.048, 8.192, 32.768, 131.072)) \
    FAMILY(logi_query_match_seconds_total, COUNTER, "logi", "Time of query threads in line filters: literal, regex.", ("engine"), ()) \
    FAMILY(logi_query_partial_results_total, COUNTER, "logi", "Answers marked partial.", (), ()) \
    FAMILY(logi_query_peak_memory_bytes, HISTOGRAM, "logi", "Most memory that a query held.", (), (65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824, 4294967296, 1.717986918e+10)) \
    FAMILY(logi_query_queue_wait_seconds, HISTOGRAM, "logi", "Wait of a query for a slot, in finer buckets than the scheduler's.", (), (1e-05, 4e-05, 0.00016, 0.00064, 0.00256, 0.01024, 0.04096, 0.16384, 0.65536, 2.62144, 10.48576, 41.94304)) \
    FAMILY(logi_query_rejected_total, COUNTER, "logi", "Queries refused: syntax, limit, queue_full, memory, blocked, auth.", ("reason"), ()) \
    FAMILY(logi_query_returned_lines_total, COUNTER, "logi", "Lines sent.", (), ()) \
    FAMILY(logi_query_running, GAUGE, "logi", "Queries being executed.", (), ()) \
    FAMILY(logi_query_scanned_bytes_total, COUNTER, "logi", "Uncompressed bytes looked at: head, local, object.", ("source"), ()) \
    FAMILY(logi_query_scanned_lines_total, COUNTER, "logi", "Lines looked at.", (), ()) \
    FAMILY(logi_query_skipped_segments_total, COUNTER, "logi", "Blocks of segments not read thanks to: time, labels (of whole segments), filter, limit, minmax (no step of the query needs them, or their table of counts did).", ("reason"), ()) \
    FAMILY(logi_rcu_callbacks_pending, GAUGE, "logi", "Retired memory that waits for readers.", (), ()) \
    FAMILY(logi_rcu_grace_period_seconds, HISTOGRAM, "logi", "Time from the retirement of memory to the end of its readers.", (), (0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384)) \
    FAMILY(logi_ready, GAUGE, "logi", "1 when /ready answers 200.", (), ()) \
    FAMILY(logi_retention_deleted_bytes_total, COUNTER, "logi", "Bytes deleted: age, size, delete_request.", ("reason"), ()) \
    FAMILY(logi_retention_deleted_segments_total, COUNTER, "logi", "Segments deleted: age, size, delete_request.", ("reason"), ()) \
    FAMILY(logi_start_seconds, GAUGE, "logi", "Time from exec to ready of this start.", (), ()) \
    FAMILY(logi_store_bytes, GAUGE, "logi", "Stored: tier local, object; kind data, index, filter, meta.", ("tier", "kind"), ()) \
    FAMILY(logi_store_checksum_failures_total, COUNTER, "logi", "Bad blocks met: data, index, wal, object.", ("kind"), ()) \
    FAMILY(logi_store_disk_free_bytes, GAUGE, "logi", "Free on the data file system.", (), ()) \
    FAMILY(logi_store_disk_size_bytes, GAUGE, "logi", "Size of the data file system.", (), ()) \
    FAMILY(logi_store_oldest_entry_timestamp_seconds, GAUGE, "logi", "Oldest entry that a query can find.", (), ()) \
    FAMILY(logi_store_read_only, GAUGE, "logi", "1 when pushes are refused for lack of space; queries go on.", (), ()) \
    FAMILY(logi_store_segments, GAUGE, "logi", "Segments by merge level.", ("tier", "level"), ()) \
    FAMILY(logi_store_uncompressed_bytes, GAUGE, "logi", "Uncompressed bytes that the store holds.", ("tier"), ()) \
    FAMILY(logi_tail_delay_seconds, HISTOGRAM, "logi", "Live tails: from arrival of an entry to its sending.", (), (0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096, 16.384)) \
    FAMILY(logi_tail_dropped_entries_total, COUNTER, "logi", "Entries not sent to slow live tails, which were told so.", (), ()) \
    FAMILY(logi_threads_cpu_seconds_total, COUNTER, "logi", "CPU by thread role: io, shard, query, background, main.", ("role"), ()) \
    FAMILY(logi_tls_certificate_expiry_timestamp_seconds, GAUGE, "logi", "End of a certificate's validity, Unix seconds.", ("name"), ()) \
    FAMILY(logi_unclean_starts_total, COUNTER, "logi", "Starts of this data folder whose run before had not ended in order; kept on disk.", (), ()) \
    FAMILY(logi_wal_append_seconds, HISTOGRAM, "logi", "One group commit without fsync.", (), (1e-05, 4e-05, 0.00016, 0.00064, 0.00256, 0.01024, 0.04096, 0.16384, 0.65536, 2.62144)) \
    FAMILY(logi_wal_fsync_seconds, HISTOGRAM, "logi", "One fsync.", (), (0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384)) \
    FAMILY(logi_wal_replay_remaining_bytes, GAUGE, "logi", "WAL bytes to replay still; 0 when done.", (), ()) \
    FAMILY(logi_wal_segments, GAUGE, "logi", "Files of the WAL.", (), ()) \
    FAMILY(logi_wal_size_bytes, GAUGE, "logi", "Bytes of the WAL on disk.", (), ()) \
    FAMILY(logql_query_duration_seconds, HISTOGRAM, "querier", "Engine time; query_type = instant, range, labels, series, stats, volume.", ("query_type"), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)) \
    FAMILY(loki_boltdb_shipper_compact_tables_operation_duration_seconds, GAUGE, "compactor", "Length of the last round.", (), ()) \
    FAMILY(loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds, GAUGE, "compactor", "End of the last good merge round, Unix seconds.", (), ()) \
    FAMILY(loki_boltdb_shipper_compact_tables_operation_total, COUNTER, "compactor", "Merge rounds, success or failure.", ("status"), ()) \
    FAMILY(loki_boltdb_shipper_compactor_running, GAUGE, "compactor", "1 on the node that merges and expires.", (), ()) \
    FAMILY(loki_boltdb_shipper_retention_marker_count_total, COUNTER, "compactor", "Segments marked for deletion; table = day.", ("table"), ()) \
    FAMILY(loki_boltdb_shipper_retention_marker_table_processed_duration_seconds, HISTOGRAM, "compactor", "Time per day.", ("table", "status"), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)) \
    FAMILY(loki_boltdb_shipper_retention_marker_table_processed_total, COUNTER, "compactor", "Days handled: none, modified, deleted.", ("table", "user_id", "action"), ()) \
    FAMILY(loki_boltdb_shipper_retention_sweeper_chunk_deleted_duration_seconds, HISTOGRAM, "compactor", "Time to delete one segment.", ("status"), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)) \
    FAMILY(loki_boltdb_shipper_retention_sweeper_marker_file_processing_current_time, GAUGE, "compactor", "Time stamp of the deletion in work.", ("from"), ()) \
    FAMILY(loki_boltdb_shipper_retention_sweeper_marker_files_current, GAUGE, "compactor", "Deletions pending.", ("from"), ()) \
    FAMILY(loki_build_info, GAUGE, "all", "1, with the Loki API level that Logi answers in version.", ("version", "revision", "branch", "goversion", "goos", "goarch", "tags"), ()) \
    FAMILY(loki_chunk_store_deduped_chunks_total, COUNTER, "ingester", "Chunks not written because an equal one exists.", (), ()) \
    FAMILY(loki_chunk_store_index_entries_per_chunk, HISTOGRAM, "ingester", "Records of segments' directories that lead to a stored chunk: one a day that it reaches into.", (), (1, 2, 4, 8, 16)) \
    FAMILY(loki_compactor_apply_retention_last_successful_run_timestamp_seconds, GAUGE, "compactor", "End of the last good retention round, Unix seconds.", (), ()) \
    FAMILY(loki_compactor_apply_retention_operation_duration_seconds, GAUGE, "compactor", "Length of the last retention round.", (), ()) \
    FAMILY(loki_compactor_apply_retention_operation_total, COUNTER, "compactor", "Retention rounds.", ("status"), ()) \
    FAMILY(loki_compactor_delete_requests_processed_total, COUNTER, "compactor", "Delete requests finished.", ("user"), ()) \
    FAMILY(loki_compactor_delete_requests_received_total, COUNTER, "compactor", "Delete requests taken.", ("user"), ()) \
    FAMILY(loki_compactor_deleted_lines, COUNTER, "compactor", "Lines removed by delete requests.", ("user"), ()) \
    FAMILY(loki_compactor_load_pending_requests_attempts_total, COUNTER, "compactor", "Reads of the request list.", ("status"), ()) \
    FAMILY(loki_compactor_locked_table_successive_compaction_skips, GAUGE, "compactor", "Always 0.", ("table_name"), ()) \
    FAMILY(loki_compactor_oldest_pending_delete_request_age_seconds, GAUGE, "compactor", "Age of the oldest delete request that waits.", (), ()) \
    FAMILY(loki_compactor_pending_delete_requests_count, GAUGE, "compactor", "Delete requests waiting.", (), ()) \
    FAMILY(loki_discarded_bytes_total, COUNTER, "distributor", "Bytes refused.", ("reason", "tenant", "retention_hours", "policy", "format"), ()) \
    FAMILY(loki_discarded_samples_total, COUNTER, "distributor", "Lines refused, by reason.", ("reason", "tenant", "retention_hours", "policy", "format"), ()) \
    FAMILY(loki_distributor_bytes_received_total, COUNTER, "distributor", "Accepted uncompressed bytes: lines and structured-metadata names and values.", ("tenant", "retention_hours", "policy", "is_internal_stream", "format"), ()) \
    FAMILY(loki_distributor_ingester_append_failures_total, COUNTER, "distributor", "Batches that a shard refused for an internal reason; ingester = shard number.", ("ingester"), ()) \
    FAMILY(loki_distributor_ingester_appends_total, COUNTER, "distributor", "Batches handed to a shard.", ("ingester"), ()) \
    FAMILY(loki_distributor_lines_received_total, COUNTER, "distributor", "Accepted lines.", ("tenant", "policy", "is_internal_stream", "format"), ()) \
    FAMILY(loki_distributor_replication_factor, GAUGE, "distributor", "Copies of each accepted entry (Kafka replication, else 1).", (), ()) \
    FAMILY(loki_distributor_structured_metadata_bytes_received_total, COUNTER, "distributor", "Structured-metadata part of the bytes counter.", ("tenant", "retention_hours", "policy", "is_internal_stream", "format"), ()) \
    FAMILY(loki_index_request_duration_seconds, HISTOGRAM, "ingester,querier,index-gateway", "Index work: index_chunk = writes (the Writes dashboard selects it, Reads excludes it); reads: chunk_refs, series, label_names, label_values, stats, volume.", ("operation", "status_code", "component"), (0.005, 0.012302, 0.030267, 0.074469, 0.183223, 0.4508, 1.10914, 2.728909, 6.714162, 16.519411, 40.644078, 100)) \
    FAMILY(loki_inflight_requests, GAUGE, METRIC_BY_ROUTE, "Requests now being served.", ("method", "route"), ()) \
    FAMILY(loki_ingester_chunk_age_seconds, HISTOGRAM, "ingester", "Age when stored.", (), (60, 300, 600, 1800, 3600, 7200, 14400, 36000, 43200, 57600)) \
    FAMILY(loki_ingester_chunk_bounds_hours, HISTOGRAM, "ingester", "Newest minus oldest entry, hours.", (), (1, 2, 3, 4, 5, 6, 7, 8)) \
    FAMILY(loki_ingester_chunk_compression_ratio, HISTOGRAM, "ingester", "Raw over stored.", (), (0.75, 2.75, 4.75, 6.75, 8.75, 10.75, 12.75, 14.75, 16.75, 18.75)) \
    FAMILY(loki_ingester_chunk_encode_time_seconds, HISTOGRAM, "ingester", "Time to encode a chunk.", (), (0.01, 0.04, 0.16, 0.64, 2.56, 10.24)) \
    FAMILY(loki_ingester_chunk_entries, HISTOGRAM, "ingester", "Lines per stored chunk.", (), (200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200)) \
    FAMILY(loki_ingester_chunk_size_bytes, HISTOGRAM, "ingester", "Stored size.", (), (20000, 40000, 80000, 160000, 320000, 640000, 1280000, 2560000, 5120000, 10240000)) \
    FAMILY(loki_ingester_chunk_stored_bytes_total, COUNTER, "ingester", "Compressed bytes of the chunks made durable.", ("tenant"), ()) \
    FAMILY(loki_ingester_chunk_utilization, HISTOGRAM, "ingester", "Text of a stored chunk over the size of a block.", (), (0, 0.2, 0.4, 0.6, 0.8, 1)) \
    FAMILY(loki_ingester_chunks_created_total, COUNTER, "ingester", "Chunks begun.", (), ()) \
    FAMILY(loki_ingester_chunks_flush_failures_total, COUNTER, "ingester", "Failed flush attempts.", (), ()) \
    FAMILY(loki_ingester_chunks_flush_requests_total, COUNTER, "ingester", "Flush attempts.", (), ()) \
    FAMILY(loki_ingester_chunks_flushed_total, COUNTER, "ingester", "By reason: max_age, forced, full.", ("reason"), ()) \
    FAMILY(loki_ingester_chunks_stored_total, COUNTER, "ingester", "Chunks made durable in a segment.", ("tenant"), ()) \
    FAMILY(loki_ingester_flush_queue_length, GAUGE, "ingester", "Sealed chunks waiting to be written.", (), ()) \
    FAMILY(loki_ingester_memory_chunks, GAUGE, "ingester", "In-memory chunks, open and sealed.", (), ()) \
    FAMILY(loki_ingester_memory_streams, GAUGE, "ingester", "Streams with data in memory or active in the last idle period.", ("tenant"), ()) \
    FAMILY(loki_ingester_memory_streams_labels_bytes, GAUGE, "ingester", "Label bytes of those streams.", (), ()) \
    FAMILY(loki_ingester_streams_created_total, COUNTER, "ingester", "Streams created in memory.", ("tenant"), ()) \
    FAMILY(loki_ingester_streams_removed_total, COUNTER, "ingester", "Streams dropped from memory.", ("tenant"), ()) \
    FAMILY(loki_ingester_wal_corruptions_total, COUNTER, "ingester", "Torn or bad records met on replay.", ("type"), ()) \
    FAMILY(loki_ingester_wal_disk_full_failures_total, COUNTER, "ingester", "WAL writes that met a full disk.", (), ()) \
    FAMILY(loki_ingester_wal_disk_usage_percent, GAUGE, "ingester", "0..1 (sic) of the file system that holds the WAL.", (), ()) \
    FAMILY(loki_ingester_wal_logged_bytes_total, COUNTER, "ingester", "WAL bytes written.", (), ()) \
    FAMILY(loki_ingester_wal_records_logged_total, COUNTER, "ingester", "WAL records written.", (), ()) \
    FAMILY(loki_ingester_wal_recovered_bytes_total, COUNTER, "ingester", "Bytes replayed at start.", (), ()) \
    FAMILY(loki_ingester_wal_recovered_entries_total, COUNTER, "ingester", "Entries replayed at start.", (), ()) \
    FAMILY(loki_ingester_wal_recovered_streams_total, COUNTER, "ingester", "Streams replayed at start.", (), ()) \
    FAMILY(loki_ingester_wal_replay_active, GAUGE, "ingester", "1 while replaying.", (), ()) \
    FAMILY(loki_ingester_wal_replay_duration_seconds, GAUGE, "ingester", "Length of the last replay.", (), ()) \
    FAMILY(loki_internal_log_messages_total, COUNTER, "all", "Logi's own log messages by level (debug, info, warn, error).", ("level"), ()) \
    FAMILY(loki_log_messages_total, COUNTER, "all", "Logi's own log messages by level (debug, info, warn, error).", ("level"), ()) \
    FAMILY(loki_logql_querystats_bytes_processed_per_seconds, HISTOGRAM, "query-frontend,querier", "Scan speed of a query.", ("latency_type", "range", "sharded", "status_code", "type"), (50000000, 100000000, 200000000, 400000000, 600000000, 800000000, 1000000000, 2000000000, 5000000000, 1e+10, 2e+10, 3e+10, 4e+10, 5e+10, 6e+10)) \
    FAMILY(loki_logql_querystats_latency_seconds, HISTOGRAM, "query-frontend,querier", "Query time; type = metric, filter, limited, labels, series, stats, volume; range = range, instant, \"\".", ("range", "status_code", "type"), (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)) \
    FAMILY(loki_overrides, GAUGE, "all", "Per-tenant limits that differ from the default (numbers only).", ("limit_name", "user"), ()) \
    FAMILY(loki_overrides_defaults, GAUGE, "all", "Default limits.", ("limit_name"), ()) \
    FAMILY(loki_panic_total, COUNTER, "all", "Caught internal errors (an assertion that failed one request instead of the process).", (), ()) \
    FAMILY(loki_prometheus_notifications_dropped_total, COUNTER, "ruler", "Alerts lost.", ("user"), ()) \
    FAMILY(loki_prometheus_notifications_queue_length, GAUGE, "ruler", "Alerts waiting.", ("user"), ()) \
    FAMILY(loki_prometheus_notifications_sent_total, COUNTER, "ruler", "Alerts sent.", ("user"), ()) \
    FAMILY(loki_prometheus_rule_evaluation_failures_total, COUNTER, "ruler", "Failed evaluations of rules.", ("user", "rule_group"), ()) \
    FAMILY(loki_prometheus_rule_evaluations_total, COUNTER, "ruler", "Evaluations of rules.", ("user", "rule_group"), ()) \
    FAMILY(loki_prometheus_rule_group_last_duration_seconds, GAUGE, "ruler", "Length of the last evaluation of a group.", ("user", "rule_group"), ()) \
    FAMILY(loki_prometheus_rule_group_last_evaluation_timestamp_seconds, GAUGE, "ruler", "Time of the last evaluation of a group, Unix seconds.", ("user", "rule_group"), ()) \
    FAMILY(loki_prometheus_rule_group_rules, GAUGE, "ruler", "Rules of a group.", ("user", "rule_group"), ()) \
    FAMILY(loki_querier_tail_active, GAUGE, "querier", "Live tails.", (), ()) \
    FAMILY(loki_querier_tail_active_streams, GAUGE, "querier", "Streams that live tails got something of.", (), ()) \
    FAMILY(loki_querier_tail_bytes_total, COUNTER, "querier", "Line bytes sent to live tails.", (), ()) \
    FAMILY(loki_query_frontend_queries_in_progress, GAUGE, "query-frontend", "Queries admitted and not finished.", (), ()) \
    FAMILY(loki_query_scheduler_queue_duration_seconds, HISTOGRAM, "query-scheduler", "Wait for a slot.", (), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)) \
    FAMILY(loki_query_scheduler_queue_length, GAUGE, "query-scheduler", "Queries waiting for a slot, by tenant.", ("user"), ()) \
    FAMILY(loki_request_duration_seconds, HISTOGRAM, METRIC_BY_ROUTE, "Every HTTP request.", ("method", "route", "status_code", "ws"), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)) \
    FAMILY(loki_request_message_bytes, HISTOGRAM, METRIC_BY_ROUTE, "Request body size as received.", ("method", "route"), (4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824)) \
    FAMILY(loki_response_message_bytes, HISTOGRAM, METRIC_BY_ROUTE, "Response body size as sent.", ("method", "route"), (4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824)) \
    FAMILY(loki_ruler_wal_appender_ready, GAUGE, "ruler", "1 when recorded samples can be written.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_disk_size, GAUGE, "ruler", "Bytes of recorded samples that wait on disk.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_prometheus_remote_storage_highest_timestamp_in_seconds, GAUGE, "ruler", "Newest sample recorded, Unix seconds.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_prometheus_remote_storage_queue_highest_sent_timestamp_seconds, GAUGE, "ruler", "Newest sample sent, Unix seconds.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_prometheus_remote_storage_samples_pending, GAUGE, "ruler", "Samples that wait for remote write.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_prometheus_remote_storage_samples_total, COUNTER, "ruler", "Samples offered to remote write.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_samples_appended_total, COUNTER, "ruler", "Samples recorded.", ("tenant"), ()) \
    FAMILY(loki_ruler_wal_storage_created_series_total, COUNTER, "ruler", "Series recorded.", ("tenant"), ()) \
    FAMILY(loki_ring_members, GAUGE, "all", "Members of the ring as seen here, by state: ACTIVE, JOINING, LEAVING, PENDING, Unhealthy.", ("name", "state"), ()) \
    FAMILY(loki_tcp_connections, GAUGE, "all", "Open connections, protocol = http, grpc (0).", ("protocol"), ()) \
    FAMILY(loki_tcp_connections_limit, GAUGE, "all", "Limit of open connections, 0 = none.", ("protocol"), ()) \
    FAMILY(process_cpu_seconds_total, COUNTER, "logi", "User and system CPU time of the process.", (), ()) \
    FAMILY(process_max_fds, GAUGE, "logi", "Limit of open file descriptors.", (), ()) \
    FAMILY(process_network_receive_bytes_total, COUNTER, "logi", "Bytes received over the network.", (), ()) \
    FAMILY(process_network_transmit_bytes_total, COUNTER, "logi", "Bytes sent over the network.", (), ()) \
    FAMILY(process_open_fds, GAUGE, "logi", "Open file descriptors.", (), ()) \
    FAMILY(process_resident_memory_bytes, GAUGE, "logi", "Resident memory.", (), ()) \
    FAMILY(process_start_time_seconds, GAUGE, "logi", "Start of the process, Unix seconds.", (), ()) \
    FAMILY(process_virtual_memory_bytes, GAUGE, "logi", "Virtual memory.", (), ()) \
    FAMILY(process_virtual_memory_max_bytes, GAUGE, "logi", "Limit of virtual memory, -1 when there is none.", (), ())
// clang-format on

enum metric_id {
#define METRIC_ID(name, type, components, help, labels, buckets) METRIC_##name,
    METRIC_TABLE(METRIC_ID)
#undef METRIC_ID
    METRIC_ID_COUNT
};

extern const struct metric_family metric_families[METRIC_ID_COUNT];

/* metrics_init with this table. */
void metric_table_init(void);

/* The table as Markdown: name, type, labels, components, meaning; histograms with their buckets. */
void metric_table_print_markdown(struct buf *out);
