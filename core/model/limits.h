/* limits.h: what a tenant may do. Defined once, in the table below: the struct, the configuration's limits_config keys, the overrides file,
 * /config/tenant/v1/limits, drilldown-limits and docs/configuration.md are made from it. Loki's names where the meaning is Loki's.
 * 0 means off for all but the sizes marked "hard". */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/model/otlp_config.h"
#include "core/model/query_block.h"

/*  LIMIT(kind, field, default, help). Kinds: BOOL, COUNT (int64), BYTES (int64), DURATION (int64 ns), RATE_MB (double, MiB a second),
 *  TEXT (struct slice), LIST (struct slice_list), BLOCKS (struct query_block_list), OTLP (struct otlp_config) */
#define LIMITS_TABLE(LIMIT)                                                                                                   \
    /* ingestion */                                                                                                          \
    LIMIT(RATE_MB, ingestion_rate_mb, 0, "accepted line and metadata bytes a second, in MiB; 0: no limit")                    \
    LIMIT(RATE_MB, ingestion_burst_size_mb, 6, "burst over ingestion_rate_mb, in MiB")                                       \
    LIMIT(BYTES, per_stream_rate_limit, 0, "accepted bytes a second of one stream; 0: no limit")                             \
    LIMIT(BYTES, per_stream_rate_limit_burst, 15728640, "burst over per_stream_rate_limit")                                  \
    LIMIT(COUNT, max_global_streams_per_user, 2000000, "streams in memory at once; a new one over it is refused with 429")    \
    LIMIT(BYTES, max_line_size, 262144, "longest line")                                                                      \
    LIMIT(BOOL, max_line_size_truncate, false, "cut longer lines instead of refusing them")                                   \
    LIMIT(TEXT, max_line_size_truncate_identifier, "", "appended to a line that was cut")                                     \
    LIMIT(COUNT, max_label_name_length, 1024, "bytes of a label name")                                                       \
    LIMIT(COUNT, max_label_value_length, 2048, "bytes of a label value")                                                     \
    LIMIT(COUNT, max_label_names_per_series, 15, "labels of a stream, service_name not counted")                             \
    LIMIT(BOOL, allow_structured_metadata, true, "accept structured metadata")                                                \
    LIMIT(BYTES, max_structured_metadata_size, 65536, "bytes of names and values of one entry's structured metadata")        \
    LIMIT(COUNT, max_structured_metadata_entries_count, 128, "pairs of one entry's structured metadata")                     \
    LIMIT(BOOL, reject_old_samples, true, "refuse entries older than reject_old_samples_max_age")                             \
    LIMIT(DURATION, reject_old_samples_max_age, 7 * NS_PER_DAY, "how old an entry may be")                                   \
    LIMIT(DURATION, creation_grace_period, 10 * NS_PER_MIN, "how far in the future an entry may be; 0: no limit")             \
    LIMIT(DURATION, out_of_order_window, 0, "how far behind its stream's newest an entry may be; 0: any distance (Loki: max_chunk_age/2)") \
    LIMIT(BOOL, increment_duplicate_timestamp, false, "an entry with the time of the one before and another line gets that time + 1 ns") \
    LIMIT(LIST, discover_service_name, "service,app,application,app_name,name,app_kubernetes_io_name,container,container_name,k8s_container_name,component,workload,job,k8s_job_name", \
          "labels that service_name is taken from; empty: service_name is not added")                                       \
    LIMIT(BOOL, discover_log_levels, true, "add detected_level to structured metadata")                                       \
    LIMIT(LIST, log_level_fields, "level,LEVEL,Level,log.level,severity,SEVERITY,Severity,SeverityText,lvl,LVL,Lvl,severity_text,Severity_Text,SEVERITY_TEXT", \
          "names that detected_level is read from")                                                                         \
    LIMIT(OTLP, otlp_config, "", "what becomes of OTLP attributes: docs/api/otlp.md, Rules")                                  \
    LIMIT(LIST, otlp_index_attributes, "service.name,service.namespace,service.instance.id,deployment.environment,deployment.environment.name,cloud.region,cloud.availability_zone,k8s.cluster.name,k8s.namespace.name,k8s.pod.name,k8s.container.name,container.name,k8s.replicaset.name,k8s.deployment.name,k8s.statefulset.name,k8s.daemonset.name,k8s.cronjob.name,k8s.job.name", \
          "OTLP resource attributes that become stream labels where otlp_config does not ignore these defaults")             \
    LIMIT(LIST, otlp_drop_attributes, "", "OTLP attributes of resources, scopes and records that are not stored")             \
    LIMIT(LIST, enforced_labels, "", "labels that each stream must have")                                                     \
    LIMIT(TEXT, block_ingestion_until, "", "refuse pushes until this RFC3339 time")                                          \
    LIMIT(COUNT, block_ingestion_status_code, 260, "status of pushes refused by block_ingestion_until")                      \
    /* queries */                                                                                                            \
    LIMIT(COUNT, max_entries_limit_per_query, 5000, "largest limit of a log query")                                           \
    LIMIT(DURATION, max_query_length, 721 * NS_PER_HOUR, "longest range of a query")                                         \
    LIMIT(DURATION, max_query_range, 0, "longest [range] of a range aggregation")                                            \
    LIMIT(DURATION, max_query_lookback, 0, "how far back queries see")                                                       \
    LIMIT(COUNT, max_query_series, 500, "series of a result")                                                                \
    LIMIT(BYTES, max_query_bytes_read, 0, "line bytes that a query may have to read")                                        \
    LIMIT(DURATION, query_timeout, 60 * NS_PER_S, "longest run of a query")                                                  \
    LIMIT(BYTES, max_query_memory, 268435456, "memory that one query may take")                                              \
    LIMIT(COUNT, max_streams_matchers_per_query, 1000, "matchers of a query")                                                \
    LIMIT(COUNT, max_concurrent_tail_requests, 10, "tails at once")                                                          \
    LIMIT(LIST, required_labels, "", "labels that a query's selector must name")                                              \
    LIMIT(COUNT, minimum_labels_number, 0, "matchers that a query's selector must have")                                     \
    LIMIT(BLOCKS, blocked_queries, "", "queries that are refused: a list of {pattern, regex, types, hash, query_tags}")     \
    LIMIT(BOOL, enable_multi_variant_queries, false, "allow variants(...) of (...)")                                          \
    LIMIT(DURATION, split_queries_by_interval, NS_PER_HOUR, "not 0: start and end of metric range queries are aligned to step, as Loki does") \
    LIMIT(BOOL, volume_enabled, true, "serve index/volume")                                                                  \
    LIMIT(COUNT, volume_max_series, 1000, "series of a volume answer")                                                       \
    /* retention and deletion */                                                                                             \
    LIMIT(DURATION, retention_period, 0, "age at which whole days are dropped; 0: never")                                     \
    LIMIT(TEXT, deletion_mode, "filter-and-delete", "disabled, filter-only or filter-and-delete")                            \
    LIMIT(DURATION, delete_max_interval, NS_PER_DAY, "longest interval of a delete with a line filter is split by") \
    /* rules */                                                                                                              \
    LIMIT(COUNT, ruler_max_rules_per_rule_group, 0, "rules of one rule group")                                               \
    LIMIT(COUNT, ruler_max_rule_groups_per_tenant, 0, "rule groups")                                                         \
    LIMIT(BOOL, ruler_remote_write_disabled, false, "do not send what recording rules give")

#define LIMIT_TYPE_BOOL bool
#define LIMIT_TYPE_COUNT int64_t
#define LIMIT_TYPE_BYTES int64_t
#define LIMIT_TYPE_DURATION int64_t
#define LIMIT_TYPE_RATE_MB double
#define LIMIT_TYPE_TEXT struct slice
#define LIMIT_TYPE_LIST struct slice_list
#define LIMIT_TYPE_BLOCKS struct query_block_list
#define LIMIT_TYPE_OTLP struct otlp_config

struct limits {
#define LIMIT_FIELD(kind, field, value, help) LIMIT_TYPE_##kind field;
    LIMITS_TABLE(LIMIT_FIELD)
#undef LIMIT_FIELD
};

/* Defaults; texts and lists are static. */
void limits_defaults(struct limits *out);

/* The same limits, with texts, lists, blocks and rules in the arena; these are not compiled. */
void limits_copy(const struct limits *from, struct arena *arena, struct limits *out);

/* Sets one field by its name from the text that a configuration holds ("256KB", "7d", "true", "a,b"). An item of a list may be in double quotes, with Go's
 * escapes, and then means exactly what they hold; a text is taken as it is, but for outer spaces. ERR_NOT_FOUND: no such name (the text names
 * the nearest right one); ERR_INVALID: not a value of its kind. Copies to the arena. */
bool limits_set(struct limits *limits, struct slice name, struct slice value, struct arena *arena, struct err *err) MUST_CHECK;

/* The limit of that name is a tree of lists and maps; its text is in the form of flow_text.h. */
bool limits_is_tree(struct slice name);

/* name: value lines in the table's order, as YAML. */
void limits_print_yaml(const struct limits *limits, struct buf *out, size_t indent);
/* A Markdown table: name, kind, default, help. */
void limits_print_markdown(struct buf *out);
