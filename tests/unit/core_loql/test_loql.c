#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/loql/loql.h"

#define NOW_NS ((int64_t)1767225600 * NS_PER_S) /* 2026-01-01T00:00:00Z */

static const struct range_case {
    const char *text;
    int64_t first_s, last_s; /* from NOW_NS on */
} range_cases[] = {
    {"[-15m, now]", -900, 0},
    {"[15m, now]", -900, 0},
    {"[2h,1h]", -7200, -3600},
    {"[1d,]", -86400, 0},
    {"[30s, NOW]", -30, 0},
    {"[2025-12-31T23:00:00Z, 2026-01-01T00:00:00+01:00]", -3600, -3600},
    {"[2025-12-31, 2025-12-31T12:00]", -86400, -43200},
    {"['2025-12-31T23:59:59', \"now\"]", -1, 0},
    {"[ , 2026-01-02 ]", 0, 86400},
    {"// an hour\n[1h, now] // up to now", -3600, 0},
};

static void a_range_is_read_by_each_way_of_writing_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(range_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct loql_query query;
        struct loql_fault fault;
        struct err err = {.code = ERR_NONE};
        if (!loql_parse(slice_str(range_cases[i].text), NOW_NS, &arena, &query, &fault, &err))
            fail_msg("%s: %s", range_cases[i].text, err.text);
        if (query.first_ns != NOW_NS + range_cases[i].first_s * NS_PER_S || query.last_ns != NOW_NS + range_cases[i].last_s * NS_PER_S)
            fail_msg("%s: %lld to %lld", range_cases[i].text, (long long)((query.first_ns - NOW_NS) / NS_PER_S),
                     (long long)((query.last_ns - NOW_NS) / NS_PER_S));
        loql_query_fini(&query);
        arena_fini(&arena);
    }
}

static const struct fault_case {
    const char *text;
    size_t line, column;
    const char *says;
} fault_cases[] = {
    {"", 1, 1, "begins with [from, to]"},
    {"{a=b}", 1, 1, "begins with [from, to]"},
    {"[now]", 1, 5, "comma"},
    {"[,]", 1, 3, "must be given"},
    {"[now,1h]", 1, 8, "ends before"},
    {"[1w,now]", 1, 2, "a time is"},
    {"[1h,now", 1, 8, "] is missing"},
    {"[1h,now] {a=b", 1, 14, "} is missing"},
    {"[1h,now] {a~b}", 1, 12, "tags are compared"},
    {"[1h,now] a b=c", 1, 12, "=, !=, ~ or !~ is missing"},
    {"[1h,now] a=", 1, 12, "a value is missing"},
    {"[1h,now]\n  (a=b", 2, 7, ") is missing"},
    {"[1h,now] a=b)", 1, 13, "should end here"},
    {"[1h,now] a='b", 1, 12, "quote is not closed"},
    {"[1h,now] a=b and", 1, 17, "a condition is missing"},
    {"[1h,now] or a=b", 1, 10, "a condition is missing"},
    {"[1h,now] a ~ '('", 1, 14, "missing closing )"},
    {"[1h,now] a=b | c=d", 1, 14, "unexpected character"},
};

static void a_fault_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(fault_cases); i++) {
        const struct fault_case *c = &fault_cases[i];
        struct arena arena = ARENA_INIT;
        struct loql_query query;
        struct loql_fault fault = {0, 0, SLICE_NONE};
        struct err err = {.code = ERR_NONE};
        if (loql_parse(slice_str(c->text), NOW_NS, &arena, &query, &fault, &err))
            fail_msg("%s was taken", c->text);
        if (fault.line != c->line || fault.column != c->column || strstr(err.text, c->says) == NULL)
            fail_msg("%s: %zu:%zu %s", c->text, fault.line, fault.column, err.text);
        loql_query_fini(&query);
        arena_fini(&arena);
    }
}

static const struct label stream_labels[] = {{{"app", 3}, {"web", 3}}, {{"env", 3}, {"prod", 4}}};
static const struct label_set stream = {stream_labels, 2};
#define METADATA SLICE("\x05trace\x03" "abc\x04user\x05" "alice")
#define LINE SLICE("GET /index: error 500")

static const struct truth_case {
    const char *condition;
    bool want;
} truth_cases[] = {
    {"{app=web}", true},
    {"{app=api}", false},
    {"{app!=api env=prod}", true},
    {"{none=''}", true},
    {"{none!=x}", true},
    {"{none=x}", false},
    {"{trace=abc}", false}, /* a field is no tag */
    {"{app=api or env=prod}", true},
    {"{}", true},
    {"trace=abc", true},
    {"trace=abc user=bob", false},
    {"trace=abc AND user=alice", true},
    {"user=bob Or trace=abc", true},
    {"user=bob or trace=abc and user=alice", true},
    {"(user=bob or trace=abc) and user!=alice", false},
    {"env=prod", true}, /* a field may name a tag */
    {"env~\"^pr\"", true},
    {"'env' ~ '^pr.d$'", true},
    {"user!~ali", false},
    {"_msg ~ 'error [0-9]+'", true},
    {"\"\" = 'GET /index: error 500'", true},
    {"'' = 'GET /index'", false},
    {"_msg !~ error", false},
    {"none = ''", true},
    {"none != x", true},
    {"user = 'al\\ice'", true},
    {"{app=web} user=alice // the end", true},
    {"'and' != x", true},
};

static void conditions_hold_as_their_text_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(truth_cases); i++) {
        const struct truth_case *c = &truth_cases[i];
        struct arena arena = ARENA_INIT;
        struct loql_query query;
        struct loql_fault fault;
        struct err err = {.code = ERR_NONE};
        struct slice text = arena_printf(&arena, "[1h, now] %s", c->condition);
        if (!loql_parse(text, NOW_NS, &arena, &query, &fault, &err))
            fail_msg("%s: %s", c->condition, err.text);
        bool got = loql_tags_accept(query.tags, &stream) && loql_fields_accept(query.fields, &stream, METADATA, LINE);
        if (got != c->want)
            fail_msg("%s is %s", c->condition, got ? "true" : "false");
        loql_query_fini(&query);
        arena_fini(&arena);
    }
}

static void the_index_is_asked_only_for_what_must_hold(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct loql_query query;
    struct loql_fault fault;
    struct err err = {.code = ERR_NONE};
    struct matcher *matchers = NULL;
    struct needle *needles = NULL;
    struct slice text = SLICE("[1h,now] {a=b c!=d (e=f or g=h)} _msg~'an error' x=y (_msg='p' or _msg='q') '' = 'whole'");
    assert_true(loql_parse(text, NOW_NS, &arena, &query, &fault, &err));
    assert_int_equal(loql_matchers(query.tags, &arena, &matchers), 2);
    assert_true(slice_eq_str(matchers[0].name, "a") && matchers[0].op == MATCH_EQ && !matchers[0].matches_empty);
    assert_true(slice_eq_str(matchers[1].name, "c") && matchers[1].op == MATCH_NEQ && matchers[1].matches_empty);
    assert_int_equal(loql_needles(query.fields, &arena, &needles), 2);
    assert_true(slice_eq_str(needles[0].any[0], "an error") && slice_eq_str(needles[1].any[0], "whole"));
    assert_true(!needles[0].in_metadata);
    loql_query_fini(&query);
    arena_fini(&arena);
}

static void what_a_text_can_ask_for_is_bounded(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf deep = BUF_INIT;
    struct buf regexes = BUF_INIT;
    struct buf longer = BUF_INIT;
    buf_str(&deep, "[1h,now] ");
    for (size_t i = 0; i <= LOQL_DEPTH_MAX; i++)
        buf_byte(&deep, '(');
    buf_str(&regexes, "[1h,now]");
    for (size_t i = 0; i <= LOQL_REGEXES_MAX; i++)
        buf_str(&regexes, " a~b");
    buf_str(&longer, "[1h,now] a=b");
    while (longer.len <= LOQL_TEXT_MAX)
        buf_byte(&longer, ' ');
    const struct buf *texts[] = {&deep, &regexes, &longer};
    const char *says[] = {"nested too deeply", "32 regular expressions", "longer than 1920"};
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct loql_query query;
        struct loql_fault fault;
        struct err err = {.code = ERR_NONE};
        assert_false(loql_parse(buf_slice(texts[i]), NOW_NS, &arena, &query, &fault, &err));
        if (strstr(err.text, says[i]) == NULL)
            fail_msg("%s: %s", says[i], err.text);
        loql_query_fini(&query);
    }
    buf_fini(&deep);
    buf_fini(&regexes);
    buf_fini(&longer);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_read_by_each_way_of_writing_times),
        cmocka_unit_test(a_fault_is_told_with_its_place),
        cmocka_unit_test(conditions_hold_as_their_text_says),
        cmocka_unit_test(the_index_is_asked_only_for_what_must_hold),
        cmocka_unit_test(what_a_text_can_ask_for_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
