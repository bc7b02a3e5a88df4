#include "core/plan/variants.h"

#include <stdio.h>

#include "core/base/mem.h"

static struct expr *range_over(const struct expr *range, const struct log_range *common, bool adds_stages, struct arena *arena)
{
    struct expr *made = ARENA_NEW(arena, struct expr);
    *made = *range;
    made->range.log = common->log;
    made->range.range_ns = common->range_ns;
    made->range.offset_ns = common->offset_ns;
    if (!range->range.has_unwrap && common->has_unwrap) {
        made->range.has_unwrap = true;
        made->range.unwrap = common->unwrap;
    }
    if (!adds_stages)
        return made;
    size_t own = range->range.log.stage_count;
    struct stage *stages = ARENA_ARRAY(arena, struct stage, common->log.stage_count + own);
    if (common->log.stage_count > 0)
        memcpy(stages, common->log.stages, common->log.stage_count * sizeof(*stages));
    if (own > 0)
        memcpy(stages + common->log.stage_count, range->range.log.stages, own * sizeof(*stages));
    made->range.log.stages = stages;
    made->range.log.stage_count += own;
    return made;
}

static struct expr *over(const struct expr *expr, const struct log_range *common, bool adds_stages, struct arena *arena)
{
    if (expr->kind == EXPR_RANGE)
        return range_over(expr, common, adds_stages, arena);
    struct expr *made = ARENA_NEW(arena, struct expr);
    *made = *expr;
    if (expr->kind == EXPR_VECTOR_AGG)
        made->inner = over(expr->inner, common, true, arena);
    return made;
}

const struct expr *variant_expr(const struct expr *variants, size_t i, struct arena *arena)
{
    return over(variants->variants[i], &variants->range, false, arena);
}

bool variant_mark(const struct series_set *from, size_t i, struct series_set *all, struct err *err)
{
    char number[24];
    int len = snprintf(number, sizeof(number), "%zu", i);
    struct eval_context *eval = all->eval;
    for (size_t k = 0; k < from->count; k++) {
        const struct series *series = from->items[k];
        struct label *labels = mem_array(series->labels.count + 1, sizeof(*labels));
        if (series->labels.count > 0)
            memcpy(labels, series->labels.labels, series->labels.count * sizeof(*labels));
        labels[series->labels.count] = (struct label){SLICE("__variant__"), slice_of(number, (size_t)len)};
        size_t count = label_sort(labels, series->labels.count + 1, true);
        buf_reset(&eval->key);
        label_key_put_set(&eval->key, &(struct label_set){labels, count}, &(struct label_choice){.mode = CHOOSE_ALL});
        mem_free(labels);
        struct series *marked = series_set_append(all, buf_slice(&eval->key), err);
        if (marked == NULL)
            return false;
        for (size_t step = 0; step < eval->steps.count; step++)
            if (series_has(series, step))
                series_put(marked, step, series->values[step]);
    }
    return true;
}
