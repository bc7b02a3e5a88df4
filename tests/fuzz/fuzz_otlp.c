/* fuzz_otlp.c: bodies of OTLP pushes. First byte J or P: the rest is a hostile body in JSON or protobuf; the decoder ends, inside its memory budget. Any other:
 * the rest makes a request, written in both forms, and both are mapped to the same push. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "net/codec/base64.h"
#include "net/codec/otlp_json.h"
#include "net/codec/otlp_map.h"
#include "net/codec/otlp_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool decode_and_map(bool is_json, struct slice body, struct arena *arena, struct push_request *push)
{
    struct limits limits;
    struct otlp_request request;
    struct err err = {.code = ERR_NONE};
    struct otlp_memory memory = otlp_memory_for(arena, body.len);
    limits_defaults(&limits);
    bool ok = is_json ? otlp_json_decode(body, &memory, &request, &err) : otlp_proto_decode(body, &memory, &request, &err);
    return ok && otlp_map(&request, &limits, 77, &memory, push, &err);
}

static void hostile(bool is_json, struct slice body)
{
    struct arena arena = ARENA_INIT;
    struct push_request push;
    size_t budget = otlp_memory_for(&arena, body.len).bytes_left;
    (void)decode_and_map(is_json, body, &arena, &push);
    // Beside the budget: unescaped strings, the arrays of streams and entries, blocks that are not full.
    if (arena.bytes > budget + body.len * 64 + (4 << 20)) {
        (void)fprintf(stderr, "%zu bytes took %zu\n", body.len, arena.bytes);
        abort();
    }
    arena_fini(&arena);
}

/* ---- one request in two forms ---- */

struct maker {
    struct slice seed;
    size_t pairs; /* so far: a request stays small */
};

static uint8_t pick(struct maker *maker, uint8_t below)
{
    struct slice byte;
    return (uint8_t)(slice_take(&maker->seed, 1, &byte) ? (uint8_t)byte.ptr[0] % below : 0);
}

static uint64_t pick64(struct maker *maker)
{
    struct slice bytes;
    uint8_t size = pick(maker, 3);
    if (size == 0)
        return 0;
    if (size == 1)
        return pick(maker, 255);
    return slice_take(&maker->seed, 8, &bytes) ? le64_get(bytes.ptr) : 5;
}

static struct slice pick_text(struct maker *maker)
{
    struct slice text;
    size_t len = pick(maker, 24);
    return slice_take(&maker->seed, len, &text) ? text : SLICE("k");
}

struct forms {
    struct buf json, proto;
};

static void field(struct buf *out, unsigned number, struct slice bytes)
{
    buf_varint(out, number << 3 | 2);
    buf_varint(out, bytes.len);
    buf_put(out, bytes);
}

static void json_text(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\')
            buf_printf(out, "\\u%04x", c);
        else
            buf_byte(out, (char)c);
    }
    buf_byte(out, '"');
}

/* snake_case now and then. */
static void json_key(struct maker *maker, struct buf *out, const char *camel)
{
    bool is_snake = pick(maker, 4) == 1;
    buf_byte(out, '"');
    for (; *camel != '\0'; camel++) {
        bool is_upper = *camel >= 'A' && *camel <= 'Z';
        if (is_upper && is_snake)
            buf_byte(out, '_');
        buf_byte(out, is_upper && is_snake ? (char)(*camel - 'A' + 'a') : *camel);
    }
    buf_str(out, "\":");
}

static void text_member(struct maker *maker, struct forms *out, const char *name, unsigned number, bool *is_first)
{
    struct slice text = pick_text(maker);
    if (!*is_first)
        buf_byte(&out->json, ',');
    *is_first = false;
    json_key(maker, &out->json, name);
    json_text(&out->json, text);
    field(&out->proto, number, text);
}

enum width { VARINT, FIXED32, FIXED64 };

static void number_member(struct maker *maker, struct forms *out, const char *name, unsigned number, enum width width, bool *is_first)
{
    uint64_t value = pick64(maker);
    if (width != FIXED64)
        value &= 0x7fffffff;
    buf_str(&out->json, *is_first ? "" : ",");
    *is_first = false;
    json_key(maker, &out->json, name);
    buf_printf(&out->json, pick(maker, 2) == 0 ? "%llu" : "\"%llu\"", (unsigned long long)value);
    buf_varint(&out->proto, number << 3 | (width == VARINT ? 0u : width == FIXED32 ? 5u : 1u));
    if (width == VARINT) {
        buf_varint(&out->proto, value);
    } else {
        size_t bytes = width == FIXED32 ? 4 : 8;
        le64_put(buf_room(&out->proto, 8), value);
        buf_took(&out->proto, bytes);
    }
}

static void make_pairs(struct maker *maker, struct forms *out, size_t depth);

/* A message inside another: followed by `close` in JSON, a field in protobuf. Ends inner. */
static void nest(struct forms *out, unsigned number, struct forms *inner, const char *close)
{
    buf_put(&out->json, buf_slice(&inner->json));
    buf_str(&out->json, close);
    field(&out->proto, number, buf_slice(&inner->proto));
    buf_fini(&inner->json);
    buf_fini(&inner->proto);
}

static void make_value(struct maker *maker, struct forms *out, size_t depth)
{
    struct forms inner = {BUF_INIT, BUF_INIT};
    struct slice text;
    uint64_t number = 0;
    double real = 0;
    switch (pick(maker, depth < 4 ? 8 : 6)) {
    case 1:
        number = pick(maker, 2);
        buf_printf(&out->json, "{\"boolValue\":%s}", number != 0 ? "true" : "false");
        buf_varint(&out->proto, 2 << 3);
        buf_varint(&out->proto, number);
        break;
    case 2:
        number = pick64(maker);
        buf_printf(&out->json, "{\"intValue\":\"%lld\"}", (long long)number);
        buf_varint(&out->proto, 3 << 3);
        buf_varint(&out->proto, number);
        break;
    case 3:
        real = (double)(int64_t)pick64(maker) / 8;
        buf_printf(&out->json, "{\"doubleValue\":%.17g}", real);
        buf_varint(&out->proto, 4 << 3 | 1);
        memcpy(buf_room(&out->proto, 8), &real, 8);
        buf_took(&out->proto, 8);
        break;
    case 4:
        text = pick_text(maker);
        buf_str(&out->json, "{\"bytesValue\":\"");
        base64_put(&out->json, text);
        buf_str(&out->json, "\"}");
        field(&out->proto, 7, text);
        break;
    case 5:
        buf_str(&out->json, "{}");
        break;
    case 6:
        buf_str(&out->json, "{\"arrayValue\":{\"values\":[");
        for (size_t n = pick(maker, 4); n > 0; n--) {
            struct forms item = {BUF_INIT, BUF_INIT};
            make_value(maker, &item, depth + 1);
            nest(&inner, 1, &item, n > 1 ? "," : "");
        }
        nest(out, 5, &inner, "]}}");
        break;
    case 7:
        buf_str(&out->json, "{\"kvlistValue\":{\"values\":[");
        make_pairs(maker, &inner, depth + 1);
        nest(out, 6, &inner, "]}}");
        break;
    default:
        text = pick_text(maker);
        buf_str(&out->json, "{\"stringValue\":");
        json_text(&out->json, text);
        buf_byte(&out->json, '}');
        field(&out->proto, 1, text);
    }
}

/* Pairs as elements of a JSON array and as fields 1. */
static void make_pairs(struct maker *maker, struct forms *out, size_t depth)
{
    for (size_t n = maker->pairs < 200 ? pick(maker, 4) : 0; n > 0; n--) {
        struct forms pair = {BUF_INIT, BUF_INIT};
        struct forms value = {BUF_INIT, BUF_INIT};
        struct slice key = pick(maker, 3) == 0 ? SLICE("service.name") : pick_text(maker);
        maker->pairs++;
        buf_str(&out->json, "{\"key\":");
        json_text(&out->json, key);
        field(&pair.proto, 1, key);
        buf_str(&pair.json, ",\"value\":");
        make_value(maker, &value, depth);
        nest(&pair, 2, &value, "}");
        nest(out, 1, &pair, n > 1 ? "," : "");
    }
}

/* An "attributes" member; the pairs' fields 1 become fields `number`. */
static void make_attributes(struct maker *maker, struct forms *out, unsigned number)
{
    struct forms pairs = {BUF_INIT, BUF_INIT};
    make_pairs(maker, &pairs, 0);
    buf_str(&out->json, "\"attributes\":[");
    buf_put(&out->json, buf_slice(&pairs.json));
    buf_str(&out->json, "]");
    struct slice rest = buf_slice(&pairs.proto);
    struct slice one;
    while (rest.len > 0) {
        rest = slice_from(rest, 1); // the tag of field 1
        if (!varint_slice_take(&rest, &one))
            abort();
        field(&out->proto, number, one);
    }
    buf_fini(&pairs.json);
    buf_fini(&pairs.proto);
}

static void id_member(struct maker *maker, struct forms *out, const char *name, unsigned number, size_t bytes)
{
    struct slice id;
    if (pick(maker, 2) == 0 || !slice_take(&maker->seed, bytes, &id))
        return;
    buf_byte(&out->json, ',');
    json_key(maker, &out->json, name);
    buf_byte(&out->json, '"');
    for (size_t i = 0; i < id.len; i++)
        buf_printf(&out->json, "%02x", (uint8_t)id.ptr[i]);
    buf_byte(&out->json, '"');
    field(&out->proto, number, id);
}

static void make_record(struct maker *maker, struct forms *out)
{
    struct forms body = {BUF_INIT, BUF_INIT};
    bool is_first = true;
    number_member(maker, out, "timeUnixNano", 1, FIXED64, &is_first);
    number_member(maker, out, "observedTimeUnixNano", 11, FIXED64, &is_first);
    number_member(maker, out, "severityNumber", 2, VARINT, &is_first);
    text_member(maker, out, "severityText", 3, &is_first);
    number_member(maker, out, "droppedAttributesCount", 7, VARINT, &is_first);
    number_member(maker, out, "flags", 8, FIXED32, &is_first);
    id_member(maker, out, "traceId", 9, OTLP_TRACE_ID_BYTES);
    id_member(maker, out, "spanId", 10, OTLP_SPAN_ID_BYTES);
    buf_str(&out->json, ",\"body\":");
    make_value(maker, &body, 0);
    nest(out, 5, &body, ",");
    make_attributes(maker, out, 6);
}

static void make_request(struct maker *maker, struct forms *out)
{
    buf_str(&out->json, "{\"resourceLogs\":[");
    for (size_t resources = 1 + pick(maker, 2); resources > 0; resources--) {
        struct forms resource = {BUF_INIT, BUF_INIT};
        struct forms attributes = {BUF_INIT, BUF_INIT};
        make_attributes(maker, &attributes, 1);
        buf_str(&out->json, "{\"resource\":{");
        nest(&resource, 1, &attributes, "},\"scopeLogs\":[");
        for (size_t scopes = 1 + pick(maker, 2); scopes > 0; scopes--) {
            struct forms logs = {BUF_INIT, BUF_INIT};
            struct forms scope = {BUF_INIT, BUF_INIT};
            bool is_first = true;
            text_member(maker, &scope, "name", 1, &is_first);
            text_member(maker, &scope, "version", 2, &is_first);
            buf_byte(&scope.json, ',');
            make_attributes(maker, &scope, 3);
            buf_str(&logs.json, "{\"scope\":{");
            nest(&logs, 1, &scope, "},\"logRecords\":[");
            for (size_t records = pick(maker, 4); records > 0; records--) {
                struct forms record = {BUF_INIT, BUF_INIT};
                make_record(maker, &record);
                buf_byte(&logs.json, '{');
                nest(&logs, 2, &record, records > 1 ? "}," : "}");
            }
            nest(&resource, 2, &logs, scopes > 1 ? "]}," : "]}");
        }
        nest(out, 1, &resource, resources > 1 ? "]}," : "]}");
    }
    buf_str(&out->json, "]}");
}

static bool labels_eq(const struct label_set *a, const struct label_set *b)
{
    bool ok = a->count == b->count;
    for (size_t i = 0; ok && i < a->count; i++)
        ok = slice_eq(a->labels[i].name, b->labels[i].name) && slice_eq(a->labels[i].value, b->labels[i].value);
    return ok;
}

static bool push_eq(const struct push_request *a, const struct push_request *b)
{
    bool ok = a->stream_count == b->stream_count && a->entry_count == b->entry_count;
    for (size_t i = 0; ok && i < a->stream_count; i++)
        ok = labels_eq(a->streams[i].labels, b->streams[i].labels) && a->streams[i].entry_count == b->streams[i].entry_count;
    for (size_t i = 0; ok && i < a->entry_count; i++)
        ok = a->entries[i].ts_ns == b->entries[i].ts_ns && slice_eq(a->entries[i].line, b->entries[i].line) &&
             slice_eq(a->entries[i].metadata, b->entries[i].metadata);
    return ok;
}

static void both_forms(struct slice seed)
{
    struct maker maker = {.seed = seed};
    struct forms forms = {BUF_INIT, BUF_INIT};
    struct arena arena = ARENA_INIT;
    struct push_request from_json;
    struct push_request from_proto;
    make_request(&maker, &forms);
    bool json_ok = decode_and_map(true, buf_slice(&forms.json), &arena, &from_json);
    bool proto_ok = decode_and_map(false, buf_slice(&forms.proto), &arena, &from_proto);
    if (json_ok != proto_ok || (json_ok && !push_eq(&from_json, &from_proto))) {
        (void)fprintf(stderr, "JSON %d, protobuf %d: %.*s\n", json_ok, proto_ok, SLICE_ARG(buf_slice(&forms.json)));
        abort();
    }
    buf_fini(&forms.json);
    buf_fini(&forms.proto);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] == 'J' || data[0] == 'P')
        hostile(data[0] == 'J', rest);
    else
        both_forms(rest);
    return 0;
}
