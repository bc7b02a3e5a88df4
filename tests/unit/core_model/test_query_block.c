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
    const char *tags; /* X-Query-Tags */
} match_cases[] = {
    {"no rule", "", "{a=\"1\"}", QUERY_TYPE_LIMITED, false, ""},
    {"an empty rule is for all", "[{}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, true, ""},
    {"the whole query, but for spaces", "[{pattern: \" {a=\\\"1\\\"} \"}]", " {a=\"1\"}", QUERY_TYPE_LIMITED, true, ""},
    {"a part of the query is not the query", "[{pattern: \"a=\"}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, false, ""},
    {"a regex matches anywhere", "[{pattern: \"se[c]ret\", regex: true}]", "{a=\"1\"} |= \"secret\"", QUERY_TYPE_FILTER, true, ""},
    {"a regex that does not match", "[{pattern: \"^secret\", regex: true}]", "{a=\"secret\"}", QUERY_TYPE_LIMITED, false, ""},
    {"without regex a pattern is a text", "[{pattern: \".*\"}]", "{a=\"1\"}", QUERY_TYPE_LIMITED, false, ""},
    {"of this type", "[{pattern: \".*\", regex: true, types: \"metric,filter\"}]", "x", QUERY_TYPE_FILTER, true, ""},
    {"of another type", "[{pattern: \".*\", regex: true, types: [metric, filter]}]", "x", QUERY_TYPE_LIMITED, false, ""},
    {"by hash", "[{hash: 84696446}]", "foo", QUERY_TYPE_METRIC, false, ""},
    {"by the right hash", "[{\"hash\": 1083137555}]", "foo", QUERY_TYPE_METRIC, true, ""},
    {"a hash that is not meant does not end the list", "[{hash: 1}, {pattern: foo}]", "foo", QUERY_TYPE_METRIC, true, ""},
    {"the tag", "[{query_tags: {source: grafana}}]", "x", QUERY_TYPE_METRIC, true, "Source=Grafana"},
    {"the tag, by its other name", "[{tags: {SOURCE: \"grafana\"}}]", "x", QUERY_TYPE_METRIC, true, "a=b, source=grafana"},
    {"another tag", "[{query_tags: {source: grafana}}]", "x", QUERY_TYPE_METRIC, false, "source=logcli,from=grafana"},
    {"no tags", "[{query_tags: {source: grafana}}]", "x", QUERY_TYPE_METRIC, false, ""},
    {"all tags are wanted", "[{query_tags: {source: grafana, team: a}}]", "x", QUERY_TYPE_METRIC, false, "source=grafana,team=b"},
    {"all tags", "[{query_tags: {source: grafana, team: a}}]", "x", QUERY_TYPE_METRIC, true, "Team=A,x=y,source=grafana"},
    {"tag and hash", "[{hash: 1083137555, query_tags: {a: b}}]", "foo", QUERY_TYPE_METRIC, false, "a=c"},
    {"tag and pattern", "[{pattern: foo, query_tags: {a: b}}]", "bar", QUERY_TYPE_METRIC, false, "a=b"},
    {"a tag that is not there does not end the list", "[{query_tags: {a: b}}, {pattern: foo}]", "foo", QUERY_TYPE_METRIC, true, ""},
    {"a type that is not meant does not end the list", "[{types: filter}, {pattern: \"foo\"}]", "foo", QUERY_TYPE_METRIC, true, ""},
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
        struct query_tags tags;
        query_tags_parse(slice_str(c->tags), &arena, &tags);
        if (query_blocks_match(&list, slice_str(c->query), c->type, &tags) != c->want)
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
        "[{pattern: \"\", query_tags: {\"source\": \"a b\", \"x\": \"\"}}, {pattern: \"d\"}]",
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
        {"[{hash: 4294967296}]", "32 bits"}, {"[{regex: 1}]", "neither true"}, {"[{}] x", "after the end"}, {"[{}", "missing after item 1"},
        {"[{pattern: \"(\", regex: true}]", "missing closing )"}, {"[{pattern: [a]}]", "not wanted"}, {"[{types: [metric", "comma"}, {"[{types: [[metric]]}]", "words are wanted"}, {"[{types: {}}]", "types: a list"},
        {"[{query_tags: x}]", "{name: value"}, {"[{query_tags: {a}}]", "a colon"}, {"[{query_tags: {a: b", "a comma or }"}, {"[{query_tags: {a: []}}]", "{name: value"},
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

static const struct tags_case {
    const char *header, *want;
} tags_cases[] = {
    {"", ""},
    {"Source=grafana,Feature=Beta", "source=grafana feature=Beta "},
    {"a=b,,c=d,", "a=b c=d "},
    {"a,=b,c=,d=e=f,=g==h=", "g=h "},
    {"a= x y , B =z", "a=x y b=z "},
    {"a=\"x\";c=d", ""},
    {"a=\xff\xfe{}b", "a=_b "},
    {"a=b\nlevel=error", ""},
    {"a!!!=b", "a_=b "},
};

static void tags_are_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(tags_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct query_tags tags;
        struct buf out = BUF_INIT;
        query_tags_parse(slice_str(tags_cases[i].header), &arena, &tags);
        for (size_t k = 0; k < tags.count; k++)
            buf_printf(&out, "%.*s=%.*s ", SLICE_ARG(tags.items[k].name), SLICE_ARG(tags.items[k].value));
        if (!slice_eq_str(buf_slice(&out), tags_cases[i].want))
            fail_msg("%s: %.*s", tags_cases[i].header, SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_block_what_the_table_says),
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(what_is_no_list_of_rules_is_refused),
        cmocka_unit_test(tags_are_read_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
