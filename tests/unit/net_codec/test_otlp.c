#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/bytes.h"
#include "net/codec/base64.h"
#include "net/codec/otlp_json.h"
#include "net/codec/otlp_map.h"
#include "net/codec/otlp_proto.h"

#define NOW_NS 77

/* {labels} ts "line" {metadata}, an entry a line. */
static void push_print(const struct push_request *push, struct buf *out)
{
    for (size_t s = 0; s < push->stream_count; s++) {
        const struct push_stream *stream = &push->streams[s];
        for (size_t i = 0; i < stream->entry_count; i++) {
            const struct push_entry *entry = &push->entries[stream->first_entry + i];
            struct slice metadata = entry->metadata;
            struct label pair;
            label_set_print(stream->labels, out);
            buf_printf(out, " %lld \"%.*s\"", (long long)entry->ts_ns, SLICE_ARG(entry->line));
            while (label_next(&metadata, &pair))
                buf_printf(out, " %.*s=%.*s", SLICE_ARG(pair.name), SLICE_ARG(pair.value));
            buf_byte(out, '\n');
        }
    }
}

static bool json_map(struct slice json, struct arena *arena, struct push_request *push, struct err *err)
{
    struct limits limits;
    struct otlp_request request;
    struct otlp_memory memory = otlp_memory_for(arena, json.len);
    limits_defaults(&limits);
    return otlp_json_decode(json, &memory, &request, err) && otlp_map(&request, &limits, NOW_NS, &memory, push, err);
}

#define RESOURCE(attributes, records) \
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" attributes "]},\"scopeLogs\":[{\"logRecords\":[" records "]}]}]}"
#define RECORD(members) RESOURCE("", "{" members "}")
#define BODY(value) RECORD("\"timeUnixNano\":\"5\",\"body\":{" value "}")

static const struct map_case {
    const char *name, *json, *want;
} map_cases[] = {
    {"resource attributes of the list are labels",
     RESOURCE("{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h1\"}}",
              "{\"timeUnixNano\":\"5\",\"body\":{\"stringValue\":\"boom\"}}"),
     "{service_name=\"shop\"} 5 \"boom\" host.name=h1\n"},
    {"a map as a label is a label a leaf",
     RESOURCE("{\"key\":\"k8s.pod.name\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a.b\",\"value\":{\"intValue\":1}},{\"key\":\"c\","
              "\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"d\",\"value\":{\"boolValue\":true}}]}}}]}}}",
              "{\"timeUnixNano\":5}"),
     "{k8s_pod_name_a_b=\"1\", k8s_pod_name_c_d=\"true\"} 5 \"\"\n"},
    {"no record, no stream", RESOURCE("{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}", ""), ""},
    {"nothing", "{}", ""},
    {"null", "null", ""},
    {"observed time stands in", RECORD("\"observedTimeUnixNano\":9"), "{} 9 \"\"\n"},
    {"no time is now", RECORD(""), "{} 77 \"\"\n"},
    {"observed time beside a time is metadata", RECORD("\"timeUnixNano\":5,\"observedTimeUnixNano\":\"9\""),
     "{} 5 \"\" observed_timestamp=9\n"},
    {"a time beyond int64", RECORD("\"timeUnixNano\":\"18446744073709551615\""), "{} -9223372036854775808 \"\"\n"},
    {"fields of the record",
     RECORD("\"timeUnixNano\":5,\"severityNumber\":17,\"severityText\":\"ERROR\",\"droppedAttributesCount\":2,\"flags\":1,"
            "\"traceId\":\"0102030405060708090A0b0c0d0e0f10\",\"spanId\":\"0102030405060708\""),
     "{} 5 \"\" severity_number=17 severity_text=ERROR dropped_attributes_count=2 flags=1 trace_id=0102030405060708090a0b0c0d0e0f10 "
     "span_id=0102030405060708\n"},
    {"zeros are left out",
     RECORD("\"timeUnixNano\":5,\"severityNumber\":0,\"severityText\":\"\",\"flags\":0,\"traceId\":\"\","
            "\"spanId\":\"0000000000000000\",\"observedTimeUnixNano\":\"0\""),
     "{} 5 \"\"\n"},
    {"snake case, and unknown keys", RECORD("\"time_unix_nano\":5,\"new\":[{}],\"severity_text\":\"x\",\"severity_number\":\"SEVERITY_NUMBER_WARN3\""),
     "{} 5 \"\" severity_number=15 severity_text=x\n"},
    {"scope", "{\"resource_logs\":[{\"scope_logs\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1.2\",\"droppedAttributesCount\":3,"
              "\"attributes\":[{\"key\":\"s\",\"value\":{\"boolValue\":false}}]},\"log_records\":[{\"timeUnixNano\":5,\"attributes\":"
              "[{\"key\":\"a\",\"value\":{\"stringValue\":\"1\"}}]},{\"timeUnixNano\":6}]}]}]}",
     "{} 5 \"\" a=1 s=false scope_name=lib scope_version=1.2 scope_dropped_attributes_count=3\n"
     "{} 6 \"\" s=false scope_name=lib scope_version=1.2 scope_dropped_attributes_count=3\n"},
    {"body: map, sorted, the last of equal keys",
     BODY("\"kvlistValue\":{\"values\":[{\"key\":\"z\",\"value\":{\"intValue\":\"-3\"}},{\"key\":\"a\",\"value\":{\"stringValue\":\"<x>\"}},"
          "{\"key\":\"z\",\"value\":{\"doubleValue\":1.0}}]}"),
     "{} 5 \"{\"a\":\"\\u003cx\\u003e\",\"z\":1}\"\n"},
    {"body: array", BODY("\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"intValue\":\"2\"},{},{\"bytesValue\":\"AQI=\"},{\"arrayValue\":{}}]}"),
     "{} 5 \"[\"a\",2,null,\"AQI=\",[]]\"\n"},
    {"body: bytes", BODY("\"bytesValue\":\"_-8\""), "{} 5 \"/+8=\"\n"},
    {"body: double", BODY("\"doubleValue\":1.5"), "{} 5 \"1.5\"\n"},
    {"body: small double", BODY("\"doubleValue\":1e-7"), "{} 5 \"1e-7\"\n"},
    {"body: large double", BODY("\"doubleValue\":\"1e21\""), "{} 5 \"1e+21\"\n"},
    {"body: double that is a word", BODY("\"doubleValue\":\"NaN\""), "{} 5 \"NaN\"\n"},
    {"body: integer with an exponent", BODY("\"intValue\":1e3"), "{} 5 \"1000\"\n"},
    {"body: null", BODY("\"stringValue\":null"), "{} 5 \"\"\n"},
};

static void json_maps_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(map_cases); i++) {
        const struct map_case *c = &map_cases[i];
        struct arena arena = ARENA_INIT;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        struct buf got = BUF_INIT;
        if (!json_map(slice_str(c->json), &arena, &push, &err))
            fail_msg("%s: %s", c->name, err.text);
        push_print(&push, &got);
        if (!slice_eq_str(buf_slice(&got), c->want))
            fail_msg("%s:\n%.*swant\n%s", c->name, SLICE_ARG(buf_slice(&got)), c->want);
        buf_fini(&got);
        arena_fini(&arena);
    }
}

static const struct refuse_case {
    const char *json, *says;
} refuse_cases[] = {
    {"", "EOF"},
    {"[]", "'{'"},
    {"{} x", "text after the JSON value"},
    {RECORD("\"timeUnixNano\":-1"), "unsigned 64-bit"},
    {RECORD("\"timeUnixNano\":\"18446744073709551616\""), "unsigned 64-bit"},
    {RECORD("\"traceId\":\"0102\""), "32 hex digits"},
    {RECORD("\"spanId\":\"010203040506070g\""), "16 hex digits"},
    {RECORD("\"severityNumber\":\"SEVERITY_NUMBER_LOUD\""), "LOUD"},
    {RECORD("\"flags\":4294967296"), "unsigned 32-bit"},
    {BODY("\"bytesValue\":\"A\""), "base64"},
    {BODY("\"boolValue\":1"), "neither true nor false"},
    {BODY("\"intValue\":1.5"), "invalid syntax"},
    {BODY("\"stringValue\":1"), "a string"},
};

static void bad_json_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(refuse_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        if (json_map(slice_str(refuse_cases[i].json), &arena, &push, &err) || err.code != ERR_INVALID ||
            strstr(err.text, refuse_cases[i].says) == NULL)
            fail_msg("%s: code %d, %s", refuse_cases[i].json, err.code, err.text);
        arena_fini(&arena);
    }
}

/* ---- protobuf ---- */

static void field(struct buf *out, unsigned number, struct slice bytes)
{
    buf_varint(out, number << 3 | 2);
    buf_varint(out, bytes.len);
    buf_put(out, bytes);
}

/* Wraps *inner as field `number` of a message of its own. */
static void wrap(struct buf *inner, unsigned number)
{
    struct buf outer = BUF_INIT;
    field(&outer, number, buf_slice(inner));
    buf_fini(inner);
    *inner = outer;
}

static bool proto_map(struct slice body, struct arena *arena, struct push_request *push, struct err *err)
{
    struct limits limits;
    struct otlp_request request;
    struct otlp_memory memory = otlp_memory_for(arena, body.len);
    limits_defaults(&limits);
    return otlp_proto_decode(body, &memory, &request, err) && otlp_map(&request, &limits, NOW_NS, &memory, push, err);
}

/* service.name shop, INFO, "pb body", and a field 15 of the resource that nobody knows. */
static const char one_record[] = "\x0a\x36\x0a\x18\x0a\x16\x0a\x0c" "service.name" "\x12\x06\x0a\x04" "shop"
                               "\x12\x1a\x12\x18\x09\x05\x00\x00\x00\x00\x00\x00\x00\x10\x09\x2a\x09\x0a\x07" "pb body" "\x78\x01";

static void protobuf_maps_as_json_does(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct push_request push;
    struct err err = {.code = ERR_NONE};
    struct buf got = BUF_INIT;
    if (!proto_map(SLICE(one_record), &arena, &push, &err))
        fail_msg("%s", err.text);
    push_print(&push, &got);
    assert_true(slice_eq_str(buf_slice(&got), "{service_name=\"shop\"} 5 \"pb body\" severity_number=9\n"));
    buf_fini(&got);
    arena_fini(&arena);
}

static void every_cut_of_a_protobuf_message_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(one_record) - 1; len++) {
        struct arena arena = ARENA_INIT;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        bool ok = proto_map(slice_of(one_record, len), &arena, &push, &err);
        if (ok != (len == 0))
            fail_msg("%zu bytes: %s", len, ok ? "taken" : err.text);
        arena_fini(&arena);
    }
}

/* A body of arrays, `depth` of them. */
static struct buf nested(size_t depth)
{
    struct buf message = BUF_INIT;
    for (size_t i = 0; i < depth; i++) {
        if (i > 0)
            wrap(&message, 1); // ArrayValue.values
        wrap(&message, 5);     // AnyValue.array_value
    }
    static const unsigned way[] = {5, 2, 2, 1}; // LogRecord.body, ScopeLogs.log_records, ResourceLogs.scope_logs, resource_logs
    for (size_t i = 0; i < LENGTH(way); i++)
        wrap(&message, way[i]);
    return message;
}

static void values_are_nested_as_deep_as_allowed_and_no_deeper(void **state)
{
    (void)state;
    static const size_t depths[] = {1, OTLP_DEPTH_MAX, OTLP_DEPTH_MAX + 1, 2000};
    for (size_t i = 0; i < LENGTH(depths); i++) {
        struct arena arena = ARENA_INIT;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        struct buf message = nested(depths[i]);
        struct buf json = BUF_INIT;
        buf_str(&json, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":");
        for (size_t k = 0; k < depths[i]; k++)
            buf_str(&json, "{\"arrayValue\":{\"values\":[");
        for (size_t k = 0; k < depths[i]; k++)
            buf_str(&json, "]}}");
        buf_str(&json, "}]}]}]}");
        bool want = depths[i] <= OTLP_DEPTH_MAX;
        if (proto_map(buf_slice(&message), &arena, &push, &err) != want || (!want && strstr(err.text, "nested deeper") == NULL))
            fail_msg("protobuf %zu deep: %s", depths[i], err.text);
        err.text[0] = '\0';
        if (json_map(buf_slice(&json), &arena, &push, &err) != want || (!want && strstr(err.text, "nested deeper") == NULL))
            fail_msg("JSON %zu deep: %s", depths[i], err.text);
        buf_fini(&message);
        buf_fini(&json);
        arena_fini(&arena);
    }
}

static void a_small_body_cannot_take_much_memory(void **state)
{
    (void)state;
    // A resource of 60 kB and 30,000 records of two bytes: 1.8 GB of metadata if all were copied.
    struct buf resource = BUF_INIT;
    struct buf pair = BUF_INIT;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < 60000; i++)
        buf_byte(&text, 'x');
    field(&resource, 1, buf_slice(&text)); // AnyValue.string_value
    wrap(&resource, 2);                    // KeyValue.value
    field(&pair, 1, SLICE("k"));
    buf_put(&pair, buf_slice(&resource));
    wrap(&pair, 1); // Resource.attributes
    wrap(&pair, 1); // ResourceLogs.resource
    struct buf records = BUF_INIT;
    for (size_t i = 0; i < 30000; i++)
        field(&records, 2, SLICE("\x10\x09")); // severity: so that no two share their metadata
    wrap(&records, 2);
    buf_put(&pair, buf_slice(&records));
    wrap(&pair, 1);

    struct arena arena = ARENA_INIT;
    struct push_request push;
    struct err err = {.code = ERR_NONE};
    assert_false(proto_map(buf_slice(&pair), &arena, &push, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(arena.bytes < pair.len * 100);
    buf_fini(&resource);
    buf_fini(&pair);
    buf_fini(&text);
    buf_fini(&records);
    arena_fini(&arena);
}

static void dropped_and_indexed_attributes_follow_the_limits(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct otlp_request request;
    struct push_request push;
    struct err err = {.code = ERR_NONE};
    struct buf got = BUF_INIT;
    struct slice json = SLICE(RESOURCE("{\"key\":\"team\",\"value\":{\"stringValue\":\"a\"}},{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}},"
                                       "{\"key\":\"secret\",\"value\":{\"stringValue\":\"x\"}}",
                                       "{\"timeUnixNano\":5,\"attributes\":[{\"key\":\"secret\",\"value\":{\"stringValue\":\"y\"}},"
                                       "{\"key\":\"team\",\"value\":{\"stringValue\":\"b\"}}]}"));
    struct otlp_memory memory = otlp_memory_for(&arena, json.len);
    limits_defaults(&limits);
    assert_true(limits_set(&limits, SLICE("otlp_index_attributes"), SLICE("team"), &arena, &err));
    assert_true(limits_set(&limits, SLICE("otlp_drop_attributes"), SLICE("secret"), &arena, &err));
    assert_true(otlp_json_decode(json, &memory, &request, &err) && otlp_map(&request, &limits, NOW_NS, &memory, &push, &err));
    push_print(&push, &got);
    assert_true(slice_eq_str(buf_slice(&got), "{team=\"a\"} 5 \"\" team=b service.name=s\n"));
    buf_fini(&got);
    arena_fini(&arena);
}

static const struct rules_case {
    const char *name, *config, *attributes, *record, *want;
} rules_cases[] = {
#define ATTRIBUTE(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
    {"rules come after the labels by default", "{resource_attributes: {attributes_config: [{action: drop, regex: \".*\"}]}}",
     ATTRIBUTE("service.name", "s") "," ATTRIBUTE("x", "1"), "{\"timeUnixNano\":5}", "{service_name=\"s\"} 5 \"\"\n"},
    {"without the defaults", "{resource_attributes: {ignore_defaults: true, attributes_config: [{action: index_label, regex: \"te.*\"}, {action: drop, attributes: [x]}]}}",
     ATTRIBUTE("service.name", "s") "," ATTRIBUTE("team", "a") "," ATTRIBUTE("x", "1"), "{\"timeUnixNano\":5}", "{team=\"a\"} 5 \"\" service.name=s\n"},
    {"records are dropped of what a rule names", "{log_attributes: [{action: drop, regex: \"secret[.].*\"}]}", "",
     "{\"timeUnixNano\":5,\"attributes\":[" ATTRIBUTE("secret.a", "1") "," ATTRIBUTE("secret", "2") "]}", "{} 5 \"\" secret=2\n"},
    {"each record goes to the stream of its labels, in the order of the request", "{log_attributes: [{action: index_label, attributes: [level, service.name]}]}",
     ATTRIBUTE("service.name", "s") "," ATTRIBUTE("r", "1"),
     "{\"timeUnixNano\":5,\"attributes\":[" ATTRIBUTE("level", "warn") "," ATTRIBUTE("a", "1") "]},"
     "{\"timeUnixNano\":9},{\"timeUnixNano\":8,\"attributes\":[" ATTRIBUTE("level", "info") "]},"
     "{\"timeUnixNano\":7,\"attributes\":[" ATTRIBUTE("level", "warn") "]},{\"timeUnixNano\":6},"
     "{\"timeUnixNano\":5,\"attributes\":[" ATTRIBUTE("service.name", "other") "]}",
     "{service_name=\"s\"} 9 \"\" r=1\n{service_name=\"s\"} 6 \"\" r=1\n{service_name=\"s\", level=\"info\"} 8 \"\" r=1\n"
     "{service_name=\"s\", level=\"warn\"} 5 \"\" a=1 r=1\n{service_name=\"s\", level=\"warn\"} 7 \"\" r=1\n"
     "{service_name=\"s\", service_name=\"other\"} 5 \"\" r=1\n"}, // the last of a name counts
    {"the text of the severity as a label", "{severity_text_as_label: true}", ATTRIBUTE("service.name", "s"),
     "{\"timeUnixNano\":5,\"severityText\":\"WARN\"},{\"timeUnixNano\":6}",
     "{service_name=\"s\"} 6 \"\"\n{service_name=\"s\", severity_text=\"WARN\"} 5 \"\" severity_text=WARN\n"},
};

static void rules_say_what_becomes_of_attributes(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rules_cases); i++) {
        const struct rules_case *c = &rules_cases[i];
        struct arena arena = ARENA_INIT;
        struct limits limits;
        struct otlp_request request;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        struct buf got = BUF_INIT;
        struct buf json = BUF_INIT;
        buf_printf(&json, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[%s]},\"scopeLogs\":[{\"logRecords\":[%s]}]}]}", c->attributes, c->record);
        struct otlp_memory memory = otlp_memory_for(&arena, json.len);
        limits_defaults(&limits);
        if (!limits_set(&limits, SLICE("otlp_config"), slice_str(c->config), &arena, &err) || !otlp_config_compile(&limits.otlp_config, &err) ||
            !otlp_json_decode(buf_slice(&json), &memory, &request, &err) || !otlp_map(&request, &limits, NOW_NS, &memory, &push, &err))
            fail_msg("%s: %s", c->name, err.text);
        push_print(&push, &got);
        if (!slice_eq_str(buf_slice(&got), c->want))
            fail_msg("%s:\n%.*swant\n%s", c->name, SLICE_ARG(buf_slice(&got)), c->want);
        otlp_config_free(&limits.otlp_config);
        buf_fini(&got);
        buf_fini(&json);
        arena_fini(&arena);
    }
}

static void base64_comes_back_for_every_length(void **state)
{
    (void)state;
    static const char bytes[] = "\x00\xff\x10 any bytes\xfe";
    for (size_t len = 0; len < sizeof(bytes); len++) {
        struct buf text = BUF_INIT;
        char out[BASE64_DECODED_MAX(sizeof(bytes) * 2)];
        size_t got = 0;
        base64_put(&text, slice_of(bytes, len));
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(base64_get(buf_slice(&text), out, &got));
        assert_true(slice_eq(slice_of(out, got), slice_of(bytes, len)));
        buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_maps_as_the_table_says),
        cmocka_unit_test(bad_json_is_refused_in_words),
        cmocka_unit_test(protobuf_maps_as_json_does),
        cmocka_unit_test(every_cut_of_a_protobuf_message_is_refused),
        cmocka_unit_test(values_are_nested_as_deep_as_allowed_and_no_deeper),
        cmocka_unit_test(a_small_body_cannot_take_much_memory),
        cmocka_unit_test(dropped_and_indexed_attributes_follow_the_limits),
        cmocka_unit_test(rules_say_what_becomes_of_attributes),
        cmocka_unit_test(base64_comes_back_for_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
