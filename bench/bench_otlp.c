/* bench_otlp.c: an OTLP body of 1000 records (a resource of six attributes, records of three and a line of 120 bytes): decoding in both forms, and with the mapping
 * to a push. Floor: reading the body once. */
#include "bench/bench.h"
#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "net/codec/otlp_json.h"
#include "net/codec/otlp_map.h"
#include "net/codec/otlp_proto.h"

#define RECORDS 1000

struct body {
    struct buf bytes;
    bool is_json, maps;
};

static void field(struct buf *out, unsigned number, struct slice bytes)
{
    buf_varint(out, number << 3 | 2);
    buf_varint(out, bytes.len);
    buf_put(out, bytes);
}

static void wrap(struct buf *inner, unsigned number)
{
    struct buf outer = BUF_INIT;
    field(&outer, number, buf_slice(inner));
    buf_fini(inner);
    *inner = outer;
}

static void attribute(struct buf *out, bool is_json, unsigned number, const char *key, const char *text)
{
    if (is_json) {
        buf_printf(out, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}}", out->len > 0 && out->ptr[out->len - 1] != '[' ? "," : "", key, text);
        return;
    }
    struct buf pair = BUF_INIT;
    struct buf value = BUF_INIT;
    field(&pair, 1, slice_str(key));
    field(&value, 1, slice_str(text));
    wrap(&value, 2);
    buf_put(&pair, buf_slice(&value));
    field(out, number, buf_slice(&pair));
    buf_fini(&pair);
    buf_fini(&value);
}

static const char *const resource[][2] = {{"service.name", "checkout"},  {"k8s.pod.name", "checkout-5d7f9c-x2x1"},
                                          {"k8s.namespace.name", "shop"}, {"host.name", "node-17"},
                                          {"telemetry.sdk.name", "otel"}, {"process.pid", "4711"}};
static const char *const own[][2] = {{"http.method", "GET"}, {"http.status_code", "200"}, {"user.id", "81723645"}};
#define LINE "10.1.2.3 - GET /api/v1/cart/81723645/items?page=2 HTTP/1.1 200 5123 took 12.5ms upstream=cart-7 cache=miss trace sampled"

static void body_json(struct buf *out)
{
    buf_str(out, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[");
    for (size_t i = 0; i < LENGTH(resource); i++)
        attribute(out, true, 0, resource[i][0], resource[i][1]);
    buf_str(out, "]},\"scopeLogs\":[{\"scope\":{\"name\":\"lib\"},\"logRecords\":[");
    for (size_t r = 0; r < RECORDS; r++) {
        buf_printf(out, "%s{\"timeUnixNano\":\"%zu\",\"severityNumber\":9,\"body\":{\"stringValue\":\"" LINE "\"},\"attributes\":[", r > 0 ? "," : "",
                   (size_t)1767225600000000000 + r);
        for (size_t i = 0; i < LENGTH(own); i++)
            attribute(out, true, 0, own[i][0], own[i][1]);
        buf_str(out, "]}");
    }
    buf_str(out, "]}]}]}");
}

static void body_proto(struct buf *out)
{
    struct buf logs = BUF_INIT;
    struct buf attributes = BUF_INIT;
    for (size_t r = 0; r < RECORDS; r++) {
        struct buf record = BUF_INIT;
        struct buf line = BUF_INIT;
        buf_byte(&record, 1 << 3 | 1);
        le64_put(buf_room(&record, 8), 1767225600000000000 + r);
        buf_took(&record, 8);
        buf_str(&record, "\x10\x09");
        field(&line, 1, SLICE(LINE));
        wrap(&line, 5);
        buf_put(&record, buf_slice(&line));
        for (size_t i = 0; i < LENGTH(own); i++)
            attribute(&record, false, 6, own[i][0], own[i][1]);
        field(&logs, 2, buf_slice(&record));
        buf_fini(&record);
        buf_fini(&line);
    }
    for (size_t i = 0; i < LENGTH(resource); i++)
        attribute(&attributes, false, 1, resource[i][0], resource[i][1]);
    wrap(&attributes, 1);
    wrap(&logs, 2);
    buf_put(&attributes, buf_slice(&logs));
    field(out, 1, buf_slice(&attributes));
    buf_fini(&attributes);
    buf_fini(&logs);
}

static uint64_t decode(void *state, size_t n)
{
    struct body *body = state;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    uint64_t sum = 0;
    limits_defaults(&limits);
    for (size_t i = 0; i < n; i++) {
        struct otlp_request request;
        struct push_request push = {.entry_count = 0};
        struct err err;
        struct otlp_memory memory = otlp_memory_for(&arena, body->bytes.len);
        bool ok = body->is_json ? otlp_json_decode(buf_slice(&body->bytes), &memory, &request, &err)
                                : otlp_proto_decode(buf_slice(&body->bytes), &memory, &request, &err);
        if (!ok || (body->maps && !otlp_map(&request, &limits, 1, &memory, &push, &err)))
            abort();
        sum += request.resource_count + push.entry_count + arena.bytes;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return sum;
}

static uint64_t floor_hash(void *state, size_t n)
{
    struct body *body = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += hash128(buf_slice(&body->bytes)).low;
    return sum;
}

int main(void)
{
    struct body json = {.is_json = true};
    struct body proto = {.is_json = false};
    body_json(&json.bytes);
    body_proto(&proto.bytes);
    bench("otlp protobuf/decode 1000 records", proto.bytes.len, decode, &proto);
    proto.maps = true;
    bench("otlp protobuf/decode and map", proto.bytes.len, decode, &proto);
    bench("otlp JSON/decode 1000 records", json.bytes.len, decode, &json);
    json.maps = true;
    bench("otlp JSON/decode and map", json.bytes.len, decode, &json);
    bench("floor: one hash of the protobuf body", proto.bytes.len, floor_hash, &proto);
    buf_fini(&json.bytes);
    buf_fini(&proto.bytes);
    return 0;
}
