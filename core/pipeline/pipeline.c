#include "core/pipeline/pipeline.h"

#include <stdlib.h>

#include "core/pipeline/pipeline_internal.h"

// ---- compiling ----

static bool compile_stage(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    switch (stage->kind) {
    case STAGE_LINE_FILTER:
        return stage_line_filter_compile(stage, arena, out, err);
    case STAGE_JSON:
        return stage_json_compile(stage, arena, out, err);
    case STAGE_LOGFMT:
        return stage_logfmt_compile(stage, arena, out, err);
    case STAGE_REGEXP:
        return stage_regexp_compile(stage, arena, out, err);
    case STAGE_PATTERN:
        return stage_pattern_compile(stage, arena, out, err);
    case STAGE_UNPACK:
        return stage_unpack_compile(stage, arena, out, err);
    case STAGE_LABEL_FILTER:
        return stage_label_filter_compile(stage, arena, out, err);
    case STAGE_LINE_FORMAT:
        return stage_line_format_compile(stage, arena, out, err);
    case STAGE_LABEL_FORMAT:
        return stage_label_format_compile(stage, arena, out, err);
    case STAGE_DECOLORIZE:
        return stage_decolorize_compile(stage, arena, out, err);
    case STAGE_DROP:
        return stage_drop_compile(stage, arena, out, err);
    case STAGE_KEEP:
        return stage_keep_compile(stage, arena, out, err);
    }
    return false;
}

// The arguments of regexp and pattern are refused without the stage's text.
static bool stage_error(const struct stage *stage, struct err *err)
{
    if (stage->kind == STAGE_REGEXP || stage->kind == STAGE_PATTERN)
        return false;
    struct buf text = BUF_INIT;
    stage_print(stage, &text);
    err_fill_context(err, "stage '%.*s' ", SLICE_ARG(buf_slice(&text)));
    buf_fini(&text);
    return false;
}

static bool compile_all(struct pipeline *pipeline, const struct log_expr *log, struct arena *arena, struct err *err)
{
    pipeline->all = ARENA_ARRAY(arena, struct step, log->stage_count);
    for (size_t i = 0; i < log->stage_count; i++) {
        if (!compile_stage(&log->stages[i], arena, &pipeline->all[i], err))
            return stage_error(&log->stages[i], err);
        pipeline->all_count++;
    }
    return true;
}

static bool changes_line(enum stage_kind kind)
{
    return kind == STAGE_LINE_FORMAT || kind == STAGE_UNPACK || kind == STAGE_DECOLORIZE;
}

static bool changes_labels(const struct step *step)
{
    return step->kind != STAGE_LINE_FILTER && step->kind != STAGE_LABEL_FILTER && step->kind != STAGE_DECOLORIZE;
}

// A filter may run before a stage that does not touch what it looks at: the rows that are left are the same.
static void place_steps(struct pipeline *pipeline, struct arena *arena)
{
    pipeline->leading = ARENA_ARRAY(arena, const struct line_filter *, pipeline->all_count);
    pipeline->base_tests = ARENA_ARRAY(arena, const struct step *, pipeline->all_count);
    pipeline->steps = ARENA_ARRAY(arena, const struct step *, pipeline->all_count);
    bool line_changed = false;
    bool labels_changed = false;
    for (size_t i = 0; i < pipeline->all_count; i++) {
        const struct step *step = &pipeline->all[i];
        if (step->kind == STAGE_LINE_FILTER && !line_changed)
            pipeline->leading[pipeline->leading_count++] = step->self;
        else if (step->kind == STAGE_LABEL_FILTER && !labels_changed)
            pipeline->base_tests[pipeline->base_test_count++] = step;
        else
            pipeline->steps[pipeline->step_count++] = step;
        line_changed = line_changed || changes_line(step->kind);
        labels_changed = labels_changed || changes_labels(step);
    }
}

// ---- which labels are needed ----

struct name_list {
    struct slice *names;
    size_t count, cap;
    struct arena *arena;
};

static void names_put(struct name_list *list, struct slice name)
{
    static const struct slice suffix = {"_extracted", 10};
    if (list->count + 2 > list->cap) {
        size_t cap = list->cap * 2 + 16;
        struct slice *names = ARENA_ARRAY(list->arena, struct slice, cap);
        if (list->count > 0)
            memcpy(names, list->names, list->count * sizeof(*names));
        list->names = names;
        list->cap = cap;
    }
    list->names[list->count++] = name;
    if (slice_ends(name, suffix)) // what clashes is parsed under its own name
        list->names[list->count++] = slice_of(name.ptr, name.len - suffix.len);
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void names_finish(struct name_list *list, struct needed_names *out)
{
    if (list->count > 0)
        qsort(list->names, list->count, sizeof(*list->names), by_name);
    uint32_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || !slice_eq(list->names[kept - 1], list->names[i]))
            list->names[kept++] = list->names[i];
    }
    uint32_t *hashes = ARENA_ARRAY(list->arena, uint32_t, kept);
    for (uint32_t i = 0; i < kept; i++) {
        hashes[i] = name_hash(list->names[i]);
        out->preserves_errors = out->preserves_errors || slice_eq(list->names[i], ERROR_LABEL);
    }
    out->names = list->names;
    out->hashes = hashes;
    out->count = kept;
}

// False: some stage may read any label.
static bool names_of_stages(const struct pipeline *pipeline, struct name_list *list)
{
    for (size_t i = 0; i < pipeline->all_count; i++) {
        const struct step *step = &pipeline->all[i];
        struct slice *names = NULL;
        size_t count = 0;
        if (step->names != NULL && !step->names(step, list->arena, &names, &count))
            return false;
        for (size_t j = 0; j < count; j++)
            names_put(list, names[j]);
    }
    return true;
}

static void names_of_unwrap(const struct sample_maker *sample, struct name_list *list)
{
    names_put(list, sample->unwrap->label);
    for (size_t i = 0; i < sample->unwrap->filter_count; i++) {
        struct slice *names = ARENA_ARRAY(list->arena, struct slice, label_test_name_count(sample->tests[i]));
        size_t count = label_test_names(sample->tests[i], names);
        for (size_t j = 0; j < count; j++)
            names_put(list, names[j]);
    }
}

static void find_needed(struct pipeline *pipeline, const struct pipeline_hints *hints, struct arena *arena)
{
    struct name_list list = {.arena = arena};
    pipeline->needed = (struct needed_names){.all = true};
    if (hints == NULL || hints->needs_all || !names_of_stages(pipeline, &list))
        return;
    for (size_t i = 0; i < hints->needed_count && !hints->no_labels; i++)
        names_put(&list, hints->needed[i]);
    if (pipeline->has_unwrap)
        names_of_unwrap(&pipeline->sample, &list);
    pipeline->needed.all = false;
    names_finish(&list, &pipeline->needed);
}

// ---- what the stages touch ----

static bool is_parser(enum stage_kind kind)
{
    return kind == STAGE_JSON || kind == STAGE_LOGFMT || kind == STAGE_REGEXP || kind == STAGE_PATTERN;
}

static bool reads_line(const struct pipeline *pipeline, const struct step *step)
{
    if (is_parser(step->kind)) // parses nothing when nothing is needed
        return pipeline->needed.all || pipeline->needed.count > 0;
    return step->kind != STAGE_LABEL_FILTER && step->kind != STAGE_DROP && step->kind != STAGE_KEEP;
}

static void find_reach(struct pipeline *pipeline)
{
    pipeline->keeps_labels = !pipeline->has_unwrap;
    for (size_t i = 0; i < pipeline->all_count; i++) {
        const struct step *step = &pipeline->all[i];
        bool touches = step->can_set_error || (changes_labels(step) && step->kind != STAGE_LINE_FORMAT);
        pipeline->keeps_labels = pipeline->keeps_labels && !touches;
        pipeline->needs_lines = pipeline->needs_lines || reads_line(pipeline, step);
    }
}

bool pipeline_compile(const struct log_expr *log, const struct unwrap *unwrap, const struct pipeline_hints *hints,
                      struct arena *arena, struct pipeline **out, struct err *err)
{
    struct pipeline *pipeline = ARENA_NEW(arena, struct pipeline);
    pipeline->has_unwrap = unwrap != NULL;
    pipeline->now_ns = hints == NULL ? 0 : hints->now_ns;
    if (!compile_all(pipeline, log, arena, err) ||
        (unwrap != NULL && !sample_maker_compile(unwrap, arena, &pipeline->sample, err))) {
        pipeline_fini(pipeline);
        return false;
    }
    place_steps(pipeline, arena);
    find_needed(pipeline, hints, arena);
    find_reach(pipeline);
    *out = pipeline;
    return true;
}

bool pipeline_check(const struct log_expr *log, struct arena *arena, struct err *err)
{
    struct pipeline *pipeline = NULL;
    if (!pipeline_compile(log, NULL, NULL, arena, &pipeline, err))
        return false;
    pipeline_fini(pipeline);
    return true;
}

void pipeline_fini(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    for (size_t i = 0; i < pipeline->all_count; i++) {
        if (pipeline->all[i].end != NULL)
            pipeline->all[i].end(&pipeline->all[i]);
    }
    pipeline->all_count = 0;
}

bool pipeline_is_empty(const struct pipeline *pipeline)
{
    return pipeline->all_count == 0 && !pipeline->has_unwrap;
}

bool pipeline_needs_lines(const struct pipeline *pipeline)
{
    return pipeline->needs_lines;
}

bool pipeline_needs_metadata(const struct pipeline *pipeline)
{
    return pipeline->needed.all || pipeline->needed.count > 0;
}

bool pipeline_keeps_labels(const struct pipeline *pipeline)
{
    return pipeline->keeps_labels;
}
