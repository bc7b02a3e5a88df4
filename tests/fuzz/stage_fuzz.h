/* stage_fuzz.h: one stage over one line, and the property that all parsers share: asked for one label only, a parser finds the value
 * that it finds when asked for all. */
#pragma once

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/pipeline/pipeline.h"

struct stage_fuzz {
    struct arena arena;
    struct pipeline *pipeline;
    struct pipeline_worker *worker;
};

/* needed NULL: all labels. False: the stage is refused. */
static inline bool stage_fuzz_init(struct stage_fuzz *fuzz, struct stage *stage, const struct slice *needed)
{
    *fuzz = (struct stage_fuzz){.arena = ARENA_INIT};
    struct log_expr *log = ARENA_NEW(&fuzz->arena, struct log_expr);
    *log = (struct log_expr){.stages = stage, .stage_count = 1};
    struct pipeline_hints hints = {.needs_all = needed == NULL, .needed = needed, .needed_count = needed == NULL ? 0 : 1, .is_metric = true};
    struct err err;
    if (!pipeline_compile(log, NULL, &hints, &fuzz->arena, &fuzz->pipeline, &err)) {
        arena_fini(&fuzz->arena);
        return false;
    }
    fuzz->worker = pipeline_worker_create(fuzz->pipeline);
    return true;
}

static inline void stage_fuzz_fini(struct stage_fuzz *fuzz)
{
    pipeline_worker_destroy(fuzz->worker);
    pipeline_fini(fuzz->pipeline);
    arena_fini(&fuzz->arena);
}

/* How many of the one line's rows pass, 0 or 1. The batch's text is exactly as long as it must be, so that a read behind it shows. Rows live until the
 * next call; text is freed by the caller. */
static inline size_t stage_fuzz_rows(struct stage_fuzz *fuzz, const struct label_set *stream, struct slice line, char **text, const struct pipeline_row **rows)
{
    const uint32_t offsets[2] = {0, (uint32_t)line.len + 1};
    const int64_t ts_ns = 1;
    *text = mem_zero(line.len + 65);
    if (line.len > 0)
        memcpy(*text, line.ptr, line.len);
    (*text)[line.len] = '\n';
    const struct entry_batch batch = {.count = 1, .ts_ns = &ts_ns, .text = *text, .offsets = offsets};
    return pipeline_run(fuzz->worker, stream, &batch, rows);
}

/* Whether a line filter keeps the line. */
static inline bool stage_fuzz_keeps(struct stage_fuzz *fuzz, struct slice line)
{
    const struct label_set stream = {NULL, 0};
    const struct pipeline_row *rows = NULL;
    char *text = NULL;
    bool keeps = stage_fuzz_rows(fuzz, &stream, line, &text, &rows) == 1;
    mem_free(text);
    return keeps;
}

/* A parser's row; text is freed by the caller. */
static inline struct pipeline_row stage_fuzz_run(struct stage_fuzz *fuzz, struct slice line, char **text)
{
    static const struct label label = {{"app", 3}, {"edge", 4}};
    const struct label_set stream = {&label, 1};
    const struct pipeline_row *rows = NULL;
    if (stage_fuzz_rows(fuzz, &stream, line, text, &rows) != 1)
        abort(); // a parser drops no line
    struct pipeline_row row = rows[0];
    if (row.labels == NULL)
        row.label_count = (uint32_t)pipeline_base_labels(fuzz->worker, &stream, SLICE_NONE, &row.labels);
    return row;
}

static inline bool stage_fuzz_get(const struct pipeline_row *row, struct slice name, struct slice *value)
{
    for (uint32_t i = 0; i < row->label_count; i++) {
        if (slice_eq(row->labels[i].name, name)) {
            *value = row->labels[i].value;
            return true;
        }
    }
    return false;
}

static inline void stage_fuzz_check_one(struct stage *stage, struct slice line, const struct row_label *want)
{
    struct stage_fuzz one;
    char *text = NULL;
    struct slice value;
    if (!stage_fuzz_init(&one, stage, &want->name))
        abort();
    struct pipeline_row row = stage_fuzz_run(&one, line, &text);
    if (!stage_fuzz_get(&row, want->name, &value) || !slice_eq(value, want->value))
        abort();
    mem_free(text);
    stage_fuzz_fini(&one);
}

/* Runs the stage for all labels and then for each of the first few alone; names must be sorted and unique. */
static inline void stage_fuzz_check(struct stage *stage, struct slice line)
{
    struct stage_fuzz all;
    char *text = NULL;
    if (!stage_fuzz_init(&all, stage, NULL))
        return;
    struct pipeline_row row = stage_fuzz_run(&all, line, &text);
    for (uint32_t i = 0; i < row.label_count; i++) {
        if (i > 0 && slice_cmp(row.labels[i - 1].name, row.labels[i].name) >= 0)
            abort();
        if (i < 8 && !slice_starts(row.labels[i].name, SLICE("__")))
            stage_fuzz_check_one(stage, line, &row.labels[i]);
    }
    mem_free(text);
    stage_fuzz_fini(&all);
}

/* What the stage captures stands in the line. True: it took labels of it. */
static inline bool stage_fuzz_check_captures(struct stage *stage, struct slice line)
{
    struct stage_fuzz fuzz;
    char *text = NULL;
    bool has_parsed = false;
    if (!stage_fuzz_init(&fuzz, stage, NULL))
        return false;
    struct pipeline_row row = stage_fuzz_run(&fuzz, line, &text);
    for (uint32_t i = 0; i < row.label_count; i++) {
        const struct row_label *label = &row.labels[i];
        has_parsed = has_parsed || label->category == LABEL_PARSED;
        if (label->category == LABEL_PARSED && label->value.len > 0 && memmem(line.ptr, line.len, label->value.ptr, label->value.len) == NULL)
            abort();
    }
    mem_free(text);
    stage_fuzz_fini(&fuzz);
    return has_parsed;
}
