/* pipeline.h: the stages of a log expression, compiled once a query, run over batches of entries.
 *
 * A pipeline is immutable after pipeline_compile and shared by threads; each thread has a pipeline_worker, its scratch.
 * Line filters before anything that changes the line run on the whole text of a batch at once; later stages only see what is left.
 * Nothing is allocated per line: labels and lines of a batch's rows live in the worker until its next run.
 */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/source.h"

enum label_category { LABEL_STREAM, LABEL_METADATA, LABEL_PARSED };

struct row_label {
    struct slice name, value; /* value may be empty: such labels show as "" */
    enum label_category category;
};

struct pipeline_row {
    int64_t ts_ns;
    uint32_t row; /* of the batch */
    struct slice line;
    /* Sorted by name, names unique. NULL while no stage touched them: then they are the stream's plus the metadata set's (clashes as
     * <name>_extracted), and pipeline_base_labels gives them once for all rows of one metadata set. */
    const struct row_label *labels;
    uint32_t label_count;
    uint32_t metadata_index; /* UINT32_MAX: none */
    bool has_error;          /* __error__ is set, and the hints do not ask for it: a metric query fails on this row */
    double value;            /* with unwrap: the sample; conversion errors set has_error */
};

struct pipeline_hints { /* what a metric query needs of the labels: spec logql.md 12.4 */
    bool needs_all;               /* false: only the following */
    const struct slice *needed;
    size_t needed_count;
    bool no_labels;               /* grouping without labels: nothing is needed */
    bool is_metric;               /* rows with __error__ keep their full label set */
    int64_t now_ns;               /* what `now` in a template gives */
};

struct pipeline;
struct pipeline_worker;

/* ERR_INVALID with "stage '...' : ..." texts. unwrap and hints may be NULL (a log query's: all labels). The AST, the hints' slices and the arena
 * are borrowed for the pipeline's life. */
bool pipeline_compile(const struct log_expr *log, const struct unwrap *unwrap, const struct pipeline_hints *hints, struct arena *arena,
                      struct pipeline **out, struct err *err) MUST_CHECK;
/* Compiles all stages and drops them again: what logql_parse finds their errors with. Same texts, without "parse error : " before them. */
bool pipeline_check(const struct log_expr *log, struct arena *arena, struct err *err) MUST_CHECK;
void pipeline_fini(struct pipeline *pipeline); /* ends its regexes and templates; NULL is fine */

bool pipeline_is_empty(const struct pipeline *pipeline);     /* no stages and no unwrap: all entries pass as they are */
bool pipeline_needs_lines(const struct pipeline *pipeline);   /* else SCAN_LINES need not be read (line byte counts then come from offsets: not available) */
bool pipeline_needs_metadata(const struct pipeline *pipeline);
bool pipeline_keeps_labels(const struct pipeline *pipeline);  /* no stage touches labels */

/* Needles that every kept line must hold, for scan_request; in the arena. */
size_t pipeline_needles(const struct pipeline *pipeline, struct arena *arena, struct needle **out);

/* What line filters spent their time with, before all other stages. */
enum match_engine { MATCH_LITERAL, MATCH_REGEX, MATCH_ENGINES };

struct pipeline_worker *pipeline_worker_create(const struct pipeline *pipeline) MUST_CHECK;
void pipeline_worker_destroy(struct pipeline_worker *worker);
uint64_t pipeline_worker_match_ns(const struct pipeline_worker *worker, enum match_engine engine); /* of all its runs; worker NULL: 0 */

/* Asked while a batch runs, every some hundred stages and whenever the run has taken another MiB: whether it goes on. bytes: what it has taken.
 * After false it ends, and its rows are not whole: the caller knows, since it was asked. */
struct pipeline_watch {
    bool (*goes_on)(void *self, size_t bytes);
    void *self;
};
void pipeline_worker_watch(struct pipeline_worker *worker, struct pipeline_watch watch);

/* Runs a batch. *out_rows (order of the batch) is valid until the next run of this worker. The stream's labels are scan->streams[batch->stream].labels.
 * A run takes memory in proportion to the batch, templates more: see pipeline_watch. Never fails: errors of lines are labels. */
size_t pipeline_run(struct pipeline_worker *worker, const struct label_set *stream_labels, const struct entry_batch *batch,
                    const struct pipeline_row **out_rows);

/* Labels of a row whose `labels` is NULL. Valid until the next run. */
size_t pipeline_base_labels(struct pipeline_worker *worker, const struct label_set *stream_labels, struct slice metadata_set,
                            const struct row_label **out);
