/* test_vector_ops.c: vector aggregations, binary operators, label_replace, quantiles and rewrites over series made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "core/base/clock.h"
#include "core/plan/binary_eval.h"
#include "core/plan/label_replace.h"
#include "core/plan/quantile.h"
#include "core/plan/rewrites.h"
#include "core/plan/vector_agg.h"

static struct query_control control;
static struct eval_context context;
static struct err err;

static int begin(void **state)
{
    (void)state;
    control = (struct query_control){.clock = &system_clock, .memory_left = 1 << 24, .memory_max = 1 << 24};
    context = (struct eval_context){.steps = {0, 1, 1}, .control = &control};
    return 0;
}

static int end(void **state)
{
    (void)state;
    charged_arena_fini(&context.memory, &control);
    buf_fini(&context.key);
    return atomic_load(&control.memory_left) == 1 << 24 ? 0 : -1;
}

/* A series {a="<a>", b="<b>"} of one point. */
static void add(struct series_set *set, const char *a, const char *b, double value)
{
    struct buf key = BUF_INIT;
    label_key_put(&key, SLICE("a"), slice_str(a));
    label_key_put(&key, SLICE("b"), slice_str(b));
    struct series *series = series_set_get(set, buf_slice(&key), &err);
    assert_non_null(series);
    series_put(series, 0, value);
    buf_fini(&key);
}

static struct series_set *sample_set(void)
{
    struct series_set *set = series_set_create(&context);
    add(set, "x", "1", 3);
    add(set, "x", "2", 5);
    add(set, "y", "1", 5);
    add(set, "y", "2", NAN);
    return set;
}

static void expect(const char *name, struct series_set *set, const char *want)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < set->count; i++) {
        if (!series_has(set->items[i], 0))
            continue;
        label_set_print(&set->items[i]->labels, &text);
        buf_printf(&text, " %g;", set->items[i]->values[0]);
    }
    if (!slice_eq_str(buf_slice(&text), want))
        fail_msg("%s: %.*s\nwant %s", name, SLICE_ARG(buf_slice(&text)), want);
    buf_fini(&text);
    series_set_destroy(set);
}

static struct slice label_a[] = {{"a", 1}};
static struct slice label_b[] = {{"b", 1}};

static void vector_aggregations_do_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum vector_op op;
        double k;
        bool grouped, without;
        const char *want;
    } cases[] = {
        {"min skips NaN", VECTOR_MIN, 0, true, false, "{a=\"x\"} 3;{a=\"y\"} 5;"},
        {"max without", VECTOR_MAX, 0, true, true, "{b=\"1\"} 5;{b=\"2\"} 5;"},
        {"count", VECTOR_COUNT, 0, false, false, "{} 4;"},
        {"sum by", VECTOR_SUM, 0, true, false, "{a=\"x\"} 8;{a=\"y\"} nan;"},
        {"avg by", VECTOR_AVG, 0, true, false, "{a=\"x\"} 4;{a=\"y\"} nan;"},
        {"stddev by", VECTOR_STDDEV, 0, true, false, "{a=\"x\"} 1;{a=\"y\"} nan;"},
        {"topk breaks ties by label text", VECTOR_TOPK, 1, false, false, "{a=\"x\", b=\"2\"} 5;"},
        {"bottomk puts NaN last", VECTOR_BOTTOMK, 1, true, false, "{a=\"x\", b=\"1\"} 3;{a=\"y\", b=\"1\"} 5;"},
        {"sort", VECTOR_SORT, 0, false, false, "{a=\"x\", b=\"1\"} 3;{a=\"x\", b=\"2\"} 5;{a=\"y\", b=\"1\"} 5;{a=\"y\", b=\"2\"} nan;"},
        {"sort_desc", VECTOR_SORT_DESC, 0, false, false, "{a=\"x\", b=\"2\"} 5;{a=\"y\", b=\"1\"} 5;{a=\"x\", b=\"1\"} 3;{a=\"y\", b=\"2\"} nan;"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct expr agg = {.kind = EXPR_VECTOR_AGG, .vector_op = cases[i].op, .parameter = cases[i].k};
        agg.grouping = (struct grouping){cases[i].grouped, cases[i].without, label_a, cases[i].grouped ? 1 : 0};
        struct series_set *in = sample_set();
        struct series_set *out = series_set_create(&context);
        assert_true(vector_agg(&agg, in, out, &err));
        expect(cases[i].name, out, cases[i].want);
        series_set_destroy(in);
    }
}

static void one_value_spreads_over_nothing(void **state)
{
    (void)state;
    struct expr agg = {.kind = EXPR_VECTOR_AGG, .vector_op = VECTOR_STDDEV};
    agg.grouping = (struct grouping){true, false, label_a, 1};
    struct series_set *in = series_set_create(&context);
    struct series_set *out = series_set_create(&context);
    add(in, "nan", "1", NAN);
    add(in, "inf", "1", INFINITY);
    assert_true(vector_agg(&agg, in, out, &err));
    expect("stddev", out, "{a=\"nan\"} 0;{a=\"inf\"} 0;");
    series_set_destroy(in);
}

/* {b="1", c=""} and {b="1"} are the same to an operation. */
static void an_empty_label_is_none_to_a_match(void **state)
{
    (void)state;
    struct expr binary = {.kind = EXPR_BINARY, .binary_op = BINARY_AND};
    struct eval_value left = {.set = series_set_create(&context)};
    struct eval_value right = {.set = series_set_create(&context)};
    struct eval_value out_value;
    struct series_set *out = series_set_create(&context);
    add(left.set, "x", "", 3);
    add(right.set, "x", "", 4);
    buf_reset(&context.key);
    label_key_put(&context.key, SLICE("a"), SLICE("x"));
    series_put(series_set_get(right.set, buf_slice(&context.key), &err), 0, 5);
    assert_true(binary_eval(&binary, &left, &right, out, &out_value, &err));
    expect("and", out, "{a=\"x\", b=\"\"} 3;");
    out = series_set_create(&context);
    binary.binary_op = BINARY_ADD;
    assert_false(binary_eval(&binary, &left, &right, out, &out_value, &err));
    assert_non_null(strstr(err.text, "found duplicate series on the right hand-side"));
    series_set_destroy(out);
    series_set_destroy(left.set);
    series_set_destroy(right.set);
}

static void vectors_match_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum binary_op op;
        struct vector_matching matching;
        const char *want; /* result, or error */
        bool fails;
    } cases[] = {
        {"equal labels", BINARY_ADD, {0}, "{a=\"x\", b=\"1\"} 13;", false},
        {"many to one", BINARY_DIV, {true, true, label_a, 1, GROUP_LEFT, NULL, 0}, "{a=\"x\", b=\"1\"} 0.3;{a=\"x\", b=\"2\"} 0.5;", false},
        {"not said to be many", BINARY_DIV, {true, true, label_a, 1, GROUP_NONE, NULL, 0}, "multiple matches for labels: many-to-one", true},
        {"two on the one side", BINARY_ADD, {true, true, label_b, 1, GROUP_RIGHT, NULL, 0}, "duplicate series on the left hand-side", true},
        {"and", BINARY_AND, {true, true, label_a, 1, GROUP_NONE, NULL, 0}, "{a=\"x\", b=\"1\"} 3;{a=\"x\", b=\"2\"} 5;", false},
        {"unless", BINARY_UNLESS, {true, true, label_a, 1, GROUP_NONE, NULL, 0}, "{a=\"y\", b=\"1\"} 5;{a=\"y\", b=\"2\"} nan;", false},
        {"or", BINARY_OR, {true, true, label_a, 1, GROUP_NONE, NULL, 0},
         "{a=\"x\", b=\"1\"} 3;{a=\"x\", b=\"2\"} 5;{a=\"y\", b=\"1\"} 5;{a=\"y\", b=\"2\"} nan;{a=\"z\", b=\"1\"} 7;", false},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct expr binary = {.kind = EXPR_BINARY, .binary_op = cases[i].op, .matching = cases[i].matching};
        struct eval_value left = {.set = sample_set()};
        struct eval_value right = {.set = series_set_create(&context)};
        struct eval_value out_value;
        add(right.set, "x", "1", 10);
        add(right.set, "z", "1", 7);
        struct series_set *out = series_set_create(&context);
        bool ok = binary_eval(&binary, &left, &right, out, &out_value, &err);
        if (ok == cases[i].fails || (!ok && strstr(err.text, cases[i].want) == NULL))
            fail_msg("%s: %s", cases[i].name, ok ? "did not fail" : err.text);
        if (ok)
            expect(cases[i].name, out, cases[i].want);
        else
            series_set_destroy(out);
        series_set_destroy(left.set);
        series_set_destroy(right.set);
    }
}

static void division_by_zero_is_nan(void **state)
{
    (void)state;
    double value = 0;
    assert_true(binary_value(BINARY_DIV, 1, 0, &value) && isnan(value));
    assert_true(binary_value(BINARY_MOD, 1, 0, &value) && isnan(value));
    assert_true(binary_value(BINARY_POW, 2, 10, &value) && value == 1024);
}

static void label_replace_expands_groups_and_drops_empty_results(void **state)
{
    (void)state;
    struct expr replace = {.replace_target = SLICE("c"), .replace_source = SLICE("a"), .replacement = SLICE("<${1}$$$2>")};
    assert_true(regex_compile(SLICE("(x)"), REGEX_ANCHORED, &replace.replace_regex, &err));
    struct series_set *in = series_set_create(&context);
    struct series_set *out = series_set_create(&context);
    add(in, "x", "1", 1);
    add(in, "y", "1", 2);
    assert_true(label_replace(&replace, in, out, &err));
    expect("replaced", out, "{a=\"x\", b=\"1\", c=\"<x$>\"} 1;{a=\"y\", b=\"1\"} 2;");
    replace.replace_target = SLICE("b");
    replace.replacement = SLICE("");
    out = series_set_create(&context);
    assert_true(label_replace(&replace, in, out, &err));
    expect("emptied", out, "{a=\"x\"} 1;{a=\"y\", b=\"1\"} 2;");
    series_set_destroy(in);
    regex_free(replace.replace_regex);
}

static void line_filters_pass_parsers_but_not_formatters(void **state)
{
    (void)state;
    struct stage stages[] = {{.kind = STAGE_JSON}, {.kind = STAGE_LINE_FILTER}, {.kind = STAGE_LINE_FORMAT},
                             {.kind = STAGE_DROP}, {.kind = STAGE_LINE_FILTER}};
    static const enum stage_kind want[] = {STAGE_LINE_FILTER, STAGE_JSON, STAGE_LINE_FORMAT, STAGE_LINE_FILTER, STAGE_DROP};
    struct log_expr log = {.stages = stages, .stage_count = LENGTH(stages)};
    struct log_expr moved = rewrite_line_filters_first(&log, &context.memory.arena);
    for (size_t i = 0; i < LENGTH(want); i++)
        assert_int_equal(moved.stages[i].kind, want[i]);
    context.memory.charged = 0;
}

static void grouping_goes_into_extraction_only_under_a_sum_that_merges(void **state)
{
    (void)state;
    struct slice names[] = {{"k_extracted", 11}};
    struct expr range = {.kind = EXPR_RANGE, .range_op = RANGE_COUNT_OVER_TIME};
    struct expr sum = {.kind = EXPR_VECTOR_AGG, .vector_op = VECTOR_SUM, .inner = &range, .grouping = {true, false, names, 1}};
    assert_true(rewrite_sum_merges(&sum));
    struct range_plan plan = rewrite_grouping(&range, &sum, &context.memory.arena);
    assert_false(plan.hints.needs_all);
    assert_int_equal(plan.hints.needed_count, 2);
    assert_true(slice_eq_str(plan.hints.needed[1], "k"));
    sum.grouping.without = true;
    assert_true(rewrite_grouping(&range, &sum, &context.memory.arena).hints.needs_all);
    assert_true(rewrite_grouping(&range, NULL, &context.memory.arena).hints.needs_all);
    range.range_op = RANGE_ABSENT_OVER_TIME; // whether there is any entry: parsers need not run, nor fail
    assert_true(rewrite_grouping(&range, NULL, &context.memory.arena).hints.no_labels);
    range.range_op = RANGE_MAX_OVER_TIME;
    assert_false(rewrite_sum_merges(&sum));
}

static void quantiles_interpolate_between_ranks(void **state)
{
    (void)state;
    double values[] = {9, 1, 5, 3, 7};
    assert_true(quantile_of(0.5, values, 5) == 5);
    assert_true(quantile_of(0.875, values, 5) == 8);
    assert_true(quantile_of(0, values, 5) == 1 && quantile_of(1, values, 5) == 9);
    assert_true(isinf(quantile_of(-1, values, 5)) && isinf(quantile_of(2, values, 5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vector_aggregations_do_what_the_table_says, begin, end),
        cmocka_unit_test_setup_teardown(one_value_spreads_over_nothing, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_label_is_none_to_a_match, begin, end),
        cmocka_unit_test_setup_teardown(vectors_match_as_the_table_says, begin, end),
        cmocka_unit_test(division_by_zero_is_nan),
        cmocka_unit_test_setup_teardown(label_replace_expands_groups_and_drops_empty_results, begin, end),
        cmocka_unit_test_setup_teardown(line_filters_pass_parsers_but_not_formatters, begin, end),
        cmocka_unit_test_setup_teardown(grouping_goes_into_extraction_only_under_a_sum_that_merges, begin, end),
        cmocka_unit_test(quantiles_interpolate_between_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
