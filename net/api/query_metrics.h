/* query_metrics.h: what is counted and logged of a query: metrics.md sections 3, 6 and 10 (the query log line). Thread: any. */
#pragma once

#include "net/api/query_run.h"

/* err NULL: it went well. text: the query as sent. */
void query_metrics_done(const struct query_scope *scope, const struct query_request *request, const struct query_result *result,
                        struct slice text, const struct err *err);
/* labels, series, stats, volume: type is one of loki_logql_querystats_latency_seconds' */
void metadata_metrics_done(const struct query_scope *scope, const char *type, const struct err *err);
