/* push_metrics.h: what is counted of pushes: received, accepted, discarded (spec metrics.md 2, 3, 5). api is the push_flavour's name. Thread: any. */
#pragma once

#include "core/ingest/ingest.h"
#include "net/http/request.h"

/* The body became a request, or could not; format NULL: not even that was known. */
void push_metrics_decoded(const char *format, int64_t took_ns);
/* The thread's cache of known streams, before and after a push. */
void push_metrics_cache(const struct stream_cache_counts *before, const struct stream_cache_counts *now);
/* The store has answered. took_ns: from its being asked. */
void push_metrics_stored(bool ok, int64_t took_ns);
/* now_ns: when it came. */
void push_metrics_accepted(const struct http_request *http, const struct ingest_outcome *outcome, const char *api, const char *format,
                           int64_t now_ns);
void push_metrics_discarded(const struct http_request *http, const struct ingest_outcome *outcome, const char *api);
/* The whole push was refused. lines: as far as it was decoded. */
void push_metrics_refused(const struct http_request *http, const struct err *err, const char *api, size_t lines, size_t bytes);
