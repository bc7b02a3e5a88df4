/* push_metrics.h: what is counted of pushes: received, accepted, discarded (spec metrics.md 2, 3, 5). api is the push_flavour's name. Thread: any. */
#pragma once

#include "core/ingest/ingest.h"
#include "net/http/request.h"

void push_metrics_accepted(const struct http_request *http, const struct ingest_outcome *outcome, const char *api, const char *format);
void push_metrics_discarded(const struct http_request *http, const struct ingest_outcome *outcome, const char *api);
/* The whole push was refused. lines: as far as it was decoded. */
void push_metrics_refused(const struct http_request *http, const struct err *err, const char *api, size_t lines, size_t bytes);
