/* What the parser makes of each production of logql.md 3: shown by its canonical print, and by the fields a print does not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "core/base/clock.h"
#include "core/logql/parser.h"

#define S "{a=\"b\"}"
#define R "rate(" S "[5m])"

static const struct parse_case {
    const char *query;
    const char *print;
} parse_cases[] = {
    // selectors
    {"{a=\"b\"}", S},
    {" { a = `b` , c != \"\\n\" } # end", "{a=\"b\", c!=\"\\n\"}"},
    {"{a=~\"x|y\",b!~`z\\d`,c=\"q\"}", "{a=~\"x|y\", b!~\"z\\\\d\", c=\"q\"}"},
    {"{rate=\"b\",sum=\"c\",ip=\"d\",bytes=\"e\"}", "{rate=\"b\", sum=\"c\", ip=\"d\", bytes=\"e\"}"},
    {"((" S "))", S},
    {"{a=~\".*\",b=\"x\"}", "{a=~\".*\", b=\"x\"}"},
    {"{a!=\"\"}", "{a!=\"\"}"},
    // line filters
    {S "|=\"x\"!=\"y\"|~\"z\"!~\"w\"|>\"<_>a\"!>\"b<_>\"", S " |= \"x\" != \"y\" |~ \"z\" !~ \"w\" |> \"<_>a\" !> \"b<_>\""},
    {S "|= \"x\" or `y` OR \"z\"", S " |= \"x\" or \"y\" or \"z\""},
    {S "|= ip(\"1.2.3.4\") or \"x\"", S " |= ip(\"1.2.3.4\") or \"x\""},
    // parsers
    {S "|json", S " | json"},
    {S "| JSON x, y=\"a.b[0]\"", S " | json x=\"x\",y=\"a.b[0]\""},
    {S "|logfmt --strict --keep-empty a,b=\"c\"", S " | logfmt --strict --keep-empty a=\"a\",b=\"c\""},
    {S "|regexp`(?P<x>.)`|pattern\"<y> \"|unpack", S " | regexp \"(?P<x>.)\" | pattern \"<y> \" | unpack"},
    // the others
    {S "|line_format`{{.x}}`", S " | line_format \"{{.x}}\""},
    {S "|label_format a=b , c=`{{.d}}`", S " | label_format a=b,c=\"{{.d}}\""},
    {S "|decolorize|drop a,b=\"c\",d=~\"e\"|keep f,g!=\"h\",i!~\"j\"", S " | decolorize | drop a,b=\"c\",d=~\"e\" | keep f,g!=\"h\",i!~\"j\""},
    // label filters
    {S "|x=\"y\"|x!=\"y\"|x=~\"y\"|x!~\"y\"", S " | x=\"y\" | x!=\"y\" | x=~\"y\" | x!~\"y\""},
    {S "|x>1|x>=-2|x<3.5|x<=1e3|x==5|x=5|x!=6", S " | x>1 | x>=-2 | x<3.5 | x<=1000 | x==5 | x==5 | x!=6"},
    {S "|x>1m|x<-5s|x=20KiB", S " | x>1m0s | x<-5s | x==20KiB"},
    {S "|x=ip(\"::1\")|x!=ip(\"10.0.0.0/8\")", S " | x=ip(\"::1\") | x!=ip(\"10.0.0.0/8\")"},
    {S "|a=1 or b=2 and c=3", S " | ( a==1 or ( b==2 , c==3 ) )"},
    {S "|a=1 and b=2 or c=3", S " | ( ( a==1 , b==2 ) or c==3 )"},
    {S "|a=1 or b=2 or c=3", S " | ( ( a==1 or b==2 ) or c==3 )"},
    {S "|(a=1 or b=2) and c=3", S " | ( ( a==1 or b==2 ) , c==3 )"},
    {S "|a=1 or b=2 , c=3", S " | ( a==1 or ( b==2 , c==3 ) )"},
    {S "|a=1 , b=2 or c=3", S " | ( a==1 , ( b==2 or c==3 ) )"},
    {S "|a=1 , b=2 or c=3 , d=4", S " | ( a==1 , ( b==2 or ( c==3 , d==4 ) ) )"},
    {S "|a=1 b=2 or c=3 d=4", S " | ( a==1 , ( b==2 or ( c==3 , d==4 ) ) )"},
    // ranges
    {"rate(" S "[5m] |= \"x\")", "rate(" S " |= \"x\"[5m])"},
    {"rate(" S "[5m] offset 1h |= \"x\")", "rate(" S " |= \"x\"[5m] offset 1h0m0s)"},
    {"rate((" S " |= \"x\")[5m])", "rate(" S " |= \"x\"[5m])"},
    {"rate(((" S "[5m])))", R},
    {"rate(" S "[5m] offset -1m)", "rate(" S "[5m] offset -1m0s)"},
    {"rate(" S "[90s])", "rate(" S "[1m30s])"},
    {"count_over_time(" S "[1d])", "count_over_time(" S "[1d])"},
    {"bytes_over_time(" S "[1m])", "bytes_over_time(" S "[1m])"},
    {"bytes_rate(" S "[1m])", "bytes_rate(" S "[1m])"},
    {"absent_over_time(" S "[1m])", "absent_over_time(" S "[1m])"},
    {"rate_counter(" S "|unwrap x[1m])", "rate_counter(" S " | unwrap x[1m])"},
    {"sum_over_time(" S "|unwrap bytes(x)[1m])", "sum_over_time(" S " | unwrap bytes(x)[1m])"},
    {"avg_over_time(" S "|unwrap duration(x)[1m])by(c)", "avg_over_time(" S " | unwrap duration(x)[1m]) by (c)"},
    {"min_over_time(" S "|unwrap duration_seconds(x)[1m])without(c,d)", "min_over_time(" S " | unwrap duration_seconds(x)[1m]) without (c,d)"},
    {"max_over_time(" S "[1m]|json|unwrap x|y>1|z=\"w\")by()", "max_over_time(" S " | json | unwrap x | y>1 | z=\"w\"[1m]) by ()"},
    {"stddev_over_time(" S "|unwrap x[1m])", "stddev_over_time(" S " | unwrap x[1m])"},
    {"stdvar_over_time(" S "|unwrap x[1m])", "stdvar_over_time(" S " | unwrap x[1m])"},
    {"first_over_time(" S "|unwrap x[1m])", "first_over_time(" S " | unwrap x[1m])"},
    {"last_over_time(" S "|unwrap x[1m])", "last_over_time(" S " | unwrap x[1m])"},
    {"quantile_over_time(0.99," S "|unwrap x[1m])", "quantile_over_time(0.99," S " | unwrap x[1m])"},
    // vector aggregations
    {"sum(" R ")by(c,d)", "sum by (c,d)(" R ")"},
    {"SUM by (c) (" R ")", "sum by (c)(" R ")"},
    {"avg without()(" R ")", "avg without ()(" R ")"},
    {"min(" R ")", "min(" R ")"},
    {"max(" R ")", "max(" R ")"},
    {"count(" R ")", "count(" R ")"},
    {"stddev(" R ")", "stddev(" R ")"},
    {"stdvar(" R ")", "stdvar(" R ")"},
    {"topk(3," R ")", "topk(3," R ")"},
    {"bottomk(3," R ")by(c)", "bottomk by (c)(3," R ")"},
    {"approx_topk(3," R ")", "approx_topk(3," R ")"},
    {"sort(" R ")", "sort(" R ")"},
    {"sort_desc(" R ")", "sort_desc(" R ")"},
    // binary operations
    {R "+" R, "(" R " + " R ")"},
    {"vector(1)+vector(2)*vector(3)", "(vector(1.000000) + (vector(2.000000) * vector(3.000000)))"},
    {"vector(1)-vector(2)-vector(3)", "((vector(1.000000) - vector(2.000000)) - vector(3.000000))"},
    {"vector(1)^vector(2)^vector(3)", "(vector(1.000000) ^ (vector(2.000000) ^ vector(3.000000)))"},
    {"vector(1)*vector(2)^vector(3)", "(vector(1.000000) * (vector(2.000000) ^ vector(3.000000)))"},
    {"vector(1)%vector(2)/vector(3)", "((vector(1.000000) % vector(2.000000)) / vector(3.000000))"},
    {"vector(1)or vector(2)and vector(3)", "(vector(1.000000) or (vector(2.000000) and vector(3.000000)))"},
    {"vector(1)and vector(2)unless vector(3)", "((vector(1.000000) and vector(2.000000)) unless vector(3.000000))"},
    {"vector(1)==vector(2)+vector(3)", "(vector(1.000000) == (vector(2.000000) + vector(3.000000)))"},
    {"vector(1)and vector(2)>vector(3)", "(vector(1.000000) and (vector(2.000000) > vector(3.000000)))"},
    {"vector(1)>vector(2)<vector(3)", "((vector(1.000000) > vector(2.000000)) < vector(3.000000))"},
    {"(vector(1)+vector(2))*vector(3)", "((vector(1.000000) + vector(2.000000)) * vector(3.000000))"},
    {R "> bool 5", "(" R " > bool 5)"},
    {R "!= on(c,d)" R, "(" R " != on (c,d)  " R ")"},
    {R "<= ignoring()" R, "(" R " <= " R ")"},
    {R "/ bool on(c)group_left(d)" R, "(" R " / bool on (c) group_left (d) " R ")"},
    {R "/ on(c)group_right " R, "(" R " / on (c) group_right " R ")"},
    // literals, folded
    {"1", "1"},
    {"+1.50", "1.5"},
    {"-1", "-1"},
    {"1e3", "1000"},
    {"1 + 2 * 3", "7"},
    {"-2 ^ 2", "4"},
    {"2 ^ 3 ^ 2", "512"},
    {"1 > 1 < 1", "1"},
    {"7 % 4 - 10 / 4", "0.5"},
    {"1 == bool 1", "1"},
    {"(1 + 2) * vector(2)", "(3 * vector(2.000000))"},
    // the rest
    {"label_replace(" R ",\"x\",\"$1\",\"y\",\"(.*)\")", "label_replace(" R ",\"x\",\"$1\",\"y\",\"(.*)\")"},
    {"vector(1.5)", "vector(1.500000)"},
    {"variants(" R ",sum(" R "))of(" S "[5m])", "variants(" R ", sum(" R ")) of (" S "[5m])"},
};

static void each_production_parses_to_its_canonical_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(parse_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct expr *expr = NULL;
        struct buf out = BUF_INIT;
        struct err err = {.text = ""};
        if (!logql_parse(slice_str(parse_cases[i].query), &arena, &expr, &err))
            fail_msg("%s: %s", parse_cases[i].query, err.text);
        expr_print(expr, &out);
        if (!slice_eq_str(buf_slice(&out), parse_cases[i].print))
            fail_msg("%s: %.*s, want %s", parse_cases[i].query, SLICE_ARG(buf_slice(&out)), parse_cases[i].print);
        expr_fini(expr);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static struct expr *must_parse(const char *query, struct arena *arena)
{
    struct expr *expr = NULL;
    struct err err = {.text = ""};
    if (!logql_parse(slice_str(query), arena, &expr, &err))
        fail_msg("%s: %s", query, err.text);
    return expr;
}

static void a_range_aggregation_has_its_parts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct expr *expr = must_parse("quantile_over_time(0.5, {a=\"b\"} | json | unwrap duration(x) | y>1 [5m] offset 1h) without (c, d)", &arena);
    assert_int_equal(expr->kind, EXPR_RANGE);
    assert_int_equal(expr->range_op, RANGE_QUANTILE_OVER_TIME);
    assert_true(expr->has_parameter && expr->parameter == 0.5);
    assert_int_equal(expr->range.range_ns, 300 * NS_PER_S);
    assert_int_equal(expr->range.offset_ns, 3600 * NS_PER_S);
    assert_int_equal(expr->range.log.stage_count, 1);
    assert_true(expr->range.has_unwrap);
    assert_int_equal(expr->range.unwrap.conversion, UNWRAP_DURATION);
    assert_false(expr->range.unwrap.says_seconds);
    assert_int_equal(expr->range.unwrap.filter_count, 1);
    assert_true(expr->grouping.is_present && expr->grouping.without);
    assert_int_equal(expr->grouping.label_count, 2);
    assert_true(slice_eq_str(expr->grouping.labels[1], "d"));
    expr_fini(expr);
    arena_fini(&arena);
}

static void comparisons_have_their_values_in_base_units(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct expr *expr = must_parse("{a=\"b\"} | x >= -2.5 | x = 1h30m | x < 20KiB | x != ip(\"1.2.3.4\") | x == 0x1F", &arena);
    const struct stage *stages = expr->log.stages;
    assert_int_equal(expr->log.stage_count, 5);
    assert_int_equal(stages[0].filter->kind, LABEL_FILTER_NUMBER);
    assert_true(stages[0].filter->op == COMPARE_GTE && stages[0].filter->number == -2.5);
    assert_true(stages[1].filter->op == COMPARE_EQ && stages[1].filter->duration_ns == 5400 * NS_PER_S);
    assert_true(stages[2].filter->op == COMPARE_LT && stages[2].filter->bytes == 20480);
    assert_true(stages[3].filter->kind == LABEL_FILTER_IP && stages[3].filter->op == COMPARE_NEQ);
    assert_true(stages[4].filter->number == 0); // a text that is no float counts as 0, as in Loki
    expr_fini(expr);
    arena_fini(&arena);
}

static void a_selectors_matchers_know_whether_they_take_the_empty_value(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct expr *expr = must_parse("{a=~\".+\", b=~\"x|\", c!=\"y\", d!=\"\"}", &arena);
    static const bool matches_empty[] = {false, true, true, false};
    assert_int_equal(expr->log.matcher_count, LENGTH(matches_empty));
    for (size_t i = 0; i < LENGTH(matches_empty); i++)
        assert_int_equal(expr->log.matchers[i].matches_empty, matches_empty[i]);
    expr_fini(expr);
    arena_fini(&arena);
}

static const struct matchers_case {
    const char *text;
    bool allow_empty;
    int count; /* -1: refused */
    const char *says;
} matchers_cases[] = {
    {"{a=\"b\",c=~\"d\"}", false, 2, ""},
    {"{}", true, 0, ""},
    {"{}", false, -1, "queries require at least one"},
    {"{a=\"\"}", true, -1, "queries require at least one"},
    {"{a=\"b\"} |= \"x\"", false, -1, "only label matchers are supported"},
    {"rate({a=\"b\"}[5m])", false, -1, "only label matchers are supported"},
    {"{a=", false, -1, "unexpected $end, expecting STRING"},
};

static void a_selector_alone_is_read_for_series_and_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(matchers_cases); i++) {
        const struct matchers_case *c = &matchers_cases[i];
        struct arena arena = ARENA_INIT;
        struct matcher *matchers = NULL;
        size_t count = 0;
        struct err err = {.text = ""};
        bool ok = logql_parse_matchers(slice_str(c->text), c->allow_empty, &arena, &matchers, &count, &err);
        if (ok != (c->count >= 0) || (ok && count != (size_t)c->count) || strstr(err.text, c->says) == NULL)
            fail_msg("%s: %zu matchers, %s", c->text, count, err.text);
        for (size_t k = 0; k < count; k++)
            matcher_fini(&matchers[k]);
        arena_fini(&arena);
    }
}

static void a_log_query_alone_is_read_for_tail(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct log_expr *log = NULL;
    struct err err = {.text = ""};
    assert_true(logql_parse_log(SLICE("({a=~\"b\"} |= \"x\" | json)"), &arena, &log, &err));
    assert_int_equal(log->stage_count, 2);
    matcher_fini(&log->matchers[0]);
    assert_false(logql_parse_log(SLICE("rate({a=~\"b\"}[5m])"), &arena, &log, &err));
    assert_string_equal(err.text, "only log selector is supported");
    arena_fini(&arena);
}

static void literals_divided_by_zero_fold_to_nan(void **state)
{
    (void)state;
    static const char *const queries[] = {"1 / 0", "-1 / 0", "0 / 0", "5 % 0", "(1 / 0) == (1 / 0) + 1 / 0"};
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct arena arena = ARENA_INIT;
        struct expr *expr = must_parse(queries[i], &arena);
        bool is_comparison = i == LENGTH(queries) - 1; // NaN equals nothing
        if (expr->kind != EXPR_LITERAL || !(is_comparison ? expr->literal == 0 : isnan(expr->literal)))
            fail_msg("%s: kind %d, %f", queries[i], expr->kind, expr->literal);
        expr_fini(expr);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_production_parses_to_its_canonical_text),
        cmocka_unit_test(a_range_aggregation_has_its_parts),
        cmocka_unit_test(comparisons_have_their_values_in_base_units),
        cmocka_unit_test(a_selectors_matchers_know_whether_they_take_the_empty_value),
        cmocka_unit_test(literals_divided_by_zero_fold_to_nan),
        cmocka_unit_test(a_selector_alone_is_read_for_series_and_labels),
        cmocka_unit_test(a_log_query_alone_is_read_for_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
