/* push_wire.h: one pass over a protobuf PushRequest, straight from the wire. The inverse, for pushes that did not come as protobuf.
 *
 * Source: http-api.md 5.2; protobuf's encoding guide. Unknown fields are skipped, of a repeated singular field the last wins.
 * Measured (storage notes 4): 6 to 10 GB/s, protobuf-c 0.4 to 0.7; so protobuf-c is the oracle of fuzz_push_wire only.
 */
#pragma once

#include "core/base/err.h"
#include "core/ingest/push.h"

struct push_wire_limits {
    size_t streams_max; /* 1e5 */
    size_t entries_max; /* 1e6 */
};

/* Decodes `message`, arrays in the arena. ERR_INVALID: "unexpected EOF", "proto: wrong wireType = 0 for field Streams",
 * "timestamp: seconds:1 nanos:-1: nanos not in range [0, 1e9)"; ERR_LIMIT: more elements than allowed. */
bool push_wire_decode(struct slice message, const struct push_wire_limits *limits, struct arena *arena,
                      struct push_request *out, struct err *err) MUST_CHECK;

/* Calls back for each structured-metadata pair of an Entry message (PUSH_METADATA_WIRE). False if `each` returned false. */
bool push_wire_metadata(struct slice entry_message, bool (*each)(void *self, struct slice name, struct slice value), void *self);

/* Appends a PushRequest that decodes to the request (labels as text, metadata as pairs). */
void push_wire_encode(const struct push_request *request, struct buf *out);
