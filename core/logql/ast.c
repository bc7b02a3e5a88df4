#include "core/logql/ast.h"

static void label_filter_fini(struct label_filter *filter)
{
    if (filter == NULL)
        return;
    if (filter->kind == LABEL_FILTER_MATCHER)
        matcher_fini(&filter->matcher);
    label_filter_fini(filter->left);
    label_filter_fini(filter->right);
}

static void log_fini(struct log_expr *log)
{
    for (size_t i = 0; i < log->matcher_count; i++)
        matcher_fini(&log->matchers[i]);
    for (size_t i = 0; i < log->stage_count; i++) {
        struct stage *stage = &log->stages[i];
        label_filter_fini(stage->filter);
        for (size_t k = 0; k < stage->named_count; k++) {
            if (stage->named[k].has_matcher)
                matcher_fini(&stage->named[k].matcher);
        }
    }
}

static void range_fini(struct log_range *range)
{
    log_fini(&range->log);
    for (size_t i = 0; i < range->unwrap.filter_count; i++)
        label_filter_fini(range->unwrap.filters[i]);
}

void expr_fini(struct expr *expr)
{
    if (expr == NULL)
        return;
    log_fini(&expr->log);
    range_fini(&expr->range);
    regex_free(expr->replace_regex);
    expr_fini(expr->inner);
    expr_fini(expr->left);
    expr_fini(expr->right);
    for (size_t i = 0; i < expr->variant_count; i++)
        expr_fini(expr->variants[i]);
}

const char *range_op_text(enum range_op op)
{
    static const char *const texts[] = {
        [RANGE_COUNT_OVER_TIME] = "count_over_time",   [RANGE_RATE] = "rate",
        [RANGE_RATE_COUNTER] = "rate_counter",         [RANGE_BYTES_OVER_TIME] = "bytes_over_time",
        [RANGE_BYTES_RATE] = "bytes_rate",             [RANGE_AVG_OVER_TIME] = "avg_over_time",
        [RANGE_SUM_OVER_TIME] = "sum_over_time",       [RANGE_MIN_OVER_TIME] = "min_over_time",
        [RANGE_MAX_OVER_TIME] = "max_over_time",       [RANGE_STDVAR_OVER_TIME] = "stdvar_over_time",
        [RANGE_STDDEV_OVER_TIME] = "stddev_over_time", [RANGE_QUANTILE_OVER_TIME] = "quantile_over_time",
        [RANGE_FIRST_OVER_TIME] = "first_over_time",   [RANGE_LAST_OVER_TIME] = "last_over_time",
        [RANGE_ABSENT_OVER_TIME] = "absent_over_time",
    };
    return texts[op];
}

const char *vector_op_text(enum vector_op op)
{
    static const char *const texts[] = {
        [VECTOR_SUM] = "sum",       [VECTOR_AVG] = "avg",       [VECTOR_MIN] = "min",         [VECTOR_MAX] = "max",
        [VECTOR_COUNT] = "count",   [VECTOR_STDDEV] = "stddev", [VECTOR_STDVAR] = "stdvar",   [VECTOR_TOPK] = "topk",
        [VECTOR_BOTTOMK] = "bottomk", [VECTOR_APPROX_TOPK] = "approx_topk", [VECTOR_SORT] = "sort", [VECTOR_SORT_DESC] = "sort_desc",
    };
    return texts[op];
}

const char *binary_op_text(enum binary_op op)
{
    static const char *const texts[] = {
        [BINARY_ADD] = "+",  [BINARY_SUB] = "-",  [BINARY_MUL] = "*",  [BINARY_DIV] = "/",   [BINARY_MOD] = "%",
        [BINARY_POW] = "^",  [BINARY_EQ] = "==",  [BINARY_NEQ] = "!=", [BINARY_GT] = ">",    [BINARY_GTE] = ">=",
        [BINARY_LT] = "<",   [BINARY_LTE] = "<=", [BINARY_AND] = "and", [BINARY_OR] = "or",  [BINARY_UNLESS] = "unless",
    };
    return texts[op];
}

const char *line_filter_op_text(enum line_filter_op op)
{
    static const char *const texts[] = {
        [LINE_CONTAINS] = "|=",    [LINE_NOT_CONTAINS] = "!=", [LINE_MATCHES] = "|~",
        [LINE_NOT_MATCHES] = "!~", [LINE_PATTERN] = "|>",      [LINE_NOT_PATTERN] = "!>",
    };
    return texts[op];
}
