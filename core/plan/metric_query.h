/* metric_query.h: evaluates a metric expression over its steps and gives matrix, vector or scalar. Thread: the query's own, plus the executor's
 * workers. */
#pragma once

#include "core/plan/query.h"

/* request->expr is no log expression and has passed query_limits. */
bool metric_query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
                      struct query_control *control, struct arena *arena, struct query_result *out, struct err *err) MUST_CHECK;
