#include "net/api/push_body.h"

#include "core/ingest/push_wire.h"
#include "net/codec/inflate.h"
#include "net/codec/push_builder.h"
#include "net/codec/push_json.h"
#include "net/http/media_type.h"

void push_body_fini(struct push_body *body)
{
    buf_fini(&body->unpacked);
    buf_fini(&body->raw);
}

static bool media_type_check(struct http_request *http, enum push_dialect dialect, bool *is_json, struct err *err)
{
    struct slice header;
    struct slice type;
    *is_json = false;
    if (!http_header_get(http, SLICE("content-type"), &header) || header.len == 0)
        return dialect == PUSH_LOKI_LEGACY || err_set(err, ERR_INVALID, "mime: no media type"); // Loki 0.1 took it for protobuf
    if (!media_type_parse(header, &type, err))
        return false;
    *is_json = slice_eq_nocase(type, SLICE("application/json"));
    return true;
}

/* Takes off gzip or deflate; what is left is JSON text or a snappy block. */
static bool unpack(struct http_request *http, size_t bytes_max, struct push_body *out, struct slice *body, struct err *err)
{
    struct slice encoding;
    *body = http->body;
    if (!http_header_get(http, SLICE("content-encoding"), &encoding) || encoding.len == 0 || slice_eq(encoding, SLICE("snappy")))
        return true;
    bool is_gzip = slice_eq(encoding, SLICE("gzip"));
    out->is_bad_encoding = !is_gzip && !slice_eq(encoding, SLICE("deflate"));
    if (out->is_bad_encoding)
        return err_set(err, ERR_INVALID, "Content-Encoding \"%.*s\" not supported", SLICE_ARG(encoding));
    if (!inflate_body(*body, is_gzip ? INFLATE_GZIP : INFLATE_DEFLATE, bytes_max, &out->unpacked, err))
        return false;
    *body = buf_slice(&out->unpacked);
    return true;
}

bool push_body_decode(struct http_request *http, enum push_dialect dialect, size_t unpacked_bytes_max, struct arena *arena,
                      struct push_body *out, struct err *err)
{
    static const struct push_wire_limits limits = {PUSH_STREAMS_MAX, PUSH_ENTRIES_MAX};
    bool is_json = false;
    struct slice body;
    *out = (struct push_body){0};
    if (!media_type_check(http, dialect, &is_json, err) || !unpack(http, unpacked_bytes_max, out, &body, err))
        return false;
    if (is_json && dialect == PUSH_LOKI_LEGACY) {
        out->format = "loki_v0_json";
        return push_json_legacy_decode(body, arena, &out->request, err);
    }
    if (is_json) {
        out->format = "loki_json";
        return push_json_decode(body, arena, &out->request, err);
    }
    out->format = dialect == PUSH_LOKI_LEGACY ? "loki_v0_protobuf" : "loki_protobuf";
    out->snappy = body;
    return unsnap_body(body, unpacked_bytes_max, &out->raw, err) &&
           push_wire_decode(buf_slice(&out->raw), &limits, arena, &out->request, err);
}
