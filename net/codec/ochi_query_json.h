/* ochi_query_json.h: the JSON bodies of Ochi's /query and /stream_ids. Source: spec http-api.md 15. Thread: any. */
#pragma once

#include "core/loql/loql.h"

#define OCHI_PAIRS_MAX ((size_t)1000)

/* {"start":ns,"end":ns,"tags":[{"key","value"}],"fields":[...]} to the query that it means. Unknown keys are skipped; tags and fields may be missing.
 * ERR_INVALID says what is wrong. out is ended with loql_query_fini, also after a failure. body must outlive it. */
bool ochi_query_decode(struct slice body, struct arena *arena, struct loql_query *out, struct err *err) MUST_CHECK;

/* {"since":"2h"}, {"fromNs":ns,"toNs":ns} or {"from":ISO,"to":ISO}, to a range with both ends inclusive; what is missing is now. */
bool ochi_range_decode(struct slice body, int64_t now_ns, struct arena *arena, int64_t *out_first_ns, int64_t *out_last_ns,
                       struct err *err) MUST_CHECK;
