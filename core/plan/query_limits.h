/* query_limits.h: what a tenant's limits refuse before a query runs, in Loki's words (http-api.md 4). Thread: any. */
#pragma once

#include "core/plan/query.h"

bool query_limits_check(const struct query_request *request, struct err *err) MUST_CHECK;
/* max_query_length alone, for ranges that no expression goes with. As in Loki, start and end count in whole ms. */
bool query_limits_check_length(const struct limits *limits, int64_t start_ns, int64_t end_ns, struct err *err) MUST_CHECK;
/* The words for too many series in a result. */
bool query_limits_refuse_series(int64_t max_series, struct err *err);
