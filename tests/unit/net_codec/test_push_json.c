/* JSON pushes of both generations, by the table of spec http-api.md 5.3 and section 14. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/codec/push_json.h"

static void print(const struct push_request *request, struct buf *out)
{
    for (size_t i = 0; i < request->stream_count; i++) {
        const struct push_stream *stream = &request->streams[i];
        buf_printf(out, "%.*s", SLICE_ARG(stream->label_text));
        for (size_t k = 0; k < stream->entry_count; k++) {
            const struct push_entry *entry = &request->entries[stream->first_entry + k];
            struct slice metadata = entry->metadata;
            struct label label;
            if (entry->ts_ns == PUSH_TS_INVALID)
                buf_str(out, " none:");
            else
                buf_printf(out, " %lld:", (long long)entry->ts_ns);
            buf_put(out, entry->line);
            while (label_next(&metadata, &label))
                buf_printf(out, "+%.*s=%.*s", SLICE_ARG(label.name), SLICE_ARG(label.value));
        }
        buf_byte(out, ';');
    }
}

#define ONE(stream, values) "{\"streams\":[{\"stream\":" stream ",\"values\":" values "}]}"

static const struct json_case {
    const char *name, *body;
    const char *want; /* NULL: refused */
} cases[] = {
    {"one entry", ONE("{\"a\":\"b\"}", "[[\"1\",\"x\"]]"), "{a=\"b\"} 1:x;"},
    {"labels are sorted", ONE("{\"b\":\"2\",\"a\":\"1\"}", "[]"), "{a=\"1\", b=\"2\"};"},
    {"white space everywhere", " { \"streams\" : [ { \"stream\" : { \"a\" : \"b\" } , \"values\" : [ [ \"1\" , \"x\" ] ] } ] } ", "{a=\"b\"} 1:x;"},
    {"values before the stream", "{\"streams\":[{\"values\":[[\"1\",\"x\"]],\"stream\":{\"a\":\"b\"}}]}", "{a=\"b\"} 1:x;"},
    {"two streams", "{\"streams\":[{\"stream\":{\"a\":\"1\"},\"values\":[[\"1\",\"x\"]]},{\"stream\":{\"a\":\"2\"},\"values\":[[\"2\",\"y\"],[\"3\",\"z\"]]}]}",
     "{a=\"1\"} 1:x;{a=\"2\"} 2:y 3:z;"},
    {"unknown keys", "{\"x\":[1,{\"y\":null}],\"streams\":[{\"z\":-1.5e3,\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\"]]}],\"t\":true}", "{a=\"b\"} 1:x;"},
    {"no streams", "{}", ""},
    {"streams null", "{\"streams\":null}", ""},
    {"streams empty", "{\"streams\":[]}", ""},
    {"body null", "null", ""},
    {"stream null among streams", "{\"streams\":[null]}", ""},
    {"no stream object", "{\"streams\":[{\"values\":[[\"1\",\"x\"]]}]}", "{} 1:x;"},
    {"the outermost key without case", "{\"STREAMS\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\"]]}]}", "{a=\"b\"} 1:x;"},
    {"inner keys with case", "{\"streams\":[{\"Stream\":{\"a\":\"b\"},\"Values\":[[\"1\",\"x\"]]}]}", "{};"},
    {"values null", ONE("{\"a\":\"b\"}", "null"), "{a=\"b\"};"},
    {"value null", ONE("{\"a\":\"b\"}", "[null]"), "{a=\"b\"};"},
    {"last of equal keys", ONE("{\"a\":\"1\",\"a\":\"2\"}", "[]"), "{a=\"2\"};"},
    {"label number, bool, null, object", ONE("{\"a\":1,\"b\":true,\"c\":null,\"d\":{\"x\":[1]}}", "[]"),
     "{a=\"1\", b=\"true\", c=\"null\", d=\"{\\\"x\\\":[1]}\"};"},
    {"label with quotes", ONE("{\"a\":\"x\\\"y\\n\"}", "[]"), "{a=\"x\\\"y\\n\"};"},
    {"odd label name", ONE("{\"a-b\":\"c\"}", "[]"), "{a-b=\"c\"};"},
    {"negative timestamp", ONE("{}", "[[\"-5\",\"x\"]]"), "{} -5:x;"},
    {"only a timestamp", ONE("{}", "[[\"1\"]]"), "{} 1:;"},
    {"empty value list", ONE("{}", "[[]]"), "{} none:;"},
    {"metadata", ONE("{}", "[[\"1\",\"x\",{\"k\":\"v\",\"l\":\"w\"}]]"), "{} 1:x+k=v+l=w;"},
    {"metadata empty", ONE("{}", "[[\"1\",\"x\",{}]]"), "{} 1:x;"},
    {"fourth element", ONE("{}", "[[\"1\",\"x\",{},[7]]]"), "{} 1:x;"},
    {"escapes", ONE("{}", "[[\"1\",\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\\u00e4\\ud83d\\ude00z\"]]"), "{} 1:a\n\t\"\\/\b\f\r\xc3\xa4\xf0\x9f\x98\x80z;"},
    {"bytes that are no UTF-8", ONE("{}", "[[\"1\",\"\xff\xfe\"]]"), "{} 1:\xff\xfe;"},

    {"nothing", "", NULL},
    {"a number", "1", NULL},
    {"a list", "[]", NULL},
    {"cut", "{\"streams\":[{\"stream\":{\"a\":\"b\"}", NULL},
    {"text after", "{\"streams\":[]}x", NULL},
    {"stream null", ONE("null", "[[\"1\",\"x\"]]"), NULL},
    {"timestamp with a plus", ONE("{}", "[[\"+1\",\"x\"]]"), NULL},
    {"stream a string", ONE("\"{a=b}\"", "[]"), NULL},
    {"timestamp a number", ONE("{}", "[[1,\"x\"]]"), NULL},
    {"timestamp empty", ONE("{}", "[[\"\",\"x\"]]"), NULL},
    {"timestamp a float", ONE("{}", "[[\"1.5\",\"x\"]]"), NULL},
    {"timestamp too large", ONE("{}", "[[\"9223372036854775808\",\"x\"]]"), NULL},
    {"line a number", ONE("{}", "[[\"1\",2]]"), NULL},
    {"line null", ONE("{}", "[[\"1\",null]]"), NULL},
    {"metadata a string", ONE("{}", "[[\"1\",\"x\",\"y\"]]"), NULL},
    {"metadata null", ONE("{}", "[[\"1\",\"x\",null]]"), NULL},
    {"metadata value a number", ONE("{}", "[[\"1\",\"x\",{\"k\":1}]]"), NULL},
    {"metadata value an object", ONE("{}", "[[\"1\",\"x\",{\"k\":{}}]]"), NULL},
    {"half a surrogate pair", ONE("{}", "[[\"1\",\"\\ud83d\"]]"), NULL},
    {"the second half alone", ONE("{}", "[[\"1\",\"\\ude00\"]]"), NULL},
    {"raw newline in a string", ONE("{}", "[[\"1\",\"a\nb\"]]"), NULL},
    {"bad escape", ONE("{}", "[[\"1\",\"\\x\"]]"), NULL},
    {"escape at the end", "{\"streams\":[{\"stream\":{\"a\":\"\\", NULL},
    {"trailing comma", "{\"streams\":[],}", NULL},
    {"number with a leading zero", "{\"x\":01,\"streams\":[]}", NULL},
    {"bare word", "{\"x\":tru}", NULL},
    {"key without quotes", "{streams:[]}", NULL},
};

static void today_s_form_is_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct push_request request = {0};
        struct err err = {.code = ERR_NONE, .text = ""};
        struct buf got = BUF_INIT;
        bool ok = push_json_decode(slice_str(cases[i].body), &arena, &request, &err);
        if (ok)
            print(&request, &got);
        if (ok != (cases[i].want != NULL))
            fail_msg("%s: %s: %s", cases[i].name, ok ? "taken" : "refused", err.text);
        if (ok && !slice_eq_str(buf_slice(&got), cases[i].want))
            fail_msg("%s: got %.*s", cases[i].name, SLICE_ARG(buf_slice(&got)));
        if (!ok)
            assert_int_equal(err.code, ERR_INVALID);
        buf_fini(&got);
        arena_fini(&arena);
    }
}

static const struct json_case legacy_cases[] = {
    {"one entry", "{\"streams\":[{\"labels\":\"{a=\\\"b\\\"}\",\"entries\":[{\"ts\":\"1970-01-01T00:00:01.5Z\",\"line\":\"x\"}]}]}", "{a=\"b\"} 1500000000:x;"},
    {"an offset", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"ts\":\"1970-01-01T01:00:00+01:00\",\"line\":\"x\"}]}]}", "{} 0:x;"},
    {"keys without case", "{\"Streams\":[{\"LABELS\":\"{}\",\"Entries\":[{\"TS\":\"1970-01-01T00:00:00Z\",\"Line\":\"x\"}]}]}", "{} 0:x;"},
    {"metadata", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"ts\":\"1970-01-01T00:00:00Z\",\"line\":\"x\",\"structuredMetadata\":{\"k\":\"v\"}}]}]}", "{} 0:x+k=v;"},
    {"no ts", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"line\":\"x\"}]}]}", "{} none:x;"},
    {"nulls", "{\"streams\":[{\"labels\":null,\"entries\":[{\"ts\":\"1970-01-01T00:00:00Z\",\"line\":null,\"structuredMetadata\":null}]}]}", "{} 0:;"},
    {"ts a number", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"ts\":1,\"line\":\"x\"}]}]}", NULL},
    {"ts in ns", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"ts\":\"1500000000\",\"line\":\"x\"}]}]}", NULL},
    {"metadata a list", "{\"streams\":[{\"labels\":\"{}\",\"entries\":[{\"ts\":\"1970-01-01T00:00:00Z\",\"structuredMetadata\":[]}]}]}", NULL},
};

static void the_first_form_is_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(legacy_cases); i++) {
        const struct json_case *c = &legacy_cases[i];
        struct arena arena = ARENA_INIT;
        struct push_request request = {0};
        struct err err = {.code = ERR_NONE, .text = ""};
        struct buf got = BUF_INIT;
        bool ok = push_json_legacy_decode(slice_str(c->body), &arena, &request, &err);
        if (ok)
            print(&request, &got);
        if (ok != (c->want != NULL) || (ok && !slice_eq_str(buf_slice(&got), c->want)))
            fail_msg("%s: %s %s %.*s", c->name, ok ? "taken" : "refused", err.text, SLICE_ARG(buf_slice(&got)));
        buf_fini(&got);
        arena_fini(&arena);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct push_request request;
    struct err err;
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"x\":");
    for (int i = 0; i < 1000000; i++)
        buf_byte(&body, '[');
    assert_false(push_json_decode(buf_slice(&body), &arena, &request, &err));
    assert_non_null(strstr(err.text, "nested deeper"));
    buf_fini(&body);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(today_s_form_is_read_as_the_table_says),
        cmocka_unit_test(the_first_form_is_read_as_the_table_says),
        cmocka_unit_test(nesting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
