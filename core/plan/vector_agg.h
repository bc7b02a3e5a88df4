/* vector_agg.h: vector aggregations, step by step. Thread: the query's own. */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/series_set.h"

/* agg: EXPR_VECTOR_AGG, evaluated over `in`, which it may reorder; points go to out, which is empty. approx_topk is exact here: what its sketch would
 * approach. topk and bottomk break ties by label text. */
bool vector_agg(const struct expr *agg, struct series_set *in, struct series_set *out, struct err *err) MUST_CHECK;
