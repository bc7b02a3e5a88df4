/* pipeline_run.c: a batch through the pipeline: line filters over the whole text, label filters once a metadata set, the rest row by row. */
#include <assert.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/pipeline/pipeline_internal.h"

#define NO_METADATA UINT32_MAX
#define WATCH_BYTES ((size_t)1 << 20)
#define WATCH_STEPS 512

struct base_slot {
    uint32_t metadata_index;
    struct base_labels *base; /* NULL: a free slot */
};

struct pipeline_worker {
    const struct pipeline *pipeline;
    struct arena arena;   /* of one run */
    struct arena scratch; /* of one template */
    struct row row;
    struct pipeline_row *rows;
    size_t row_count, row_cap;
    /* Of the run. */
    const struct label_set *stream;
    const struct entry_batch *batch;
    struct base_slot *slots; /* open addressing by metadata index, at most half full */
    uint32_t slot_mask;
    struct base_slot last; /* most rows have the set of the row before */
    uint64_t match_ns[MATCH_ENGINES];
    struct pipeline_watch watch;
    size_t steps_left; /* until it is asked */
};

uint64_t pipeline_worker_match_ns(const struct pipeline_worker *worker, enum match_engine engine)
{
    return worker == NULL ? 0 : worker->match_ns[engine];
}

struct pipeline_worker *pipeline_worker_create(const struct pipeline *pipeline)
{
    struct pipeline_worker *worker = mem_zero(sizeof(*worker));
    worker->pipeline = pipeline;
    worker->arena = ARENA_INIT;
    worker->scratch = ARENA_INIT;
    worker->row = (struct row){.arena = &worker->arena, .scratch = &worker->scratch, .text = BUF_INIT, .now_ns = pipeline->now_ns};
    worker->row.watch = &worker->watch;
    row_labels_init(&worker->row.labels, &pipeline->needed);
    return worker;
}

void pipeline_worker_watch(struct pipeline_worker *worker, struct pipeline_watch watch)
{
    worker->watch = watch;
}

void pipeline_worker_destroy(struct pipeline_worker *worker)
{
    if (worker == NULL)
        return;
    row_labels_fini(&worker->row.labels);
    buf_fini(&worker->row.text);
    arena_fini(&worker->arena);
    arena_fini(&worker->scratch);
    mem_free(worker->rows);
    mem_free(worker);
}

// ---- bases ----

// A unit's metadata sets may be far more than a batch has rows: the table is as large as the batch.
static void slots_begin(struct pipeline_worker *worker, uint32_t rows)
{
    uint32_t want = 16;
    uint32_t sets = worker->batch->metadata_index == NULL ? 1 : worker->batch->metadata_set_count + 1;
    while (want < 2 * (uint64_t)(sets < rows ? sets : rows))
        want *= 2;
    worker->slots = ARENA_ARRAY(&worker->arena, struct base_slot, want);
    worker->slot_mask = want - 1;
    worker->last.base = NULL;
}

static struct slice metadata_of(const struct entry_batch *batch, uint32_t index)
{
    return index == NO_METADATA ? SLICE_NONE : batch->metadata_sets[index];
}

static struct base_labels *base_of(struct pipeline_worker *worker, uint32_t metadata_index)
{
    if (worker->last.base != NULL && worker->last.metadata_index == metadata_index)
        return worker->last.base;
    uint32_t at = (metadata_index * 2654435761u) & worker->slot_mask;
    while (worker->slots[at].base != NULL && worker->slots[at].metadata_index != metadata_index)
        at = (at + 1) & worker->slot_mask;
    struct base_slot *slot = &worker->slots[at];
    if (slot->base == NULL) {
        slot->metadata_index = metadata_index;
        slot->base = ARENA_NEW(&worker->arena, struct base_labels);
        base_labels_build(worker->stream, metadata_of(worker->batch, metadata_index), &worker->arena, slot->base);
    }
    worker->last = *slot;
    return slot->base;
}

// Once for all rows of the set: whether the label filters that see only these labels keep it, and the error they set.
static bool base_passes(struct pipeline_worker *worker, struct base_labels *base)
{
    const struct pipeline *pipeline = worker->pipeline;
    if (base->verdict != BASE_UNKNOWN)
        return base->verdict == BASE_KEPT;
    row_labels_begin(&worker->row.labels, base);
    base->verdict = BASE_KEPT;
    for (size_t i = 0; i < pipeline->base_test_count && base->verdict == BASE_KEPT; i++) {
        if (!pipeline->base_tests[i]->run(pipeline->base_tests[i], &worker->row))
            base->verdict = BASE_DROPPED;
    }
    base->error = worker->row.labels.error;
    base->error_details = worker->row.labels.error_details;
    return base->verdict == BASE_KEPT;
}

// ---- rows ----

static uint32_t metadata_index_of(const struct entry_batch *batch, uint32_t index)
{
    return batch->metadata_index == NULL ? NO_METADATA : batch->metadata_index[index];
}

static struct pipeline_row *emit(struct pipeline_worker *worker, uint32_t index, uint32_t metadata_index, struct slice line)
{
    struct pipeline_row *row = &worker->rows[worker->row_count++];
    *row = (struct pipeline_row){
        .ts_ns = worker->batch->ts_ns[index], .row = index, .line = line, .metadata_index = metadata_index};
    return row;
}

static struct slice line_of(const struct entry_batch *batch, uint32_t index)
{
    return batch->text == NULL ? SLICE_NONE : entry_batch_line(batch, index);
}

bool row_asks(struct row *row)
{
    row->watch_at = row->arena->bytes + WATCH_BYTES;
    row->is_stopped = row->is_stopped || (row->watch->goes_on != NULL && !row->watch->goes_on(row->watch->self, row->arena->bytes));
    return !row->is_stopped;
}

static bool run_steps(const struct pipeline *pipeline, struct row *row)
{
    for (size_t i = 0; i < pipeline->step_count; i++) {
        if (!pipeline->steps[i]->run(pipeline->steps[i], row) || !row_goes_on(row))
            return false;
    }
    return !pipeline->has_unwrap || sample_make(&pipeline->sample, row);
}

// Deadline and cancel reach a slow pipeline too.
static bool row_is_due(struct pipeline_worker *worker)
{
    size_t steps = worker->pipeline->step_count + 1;
    if (worker->steps_left > steps) {
        worker->steps_left -= steps;
        return !worker->row.is_stopped;
    }
    worker->steps_left = WATCH_STEPS;
    return row_asks(&worker->row);
}

static void run_row(struct pipeline_worker *worker, uint32_t index)
{
    if (!row_is_due(worker))
        return;
    const struct entry_batch *batch = worker->batch;
    uint32_t metadata_index = metadata_index_of(batch, index);
    struct base_labels *base = base_of(worker, metadata_index);
    if (worker->pipeline->base_test_count > 0 && !base_passes(worker, base))
        return;
    struct row *row = &worker->row;
    row->line = line_of(batch, index);
    row->ts_ns = batch->ts_ns[index];
    row->value = 0;
    row_labels_begin(&row->labels, base);
    if (!run_steps(worker->pipeline, row))
        return;
    struct pipeline_row *out = emit(worker, index, metadata_index, row->line);
    out->value = row->value;
    if (!row_labels_are_base(&row->labels))
        out->label_count = row_labels_finish(&row->labels, &worker->arena, &out->labels, &out->has_error);
}

// Rows that no stage looks at one by one.
static void pass_row(struct pipeline_worker *worker, uint32_t index)
{
    (void)emit(worker, index, metadata_index_of(worker->batch, index), line_of(worker->batch, index));
}

/* A regular expression that its needles do not decide. */
static enum match_engine engine_of(const struct line_filter *filter)
{
    for (size_t i = 0; i < filter->term_count; i++) {
        if (filter->terms[i].kind == TERM_REGEX && !filter->terms[i].needles_decide)
            return MATCH_REGEX;
    }
    return MATCH_LITERAL;
}

static uint64_t *sieve(struct pipeline_worker *worker, size_t words)
{
    const struct entry_batch *batch = worker->batch;
    const struct pipeline *pipeline = worker->pipeline;
    uint64_t *alive = arena_alloc(&worker->arena, 3 * words * sizeof(*alive), _Alignof(uint64_t));
    memset(alive, 0xff, words * sizeof(*alive));
    if (batch->count % 64 != 0)
        alive[words - 1] = ((uint64_t)1 << (batch->count % 64)) - 1;
    assert(pipeline->leading_count == 0 || batch->text != NULL); // pipeline_needs_lines has said so
    int64_t before = pipeline->leading_count > 0 ? clock_mono_ns(&system_clock) : 0; // 20 ns; the CPU clock takes 300, and batches may be a few lines
    for (size_t i = 0; i < pipeline->leading_count; i++) {
        line_filter_sieve(pipeline->leading[i], batch, alive, alive + words);
        int64_t now = clock_mono_ns(&system_clock);
        worker->match_ns[engine_of(pipeline->leading[i])] += (uint64_t)(now - before);
        before = now;
    }
    return alive;
}

size_t pipeline_run(struct pipeline_worker *worker, const struct label_set *stream_labels, const struct entry_batch *batch,
                    const struct pipeline_row **out_rows)
{
    const struct pipeline *pipeline = worker->pipeline;
    arena_reset(&worker->arena);
    row_labels_forget(&worker->row.labels);
    worker->stream = stream_labels;
    worker->batch = batch;
    worker->row_count = 0;
    worker->steps_left = WATCH_STEPS;
    worker->row.is_stopped = false;
    worker->row.watch_at = worker->arena.bytes + WATCH_BYTES;
    *out_rows = worker->rows;
    if (batch->count == 0)
        return 0;
    if (worker->row_cap < batch->count) {
        worker->rows = mem_grow(worker->rows, batch->count, sizeof(*worker->rows));
        worker->row_cap = batch->count;
    }
    slots_begin(worker, batch->count);
    size_t words = ((size_t)batch->count + 63) / 64;
    const uint64_t *alive = sieve(worker, words);
    void (*each)(struct pipeline_worker *, uint32_t) =
        pipeline->base_test_count + pipeline->step_count > 0 || pipeline->has_unwrap ? run_row : pass_row;
    for (size_t w = 0; w < words; w++) {
        for (uint64_t left = alive[w]; left != 0; left &= left - 1)
            each(worker, (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left));
        if (worker->row.is_stopped)
            break;
    }
    *out_rows = worker->rows;
    return worker->row_count;
}

size_t pipeline_base_labels(struct pipeline_worker *worker, const struct label_set *stream_labels, struct slice metadata_set,
                            const struct row_label **out)
{
    struct base_labels *base = ARENA_NEW(&worker->arena, struct base_labels);
    base_labels_build(stream_labels, metadata_set, &worker->arena, base);
    *out = base->items;
    if (base->error.len == 0 && base->error_details.len == 0)
        return base->count;
    row_labels_begin(&worker->row.labels, base);
    return row_labels_all(&worker->row.labels, &worker->arena, out);
}
