#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/codec/ochi_query_json.h"
#include "net/codec/push_ochi.h"

static void the_documents_example_is_read(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct push_request push;
    struct err err = {.code = ERR_NONE};
    struct slice body = SLICE("{\"streams\":[{\"stream\":{\"tag1\":\"alpha\",\"tag2\":\"beta\"},\"values\":[[\"1715173665000000000\","
                              "\"same message\",{\"field1\":\"x\",\"field2\":\"y\"}],[\"1\",\"\"]],\"new\":{}}],\"more\":1}");
    assert_true(push_ochi_decode(body, &arena, &push, &err));
    assert_int_equal(push.stream_count, 1);
    assert_int_equal(push.entry_count, 2);
    struct slice value;
    assert_true(label_set_get(push.streams[0].labels, SLICE("tag2"), &value) && slice_eq_str(value, "beta"));
    assert_int_equal(push.entries[0].ts_ns, 1715173665000000000);
    assert_true(slice_eq_str(push.entries[0].line, "same message"));
    assert_true(slice_eq_str(push.entries[0].metadata, "\x06" "field1\x01x\x06" "field2\x01y"));
    assert_int_equal(push.entries[1].metadata.len, 0);
    arena_fini(&arena);
}

#define TEN "0123456789"
#define LINE(line) "{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[" line "]}]}"

static const struct refuse_case {
    const char *body, *says;
} refuse_cases[] = {
    {"", "must be an object"},
    {"null", "must be an object"},
    {"{}", "streams is missing"},
    {"{\"streams\":null}", "streams must be an array"},
    {"{\"streams\":[null]}", "must be an object"},
    {"{\"streams\":[{\"stream\":{}}]}", "no values"},
    {"{\"streams\":[{\"stream\":\"a\",\"values\":[]}]}", "stream must be an object"},
    {"{\"streams\":[{\"stream\":{\"a\":1},\"values\":[]}]}", "tag \"a\""},
    {"{\"streams\":[{\"stream\":{\"a-b\":\"1\"},\"values\":[]}]}", "must match"},
    {LINE("[\"1\"]"), "2 or 3 elements"},
    {LINE("[\"1\",\"x\",{},1]"), "2 or 3 elements"},
    {LINE("null"), "a line must be an array"},
    {LINE("[1,\"x\"]"), OCHI_INVALID_TIMESTAMP},
    {LINE("[\"-1\",\"x\"]"), OCHI_INVALID_TIMESTAMP},
    {LINE("[\"\",\"x\"]"), OCHI_INVALID_TIMESTAMP},
    {LINE("[\"18446744073709551616\",\"x\"]"), OCHI_INVALID_TIMESTAMP},
    {LINE("[\"1\",null]"), "message"},
    {LINE("[\"1\",\"x\",null]"), "fields must be an object"},
    {LINE("[\"1\",\"x\",{\"k\":{}}]"), "field \"k\""},
    {LINE("[\"1\",\"x\",{\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "k\":\"v\"}]"), "a name has at most 100 bytes"},
    {LINE("") " x", "text after the JSON value"},
};

static void what_is_not_to_the_letter_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(refuse_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct push_request push;
        struct err err = {.code = ERR_NONE};
        if (push_ochi_decode(slice_str(refuse_cases[i].body), &arena, &push, &err) || strstr(err.text, refuse_cases[i].says) == NULL)
            fail_msg("%s: %s", refuse_cases[i].body, err.text);
        arena_fini(&arena);
    }
}

static const struct query_case {
    const char *body;
    bool want; /* matches {app=web} user=alice "hello" */
    const char *says; /* it is refused */
} query_cases[] = {
    {"{\"start\":1,\"end\":2}", true, NULL},
    {"{\"start\":1,\"end\":2,\"tags\":[],\"fields\":null,\"x\":1}", true, NULL},
    {"{\"start\":1,\"end\":2,\"tags\":[{\"key\":\"app\",\"value\":\"web\"}]}", true, NULL},
    {"{\"start\":1,\"end\":2,\"tags\":[{\"key\":\"user\",\"value\":\"alice\"}]}", false, NULL},
    {"{\"start\":1,\"end\":2,\"fields\":[{\"key\":\"user\",\"value\":\"alice\"},{\"value\":\"hello\",\"key\":\"\"},{\"key\":\"app\",\"value\":\"web\"}]}", true, NULL},
    {"{\"start\":1,\"end\":2,\"fields\":[{\"key\":\"\",\"value\":\"hell\"}]}", false, NULL},
    {"{\"start\":1}", false, "start and end"},
    {"{\"start\":\"1\",\"end\":2}", false, "start must be whole ns"},
    {"{\"start\":1.5,\"end\":2}", false, "start must be whole ns"},
    {"{\"start\":1,\"end\":2,\"tags\":[{\"key\":\"a\"}]}", false, "needs key and value"},
    {"[]", false, "JSON object"},
};

static void json_queries_match_exactly(void **state)
{
    (void)state;
    static const struct label labels[] = {{{"app", 3}, {"web", 3}}};
    static const struct label_set set = {labels, 1};
    for (size_t i = 0; i < LENGTH(query_cases); i++) {
        const struct query_case *c = &query_cases[i];
        struct arena arena = ARENA_INIT;
        struct loql_query query;
        struct err err = {.code = ERR_NONE};
        bool ok = ochi_query_decode(slice_str(c->body), &arena, &query, &err);
        if (ok != (c->says == NULL) || (!ok && strstr(err.text, c->says) == NULL))
            fail_msg("%s: %s", c->body, ok ? "taken" : err.text);
        if (ok && (loql_tags_accept(query.tags, &set) && loql_fields_accept(query.fields, &set, SLICE("\x04user\x05" "alice"), SLICE("hello"))) != c->want)
            fail_msg("%s: not %d", c->body, c->want);
        loql_query_fini(&query);
        arena_fini(&arena);
    }
}

static void ranges_of_stream_ids_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t first, last;
    } cases[] = {
        {"{\"since\":\"2h\"}", 10000 - 7200, 10000},
        {"{\"fromNs\":3000000000,\"toNs\":4000000000}", 3, 4},
        {"{\"from\":\"1970-01-01T00:00:05Z\",\"to\":\"1970-01-01T00:01:00Z\"}", 5, 60},
    };
    struct arena arena = ARENA_INIT;
    struct err err = {.code = ERR_NONE};
    int64_t first = 0;
    int64_t last = 0;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        if (!ochi_range_decode(slice_str(cases[i].body), 10000 * NS_PER_S, &arena, &first, &last, &err))
            fail_msg("%s: %s", cases[i].body, err.text);
        assert_int_equal(first, cases[i].first * NS_PER_S);
        assert_int_equal(last, cases[i].last * NS_PER_S);
    }
    assert_false(ochi_range_decode(SLICE("{}"), 0, &arena, &first, &last, &err));
    assert_false(ochi_range_decode(SLICE("{\"since\":\"soon\"}"), 0, &arena, &first, &last, &err));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documents_example_is_read),
        cmocka_unit_test(what_is_not_to_the_letter_is_refused),
        cmocka_unit_test(json_queries_match_exactly),
        cmocka_unit_test(ranges_of_stream_ids_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
