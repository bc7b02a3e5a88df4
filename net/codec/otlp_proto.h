/* otlp_proto.h: the protobuf form of an OTLP logs request. Source: opentelemetry-proto; fields: proto/otlp/otlp.proto. Thread: any. */
#pragma once

#include "net/codec/otlp.h"

/* ERR_INVALID: not such a message, ids of a wrong length, or nested over OTLP_DEPTH_MAX; ERR_TOO_LARGE: over the memory's budget. What is
 * decoded lives in the memory's arena: the body may end. */
bool otlp_proto_decode(struct slice body, struct otlp_memory *memory, struct otlp_request *out, struct err *err) MUST_CHECK;
