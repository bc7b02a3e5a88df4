/* metric_result.h: the answer of a metric query. Thread: the query's own. */
#pragma once

#include "core/plan/query.h"
#include "core/plan/series_set.h"

/* In the set's order; a matrix merges series alike (their points in order of time), a vector keeps them. Series without points are left out. ERR_LIMIT for
 * more than max_series (0: any). Everything is copied to the arena. */
bool metric_result_build(const struct series_set *set, bool is_instant, int64_t max_series, struct arena *arena, struct query_result *out,
                         struct err *err) MUST_CHECK;
/* Instant: a scalar; else a matrix of one series without labels. */
void metric_result_scalar(double value, const struct step_grid *steps, bool is_instant, struct arena *arena, struct query_result *out);
