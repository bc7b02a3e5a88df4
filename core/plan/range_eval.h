/* range_eval.h: a range aggregation over a source. Lines are never held: each worker keeps partial aggregates by series and bucket
 * (window_grid.h); quantile_over_time and rate_counter keep their samples. Then the workers' tables are merged and windows made of buckets.
 * Thread: the query's own, plus the executor's workers. */
#pragma once

#include "core/plan/query.h"
#include "core/plan/series_set.h"

struct metric_query {
    const struct source *source;
    const struct executor *executor;
    const struct query_request *request;
    struct query_control *control;
    struct arena *arena; /* of the query: pipelines, plans */
    struct eval_context eval;
};

/* range: an expr of kind EXPR_RANGE. sum: the vector aggregation around it that it does as well (rewrite_sum_merges), or NULL. */
bool range_eval(struct metric_query *query, const struct expr *range, const struct expr *sum, struct series_set *out, struct err *err) MUST_CHECK;
