/* stage_line_format.c: `| line_format "{{.level}} {{.msg}}"`. logql.md 9.1. */
#include "core/pipeline/label_view.h"

struct line_format {
    struct template *template;
    bool is_field;
    struct slice field;
};

static bool run_field(const struct step *step, struct row *row)
{
    const struct line_format *self = step->self;
    struct slice line = SLICE("");
    (void)row_labels_get(&row->labels, self->field, &line); // absent, and a marker: the line is empty
    row->line = line;
    return true;
}

static bool run_template(const struct step *step, struct row *row)
{
    const struct line_format *self = step->self;
    struct label_view view = {.row = row};
    struct template_labels labels = label_view_labels(&view);
    struct err err;
    buf_reset(&row->text);
    if (template_run(self->template, &labels, row->scratch, &row->text, &err))
        row->line = arena_copy(row->arena, buf_slice(&row->text));
    else
        row_labels_set_error(&row->labels, SLICE("TemplateFormatErr"), arena_copy(row->arena, slice_str(err.text)));
    arena_reset(row->scratch);
    return true;
}

static bool names_of_template(const struct step *step, struct arena *arena, struct slice **out, size_t *out_count)
{
    const struct line_format *self = step->self;
    return template_label_names(self->template, arena, out, out_count);
}

static void end_line_format(struct step *step)
{
    struct line_format *self = step->self;
    template_fini(self->template);
}

bool stage_line_format_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct line_format *self = ARENA_NEW(arena, struct line_format);
    if (!template_compile("line", stage->argument, arena, &self->template, err))
        return err_wrap(err, "invalid line template");
    self->is_field = template_is_field(self->template, &self->field);
    *out = (struct step){.kind = STAGE_LINE_FORMAT,
                         .run = self->is_field ? run_field : run_template,
                         .end = end_line_format,
                         .self = self,
                         .names = names_of_template,
                         .can_set_error = !self->is_field};
    return true;
}
