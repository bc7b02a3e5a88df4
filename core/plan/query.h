/* query.h: runs a parsed query over a source and gives its result. The middle of the query path:
 *
 *   text -> logql_parse -> query_run: plan (rewrites.h) -> scan_open -> units on the executor -> pipeline -> entries or partial aggregates -> merge -> result
 *
 * Thread: the calling one, plus the executor's workers.
 */
#pragma once

#include "core/logql/ast.h"
#include "core/model/limits.h"
#include "core/plan/executor.h"
#include "core/plan/source.h"

enum query_direction { QUERY_BACKWARD, QUERY_FORWARD };

struct query_request {
    struct slice tenant;
    const struct expr *expr;
    bool is_instant;      /* metric: evaluated at end_ns */
    int64_t start_ns, end_ns; /* log: start <= t < end; metric: evaluated at start, start+step, ... <= end */
    int64_t step_ns;
    int64_t interval_ns;  /* log queries; 0: off. Thins the answer after `limit` was applied: an entry stays if it is this far from the one kept before */
    int64_t limit;        /* log queries */
    enum query_direction direction;
    bool categorize;      /* keep metadata and parsed labels apart from the stream's */
    const struct limits *limits;
    int64_t now_ns;
};

struct result_label {
    struct slice name, value;
};

struct result_entry {
    int64_t ts_ns;
    struct slice line;
    const struct result_label *metadata, *parsed; /* with categorize; sorted by name */
    uint32_t metadata_count, parsed_count;
};

struct result_stream { /* in order of canonical label text */
    const struct result_label *labels;
    size_t label_count;
    struct result_entry *entries; /* in the asked direction */
    size_t entry_count;
};

struct result_point {
    int64_t ts_ms;
    double value;
};

struct result_series {
    const struct result_label *labels;
    size_t label_count;
    struct result_point *points; /* vector: one */
    size_t point_count;
};

enum result_kind { RESULT_STREAMS, RESULT_MATRIX, RESULT_VECTOR, RESULT_SCALAR };

struct query_result {
    enum result_kind kind;
    struct result_stream *streams;
    size_t stream_count;
    struct result_series *series; /* by label text, unless a sort says otherwise */
    size_t series_count;
    struct result_point scalar;
    const struct slice *warnings;
    size_t warning_count;
};

/* Limits (range, length, series, entries) are checked here with Loki's words. The result lives in the arena. */
bool query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
               struct query_control *control, struct arena *arena, struct query_result *out, struct err *err) MUST_CHECK;
