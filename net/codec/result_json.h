/* result_json.h: query results as JSON. Source: spec http-api.md 7.2, 7.3, 14; logql.md 18. Thread: any. */
#pragma once

#include "core/plan/query.h"
#include "core/plan/query_control.h"

struct result_json_options {
    const struct slice *encoding_flags; /* echoed in order; none: key left out */
    size_t flag_count;
    bool categorize;
    int64_t exec_ns, queue_ns;
};

/* {"status":"success",...}; a newline follows a streams result, as Loki's does. */
void result_json_put(struct buf *out, const struct query_result *result, const struct query_stats *stats,
                     const struct result_json_options *options);

/* {"streams":[{"labels":"{...}","entries":[{"ts","line"}]}],"stats":{...}} of /api/prom/query. */
void result_json_legacy_put(struct buf *out, const struct query_result *result, const struct query_stats *stats,
                            const struct result_json_options *options);

/* The stats object alone: all its keys, always. */
void stats_json_put(struct buf *out, const struct query_stats *stats, int64_t exec_ns, int64_t queue_ns);

/* {"a":"1","b":"2"} */
void labels_json_put(struct buf *out, const struct result_label *labels, size_t count);
/* "{a=\"1\", b=\"2\"}": their text, as a JSON string. */
void label_text_json_put(struct buf *out, const struct result_label *labels, size_t count);
/* ,{"structuredMetadata":{...},"parsed":{...}}, each if it is not empty: what an entry has of its own, behind its line. */
void categories_json_put(struct buf *out, const struct result_entry *entry);
