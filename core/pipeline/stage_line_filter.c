/* stage_line_filter.c: a line filter that cannot run over the whole batch, since a stage before it may change the line. logql.md 6. */
#include "core/pipeline/line_filter.h"

static bool run_line_filter(const struct step *step, struct row *row)
{
    return line_filter_accepts(step->self, row->line);
}

static void end_line_filter(struct step *step)
{
    line_filter_fini(step->self);
}

bool stage_line_filter_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct line_filter *filter = ARENA_NEW(arena, struct line_filter);
    if (!line_filter_compile(stage, arena, filter, err))
        return false;
    *out = (struct step){.kind = STAGE_LINE_FILTER, .run = run_line_filter, .end = end_line_filter, .self = filter};
    return true;
}
