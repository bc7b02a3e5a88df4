/* push_json.h: the JSON bodies of pushes: Loki's of today, and that of its first API. Source: spec http-api.md 5.3 and 14.
 * Lines are slices of the body unless they have escapes; what is made goes to the arena. Thread: any. */
#pragma once

#include "core/ingest/push.h"
#include "core/base/err.h"

/* {"streams":[{"stream":{name:value},"values":[[ts,line,{metadata}],...]},...]}. ERR_INVALID refuses the whole request. */
bool push_json_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err) MUST_CHECK;

/* {"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":RFC3339,"line":...,"structuredMetadata":{}}]}]}; keys without case. */
bool push_json_legacy_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err) MUST_CHECK;
