/* plain_pipeline.c: a stand-in for core/pipeline, so that these tests are of the plan alone: |= filters, a `logfmt` that makes the label k of a line
 * "k=<value> v=<number>", an unwrap that reads that number, and an error for lines that begin with "bad". */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/pipeline/pipeline.h"

#define ROW_LABELS 6

struct pipeline {
    const struct log_expr *log;
    const struct unwrap *unwrap;
    struct log_expr copy;
};

struct pipeline_worker {
    const struct pipeline *pipeline;
    struct pipeline_row *rows;
    struct row_label *labels;
    struct row_label base[ROW_LABELS];
};

bool pipeline_compile(const struct log_expr *log, const struct unwrap *unwrap, const struct pipeline_hints *hints, struct arena *arena,
                      struct pipeline **out, struct err *err)
{
    (void)hints;
    (void)err;
    *out = ARENA_NEW(arena, struct pipeline);
    (*out)->copy = *log;
    (*out)->log = &(*out)->copy;
    (*out)->unwrap = unwrap;
    return true;
}
void pipeline_fini(struct pipeline *pipeline)
{
    (void)pipeline;
}
bool pipeline_is_empty(const struct pipeline *pipeline)
{
    return pipeline->log->stage_count == 0 && pipeline->unwrap == NULL;
}
bool pipeline_needs_lines(const struct pipeline *pipeline)
{
    return !pipeline_is_empty(pipeline);
}
bool pipeline_needs_metadata(const struct pipeline *pipeline)
{
    return !pipeline_is_empty(pipeline);
}
size_t pipeline_needles(const struct pipeline *pipeline, struct arena *arena, struct needle **out)
{
    (void)pipeline;
    (void)arena;
    *out = NULL;
    return 0;
}
struct pipeline_worker *pipeline_worker_create(const struct pipeline *pipeline)
{
    struct pipeline_worker *worker = mem_zero(sizeof(*worker));
    worker->pipeline = pipeline;
    return worker;
}
uint64_t pipeline_worker_match_ns(const struct pipeline_worker *worker, enum match_engine engine)
{
    (void)worker, (void)engine;
    return 0;
}

void pipeline_worker_watch(struct pipeline_worker *worker, struct pipeline_watch watch)
{
    (void)worker;
    (void)watch;
}
void pipeline_worker_destroy(struct pipeline_worker *worker)
{
    if (worker != NULL) {
        mem_free(worker->rows);
        mem_free(worker->labels);
    }
    mem_free(worker);
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct row_label *)a)->name, ((const struct row_label *)b)->name);
}

size_t pipeline_base_labels(struct pipeline_worker *worker, const struct label_set *stream, struct slice set, const struct row_label **out)
{
    size_t n = 0;
    for (size_t i = 0; i < stream->count; i++)
        worker->base[n++] = (struct row_label){stream->labels[i].name, stream->labels[i].value, LABEL_STREAM};
    struct label pair;
    while (label_next(&set, &pair))
        worker->base[n++] = (struct row_label){pair.name, pair.value, LABEL_METADATA};
    qsort(worker->base, n, sizeof(worker->base[0]), by_name);
    *out = worker->base;
    return n;
}

static bool passes(const struct log_expr *log, struct slice line)
{
    for (size_t i = 0; i < log->stage_count; i++)
        if (log->stages[i].kind == STAGE_LINE_FILTER &&
            memmem(line.ptr, line.len, log->stages[i].alternatives[0].text.ptr, log->stages[i].alternatives[0].text.len) == NULL)
            return false;
    return true;
}

static void parse_row(struct pipeline_worker *worker, struct pipeline_row *row, struct row_label *labels, size_t count)
{
    struct slice line = row->line;
    if (slice_starts(line, SLICE("bad"))) {
        labels[count++] = (struct row_label){SLICE("__error__"), SLICE("LogfmtParserErr"), LABEL_PARSED};
        row->has_error = true;
    } else if (slice_starts(line, SLICE("k="))) {
        struct slice rest = slice_from(line, 2);
        labels[count++] = (struct row_label){SLICE("k"), slice_of(rest.ptr, slice_find_byte(rest, ' ')), LABEL_PARSED};
    }
    qsort(labels, count, sizeof(*labels), by_name);
    row->labels = labels;
    row->label_count = (uint32_t)count;
    (void)worker;
}

size_t pipeline_run(struct pipeline_worker *worker, const struct label_set *stream, const struct entry_batch *batch, const struct pipeline_row **out)
{
    const struct log_expr *log = worker->pipeline->log;
    bool parses = false;
    for (size_t i = 0; i < log->stage_count; i++)
        parses = parses || log->stages[i].kind == STAGE_LOGFMT;
    worker->rows = mem_grow(worker->rows, batch->count, sizeof(*worker->rows));
    worker->labels = mem_grow(worker->labels, (size_t)batch->count * ROW_LABELS, sizeof(*worker->labels));
    size_t n = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct slice line = entry_batch_line(batch, i);
        if (!passes(log, line))
            continue;
        struct pipeline_row *row = &worker->rows[n++];
        *row = (struct pipeline_row){.ts_ns = batch->ts_ns[i], .row = i, .line = line,
                                     .metadata_index = batch->metadata_index == NULL ? UINT32_MAX : batch->metadata_index[i]};
        if (worker->pipeline->unwrap != NULL) {
            const char *at = memmem(line.ptr, line.len, "v=", 2);
            row->value = at == NULL ? 0 : strtod(at + 2, NULL);
        }
        if (parses) {
            const struct row_label *base = NULL;
            size_t count = pipeline_base_labels(worker, stream, entry_batch_metadata(batch, i), &base);
            struct row_label *labels = worker->labels + (size_t)i * ROW_LABELS;
            memcpy(labels, base, count * sizeof(*base));
            parse_row(worker, row, labels, count);
        }
    }
    *out = worker->rows;
    return n;
}
