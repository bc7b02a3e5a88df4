#include "core/plan/metric_query.h"

#include "core/plan/binary_eval.h"
#include "core/plan/label_replace.h"
#include "core/plan/metric_result.h"
#include "core/plan/query_limits.h"
#include "core/plan/range_eval.h"
#include "core/plan/rewrites.h"
#include "core/plan/variants.h"
#include "core/plan/vector_agg.h"

static bool eval(struct metric_query *query, const struct expr *expr, struct eval_value *out, struct err *err);

static bool eval_vector_agg(struct metric_query *query, const struct expr *expr, struct series_set *set, struct err *err)
{
    if (rewrite_sum_merges(expr))
        return range_eval(query, expr->inner, expr, set, err);
    struct eval_value inner;
    if (!eval(query, expr->inner, &inner, err))
        return false;
    bool ok = inner.is_scalar ? err_set(err, ERR_INVALID, "unexpected expr type (*syntax.LiteralExpr) for Evaluator type (*logql.DefaultEvaluator) ")
                              : vector_agg(expr, inner.set, set, err);
    series_set_destroy(inner.set);
    return ok;
}

static bool eval_label_replace(struct metric_query *query, const struct expr *expr, struct series_set *set, struct err *err)
{
    struct eval_value inner;
    if (!eval(query, expr->inner, &inner, err))
        return false;
    bool ok = inner.is_scalar ? err_set(err, ERR_INVALID, "unexpected expr type (*syntax.LiteralExpr) for Evaluator type (*logql.DefaultEvaluator) ")
                              : label_replace(expr, inner.set, set, err);
    series_set_destroy(inner.set);
    return ok;
}

static bool eval_binary(struct metric_query *query, const struct expr *expr, struct series_set *set, struct eval_value *out, struct err *err)
{
    struct eval_value left = {0};
    struct eval_value right = {0};
    bool ok = eval(query, expr->left, &left, err) && eval(query, expr->right, &right, err) && binary_eval(expr, &left, &right, set, out, err);
    series_set_destroy(left.set);
    series_set_destroy(right.set);
    return ok;
}

static bool eval_vector(struct metric_query *query, const struct expr *expr, struct series_set *set, struct err *err)
{
    struct series *series = series_set_get(set, SLICE_NONE, err);
    if (series == NULL)
        return false;
    for (size_t step = 0; step < query->eval.steps.count; step++)
        series_put(series, step, expr->literal);
    return true;
}

/* On failure out->set is NULL. */
static bool eval(struct metric_query *query, const struct expr *expr, struct eval_value *out, struct err *err)
{
    struct series_set *set = series_set_create(&query->eval);
    *out = (struct eval_value){.set = set};
    bool ok = false;
    switch (expr->kind) {
    case EXPR_RANGE:
        ok = range_eval(query, expr, NULL, set, err);
        break;
    case EXPR_VECTOR_AGG:
        ok = eval_vector_agg(query, expr, set, err);
        break;
    case EXPR_BINARY:
        ok = eval_binary(query, expr, set, out, err);
        break;
    case EXPR_LITERAL:
        out->is_scalar = true;
        out->scalar = expr->literal;
        ok = true;
        break;
    case EXPR_VECTOR:
        ok = eval_vector(query, expr, set, err);
        break;
    case EXPR_LABEL_REPLACE:
        ok = eval_label_replace(query, expr, set, err);
        break;
    case EXPR_LOG:
    case EXPR_VARIANTS:
        ok = err_set(err, ERR_INVALID, "unexpected type: cannot evaluate");
        break;
    }
    if (!ok) {
        series_set_destroy(set);
        out->set = NULL;
    }
    return ok;
}

static bool contains_sort(const struct expr *expr)
{
    if (expr->kind == EXPR_VECTOR_AGG && (expr->vector_op == VECTOR_SORT || expr->vector_op == VECTOR_SORT_DESC))
        return true;
    if (expr->kind == EXPR_VECTOR_AGG || expr->kind == EXPR_LABEL_REPLACE)
        return contains_sort(expr->inner);
    return expr->kind == EXPR_BINARY && (contains_sort(expr->left) || contains_sort(expr->right));
}

/* Each variant by itself, its series marked with its number; one with too many series is left out with a warning. */
static bool run_variants(struct metric_query *query, struct series_set *all, struct slice *warnings, size_t *warning_count, struct err *err)
{
    const struct expr *expr = query->request->expr;
    int64_t most = query->request->limits->max_query_series;
    for (size_t i = 0; i < expr->variant_count; i++) {
        struct eval_value value;
        if (!eval(query, variant_expr(expr, i, query->arena), &value, err))
            return false;
        bool ok = true;
        if (most > 0 && !value.is_scalar && value.set->count > (size_t)most)
            warnings[(*warning_count)++] =
                arena_printf(query->arena, "maximum of series (%lld) reached for variant (%zu)", (long long)most, i);
        else if (!value.is_scalar)
            ok = variant_mark(value.set, i, all, err);
        series_set_destroy(value.set);
        if (!ok)
            return false;
    }
    return true;
}

static bool run_expr(struct metric_query *query, struct query_result *out, struct err *err)
{
    const struct query_request *request = query->request;
    struct eval_value value = {0};
    bool ok = true;
    if (request->expr->kind == EXPR_VARIANTS) {
        value.set = series_set_create(&query->eval);
        struct slice *warnings = ARENA_ARRAY(query->arena, struct slice, request->expr->variant_count);
        ok = run_variants(query, value.set, warnings, &out->warning_count, err);
        out->warnings = warnings;
    } else {
        ok = eval(query, request->expr, &value, err);
    }
    if (ok && value.is_scalar) {
        metric_result_scalar(value.scalar, &query->eval.steps, request->is_instant, query->arena, out);
    } else if (ok) {
        if (!request->is_instant || !contains_sort(request->expr))
            series_set_sort(value.set);
        int64_t most = request->expr->kind == EXPR_VARIANTS ? 0 : request->limits->max_query_series;
        ok = metric_result_build(value.set, request->is_instant, most, query->arena, out, err);
    }
    series_set_destroy(value.set);
    return ok;
}

static int64_t floor_to(int64_t ns, int64_t step_ns)
{
    int64_t rest = ns % step_ns;
    int64_t down;
    return __builtin_sub_overflow(ns, rest < 0 ? rest + step_ns : rest, &down) ? ns : down; // below the least int64: stays
}

/* Spec logql.md 17.2: start down and end up to multiples of step, as Loki's query splitting does. */
static void align(const struct query_request *request, int64_t *start_ns, int64_t *end_ns)
{
    if (request->is_instant || request->step_ns <= 0 || request->limits->split_queries_by_interval == 0)
        return;
    *start_ns = floor_to(*start_ns, request->step_ns);
    int64_t down = floor_to(*end_ns, request->step_ns);
    if (down != *end_ns && !__builtin_add_overflow(down, request->step_ns, end_ns))
        return;
    *end_ns = down;
}

bool metric_query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
                      struct query_control *control, struct arena *arena, struct query_result *out, struct err *err)
{
    *out = (struct query_result){.kind = request->is_instant ? RESULT_VECTOR : RESULT_MATRIX};
    int64_t start_ns = request->is_instant ? request->end_ns : request->start_ns;
    int64_t end_ns = request->end_ns;
    align(request, &start_ns, &end_ns);
    struct metric_query query = {
        .source = source,
        .executor = executor,
        .request = request,
        .control = control,
        .arena = arena,
        .eval = {.control = control, .memory = {.arena = ARENA_INIT}},
    };
    bool ok = step_grid_init(&query.eval.steps, start_ns, end_ns, request->step_ns, err);
    if (ok && query.eval.steps.count > 0)
        ok = run_expr(&query, out, err);
    buf_fini(&query.eval.key);
    charged_arena_fini(&query.eval.memory, control);
    return ok;
}
