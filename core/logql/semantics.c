#include "core/logql/semantics.h"

#include "core/logql/parser_internal.h"
#include "core/model/go_text.h"

static bool selector_check(const struct log_expr *log, struct err *err)
{
    for (size_t i = 0; i < log->matcher_count; i++) {
        if (!log->matchers[i].matches_empty)
            return true;
    }
    return parser_semantic(err, "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
                                "For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will");
}

bool expr_check(const struct expr *expr, struct err *err)
{
    if (expr->fault != NULL)
        return err_set(err, ERR_INVALID, "%s", expr->fault);
    switch (expr->kind) {
    case EXPR_LOG:
        return selector_check(&expr->log, err);
    case EXPR_RANGE:
        return selector_check(&expr->range.log, err);
    case EXPR_VECTOR_AGG:
    case EXPR_LABEL_REPLACE:
        return expr_check(expr->inner, err);
    case EXPR_BINARY:
        return expr_check(expr->left, err) && expr_check(expr->right, err);
    case EXPR_VARIANTS:
        for (size_t i = 0; i < expr->variant_count; i++) {
            if (!expr_check(expr->variants[i], err))
                return false;
        }
        return selector_check(&expr->range.log, err);
    case EXPR_LITERAL:
    case EXPR_VECTOR:
        return true;
    }
    return true;
}

/* What a range function may have. */
static const struct range_rules {
    bool groups, with_unwrap, without_unwrap, needs_parameter;
} rules[] = {
    [RANGE_COUNT_OVER_TIME] = {false, false, true, false},
    [RANGE_RATE] = {false, true, true, false},
    [RANGE_RATE_COUNTER] = {false, true, false, false},
    [RANGE_BYTES_OVER_TIME] = {false, false, true, false},
    [RANGE_BYTES_RATE] = {false, false, true, false},
    [RANGE_AVG_OVER_TIME] = {true, true, false, false},
    [RANGE_SUM_OVER_TIME] = {false, true, false, false},
    [RANGE_MIN_OVER_TIME] = {true, true, false, false},
    [RANGE_MAX_OVER_TIME] = {true, true, false, false},
    [RANGE_STDVAR_OVER_TIME] = {true, true, false, false},
    [RANGE_STDDEV_OVER_TIME] = {true, true, false, false},
    [RANGE_QUANTILE_OVER_TIME] = {true, true, false, true},
    [RANGE_FIRST_OVER_TIME] = {true, true, false, false},
    [RANGE_LAST_OVER_TIME] = {true, true, false, false},
    [RANGE_ABSENT_OVER_TIME] = {false, true, true, false},
};

bool range_aggregation_check(const struct expr *expr, struct slice parameter, struct err *err)
{
    const struct range_rules *rule = &rules[expr->range_op];
    const char *name = range_op_text(expr->range_op);
    if (expr->has_parameter && !rule->needs_parameter)
        return parser_semantic(err, "parameter %.*s not supported for operation %s", SLICE_ARG(parameter), name);
    if (!expr->has_parameter && rule->needs_parameter)
        return parser_semantic(err, "parameter required for operation %s", name);
    if (expr->grouping.is_present && !rule->groups)
        return parser_semantic(err, "grouping not allowed for %s aggregation", name);
    if (expr->range.has_unwrap && !rule->with_unwrap)
        return parser_semantic(err, "invalid aggregation %s with unwrap", name);
    if (!expr->range.has_unwrap && !rule->without_unwrap)
        return parser_semantic(err, "invalid aggregation %s without unwrap", name);
    return true;
}

bool vector_aggregation_check(struct expr *expr, struct slice parameter, bool is_given, struct err *err)
{
    const char *name = vector_op_text(expr->vector_op);
    int64_t count = 0;
    switch (expr->vector_op) {
    case VECTOR_TOPK:
    case VECTOR_BOTTOMK:
    case VECTOR_APPROX_TOPK:
        if (!is_given)
            return parser_semantic(err, "parameter required for operation %s", name);
        if (!go_parse_int(parameter, &count, NULL))
            return parser_semantic(err, "invalid parameter %s(%.*s,", name, SLICE_ARG(parameter));
        if (count <= 0)
            return parser_semantic(err, "invalid parameter (must be greater than 0) %s(%.*s", name, SLICE_ARG(parameter));
        if (expr->vector_op == VECTOR_APPROX_TOPK && expr->grouping.is_present)
            return parser_semantic(err, "grouping not allowed for %s aggregation", name);
        expr->has_parameter = true;
        expr->parameter = (double)count;
        return true;
    case VECTOR_SORT:
    case VECTOR_SORT_DESC:
        if (expr->grouping.is_present && expr->grouping.label_count > 0)
            return parser_semantic(err, "sort and sort_desc doesn't allow grouping by ");
        break;
    case VECTOR_SUM:
    case VECTOR_AVG:
    case VECTOR_MIN:
    case VECTOR_MAX:
    case VECTOR_COUNT:
    case VECTOR_STDDEV:
    case VECTOR_STDVAR:
        break;
    }
    return !is_given || parser_semantic(err, "unsupported parameter for operation %s(%.*s,", name, SLICE_ARG(parameter));
}
