#!/usr/bin/env python3
"""Makes the dashboards beside it: python3 deploy/grafana/make.py. A test finds them as this would make them, and every selector of theirs on a real node."""
import json
import os

JOB = 'job=~".*logi.*", instance=~"$instance"'
RATE = "[$__rate_interval]"


def rate(name, by="", where=""):
    labels = JOB + (", " + where if where else "")
    return f"sum{f' by ({by})' if by else ''} (rate({name}{{{labels}}}{RATE}))"


def gauge(name, by="", where=""):
    labels = JOB + (", " + where if where else "")
    return f"sum{f' by ({by})' if by else ''} ({name}{{{labels}}})"


def quantile(name, q, by="", where=""):
    labels = JOB + (", " + where if where else "")
    return f"histogram_quantile({q}, sum by (le{', ' + by if by else ''}) (rate({name}_bucket{{{labels}}}{RATE})))"


PUSH = 'route=~"loki_api_v1_push|api_prom_push|otlp_v1_logs|insert_loki_api_v1_push"'
READ = 'route=~"loki_api_v1_(query|query_range|labels|label_name_values|series|index_.*|detected_.*|patterns)|query"'

# title -> panels: (title, unit, [(expression, legend)])
DASHBOARDS = {
    "overview": ("Logi / Overview", [
        ("Ready", "none", [(gauge("logi_ready", "instance"), "{{instance}}")]),
        ("Lines accepted", "short", [(rate("loki_distributor_lines_received_total", "tenant"), "{{tenant}}")]),
        ("Bytes accepted", "Bps", [(rate("loki_distributor_bytes_received_total", "tenant"), "{{tenant}}")]),
        ("Lines refused", "short", [(rate("loki_discarded_samples_total", "tenant, reason"), "{{tenant}} {{reason}}")]),
        ("Requests by status", "reqps", [(rate("loki_request_duration_seconds_count", "status_code", 'method!="gRPC"'), "{{status_code}}")]),
        ("Push, 99th percentile", "s", [(quantile("loki_request_duration_seconds", 0.99, "route", PUSH), "{{route}}")]),
        ("Query, 99th percentile", "s", [(quantile("loki_logql_querystats_latency_seconds", 0.99, "type"), "{{type}}")]),
        ("CPU by role", "percentunit", [(rate("logi_threads_cpu_seconds_total", "role"), "{{role}}")]),
        ("Memory", "bytes", [(gauge("logi_memory_used_bytes", "area", 'area!="index_map"'), "{{area}}"), (gauge("logi_memory_limit_bytes"), "limit")]),
        ("Memory pressure", "none", [(gauge("logi_memory_pressure_level", "instance"), "{{instance}}"), (rate("logi_memory_shed_total", "action"), "{{action}}")]),
        ("Disk", "bytes", [(gauge("logi_store_disk_free_bytes"), "free"), (gauge("logi_store_bytes", "kind"), "{{kind}}")]),
        ("Own log lines", "short", [(rate("log_messages_total", "level"), "{{level}}")]),
    ]),
    "writes": ("Logi / Writes", [
        ("Pushes", "reqps", [(rate("loki_request_duration_seconds_count", "route, status_code", PUSH), "{{route}} {{status_code}}")]),
        ("Push latency", "s", [(quantile("loki_request_duration_seconds", q, "", PUSH), f"p{int(q * 100)}") for q in (0.5, 0.9, 0.99)]),
        ("Lines by format", "short", [(rate("logi_ingest_lines_total", "format"), "{{format}}")]),
        ("Unpack and decode, 99th percentile", "s", [(quantile("logi_ingest_decode_seconds", 0.99, "format"), "{{format}}")]),
        ("Age of lines at arrival, 99th percentile", "s", [(quantile("logi_ingest_delay_seconds", 0.99), "p99")]),
        ("Wait for a shard", "s", [(quantile("logi_ingest_queue_wait_seconds", q), f"p{int(q * 100)}") for q in (0.5, 0.99)]),
        ("Batches waiting", "short", [(gauge("logi_ingest_queue_depth", "shard"), "shard {{shard}}")]),
        ("Log: sync", "s", [(quantile("logi_wal_fsync_seconds", q), f"p{int(q * 100)}") for q in (0.5, 0.99)]),
        ("Log: write", "s", [(quantile("logi_wal_append_seconds", q), f"p{int(q * 100)}") for q in (0.5, 0.99)]),
        ("Log: size", "bytes", [(gauge("logi_wal_size_bytes", "instance"), "{{instance}}")]),
        ("Heads", "bytes", [(gauge("logi_head_bytes", "state"), "{{state}}")]),
        ("Streams in memory", "short", [(gauge("loki_ingester_memory_streams", "tenant"), "{{tenant}}")]),
        ("New streams", "short", [(rate("loki_ingester_streams_created_total", "tenant"), "{{tenant}}")]),
        ("Seals by reason", "short", [(rate("loki_ingester_chunks_flushed_total", "reason"), "{{reason}}"), (rate("logi_flush_failures_total", "reason"), "failed: {{reason}}")]),
        ("Seal time, 99th percentile", "s", [(quantile("logi_flush_seconds", 0.99), "p99")]),
        ("Duplicates and late lines", "short", [(rate("logi_ingest_duplicate_lines_total"), "duplicates"), (rate("logi_ingest_unordered_lines_total"), "older than their stream's newest")]),
        ("Known label texts", "percentunit", [(rate("logi_cache_requests_total", "", 'result="hit"') + " / " + rate("logi_cache_requests_total"), "found")]),
    ]),
    "reads": ("Logi / Reads", [
        ("Queries", "reqps", [(rate("loki_request_duration_seconds_count", "route, status_code", READ), "{{route}} {{status_code}}")]),
        ("Latency by type, 90th percentile", "s", [(quantile("loki_logql_querystats_latency_seconds", 0.9, "type"), "{{type}}")]),
        ("Running and waiting", "short", [(gauge("logi_query_running"), "running"), (gauge("loki_query_scheduler_queue_length", "user"), "{{user}} waits")]),
        ("Wait for a slot", "s", [(quantile("logi_query_queue_wait_seconds", q), f"p{int(q * 100)}") for q in (0.5, 0.99)]),
        ("Bytes looked at", "Bps", [(rate("logi_query_scanned_bytes_total", "source"), "{{source}}")]),
        ("Lines", "short", [(rate("logi_query_scanned_lines_total"), "looked at"), (rate("logi_query_returned_lines_total"), "returned")]),
        ("Blocks not read, by reason", "short", [(rate("logi_query_skipped_segments_total", "reason"), "{{reason}}")]),
        ("CPU of scans", "percentunit", [(rate("logi_query_decompress_seconds_total"), "decompression"), (rate("logi_query_match_seconds_total", "engine"), "lines: {{engine}}")]),
        ("Peak memory of a query, 99th percentile", "bytes", [(quantile("logi_query_peak_memory_bytes", 0.99), "p99")]),
        ("Refused and given up", "short", [(rate("logi_query_rejected_total", "reason"), "refused: {{reason}}"), (rate("logi_query_cancelled_total", "reason"), "given up: {{reason}}")]),
        ("Streams selected, 90th percentile", "short", [(quantile("logi_index_streams_matched", 0.9), "p90")]),
        ("Index requests, 99th percentile", "s", [(quantile("loki_index_request_duration_seconds", 0.99, "operation"), "{{operation}}")]),
        ("Live tails", "short", [(gauge("loki_querier_tail_active"), "tails"), (rate("logi_tail_dropped_entries_total"), "dropped entries a second")]),
        ("Tail delay, 99th percentile", "s", [(quantile("logi_tail_delay_seconds", 0.99), "p99")]),
        ("HTTP loops: lag, 99th percentile", "s", [(quantile("logi_event_loop_lag_seconds", 0.99), "p99")]),
    ]),
    "storage": ("Logi / Storage and retention", [
        ("Stored", "bytes", [(gauge("logi_store_bytes", "kind"), "{{kind}}"), (gauge("logi_store_uncompressed_bytes"), "uncompressed")]),
        ("Uncompressed to stored", "none", [(gauge("logi_store_uncompressed_bytes") + " / " + gauge("logi_store_bytes"), "ratio")]),
        ("Segments by level", "short", [(gauge("logi_store_segments", "level"), "level {{level}}")]),
        ("Disk free", "percentunit", [(gauge("logi_store_disk_free_bytes", "instance") + " / " + gauge("logi_store_disk_size_bytes", "instance"), "{{instance}}")]),
        ("Oldest entry", "dateTimeFromNow", [(f"min by (instance) (logi_store_oldest_entry_timestamp_seconds{{{JOB}}}) * 1000", "{{instance}}")]),
        ("Merges", "Bps", [(rate("logi_merge_bytes_total", "direction"), "{{direction}}")]),
        ("Rounds", "short", [(rate("loki_boltdb_shipper_compact_tables_operation_total", "status"), "merging: {{status}}"),
                             (rate("loki_compactor_apply_retention_operation_total", "status"), "retention: {{status}}")]),
        ("Deleted", "Bps", [(rate("logi_retention_deleted_bytes_total", "reason"), "{{reason}}")]),
        ("Delete requests that wait", "short", [(gauge("loki_compactor_pending_delete_requests_count"), "requests")]),
        ("Age of the oldest", "s", [(f"max(loki_compactor_oldest_pending_delete_request_age_seconds{{{JOB}}})", "age")]),
        ("Files that readers hold", "short", [(gauge("loki_boltdb_shipper_retention_sweeper_marker_files_current"), "files")]),
        ("Index: records", "short", [(gauge("logi_index_entries", "db"), "{{db}}")]),
        ("Index: bytes", "bytes", [(gauge("logi_index_map_bytes", "state"), "{{state}}")]),
        ("Index: commit, 99th percentile", "s", [(quantile("logi_index_write_txn_seconds", 0.99), "p99")]),
        ("Index: oldest reader", "s", [(f"max(logi_index_oldest_reader_age_seconds{{{JOB}}})", "age")]),
        ("Checksum failures", "short", [(f"sum by (kind) (increase(logi_store_checksum_failures_total{{{JOB}}}[1h]))", "{{kind}}")]),
        ("Starts that followed a crash", "short", [(gauge("logi_unclean_starts_total", "instance"), "{{instance}}")]),
        ("Memory that waits for readers", "s", [(quantile("logi_rcu_grace_period_seconds", 0.99), "p99 of grace periods")]),
    ]),
    "tenants": ("Logi / Tenants", [
        ("Lines", "short", [(f"topk(20, {rate('loki_distributor_lines_received_total', 'tenant')})", "{{tenant}}")]),
        ("Bytes", "Bps", [(f"topk(20, {rate('loki_distributor_bytes_received_total', 'tenant')})", "{{tenant}}")]),
        ("Structured metadata", "Bps", [(f"topk(20, {rate('loki_distributor_structured_metadata_bytes_received_total', 'tenant')})", "{{tenant}}")]),
        ("Refused", "short", [(f"topk(20, {rate('loki_discarded_samples_total', 'tenant, reason')})", "{{tenant}} {{reason}}")]),
        ("Streams", "short", [(f"topk(20, {gauge('loki_ingester_memory_streams', 'tenant')})", "{{tenant}}")]),
        ("Stored bytes", "Bps", [(f"topk(20, {rate('loki_ingester_chunk_stored_bytes_total', 'tenant')})", "{{tenant}}")]),
        ("Queries that wait", "short", [(gauge("loki_query_scheduler_queue_length", "user"), "{{user}}")]),
        ("Limits", "none", [(f"loki_overrides_defaults{{{JOB}}}", "default {{limit_name}}")]),
    ]),
}


def panel(number, title, unit, targets):
    return {
        "id": number + 1, "type": "timeseries", "title": title, "datasource": {"type": "prometheus", "uid": "$datasource"},
        "gridPos": {"h": 8, "w": 8, "x": number % 3 * 8, "y": number // 3 * 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 10, "showPoints": "never"}}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [{"refId": chr(65 + i), "expr": expr, "legendFormat": legend, "datasource": {"type": "prometheus", "uid": "$datasource"}}
                    for i, (expr, legend) in enumerate(targets)],
    }


def dashboard(name, title, panels):
    return {
        "uid": f"logi-{name}", "title": title, "tags": ["logi"], "schemaVersion": 37, "editable": True, "timezone": "browser", "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["logi"], "title": "Logi", "asDropdown": True, "includeVars": True, "keepTime": True}],
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
            {"name": "instance", "type": "query", "datasource": {"type": "prometheus", "uid": "$datasource"}, "query": 'label_values(logi_build_info{job=~".*logi.*"}, instance)',
             "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*"},
        ]},
        "panels": [panel(i, *one) for i, one in enumerate(panels)],
    }


def made():
    """File name -> text."""
    return {f"{name}.json": json.dumps(dashboard(name, title, panels), indent=1) + "\n" for name, (title, panels) in DASHBOARDS.items()}


if __name__ == "__main__":
    for name, text in made().items():
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as file:
            file.write(text)
