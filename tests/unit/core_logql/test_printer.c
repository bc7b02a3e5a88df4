/* Prints: the layout of format_query, and that what is printed is the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/logql/parser.h"
#include "tests/unit/core_logql/random_expr.h"

#define SEEDS 4000

static void reparse(struct slice text, uint64_t seed, const char *layout, const struct buf *want)
{
    struct arena arena = ARENA_INIT;
    struct expr *again = NULL;
    struct buf print = BUF_INIT;
    struct err err = {.text = ""};
    if (!logql_parse(text, &arena, &again, &err))
        fail_msg("seed %llu, %s: %s\n%.*s", (unsigned long long)seed, layout, err.text, SLICE_ARG(text));
    expr_print(again, &print);
    if (!slice_eq(buf_slice(&print), buf_slice(want)))
        fail_msg("seed %llu, %s:\n%.*s\nprinted as\n%.*s", (unsigned long long)seed, layout, SLICE_ARG(buf_slice(want)), SLICE_ARG(buf_slice(&print)));
    expr_fini(again);
    buf_fini(&print);
    arena_fini(&arena);
}

static void a_tree_is_what_its_prints_parse_to(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct arena arena = ARENA_INIT;
        struct buf print = BUF_INIT;
        struct buf pretty = BUF_INIT;
        struct expr *expr = random_expr(seed, &arena);
        expr_print(expr, &print);
        expr_print_pretty(expr, &pretty);
        reparse(buf_slice(&print), seed, "one line", &print);
        reparse(buf_slice(&pretty), seed, "pretty", &print);
        expr_fini(expr);
        buf_fini(&print);
        buf_fini(&pretty);
        arena_fini(&arena);
    }
}

#define LONG_S "{namespace=\"production\", cluster=\"europe-west\", container=\"query-frontend\"}"

static const struct pretty_case {
    const char *query;
    const char *layout;
} pretty_cases[] = {
    {"sum(rate({app=\"a\"}|=\"x\"|json[5m]))by(b)", "sum by (b)(rate({app=\"a\"} |= \"x\" | json[5m]))"},
    {LONG_S "|logfmt|level=\"error\"|= \"x\"", LONG_S "\n  | logfmt\n  | level=\"error\"\n  |= \"x\""},
    {"count_over_time(" LONG_S "|= \"error\" != \"memcached\"|logfmt[1m])",
     "count_over_time(\n  " LONG_S "\n    |= \"error\" != \"memcached\"\n    | logfmt [1m]\n)"},
    // what fits in a line stays on one, also inside of what does not
    {"sum by (app)(rate(" LONG_S "|= \"error\"[1m]))", "sum by (app)(\n  rate(" LONG_S " |= \"error\"[1m])\n)"},
    {"topk(3,rate(" LONG_S "|= \"connection reset\"[1m]))",
     "topk(\n  3,\n  rate(\n    " LONG_S " |= \"connection reset\" [1m]\n  )\n)"},
    {"quantile_over_time(0.99," LONG_S "|logfmt|unwrap latency|x>5[1m]offset -1h)by(app,b)",
     "quantile_over_time(\n  0.99,\n  " LONG_S " | logfmt\n    | unwrap latency\n    | x>5 [1m] offset -1h\n) by (app, b)"},
    {"rate(" LONG_S "[1m])/on(a,b)group_left(c)rate(" LONG_S "[1m])",
     "  rate(" LONG_S "[1m])\n/ on (a, b) group_left (c)\n  rate(" LONG_S "[1m])"},
    // parentheses stay only where the operation would be read otherwise
    {"sum((rate(" LONG_S "[1m])+rate(" LONG_S "[1m]))*2)",
     "sum(\n    (\n      rate(" LONG_S "[1m])\n    +\n      rate(" LONG_S "[1m])\n    )\n  *\n    2\n)"},
    {LONG_S "|=\"aaaaaaaaaaaaaaaaa\"!~\"b\"or\"c\"|decolorize|=\"d\"",
     LONG_S "\n  |= \"aaaaaaaaaaaaaaaaa\" !~ \"b\" !~ \"c\"\n| decolorize\n  |= \"d\""},
    {"variants(rate({a=\"b\"}[5m]),count_over_time({a=\"b\"}[5m]))of({a=\"b\"}[5m])",
     "variants(\n  rate({a=\"b\"}[5m]),\n  count_over_time({a=\"b\"}[5m])\n) of (\n  {a=\"b\"} [5m]\n)"},
};

static void a_long_query_is_laid_out_over_lines_as_lokis_format_query_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(pretty_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct expr *expr = NULL;
        struct buf out = BUF_INIT;
        struct err err = {.text = ""};
        if (!logql_parse(slice_str(pretty_cases[i].query), &arena, &expr, &err))
            fail_msg("%s: %s", pretty_cases[i].query, err.text);
        expr_print_pretty(expr, &out);
        if (!slice_eq_str(buf_slice(&out), pretty_cases[i].layout))
            fail_msg("%s:\n%.*s\nwant\n%s", pretty_cases[i].query, SLICE_ARG(buf_slice(&out)), pretty_cases[i].layout);
        expr_fini(expr);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_what_its_prints_parse_to),
        cmocka_unit_test(a_long_query_is_laid_out_over_lines_as_lokis_format_query_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
