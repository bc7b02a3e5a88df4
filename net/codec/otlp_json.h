/* otlp_json.h: the JSON form of an OTLP logs request: protobuf's JSON mapping with hex ids. Keys in lowerCamelCase or snake_case, 64-bit
 * integers as numbers or strings, bytes as base64; unknown keys are skipped.
 * Source: the OTLP specification, "JSON Protobuf Encoding". Thread: any. */
#pragma once

#include "net/codec/otlp.h"

/* ERR_INVALID: bad JSON, a value of a wrong type, ids of a wrong length, or nested over OTLP_DEPTH_MAX; ERR_TOO_LARGE: over the memory's
 * budget. Slices point into the body, which must outlive *out, or into the memory's arena. */
bool otlp_json_decode(struct slice body, struct otlp_memory *memory, struct otlp_request *out, struct err *err) MUST_CHECK;
