#include "core/pipeline/expr_check.h"

#include "core/pipeline/pipeline.h"

static bool log_check(const struct log_expr *log, struct arena *arena, struct err *err)
{
    if (pipeline_check(log, arena, err))
        return true;
    if (err->code != ERR_INVALID || strncmp(err->text, "parse error", 11) == 0)
        return false;
    char inner[sizeof(err->text)];
    memcpy(inner, err->text, sizeof(inner));
    return err_set(err, ERR_INVALID, "parse error : %.*s", (int)sizeof(inner) - 32, inner);
}

/* Bounded: the parser refuses nesting over EXPR_DEPTH_MAX. */
bool expr_check_pipelines(const struct expr *expr, struct arena *arena, struct err *err)
{
    switch (expr->kind) {
    case EXPR_LOG:
        return log_check(&expr->log, arena, err);
    case EXPR_RANGE:
        return log_check(&expr->range.log, arena, err);
    case EXPR_VECTOR_AGG:
    case EXPR_LABEL_REPLACE:
        return expr_check_pipelines(expr->inner, arena, err);
    case EXPR_BINARY:
        return expr_check_pipelines(expr->left, arena, err) && expr_check_pipelines(expr->right, arena, err);
    case EXPR_VARIANTS:
        for (size_t i = 0; i < expr->variant_count; i++) {
            if (!expr_check_pipelines(expr->variants[i], arena, err))
                return false;
        }
        return log_check(&expr->range.log, arena, err);
    case EXPR_LITERAL:
    case EXPR_VECTOR:
        return true;
    }
    return true;
}
