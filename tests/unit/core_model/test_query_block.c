#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/query_block.h"

static const struct match_case {
    const char *name, *blocks, *query;
    enum query_type type;
    bool want;
} match_cases[] = {
    {"no rule", "", "{a=\"1\"}", QUERY_TYPE_LIMITED, false},
    {"an empty rule is for all", "[{}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, true},
    {"the whole query, but for spaces", "[{pattern: \" {a=\\\"1\\\"} \"}]", " {a=\"1\"}", QUERY_TYPE_LIMITED, true},
    {"a part of the query is not the query", "[{pattern: \"a=\"}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, false},
    {"a regex matches anywhere", "[{pattern: \"se[c]ret\", regex: true}]", "{a=\"1\"} |= \"secret\"", QUERY_TYPE_FILTER, true},
    {"a regex that does not match", "[{pattern: \"^secret\", regex: true}]", "{a=\"secret\"}", QUERY_TYPE_LIMITED, false},
    {"without regex a pattern is a text", "[{pattern: \".*\"}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, false},
    {"of this type", "[{pattern: \".*\", regex: true, types: \"metric,filter\"}]", "x", QUERY_TYPE_FILTER, true},
    {"of another type", "[{pattern: \".*\", regex: true, types: [metric, filter]}]", "x", QUERY_TYPE_LIMITED, false},
    {"by hash", "[{hash: 84696446}]", "foo", QUERY_TYPE_METRIC, false},
    {"by the right hash", "[{\"hash\": 1083137555}]", "foo", QUERY_TYPE_METRIC, true},
    {"a hash that is not meant does not end the list", "[{hash: 1}, {pattern: foo}]", "foo", QUERY_TYPE_METRIC, true},
    {"a type that is not meant does not end the list", "[{types: filter}, {pattern: \"foo\"}]", "foo", QUERY_TYPE_METRIC, true},
};

static void rules_block_what_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(query_block_hash(SLICE("")), 0x811c9dc5);
    assert_int_equal(query_block_hash(SLICE("foo")), 0x408f5e13); // FNV-1 of the reference list: fnv1-32("foo")
    for (size_t i = 0; i < LENGTH(match_cases); i++) {
        const struct match_case *c = &match_cases[i];
        struct arena arena = ARENA_INIT;
        struct query_block_list list;
        struct err err = {.code = ERR_NONE};
        if (!query_blocks_parse(slice_str(c->blocks), &arena, &list, &err) || !query_blocks_compile(&list, &err))
            fail_msg("%s: %s", c->name, err.text);
        if (query_blocks_match(&list, slice_str(c->query), c->type) != c->want)
            fail_msg("%s", c->name);
        query_blocks_free(&list);
        arena_fini(&arena);
    }
}

static void what_is_printed_is_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "[{pattern: \"\"}]",
        "[{pattern: \"a\\\"b\\n]},\", regex: true, types: \"metric,filter\", hash: 12}, {pattern: \"c\"}]",
    };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct arena arena = ARENA_INIT;
        struct query_block_list list;
        struct err err;
        struct buf out = BUF_INIT;
        assert_true(query_blocks_parse(slice_str(texts[i]), &arena, &list, &err));
        query_blocks_print(&list, &out);
        if (!slice_eq_str(buf_slice(&out), texts[i]))
            fail_msg("%s: %.*s", texts[i], SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void what_is_no_list_of_rules_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"x", "a list of"},          {"[x]", "a list of"},           {"[{pattern}]", "a colon"},        {"[{pattern: \"a]", "closing quote"},
        {"[{patern: a}]", "unknown key patern"}, {"[{types: other}]", "is not metric"}, {"[{types: [metric}]", "comma"}, {"[{hash: -1}]", "32 bits"},
        {"[{hash: 4294967296}]", "32 bits"}, {"[{regex: 1}]", "neither true"}, {"[{}] x", "after the closing"}, {"[{}", "missing after item 1"},
        {"[{pattern: \"(\", regex: true}]", "missing closing )"}, {"[{pattern: [a]}]", "not wanted"}, {"[{types: [metric", "comma"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct query_block_list list;
        struct err err = {.code = ERR_NONE};
        if (query_blocks_parse(slice_str(bad[i][0]), &arena, &list, &err) || strstr(err.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], err.text);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_block_what_the_table_says),
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(what_is_no_list_of_rules_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
