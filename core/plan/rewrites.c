#include "core/plan/rewrites.h"

#include "core/plan/source.h"

static bool changes_line(const struct stage *stage)
{
    return stage->kind == STAGE_UNPACK || stage->kind == STAGE_LINE_FORMAT || stage->kind == STAGE_DECOLORIZE;
}

struct log_expr rewrite_line_filters_first(const struct log_expr *log, struct arena *arena)
{
    struct log_expr moved = *log;
    moved.stages = ARENA_ARRAY(arena, struct stage, log->stage_count);
    size_t put = 0;
    for (size_t first = 0; first < log->stage_count;) { // one stretch of stages with the same line at a time
        size_t end = first;
        while (end < log->stage_count && !changes_line(&log->stages[end]))
            end++;
        for (size_t i = first; i < end; i++)
            if (log->stages[i].kind == STAGE_LINE_FILTER)
                moved.stages[put++] = log->stages[i];
        for (size_t i = first; i < end; i++)
            if (log->stages[i].kind != STAGE_LINE_FILTER)
                moved.stages[put++] = log->stages[i];
        if (end < log->stage_count)
            moved.stages[put++] = log->stages[end++];
        first = end;
    }
    return moved;
}

static bool template_reads_line(const struct stage *stage)
{
    for (size_t i = 0; stage->kind == STAGE_LABEL_FORMAT && i < stage->format_count; i++)
        if (stage->formats[i].is_template && memmem(stage->formats[i].value.ptr, stage->formats[i].value.len, "__line__", 8) != NULL)
            return true;
    return false;
}

struct log_expr rewrite_unseen_line_formats(const struct log_expr *log, enum range_op op, struct arena *arena)
{
    struct log_expr kept = *log;
    bool is_seen = op == RANGE_BYTES_OVER_TIME || op == RANGE_BYTES_RATE;
    kept.stages = ARENA_ARRAY(arena, struct stage, log->stage_count);
    size_t at = log->stage_count; // from the last stage to the first
    for (size_t i = log->stage_count; i-- > 0;) {
        const struct stage *stage = &log->stages[i];
        bool parses = stage->kind == STAGE_JSON || stage->kind == STAGE_LOGFMT || stage->kind == STAGE_REGEXP || stage->kind == STAGE_PATTERN ||
                      stage->kind == STAGE_UNPACK;
        is_seen = is_seen || parses || stage->kind == STAGE_LINE_FILTER || template_reads_line(stage);
        if (is_seen || stage->kind != STAGE_LINE_FORMAT)
            kept.stages[--at] = *stage;
    }
    kept.stages += at;
    kept.stage_count -= at;
    return kept;
}

bool rewrite_sum_merges(const struct expr *sum)
{
    if (sum->kind != EXPR_VECTOR_AGG || sum->vector_op != VECTOR_SUM || sum->inner->kind != EXPR_RANGE || sum->inner->grouping.is_present)
        return false;
    enum range_op op = sum->inner->range_op;
    return op == RANGE_COUNT_OVER_TIME || op == RANGE_RATE || op == RANGE_BYTES_OVER_TIME || op == RANGE_BYTES_RATE ||
           op == RANGE_SUM_OVER_TIME;
}

/* by (x_extracted) needs x as well: it is x that a parser meets. */
static void need_labels(struct range_plan *plan, struct arena *arena)
{
    static const struct slice suffix = {"_extracted", sizeof("_extracted") - 1};
    size_t count = plan->identity.name_count;
    struct slice *needed = ARENA_ARRAY(arena, struct slice, 2 * count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice name = plan->identity.names[i];
        needed[n++] = name;
        if (slice_ends(name, suffix))
            needed[n++] = slice_of(name.ptr, name.len - suffix.len);
    }
    plan->hints.needs_all = false;
    plan->hints.needed = needed;
    plan->hints.needed_count = n;
    plan->hints.no_labels = count == 0;
}

struct range_plan rewrite_grouping(const struct expr *range, const struct expr *sum, struct arena *arena)
{
    const struct grouping *grouping = sum != NULL ? &sum->grouping : &range->grouping;
    bool is_grouped = sum != NULL || (grouping->is_present && !(grouping->without && grouping->label_count == 0));
    struct range_plan plan = {.hints = {.needs_all = true, .is_metric = true}};
    if (range->range_op == RANGE_ABSENT_OVER_TIME) {
        plan.identity.mode = CHOOSE_BY; // one series: whether there is any sample
        need_labels(&plan, arena);
        return plan;
    }
    if (is_grouped) {
        plan.identity.mode = grouping->is_present && grouping->without ? CHOOSE_WITHOUT : CHOOSE_BY;
        plan.identity.names = label_names_sorted(arena, grouping->labels, grouping->label_count, &plan.identity.name_count);
        plan.identity.drops_empty = sum != NULL && plan.identity.mode == CHOOSE_WITHOUT;
        if (plan.identity.mode == CHOOSE_BY)
            need_labels(&plan, arena);
    }
    bool by_names_it = plan.identity.mode == CHOOSE_BY;
    if (range->range.has_unwrap && !by_names_it)
        plan.unwrapped = range->range.unwrap.label;
    return plan;
}

unsigned rewrite_columns(const struct pipeline *pipeline, enum range_op op, bool identity_needs_metadata)
{
    unsigned columns = SCAN_TIMES;
    if (pipeline_needs_lines(pipeline) || op == RANGE_BYTES_OVER_TIME || op == RANGE_BYTES_RATE)
        columns |= SCAN_LINES;
    if (pipeline_needs_metadata(pipeline) || identity_needs_metadata)
        columns |= SCAN_METADATA;
    return columns;
}
