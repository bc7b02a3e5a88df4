/* otlp_map.h: log records of OpenTelemetry to streams and entries, as Loki maps them. Source: spec http-api.md 6; docs/api/otlp.md.
 *
 * Resource attributes that the limits' otlp_index_attributes name become the stream's labels; what is left of the resource, the scope and the
 * record becomes structured metadata; the body is the line.
 * Thread: any.
 */
#pragma once

#include "core/ingest/push.h"
#include "core/model/limits.h"
#include "net/codec/otlp.h"

/* now_ns: the time of records that have none. What is made lives in the memory's arena; slices of `from` are kept. ERR_TOO_LARGE over the budget;
 * ERR_INVALID for an attribute of the index list whose name holds no letter or digit. */
bool otlp_map(const struct otlp_request *from, const struct limits *limits, int64_t now_ns, struct otlp_memory *memory,
              struct push_request *out, struct err *err) MUST_CHECK;

/* A value as text: strings as they are, arrays and maps as JSON, bytes as base64. */
void otlp_value_put(struct buf *out, const struct otlp_value *value);
