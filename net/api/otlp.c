/* otlp.c: OpenTelemetry's way in: POST /otlp/v1/logs (spec http-api.md 6). */
#include "core/base/bytes.h"
#include "net/api/push.h"
#include "net/codec/inflate.h"
#include "net/codec/otlp_json.h"
#include "net/codec/otlp_map.h"
#include "net/codec/otlp_proto.h"
#include "net/codec/unpack.h"

static bool unpack(struct http_request *http, size_t unpacked_bytes_max, struct push_body *out, struct slice *body, struct err *err)
{
    struct slice encoding;
    *body = http->body;
    if (!http_header_get(http, SLICE("content-encoding"), &encoding) || encoding.len == 0)
        return true;
    bool ok = false;
    if (slice_eq(encoding, SLICE("gzip")))
        ok = inflate_body(*body, INFLATE_GZIP, unpacked_bytes_max, &out->unpacked, err);
    else if (slice_eq(encoding, SLICE("zstd")))
        ok = unzstd_body(*body, unpacked_bytes_max, &out->unpacked, err);
    else if (slice_eq(encoding, SLICE("lz4")))
        ok = unlz4_body(*body, unpacked_bytes_max, &out->unpacked, err);
    else
        out->is_bad_encoding = true;
    if (out->is_bad_encoding)
        return err_set(err, ERR_INVALID, "unsupported content encoding %.*s: only gzip, lz4 and zstd are supported", SLICE_ARG(encoding));
    *body = buf_slice(&out->unpacked);
    return ok;
}

static bool decode(struct http_request *http, const struct limits *limits, size_t unpacked_bytes_max, struct arena *arena,
                   struct push_body *out, struct err *err)
{
    struct slice type = SLICE("");
    struct slice body;
    struct otlp_request request = {NULL, 0};
    *out = (struct push_body){0};
    (void)http_header_get(http, SLICE("content-type"), &type);
    bool is_json = slice_eq(type, SLICE("application/json"));
    if (!is_json && !slice_eq(type, SLICE("application/x-protobuf")))
        return err_set(err, ERR_INVALID, "content type: %.*s is not supported", SLICE_ARG(type));
    out->format = is_json ? "otlp_json" : "otlp_protobuf";
    if (!unpack(http, unpacked_bytes_max, out, &body, err))
        return false;
    struct otlp_memory memory = otlp_memory_for(arena, body.len);
    bool ok = is_json ? otlp_json_decode(body, &memory, &request, err) : otlp_proto_decode(body, &memory, &request, err);
    return ok && otlp_map(&request, limits, clock_wall_ns(api_of(http)->clock), &memory, &out->request, err);
}

/* A google.rpc.Status of which only the message, field 2, is set. */
static void reply(struct http_request *http, int status, struct slice text)
{
    if (status == 204 || text.len == 0) {
        http_reply_status(http, status);
        return;
    }
    struct http_reply answer = {.status = status == 500 ? 503 : status, .content_type = "application/octet-stream"};
    buf_byte(&answer.body, 2 << 3 | 2);
    buf_varint(&answer.body, text.len);
    buf_put(&answer.body, text);
    if (answer.status == 429 || answer.status == 503 || answer.status == 507)
        http_reply_header(&answer, SLICE("retry-after"), SLICE("1"));
    http_reply(http, &answer);
}

static void push(struct http_request *http)
{
    static const struct push_flavour flavour = {"otlp", true, decode, reply, .takes_old = false};
    push_handle(http, &flavour);
}

struct route_table otlp_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_POST, "/otlp/v1/logs", "otlp_v1_logs", ROUTE_TENANT | ROUTE_WRITE, push},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
