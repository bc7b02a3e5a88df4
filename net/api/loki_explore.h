/* loki_explore.h: handlers of the routes that a log explorer calls (docs/api/explore.md). Thread: a pool thread. */
#pragma once

#include "net/http/request.h"

void loki_index_stats(struct http_request *http);
void loki_index_volume(struct http_request *http);
void loki_index_volume_range(struct http_request *http);
void loki_detected_labels(struct http_request *http);
void loki_detected_fields(struct http_request *http);
void loki_detected_field_values(struct http_request *http);
void loki_patterns(struct http_request *http);
void loki_tenant_limits(struct http_request *http);
void loki_drilldown_limits(struct http_request *http);
