/* loki_labels.h: handlers of labels, label values and series, in today's and the first API's form (spec http-api.md 8.1, 8.2, 14). Thread: a pool thread. */
#pragma once

#include "net/http/request.h"

void loki_labels(struct http_request *http);
void loki_label_values(struct http_request *http);
void loki_series(struct http_request *http);
void legacy_labels(struct http_request *http);
void legacy_label_values(struct http_request *http);
