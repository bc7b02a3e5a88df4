/* stage_label_format.c: `| label_format dst=src, x="{{.a}}-{{.b}}"`. logql.md 9.1. */
#include "core/pipeline/label_view.h"

struct label_formats {
    const struct label_format *items;
    struct template **templates; /* by item; NULL: a rename */
    size_t count;
    size_t template_count;
};

static void rename_label(const struct label_format *item, struct row *row)
{
    struct slice value;
    if (!row_labels_get(&row->labels, item->value, &value))
        return;
    row_labels_set(&row->labels, item->target, value);
    row_labels_delete(&row->labels, item->value);
}

// All templates of a stage see the labels as the first one did.
static bool run_label_format(const struct step *step, struct row *row)
{
    const struct label_formats *self = step->self;
    struct label_view view = {.row = row};
    for (size_t i = 0; i < self->count; i++) {
        if (self->templates[i] == NULL) {
            rename_label(&self->items[i], row);
            continue;
        }
        if (self->template_count > 1 && !view.is_frozen)
            label_view_freeze(&view);
        struct template_labels labels = label_view_labels(&view);
        struct err err;
        buf_reset(&row->text);
        if (template_run(self->templates[i], &labels, row->scratch, &row->text, &err))
            row_labels_set(&row->labels, self->items[i].target, arena_copy(row->arena, buf_slice(&row->text)));
        else
            row_labels_set_error(&row->labels, SLICE("TemplateFormatErr"), arena_copy(row->arena, slice_str(err.text)));
        arena_reset(row->scratch);
        if (!row_goes_on(row))
            return false;
    }
    return true;
}

static bool names_of_formats(const struct step *step, struct arena *arena, struct slice **out, size_t *out_count)
{
    const struct label_formats *self = step->self;
    size_t count = 0;
    struct slice **lists = ARENA_ARRAY(arena, struct slice *, self->count);
    size_t *counts = ARENA_ARRAY(arena, size_t, self->count);
    for (size_t i = 0; i < self->count; i++) {
        lists[i] = (struct slice *)&self->items[i].value; // a rename reads its source; only copied from below
        counts[i] = 1;
        if (self->templates[i] != NULL && !template_label_names(self->templates[i], arena, &lists[i], &counts[i]))
            return false;
        count += counts[i];
    }
    *out = ARENA_ARRAY(arena, struct slice, count);
    *out_count = 0;
    for (size_t i = 0; i < self->count; i++) {
        for (size_t j = 0; j < counts[i]; j++)
            (*out)[(*out_count)++] = lists[i][j];
    }
    return true;
}

static void end_label_format(struct step *step)
{
    struct label_formats *self = step->self;
    for (size_t i = 0; i < self->count; i++)
        template_fini(self->templates[i]);
}

static bool check_targets(const struct stage *stage, struct err *err)
{
    for (size_t i = 0; i < stage->format_count; i++) {
        struct slice target = stage->formats[i].target;
        if (slice_eq(target, ERROR_LABEL))
            return err_set(err, ERR_INVALID, "%.*s cannot be formatted", SLICE_ARG(target));
        for (size_t j = 0; j < i; j++) {
            if (slice_eq(stage->formats[j].target, target))
                return err_set(err, ERR_INVALID, "multiple label name '%.*s' not allowed in a single format operation",
                               SLICE_ARG(target));
        }
    }
    return true;
}

bool stage_label_format_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    if (!check_targets(stage, err))
        return false;
    struct label_formats *self = ARENA_NEW(arena, struct label_formats);
    self->items = stage->formats;
    self->templates = ARENA_ARRAY(arena, struct template *, stage->format_count);
    self->count = stage->format_count;
    *out = (struct step){.kind = STAGE_LABEL_FORMAT,
                         .run = run_label_format,
                         .end = end_label_format,
                         .self = self,
                         .names = names_of_formats};
    for (size_t i = 0; i < self->count; i++) {
        if (!self->items[i].is_template)
            continue;
        if (!template_compile("label", self->items[i].value, arena, &self->templates[i], err)) {
            end_label_format(out);
            return err_wrap(err, "invalid template for label '%.*s'", SLICE_ARG(self->items[i].target));
        }
        self->template_count++;
    }
    out->can_set_error = self->template_count > 0;
    return true;
}
