/* otlp_map.h: log records of OpenTelemetry to streams and entries, as Loki maps them. Source: spec http-api.md 6; docs/api/otlp.md.
 *
 * Attributes become labels of the stream, structured metadata or nothing, as the limits' otlp_config, otlp_index_attributes and otlp_drop_attributes
 * say; the body is the line. Records of one resource go to several streams where attributes of records are labels.
 * The limits are those of a limits_book, for their regular expressions are compiled there.
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
