/* log_query.h: runs a log query: units best first over the executor, in rounds; stops when no unit can better the entries it holds.
 * Thread: the query's own, plus the executor's workers. */
#pragma once

#include "core/plan/query.h"

/* request->expr is a log expression and has passed query_limits. */
bool log_query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
                   struct query_control *control, struct arena *arena, struct query_result *out, struct err *err) MUST_CHECK;
