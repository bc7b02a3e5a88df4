/* config.h: the settings: defaults < one YAML file < environment (LOGI_SERVER_LISTEN) < flags (--server.listen, Go's style too).
 *
 * Defined once, in the table below: parsing, --help, /config and docs/configuration.md are made from it. Limits have a table of their own
 * (core/model/limits.h): limits_config.* and overrides.<tenant>.*.
 * Thread: one at a time; a config that is in force is not changed.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "net/tenancy/limits_book.h"

#define OCHI_LISTEN_DEFAULT "127.0.0.1:9014"

/*  KEY(kind, name, field, default, help). A duration is int64_t ns, bytes and counts are int64_t, texts are struct slice. */
#define CONFIG_TABLE(KEY)                                                                                                      \
    KEY(TEXT, "server.listen", listen, "127.0.0.1:3100", "address and port of the API; [::]:3100 for all addresses")          \
    KEY(TEXT, "server.admin_listen", admin_listen, "", "address of its own for /flush, /config, /services, /log_level, /ring, /ingester/*; empty: on server.listen") \
    KEY(TEXT, "server.http_listen_address", http_listen_address, "", "Loki's name: the address part of server.listen")        \
    KEY(COUNT, "server.http_listen_port", http_listen_port, 0, "Loki's name: the port part of server.listen; 0: as server.listen says") \
    KEY(COUNT, "server.loops", loops, 0, "HTTP threads; 0: one a core")                                                        \
    KEY(BYTES, "server.max_recv_msg_size", max_recv_msg_size, 104857600, "largest request body as received; 413 over it")      \
    KEY(BYTES, "server.max_decompressed_size", max_decompressed_size, 268435456, "largest request body once unpacked; 413 over it") \
    KEY(BYTES, "server.body_budget", body_budget, 268435456, "request bodies under way at once; over it new ones are 503 and the largest is closed") \
    KEY(COUNT, "server.max_connections", max_connections, 10000, "open connections; more wait in the kernel")                  \
    KEY(DURATION, "server.head_timeout", head_timeout, 10 * NS_PER_S, "for the head of a request to arrive")                   \
    KEY(DURATION, "server.idle_timeout", idle_timeout, 120 * NS_PER_S, "for a connection without a request, and for a request to arrive whole") \
    KEY(DURATION, "server.write_timeout", write_timeout, 60 * NS_PER_S, "for a client to take a reply that has begun")         \
    KEY(TEXT, "server.http_tls_config.cert_file", tls_cert_file, "", "PEM file with the certificate and those that lead to its root: all listeners then speak TLS only; re-read at SIGHUP") \
    KEY(TEXT, "server.http_tls_config.key_file", tls_key_file, "", "PEM file with the certificate's private key, without a passphrase")   \
    KEY(TEXT, "server.http_tls_config.client_auth_type", tls_client_auth_type, "", "NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert") \
    KEY(TEXT, "server.http_tls_config.client_ca_file", tls_client_ca_file, "", "PEM file with the authorities of clients' certificates")  \
    KEY(TEXT, "server.tls_min_version", tls_min_version, "VersionTLS12", "VersionTLS12 or VersionTLS13")                          \
    KEY(TEXT, "auth.users_file", users_file, "", "file of users that logi passwd writes: then each request needs a user and a password; re-read at SIGHUP") \
    KEY(TEXT, "auth.ready", auth_ready, "public", "who may ask /ready and other probes when there are users: public, users or admins") \
    KEY(TEXT, "auth.metrics", auth_metrics, "admins", "who may ask /metrics, which names tenants, when there are users: public, users or admins") \
    KEY(BOOL, "auth_enabled", auth_enabled, true, "Loki's name: false is tenancy single with default_tenant fake")             \
    KEY(TEXT, "tenancy", tenancy, "optional", "optional: X-Scope-OrgID when it is there, else default_tenant; single: the header is ignored; required: 401 without it") \
    KEY(TEXT, "default_tenant", default_tenant, "default", "the tenant of requests without X-Scope-OrgID")                     \
    KEY(BOOL, "multi_tenant_queries_enabled", multi_tenant_queries_enabled, false, "queries may name several tenants: a|b")     \
    KEY(BOOL, "ochi.enabled", ochi_enabled, true, "serve Ochi's API: on ochi.listen, and on server.listen where no path clashes") \
    KEY(TEXT, "ochi.listen", ochi_listen, OCHI_LISTEN_DEFAULT, "address of Ochi's API alone; empty: none. The default is given up, with a warning, when it is in use") \
    KEY(TEXT, "storage.data", data, "./data", "the folder that holds everything; one process only")                            \
    KEY(TEXT, "storage.durability", durability, "sync", "sync: a push is answered when it is on disk; async: when it is written, survives kill -9 but not power loss") \
    KEY(COUNT, "storage.shards", shards, 0, "shards; 0: one a core; may change between starts")                                \
    KEY(BYTES, "storage.head_max", head_max, 67108864, "memory for entries that are not in segments yet; over it pushes wait, then are 503") \
    KEY(BYTES, "storage.seal_size", seal_size, 16777216, "a shard's entries are sealed into a segment at this size")            \
    KEY(DURATION, "storage.seal_age", seal_age, 5 * NS_PER_MIN, "... or at this age")                                           \
    KEY(DURATION, "storage.stream_idle", stream_idle, 30 * NS_PER_MIN, "a stream without new entries is forgotten in memory after this") \
    KEY(BYTES, "storage.log_queue", log_queue, 67108864, "pushes that wait for the log; over it pushes are 503")                \
    KEY(BYTES, "storage.shard_queue", shard_queue, 67108864, "pushes that wait for one shard")                                  \
    KEY(BYTES, "storage.free_reserve", free_reserve, 268435456, "free disk space below which the node is read-only (507)")      \
    KEY(BOOL, "storage.compaction", compaction, true, "merge small segments in the background")                                 \
    KEY(DURATION, "storage.compaction_interval", compaction_interval, 60 * NS_PER_S, "between two looks for what to merge and to drop") \
    KEY(DURATION, "storage.delete_delay", delete_delay, NS_PER_MIN, "a delete request hides lines at once and erases them from disk after this; until then it can be cancelled whole") \
    KEY(BOOL, "pattern_ingester.enabled", patterns_enabled, true, "find the patterns of log lines, and keep them with the data; false: /loki/api/v1/patterns is 404") \
    KEY(COUNT, "query.threads", query_threads, 0, "threads that run queries; 0: one a core")                                    \
    KEY(COUNT, "query.concurrency", query_concurrency, 0, "queries that run at once, others wait; 0: two a thread")             \
    KEY(BYTES, "query.block_cache", query_block_cache, 33554432, "memory for decompressed blocks that are read again and again; 0: none") \
    KEY(COUNT, "query.queue", query_queue, 4096, "queries of one tenant that may wait; over it 429")                            \
    KEY(DURATION, "ruler.evaluation_interval", ruler_evaluation_interval, NS_PER_MIN, "interval of rule groups that say none")     \
    KEY(TEXT, "ruler.storage.local.directory", ruler_local_directory, "", "folder of rule files that are only read: <tenant>/<file> with groups: ..., the file is the namespace; empty: none") \
    KEY(DURATION, "ruler.poll_interval", ruler_poll_interval, NS_PER_MIN, "how often ruler.storage.local.directory is looked at")  \
    KEY(TEXT, "ruler.alertmanager_url", ruler_alertmanager_url, "", "Alertmanagers, comma-separated, to which alerts are sent by API v2; empty: none") \
    KEY(COUNT, "ruler.notification_queue_capacity", ruler_notification_queue_capacity, 10000, "alerts that may wait; over it the oldest is dropped") \
    KEY(DURATION, "ruler.notification_timeout", ruler_notification_timeout, 10 * NS_PER_S, "for an Alertmanager to take alerts")   \
    KEY(DURATION, "ruler.resend_delay", ruler_resend_delay, NS_PER_MIN, "a firing alert is sent again after this")                 \
    KEY(TEXT, "ruler.external_url", ruler_external_url, "", "URL of the Grafana that alerts link to; $externalURL of templates")   \
    KEY(TEXT, "ruler.datasource_uid", ruler_datasource_uid, "", "uid of the data source in these links")                          \
    KEY(BOOL, "ruler.remote_write.enabled", ruler_remote_write_enabled, false, "send what recording rules give to a Prometheus")   \
    KEY(TEXT, "ruler.remote_write.client.url", ruler_remote_write_url, "", "its remote write URL, such as http://prometheus:9090/api/v1/write") \
    KEY(DURATION, "ruler.remote_write.client.remote_timeout", ruler_remote_write_timeout, 30 * NS_PER_S, "for one request of remote write") \
    KEY(COUNT, "ruler.remote_write.client.queue_config.capacity", ruler_remote_write_capacity, 100000, "samples of one tenant that may wait; over it new ones are dropped") \
    KEY(COUNT, "ruler.remote_write.client.queue_config.max_samples_per_send", ruler_remote_write_batch, 2000, "samples of one request, 10000 at most") \
    KEY(DURATION, "ruler.remote_write.client.queue_config.min_backoff", ruler_remote_write_min_backoff, 30 * NS_PER_MS, "pause after a failure; it doubles") \
    KEY(DURATION, "ruler.remote_write.client.queue_config.max_backoff", ruler_remote_write_max_backoff, 5 * NS_PER_S, "... up to this") \
    KEY(BOOL, "ruler.remote_write.add_org_id_header", ruler_remote_write_add_org_id, true, "send the tenant as X-Scope-OrgID")     \
    KEY(BOOL, "querier.per_request_limits_enabled", per_request_limits_enabled, false, "a request may tighten its own limits by the header X-Loki-Query-Limits") \
    KEY(DURATION, "querier.tail_max_duration", tail_max_duration, NS_PER_HOUR, "a live tail ends after this; its client may open the next; 0: no end") \
    KEY(BYTES, "tail.buffer", tail_buffer, 8388608, "what a live tail may hold for a client that reads slowly; over it entries are dropped, and it is told which") \
    KEY(BYTES, "tail.memory", tail_memory, 134217728, "what all live tails may hold together")                                  \
    KEY(TEXT, "tail.origins", tail_origins, "", "values of Origin that may open a live tail, by comma (https://grafana.example); empty: any, as in Loki") \
    KEY(TEXT, "target", target, "all", "which of Loki's parts this node plays: all, or some of read, write, backend; the routes of the others are 404")   \
    KEY(TEXT, "log.level", log_level, "info", "debug, info, warn or error")                                                     \
    KEY(TEXT, "log.format", log_format, "logfmt", "logfmt or json")                                                             \
    KEY(COUNT, "metrics.max_tenants", metrics_max_tenants, 500, "tenants with metrics of their own; the others are summed as __other__") \
    KEY(BYTES, "memory.limit", memory_limit, 0, "memory that the node may take, 128MiB at least; 0: 80 % of its cgroup's limit or of the machine. docs/operations.md, Memory") \
    KEY(TEXT, "runtime_config.file", overrides_file, "", "YAML file with overrides: <tenant>: <limit>: <value>; re-read when it changes") \
    KEY(DURATION, "runtime_config.period", overrides_period, 10 * NS_PER_S, "how often runtime_config.file is looked at")        \
    KEY(DURATION, "shutdown_timeout", shutdown_timeout, 30 * NS_PER_S, "for requests under way when the node stops")

#define CONFIG_TYPE_TEXT struct slice
#define CONFIG_TYPE_BOOL bool
#define CONFIG_TYPE_COUNT int64_t
#define CONFIG_TYPE_BYTES int64_t
#define CONFIG_TYPE_DURATION int64_t

struct config {
#define CONFIG_FIELD(kind, name, field, value, help) CONFIG_TYPE_##kind field;
    CONFIG_TABLE(CONFIG_FIELD)
#undef CONFIG_FIELD
    struct limits limits; /* limits_config */
    struct limits_override *overrides;
    size_t override_count, override_capacity;
    struct arena arena; /* texts */
};

void config_init(struct config *config); /* defaults */
void config_fini(struct config *config);

/* Sets one key from text. ERR_NOT_FOUND names the nearest right key; ERR_INVALID what is wrong with the value. */
bool config_set(struct config *config, struct slice name, struct slice value, struct err *err) MUST_CHECK;
bool config_has_key(struct slice name, bool *is_bool);
/* Keys of that section are known: server, limits_config. */
bool config_has_section(struct slice name);

/* A whole YAML text; file stands in messages: "logi.yaml:12: unknown key server.lisen: did you mean server.listen?". expand_env: ${VAR} and ${VAR:default}. */
bool config_read_yaml(struct config *config, const char *file, struct slice text, bool expand_env, struct err *err) MUST_CHECK;
/* Only `overrides:`, for runtime_config.file. */
bool config_read_overrides(struct config *config, const char *file, struct slice text, struct err *err) MUST_CHECK;

/* LOGI_SERVER_LISTEN=... of the environment. A LOGI_... that is no key is not ours (Kubernetes sets LOGI_PORT and such). */
bool config_read_environment(struct config *config, char *const *environment, struct err *err) MUST_CHECK;

/* Checks that hold over keys (words of enumerations, ranges), and folds Loki's names in (auth_enabled, http_listen_port). Last. */
bool config_finish(struct config *config, struct err *err) MUST_CHECK;

/* For a reload: keys that only a restart can change, and that differ, are set back to what `running` has; their names, joined by ", ", are appended. */
void config_hold(struct config *fresh, const struct config *running, struct buf *out_names);

/* YAML of all keys, "defaults", or with "diff" those that are not as built in. */
void config_print(const struct config *config, const char *mode, struct buf *out);
/* Lines for --help. */
void config_print_help(struct buf *out);
/* Markdown tables for docs/configuration.md. */
void config_print_markdown(struct buf *out);
