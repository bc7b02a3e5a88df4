/* Every error of the parser that logql.md 19.1 and 19.2 name, to the letter, with its place; and the bounds of the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/logql/parser.h"

#define AT(line, column) "parse error at line " #line ", col " #column ": "
#define NEEDS_MATCHER                                                                                                                         \
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, "     \
    "app=~\".*\" does not meet this requirement, but app=~\".+\" will"

static const struct error_case {
    const char *query;
    const char *text;
} error_cases[] = {
    // 19.1: grammar
    {"", "parse error : syntax error: unexpected $end"},
    {" ", AT(1, 2) "syntax error: unexpected $end"},
    {"{foo=\"bar\"", AT(1, 11) "syntax error: unexpected $end, expecting } or ,"},
    {"{foo=\"bar", AT(1, 6) "literal not terminated"},
    {"{foo=\"bar\"} |~", AT(1, 15) "syntax error: unexpected $end, expecting STRING or ip"},
    {"{foo}", AT(1, 5) "syntax error: unexpected }, expecting = or =~ or !~ or !="},
    {"{foo=bar}", AT(1, 6) "syntax error: unexpected IDENTIFIER, expecting STRING"},
    {"{foo=\"bar\",}", AT(1, 12) "syntax error: unexpected }, expecting IDENTIFIER"},
    {"{", AT(1, 2) "syntax error: unexpected $end, expecting IDENTIFIER or }"},
    {"{a=\"b\"} foo", AT(1, 9) "syntax error: unexpected IDENTIFIER"},
    {"{a=\"b\"} |= \"\\q\"", AT(1, 12) "invalid char escape"},
    {"rate({a=\"b\"}[5minutes])", AT(0, 13) "unknown unit \"minutes\" in duration \"5minutes\""},
    {"rate({a=\"b\"}[5)", AT(0, 13) "missing closing ']' in duration"},
    {"rate({a=\"b\"}[ 5m])", AT(0, 13) "not a valid duration string: \" 5m\""},
    {"rate({a=\"b\"}[])", AT(0, 13) "empty duration string"},
    {"{a=\"b\"}\n|= 5", AT(2, 4) "syntax error: unexpected NUMBER, expecting STRING or ip"},
    {"{a=\"b\"} |= 5m", AT(0, 12) "syntax error: unexpected DURATION, expecting STRING or ip"},
    {"{\xc3\xa9=\"b\"} x", AT(1, 9) "syntax error: unexpected IDENTIFIER"}, // columns are characters
    {"({a=\"b\"}) |= \"x\"", AT(0, 11) "syntax error: unexpected |="},
    {"{a=\"b\"} | unwrap x", AT(1, 11) "syntax error: unexpected unwrap"},
    {"{a=\"b\"} | json!", AT(1, 15) "syntax error: unexpected IDENTIFIER"},
    {"{a=\"b\"} | json 'x'", AT(1, 16) "syntax error: unexpected IDENTIFIER"},
    {"{?=\"b\"}", AT(1, 2) "syntax error: unexpected IDENTIFIER"},
    {"sum by ($) (rate({a=\"b\"}[5m]))", AT(1, 9) "syntax error: unexpected IDENTIFIER"},
    {"{a=\"b\"} | json ! x", AT(1, 18) "syntax error: unexpected IDENTIFIER"}, // for the grammar ! is an identifier
    {"rate({a=\"b\"} | unwrap ? [1m]", AT(1, 29) "syntax error: unexpected $end, expecting )"},
    {"{a=\"b\"} | & ]", AT(1, 13) "syntax error: unexpected ]"},
    {"{a=\"\\w", AT(1, 4) "invalid char escape"},
    {"{a=\"\\x41\\", AT(1, 4) "invalid char escape"},
    {"sum /* x */ (rate({a=\"b\"}[5m]))", AT(1, 1) "syntax error: unexpected IDENTIFIER"},
    {"topk(count_over_time({a=\"b\"} | unwrap x [5m])) ]", AT(1, 48) "syntax error: unexpected ]"},
    {"rate({a=\"\"}[5m]) + count_over_time({a=\"b\"} | unwrap x [5m])", NEEDS_MATCHER},
    {"{a=\"b\"} ]", AT(1, 9) "syntax error: unexpected ]"},
    {"{a=\"b\"} 'xy'", AT(1, 9) "invalid char literal"},
    {"{a=\"b\"} | logfmt --strictx", AT(1, 20) "syntax error: unexpected IDENTIFIER, expecting NUMBER"},
    {"{a=\"b\"} | logfmt --keep-empty--strict", AT(1, 20) "syntax error: unexpected keep, expecting NUMBER"},
    {"{a=\"b\"} | logfmt --strict1", AT(1, 26) "syntax error: unexpected NUMBER"},
    {"{a=\"b\"} | by", AT(1, 11) "syntax error: unexpected by"},
    {"{a=\"b\"} | line_format 5", AT(1, 23) "syntax error: unexpected NUMBER, expecting STRING"},
    {"{a=\"b\"} | label_format x", AT(1, 25) "syntax error: unexpected $end, expecting ="},
    {"{a=\"b\"} | drop", AT(1, 15) "syntax error: unexpected $end, expecting IDENTIFIER"},
    {"{a=\"b\"} | x > \"5\"", AT(1, 15) "syntax error: unexpected STRING"},
    {"{a=\"b\"} | x =~ 5", AT(1, 16) "syntax error: unexpected NUMBER, expecting STRING"},
    {"rate({a=\"b\"})", AT(1, 13) "syntax error: unexpected )"},
    {"sum_over_time({a=\"b\"} | unwrap foo(x) [2h])", AT(1, 35) "syntax error: unexpected (, expecting RANGE or |"},
    {"rate({a=\"b\"}[5m] offset 5)", AT(1, 25) "syntax error: unexpected NUMBER, expecting DURATION"},
    {"sum({a=\"b\"})", AT(1, 12) "syntax error: unexpected )"},
    {"sum by (a) (rate({a=\"b\"}[5m])) by (a)", AT(1, 32) "syntax error: unexpected by"},
    {"-sum(rate({a=\"b\"}[5m]))", AT(1, 2) "syntax error: unexpected SUM, expecting NUMBER"},
    {"--1", AT(1, 2) "syntax error: unexpected -, expecting NUMBER"},
    {"vector(-1)", AT(1, 8) "syntax error: unexpected -, expecting NUMBER"},
    {"5 -1m", AT(0, 3) "syntax error: unexpected DURATION"},
    {"5 -0", AT(0, 3) "syntax error: unexpected DURATION"},
    // 19.2: semantics
    {"{}", NEEDS_MATCHER},
    {"{a=~\".*\"}", NEEDS_MATCHER},
    {"{a!=\"x\"}", NEEDS_MATCHER},
    {"{a=\"\"}", NEEDS_MATCHER},
    {"{a=~\"x*\",b!~\"x\"}", NEEDS_MATCHER},
    {"sum(rate({a=\"b\"}[5m])) / sum(rate({a=\"\"}[5m]))", NEEDS_MATCHER},
    {"label_replace(rate({a=\"\"}[5m]),\"a\",\"b\",\"c\",\"d\")", NEEDS_MATCHER},
    {"rate({a=\"b\"}[5m]) by (x)", "parse error : grouping not allowed for rate aggregation"},
    {"sum_over_time({a=\"b\"} | unwrap x [5m]) by (x)", "parse error : grouping not allowed for sum_over_time aggregation"},
    {"count_over_time({a=\"b\"} | unwrap x [5m])", "parse error : invalid aggregation count_over_time with unwrap"},
    {"sum_over_time({a=\"b\"}[5m])", "parse error : invalid aggregation sum_over_time without unwrap"},
    {"rate_counter({a=\"b\"}[5m])", "parse error : invalid aggregation rate_counter without unwrap"},
    {"rate(0.5,{a=\"b\"}[5m])", "parse error : parameter 0.5 not supported for operation rate"},
    {"quantile_over_time({a=\"b\"} | unwrap x [5m])", "parse error : parameter required for operation quantile_over_time"},
    {"topk(rate({a=\"b\"}[5m]))", "parse error : parameter required for operation topk"},
    {"topk(1.5,rate({a=\"b\"}[5m]))", "parse error : invalid parameter topk(1.5,"},
    {"topk(0,rate({a=\"b\"}[5m]))", "parse error : invalid parameter (must be greater than 0) topk(0"},
    {"sum(2,rate({a=\"b\"}[5m]))", "parse error : unsupported parameter for operation sum(2,"},
    {"sort by (a) (rate({a=\"b\"}[5m]))", "parse error : sort and sort_desc doesn't allow grouping by "},
    {"sort_desc(rate({a=\"b\"}[5m])) without (a)", "parse error : sort and sort_desc doesn't allow grouping by "},
    {"{a=\"b\"} + 1", "parse error : unexpected type for left leg of binary operation (+): *syntax.MatchersExpr"},
    {"1 + {a=\"b\"}", "parse error : unexpected type for right leg of binary operation (+): *syntax.MatchersExpr"},
    {"{a=\"b\"} |= \"x\" * 1", "parse error : unexpected type for left leg of binary operation (*): *syntax.PipelineExpr"},
    {"1 and vector(1)", "parse error : unexpected literal for left leg of logical/set binary operation (and): 1.000000"},
    {"vector(1) unless 2", "parse error : unexpected literal for right leg of logical/set binary operation (unless): 2.000000"},
    {"0x1F", "parse error : unable to parse literal as a float: strconv.ParseFloat: parsing \"0x1F\": invalid syntax"},
    {"label_replace(vector(1),\"a\",\"b\",\"c\",\"(\")",
     "parse error : invalid regex in label_replace: error parsing regexp: missing closing ): `^(?:()$`"},
};

static void a_query_is_refused_in_lokis_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(error_cases); i++) {
        const struct error_case *c = &error_cases[i];
        struct arena arena = ARENA_INIT;
        struct expr *expr = NULL;
        struct err err = {.text = ""};
        if (logql_parse(slice_str(c->query), &arena, &expr, &err)) {
            expr_fini(expr);
            fail_msg("%s: taken, want %s", c->query, c->text);
        }
        if (err.code != ERR_INVALID || strcmp(err.text, c->text) != 0)
            fail_msg("%s: code %d, %s, want %s", c->query, err.code, err.text, c->text);
        assert_null(expr);
        arena_fini(&arena);
    }
}

static const struct regex_case {
    const char *query, *contains;
} regex_cases[] = {
    {"{a=~\"(\"}", "missing closing )"},
    {"{a=\"b\"} | x=~\"[\"", "missing closing ]"},
    {"{a=\"b\"} | drop x=~\"*\"", "missing argument to repetition operator"},
    {"{a=\"b\"} | keep x!~\"x{1001}\"", "invalid repeat count"},
};

static void a_bad_regex_of_a_matcher_is_refused_while_parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(regex_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct expr *expr = NULL;
        struct err err = {.text = ""};
        assert_false(logql_parse(slice_str(regex_cases[i].query), &arena, &expr, &err));
        if (strncmp(err.text, "parse error : error parsing regexp: ", 36) != 0 || strstr(err.text, regex_cases[i].contains) == NULL)
            fail_msg("%s: %s", regex_cases[i].query, err.text);
        arena_fini(&arena);
    }
}

/* `times` times `open`, then `middle`, then `times` times `close`; what is taken must print to what parses. */
static bool nested(const char *open, const char *middle, const char *close, size_t times, struct err *err)
{
    struct buf text = BUF_INIT;
    struct buf print = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    struct expr *again = NULL;
    for (size_t i = 0; i < times; i++)
        buf_str(&text, open);
    buf_str(&text, middle);
    for (size_t i = 0; i < times; i++)
        buf_str(&text, close);
    bool ok = logql_parse(buf_slice(&text), &arena, &expr, err);
    if (ok) {
        expr_print(expr, &print);
        if (!logql_parse(buf_slice(&print), &arena, &again, err))
            fail_msg("%s, %zu times, printed: %s", open, times, err->text);
        expr_fini(again);
        expr_fini(expr);
    }
    buf_fini(&text);
    buf_fini(&print);
    arena_fini(&arena);
    return ok;
}

/* Nested to the left, to the right and by parentheses. */
static const struct nesting_case {
    const char *open, *middle, *close;
    size_t times_max; /* so many are taken, one more is not */
} nesting_cases[] = {
    {"(", "vector(1)", ")", 4 * EXPR_DEPTH_MAX - 1},
    {"(", "{a=\"b\"}", ")", 4 * EXPR_DEPTH_MAX - 1},
    {"sum(", "vector(1)", ")", EXPR_DEPTH_MAX},
    {"label_replace(", "vector(1)", ",\"a\",\"b\",\"c\",\"d\")", EXPR_DEPTH_MAX},
    {"vector(1) ^ ", "vector(1)", "", EXPR_DEPTH_MAX},
    {"", "vector(1)", " + vector(1)", EXPR_DEPTH_MAX},
    {"", "vector(1)", " or vector(1)", EXPR_DEPTH_MAX},
    {"", "{a=\"b\"} | x=1", " or x=1", EXPR_DEPTH_MAX},
    {"", "{a=\"b\"} | x=1", " and x=1", EXPR_DEPTH_MAX},
    {"", "{a=\"b\"} | x=1", ", x=1", EXPR_DEPTH_MAX},
    {"", "{a=\"b\"} | x=1", " x=1", EXPR_DEPTH_MAX},
};

static void nesting_of_any_kind_is_bounded_and_what_is_taken_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(nesting_cases); i++) {
        const struct nesting_case *c = &nesting_cases[i];
        struct err err = {.text = ""};
        if (!nested(c->open, c->middle, c->close, c->times_max, &err))
            fail_msg("%s%s, %zu times: %s", c->open, c->close, c->times_max, err.text);
        if (nested(c->open, c->middle, c->close, c->times_max + 1, &err) || strstr(err.text, ": nested deeper than ") == NULL)
            fail_msg("%s%s, %zu times: taken, or %s", c->open, c->close, c->times_max + 1, err.text);
        if (nested(c->open, c->middle, c->close, 8000, &err))
            fail_msg("%s%s: taken 8000 times", c->open, c->close);
    }
}

static void regular_expressions_are_counted_wherever_they_stand(void **state)
{
    (void)state;
    static const struct nesting_case cases[] = {
        {"", "{a=\"b\"}", " |~ \"x.*y\"", QUERY_REGEXES_MAX},
        {"", "{a=\"b\"} |~ \"x.*y\"", " or \"z+\"", QUERY_REGEXES_MAX - 1},
        {"", "{a=\"b\"}", " | c=~\"x.*y\"", QUERY_REGEXES_MAX},
        {"", "{a=\"b\"}", " | regexp \"(?P<x>.)\"", QUERY_REGEXES_MAX},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct err err = {.text = ""};
        if (!nested(cases[i].open, cases[i].middle, cases[i].close, cases[i].times_max, &err))
            fail_msg("%s, %zu times: %s", cases[i].close, cases[i].times_max, err.text);
        if (nested(cases[i].open, cases[i].middle, cases[i].close, cases[i].times_max + 1, &err) ||
            strcmp(err.text, "parse error : more than 1000 regular expressions in one query") != 0)
            fail_msg("%s, %zu times: taken, or %s", cases[i].close, cases[i].times_max + 1, err.text);
    }
}

static void a_text_too_long_or_not_utf8_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct expr *expr = NULL;
    struct err err = {.text = ""};
    char *long_text = malloc(QUERY_BYTES_MAX);
    assert_non_null(long_text);
    memset(long_text, ' ', QUERY_BYTES_MAX);
    assert_false(logql_parse(slice_of(long_text, QUERY_BYTES_MAX), &arena, &expr, &err));
    assert_string_equal(err.text, "parse error : input size too long (131072 > 131072)");
    memcpy(long_text, "{a=\"b\"}", 7);
    assert_true(logql_parse(slice_of(long_text, QUERY_BYTES_MAX - 1), &arena, &expr, &err));
    expr_fini(expr);
    assert_false(logql_parse(SLICE("{a=\"\xff\"}"), &arena, &expr, &err));
    assert_string_equal(err.text, "parse error : invalid UTF-8 encoding");
    free(long_text);
    arena_fini(&arena);
}

/* Every query of the tables cut at every byte: an error or a tree, never anything else. */
static void a_query_cut_anywhere_is_an_error_or_a_query(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(error_cases); i++) {
        struct slice whole = slice_str(error_cases[i].query);
        for (size_t len = 0; len < whole.len; len++) {
            struct arena arena = ARENA_INIT;
            struct expr *expr = NULL;
            struct err err = {.text = ""};
            if (logql_parse(slice_of(whole.ptr, len), &arena, &expr, &err))
                expr_fini(expr);
            else if (err.code != ERR_INVALID || strncmp(err.text, "parse error ", 12) != 0)
                fail_msg("%.*s: code %d, %s", (int)len, whole.ptr, err.code, err.text);
            arena_fini(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_refused_in_lokis_words),
        cmocka_unit_test(a_bad_regex_of_a_matcher_is_refused_while_parsing),
        cmocka_unit_test(nesting_of_any_kind_is_bounded_and_what_is_taken_is_read_back),
        cmocka_unit_test(regular_expressions_are_counted_wherever_they_stand),
        cmocka_unit_test(a_text_too_long_or_not_utf8_is_refused_before_it_is_read),
        cmocka_unit_test(a_query_cut_anywhere_is_an_error_or_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
