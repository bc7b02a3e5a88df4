#include "cmd/loki_flags.h"

#include "net/config/config.h"

/* Flags whose key is not what their name says. Source: loki -help, 3.6 and 3.7. */
static const struct {
    const char *flag, *key;
} keys[] = {
    {"auth.multi-tenant-queries-enabled", "multi_tenant_queries_enabled"},
    {"server.http-conn-limit", "server.max_connections"},
    {"server.http-idle-timeout", "server.idle_timeout"},
    {"server.http-read-header-timeout", "server.head_timeout"},
    {"server.http-write-timeout", "server.write_timeout"},
    {"server.http-tls-cert-path", "server.http_tls_config.cert_file"},
    {"server.http-tls-key-path", "server.http_tls_config.key_file"},
    {"server.http-tls-client-auth", "server.http_tls_config.client_auth_type"},
    {"server.http-tls-ca-path", "server.http_tls_config.client_ca_file"},
    {"server.graceful-shutdown-timeout", "shutdown_timeout"},
    {"distributor.max-recv-msg-size", "server.max_recv_msg_size"},
    {"distributor.max-decompressed-size", "server.max_decompressed_size"},
    {"runtime-config.reload-period", "runtime_config.period"},
    {"limits.per-user-override-config", "runtime_config.file"},
    {"limits.per-user-override-period", "runtime_config.period"},
    {"compactor.deletion-mode", "limits_config.deletion_mode"},
    {"compactor.delete-max-interval", "limits_config.delete_max_interval"},
    {"distributor.ingestion-burst-size-mb", "limits_config.ingestion_burst_size_mb"},
    {"distributor.ingestion-rate-limit-mb", "limits_config.ingestion_rate_mb"},
    {"distributor.max-line-size", "limits_config.max_line_size"},
    {"distributor.max-line-size-truncate", "limits_config.max_line_size_truncate"},
    {"distributor.max-line-size-truncate-identifier", "limits_config.max_line_size_truncate_identifier"},
    {"frontend.max-query-bytes-read", "limits_config.max_query_bytes_read"},
    {"ingester.max-global-streams-per-user", "limits_config.max_global_streams_per_user"},
    {"ingester.max-streams-per-user", "limits_config.max_global_streams_per_user"},
    {"ingester.per-stream-rate-limit", "limits_config.per_stream_rate_limit"},
    {"ingester.per-stream-rate-limit-burst", "limits_config.per_stream_rate_limit_burst"},
    {"limits.block-ingestion-status-code", "limits_config.block_ingestion_status_code"},
    {"limits.block-ingestion-until", "limits_config.block_ingestion_until"},
    {"limits.max-structured-metadata-entries-count", "limits_config.max_structured_metadata_entries_count"},
    {"limits.max-structured-metadata-size", "limits_config.max_structured_metadata_size"},
    {"limits.volume-enabled", "limits_config.volume_enabled"},
    {"limits.volume-max-series", "limits_config.volume_max_series"},
    {"querier.max-concurrent-tail-requests", "limits_config.max_concurrent_tail_requests"},
    {"querier.max-query-lookback", "limits_config.max_query_lookback"},
    {"querier.max-query-range", "limits_config.max_query_range"},
    {"querier.max-query-series", "limits_config.max_query_series"},
    {"querier.max-streams-matcher-per-query", "limits_config.max_streams_matchers_per_query"},
    {"querier.query-timeout", "limits_config.query_timeout"},
    {"querier.split-queries-by-interval", "limits_config.split_queries_by_interval"},
    {"ruler.max-rule-groups-per-tenant", "limits_config.ruler_max_rule_groups_per_tenant"},
    {"ruler.max-rules-per-rule-group", "limits_config.ruler_max_rules_per_rule_group"},
    {"store.max-query-length", "limits_config.max_query_length"},
    {"store.retention", "limits_config.retention_period"},
    {"validation.allow-structured-metadata", "limits_config.allow_structured_metadata"},
    {"validation.create-grace-period", "limits_config.creation_grace_period"},
    {"validation.discover-log-levels", "limits_config.discover_log_levels"},
    {"validation.discover-service-name", "limits_config.discover_service_name"},
    {"validation.enforced-labels", "limits_config.enforced_labels"},
    {"validation.increment-duplicate-timestamps", "limits_config.increment_duplicate_timestamp"},
    {"validation.log-level-fields", "limits_config.log_level_fields"},
    {"validation.max-entries-limit", "limits_config.max_entries_limit_per_query"},
    {"validation.max-label-names-per-series", "limits_config.max_label_names_per_series"},
    {"validation.max-length-label-name", "limits_config.max_label_name_length"},
    {"validation.max-length-label-value", "limits_config.max_label_value_length"},
    {"validation.reject-old-samples", "limits_config.reject_old_samples"},
    {"validation.reject-old-samples.max-age", "limits_config.reject_old_samples_max_age"},
};

/* Beginnings of flags of what Logi has nothing of: clusters, caches, object stores, gRPC. */
static const char *const foreign[] = {
    "azure.",          "bigtable.",           "bloom-build.",       "bloom-gateway",    "bloom.",          "boltdb.",           "bos.",
    "cassandra.",      "common.",             "compactor.",         "consul.",          "cos.",            "dataobj-",          "distributor.",
    "dynamodb.",       "etcd.",               "experimental.",      "frontend.",        "gcs.",            "grpc-store.",       "index-gateway.",
    "ingest-limits",   "ingester.",           "internal-server.",   "kafka.",           "legacy-read-mode", "limits.",          "local.",
    "log-config-reverse-order", "memberlist.", "metrics-namespace", "multi.",          "object-store.",   "operation-config.", "oss.",
    "pattern-ingester.", "profiling.",        "query-frontend.",    "query-scheduler.", "replication-factor", "reporting.",     "ring.",
    "ruler-storage.",  "ruler.ring.",         "ruler.wal",          "s3.",              "schema-config-file", "server.grpc",    "server.log-",
    "server.register-instrumentation", "shard-streams.", "shutdown-delay", "store.",     "swift.",          "table-manager.",    "tracing.",
    "tsdb.",           "ui.",                 "use-thanos-objstore", "validation.",
};

struct slice loki_flag_key(struct slice flag, struct arena *arena)
{
    bool is_bool = false;
    for (size_t i = 0; i < LENGTH(keys); i++) {
        if (slice_eq_str(flag, keys[i].flag))
            return slice_str(keys[i].key);
    }
    char *text = arena_alloc(arena, flag.len, 1);
    for (size_t i = 0; i < flag.len; i++)
        text[i] = flag.ptr[i] == '-' ? '_' : flag.ptr[i];
    struct slice key = slice_of(text, flag.len);
    return config_has_key(key, &is_bool) ? key : flag;
}

bool loki_flag_is_foreign(struct slice flag)
{
    for (size_t i = 0; i < LENGTH(foreign); i++) {
        if (slice_starts(flag, slice_str(foreign[i])))
            return true;
    }
    return false;
}
