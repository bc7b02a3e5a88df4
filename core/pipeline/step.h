/* step.h: one compiled stage, and the row it works on. Each stage_*.c makes one kind; pipeline.c runs them in order. Internal to core/pipeline.
 *
 * Thread: a step is immutable and shared; a row belongs to one worker.
 */
#pragma once

#include "core/pipeline/row_labels.h"

struct pipeline_watch;

struct row {
    struct slice line;
    int64_t ts_ns;
    struct row_labels labels;
    struct arena *arena;    /* lives until the worker's next run */
    struct arena *scratch;  /* a template's; reset by who uses it */
    struct buf text;        /* scratch of one stage's run */
    int64_t now_ns;
    double value;
    const struct pipeline_watch *watch; /* of the run; goes_on NULL: nobody */
    size_t watch_at;                    /* asked when the arena has these bytes */
    bool is_stopped;                    /* the watch has ended the run */
};

/* Asks the run's watch. Thread: the row's worker. */
bool row_asks(struct row *row);

/* False: the run ends, so that one row, and one stage that makes many texts, are bounded as well. */
static inline bool row_goes_on(struct row *row)
{
    return row->arena->bytes < row->watch_at || row_asks(row);
}

struct step {
    enum stage_kind kind;
    /* False: the row is dropped. */
    bool (*run)(const struct step *step, struct row *row);
    void (*end)(struct step *step); /* NULL: nothing to end */
    void *self;                     /* the stage's, in the query's arena */
    /* Adds the names of labels that it reads; false: it may read any. NULL: none. */
    bool (*names)(const struct step *step, struct arena *arena, struct slice **out, size_t *out_count);
    bool can_set_error; /* of a label filter or line_format */
};

/* Errors are without the "stage '...' : " that pipeline.c adds; but regexp's and pattern's are whole. */
bool stage_line_filter_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_json_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_logfmt_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_regexp_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_pattern_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_unpack_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_label_filter_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_line_format_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_label_format_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_decolorize_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_drop_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
bool stage_keep_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err) MUST_CHECK;
