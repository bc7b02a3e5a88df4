/* push_body.h: the body of a push to a push_request: unpacking by Content-Encoding, decoding by Content-Type (spec http-api.md 5.1). Thread: any. */
#pragma once

#include "core/base/buf.h"
#include "core/ingest/push.h"
#include "net/http/request.h"

enum push_dialect { PUSH_LOKI_V1, PUSH_LOKI_LEGACY };

struct push_body {
    struct buf unpacked, raw; /* what slices of the request point into, besides the HTTP request's body; ended with push_body_fini */
    struct push_request request;
    struct slice snappy;      /* the snappy block of the protobuf message, for the log; empty: it came as JSON */
    bool is_bad_encoding;     /* the Content-Encoding is none that is known */
    const char *format;       /* of metrics: loki_protobuf, loki_json, loki_v0_protobuf, loki_v0_json */
};

bool push_body_decode(struct http_request *http, enum push_dialect dialect, size_t unpacked_bytes_max, struct arena *arena,
                      struct push_body *out, struct err *err) MUST_CHECK;
void push_body_fini(struct push_body *body);
