/* stage_drop_keep.c: `| drop a, b="x"` and `| keep a, b=~"y"`. logql.md 10. */
#include "core/pipeline/step.h"

struct named_labels {
    const struct named_matcher *items;
    size_t count;
};

static bool accepts(const struct named_matcher *item, struct slice value)
{
    return !item->has_matcher || matcher_accepts(&item->matcher, value);
}

static void drop_one(const struct named_matcher *item, struct row_labels *labels)
{
    if (slice_eq(item->name, ERROR_LABEL)) {
        if (accepts(item, labels->error))
            labels->error = SLICE("");
        return;
    }
    if (slice_eq(item->name, ERROR_DETAILS_LABEL)) {
        if (accepts(item, labels->error_details))
            labels->error_details = SLICE("");
        return;
    }
    struct slice value = SLICE("");
    bool found = row_labels_get(labels, item->name, &value);
    if (found && accepts(item, value))
        row_labels_delete(labels, item->name);
}

static bool run_drop(const struct step *step, struct row *row)
{
    const struct named_labels *self = step->self;
    for (size_t i = 0; i < self->count; i++)
        drop_one(&self->items[i], &row->labels);
    return true;
}

static bool keeps(const void *self_, struct slice name, struct slice value)
{
    const struct named_labels *self = self_;
    if (slice_eq(name, ERROR_LABEL) || slice_eq(name, ERROR_DETAILS_LABEL) || slice_eq(name, PRESERVE_ERROR_LABEL))
        return true;
    for (size_t i = 0; i < self->count; i++) {
        if (slice_eq(self->items[i].name, name) && accepts(&self->items[i], value))
            return true;
    }
    return false;
}

static bool run_keep(const struct step *step, struct row *row)
{
    row_labels_retain(&row->labels, keeps, step->self);
    return true;
}

// names is NULL: they ask for no label. Which ones stay matters only where something else asks for them.
static bool compile(const struct stage *stage, struct arena *arena, struct step *out)
{
    struct named_labels *self = ARENA_NEW(arena, struct named_labels);
    *self = (struct named_labels){stage->named, stage->named_count};
    *out = (struct step){.kind = stage->kind,
                         .run = stage->kind == STAGE_DROP ? run_drop : run_keep,
                         .self = self};
    return true;
}

bool stage_drop_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    (void)err;
    return compile(stage, arena, out);
}

bool stage_keep_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    (void)err;
    return compile(stage, arena, out);
}
