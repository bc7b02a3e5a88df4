/* loki_query.h: handlers of query_range, query, /api/prom/query and format_query. Thread: a pool thread; format_query: any. */
#pragma once

#include "net/http/request.h"

void loki_query_range(struct http_request *http);
void loki_query_instant(struct http_request *http);
void loki_query_legacy(struct http_request *http);
void loki_format_query(struct http_request *http);
