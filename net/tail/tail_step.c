/* tail_step.c: the work of a tail: first its history, then what its tap brings: through the pipeline, into the outbox. */
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/tail/tail_history.h"
#include "net/tail/tail_parts.h"

#define RUNS_A_STEP ((size_t)256) /* then other tails get their turn */
#define STREAMS_COUNTED_MAX ((size_t)100000)

/* ---- one run ---- */

static size_t labels_of_category(struct result_label *out, const struct row_label *labels, size_t count, enum label_category category)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (labels[i].category == category)
            out[n++] = (struct result_label){labels[i].name, labels[i].value};
    return n;
}

/* Renders the labels into tail->labels, and gives the entry what is shown beside its line. */
static void categorize(struct tail *tail, const struct row_label *labels, size_t count, struct result_entry *entry)
{
    struct result_label *shown = ARENA_ARRAY(&tail->scratch, struct result_label, count);
    size_t shown_count = 0;
    if (tail->request.categorize) {
        struct result_label *metadata = ARENA_ARRAY(&tail->scratch, struct result_label, count);
        struct result_label *parsed = ARENA_ARRAY(&tail->scratch, struct result_label, count);
        shown_count = labels_of_category(shown, labels, count, LABEL_STREAM);
        entry->metadata_count = (uint32_t)labels_of_category(metadata, labels, count, LABEL_METADATA);
        entry->parsed_count = (uint32_t)labels_of_category(parsed, labels, count, LABEL_PARSED);
        entry->metadata = metadata;
        entry->parsed = parsed;
    } else {
        for (; shown_count < count; shown_count++)
            shown[shown_count] = (struct result_label){labels[shown_count].name, labels[shown_count].value};
    }
    buf_reset(&tail->labels);
    tail_json_labels_put(&tail->labels, &tail->outbox.form, shown, shown_count);
}

static void note_stream(struct tail *tail, struct hash128 stream)
{
    if (tail->streams.count < STREAMS_COUNTED_MAX && seen_set_add(&tail->streams, stream.low))
        metric_move(metric_get0(METRIC_loki_querier_tail_active_streams), 1);
}

static void run_pass(struct tail *tail, const struct tap_run *run)
{
    struct label_set stream;
    struct err err;
    arena_reset(&tail->scratch);
    if (!label_set_decode(run->labels, &tail->scratch, &stream, &err))
        return; // cannot be: ingest made them
    const struct pipeline_row *rows = NULL;
    size_t count = pipeline_run(tail->worker, &stream, &run->batch, &rows);
    if (count > 0)
        note_stream(tail, run->stream);
    uint32_t base_of = UINT32_MAX - 1; // metadata set whose base labels tail->labels holds
    struct result_entry entry = {0};
    for (size_t i = 0; i < count; i++) {
        const struct pipeline_row *row = &rows[i];
        uint64_t hash = tap_entry_hash(run->stream, run->batch.ts_ns[row->row], entry_batch_line(&run->batch, row->row),
                                       entry_batch_metadata(&run->batch, row->row));
        if (!seen_recent_add(&tail->recent, hash)) // a push that was sent again
            continue;
        if (row->labels != NULL) {
            entry = (struct result_entry){0};
            categorize(tail, row->labels, row->label_count, &entry);
            base_of = UINT32_MAX - 1;
        } else if (base_of != row->metadata_index) {
            const struct row_label *labels = NULL;
            struct slice set = row->metadata_index == UINT32_MAX ? SLICE_NONE : run->batch.metadata_sets[row->metadata_index];
            size_t label_count = pipeline_base_labels(tail->worker, &stream, set, &labels);
            entry = (struct result_entry){0};
            categorize(tail, labels, label_count, &entry);
            base_of = row->metadata_index;
        }
        entry.ts_ns = row->ts_ns;
        entry.line = row->line;
        tail_outbox_add(&tail->outbox, &entry, buf_slice(&tail->labels), run->arrived_mono_ns);
    }
}

/* ---- losses of the tap ---- */

static void losses_pass(struct tail *tail)
{
    struct tap_loss *named = NULL;
    uint64_t lost = tap_take_losses(atomic_load(&tail->tap), &named);
    for (const struct tap_loss *loss = named; loss != NULL; loss = loss->next) {
        struct label_set stream;
        struct err err;
        arena_reset(&tail->scratch);
        if (!label_set_decode(loss->labels, &tail->scratch, &stream, &err))
            continue;
        struct result_label *labels = ARENA_ARRAY(&tail->scratch, struct result_label, stream.count);
        for (size_t i = 0; i < stream.count; i++)
            labels[i] = (struct result_label){stream.labels[i].name, stream.labels[i].value};
        buf_reset(&tail->labels);
        tail_json_labels_put(&tail->labels, &tail->outbox.form, labels, stream.count);
        for (size_t i = 0; i < loss->count; i++)
            tail_outbox_lost(&tail->outbox, loss->ts_ns[i], buf_slice(&tail->labels));
        lost -= lost < loss->count ? lost : loss->count;
    }
    tail_outbox_lost_unnamed(&tail->outbox, lost);
    tap_loss_destroy(named);
}

static void flush(struct tail *tail)
{
    const struct clock *clock = tail->tails->config.clock;
    tail_outbox_flush(&tail->outbox, clock_wall_ns(clock) - tail->request.delay_ns, clock_mono_ns(clock));
    atomic_store(&tail->next_ns, tail_outbox_next_ns(&tail->outbox));
}

/* ---- history ---- */

/* The history's scan is open: what the tap has is live, and left out there. */
static void history_opened(struct tail_history *history)
{
    struct tail *tail = history->owner;
    for (struct tap_run *run = tap_take(atomic_load(&tail->tap)); run != NULL; run = tap_take(atomic_load(&tail->tap))) {
        if (tail->pending_count == tail->pending_cap) {
            tail->pending_cap = tail->pending_cap == 0 ? 16 : 2 * tail->pending_cap;
            tail->pending = mem_grow(tail->pending, tail->pending_cap, sizeof(struct tap_run *));
        }
        tail->pending[tail->pending_count++] = run;
        for (uint32_t i = 0; i < run->batch.count; i++) {
            int64_t ts_ns = run->batch.ts_ns[i];
            history->first_ns = ts_ns < history->first_ns ? ts_ns : history->first_ns;
            history->last_ns = ts_ns > history->last_ns ? ts_ns : history->last_ns;
            (void)seen_set_add(&history->live, tap_entry_hash(run->stream, ts_ns, entry_batch_line(&run->batch, i), entry_batch_metadata(&run->batch, i)));
        }
    }
}

static void history_pass(struct tail *tail, const struct query_result *result)
{
    for (size_t i = 0; i < result->stream_count; i++) {
        const struct result_stream *stream = &result->streams[i];
        buf_reset(&tail->labels);
        tail_json_labels_put(&tail->labels, &tail->outbox.form, stream->labels, stream->label_count);
        for (size_t k = stream->entry_count; k > 0; k--) // newest first in the result: in order of arrival here
            tail_outbox_add(&tail->outbox, &stream->entries[k - 1], buf_slice(&tail->labels), 0);
    }
}

static bool history_run(struct tail *tail, struct err *err)
{
    const struct tails_config *config = &tail->tails->config;
    const struct tail_request *asked = &tail->request;
    const struct limits *limits = asked->limits;
    int64_t now_ns = clock_wall_ns(config->clock);
    struct query_request request = {
        .tenant = asked->tenant,
        .expr = tail->expr,
        .start_ns = asked->start_ns < now_ns ? asked->start_ns : now_ns,
        .end_ns = now_ns,
        .limit = asked->limit,
        .direction = QUERY_BACKWARD,
        .categorize = asked->categorize,
        .limits = limits,
        .now_ns = now_ns,
    };
    struct query_control *control = &tail->control;
    query_control_begin(control, config->clock, limits, config->memory);

    struct tail_history history;
    struct arena arena = ARENA_INIT;
    struct query_result result = {0};
    tail_history_init(&history, store_source(config->store), history_opened, tail);
    bool ok = query_run(&history.source, store_executor(config->store), &request, control, &arena, &result, err);
    tail_history_fini(&history);
    if (ok)
        history_pass(tail, &result);
    arena_fini(&arena);
    query_control_end(control);
    return ok;
}

static void released(void *self)
{
    tail_unref(self);
}

static bool tap_begin(struct tail *tail, struct err *err)
{
    const struct tail_request *asked = &tail->request;
    struct tap_config config = {.tenant = asked->tenant,
                                .matchers = tail->log.matchers,
                                .matcher_count = tail->log.matcher_count,
                                .bytes_max = tail->tails->config.tail_bytes / 2,
                                .released = released,
                                .self = tail};
    struct tap *tap = NULL;
    atomic_fetch_add(&tail->refs, 1); // the tap's
    if (!store_tap_open(tail->tails->config.store, &config, &tap, err)) {
        tail_unref(tail); // never the last: the step has one
        return false;
    }
    atomic_store(&tail->tap, tap);
    return true;
}

void tail_step_first(void *self)
{
    struct tail *tail = self;
    struct err err = {.code = ERR_NONE};
    // While the log is replayed the tail waits: what is replayed is history, and not all there yet. The next tick tries again.
    if (!atomic_load(&tail->is_over) && tap_begin(tail, &err)) {
        if (history_run(tail, &err)) {
            for (size_t i = 0; i < tail->pending_count; i++) {
                run_pass(tail, tail->pending[i]);
                tap_run_unref(tail->pending[i]);
            }
            tail->pending_count = 0;
            flush(tail);
            atomic_store(&tail->phase, TAIL_LIVE);
        } else if (err.code != ERR_CANCELLED) {
            tail_refuse(tail, slice_str(err.text));
        }
    }
    tail_step_ended(tail);
}

void tail_step_live(void *self)
{
    struct tail *tail = self;
    struct tap *tap = atomic_load(&tail->tap);
    losses_pass(tail);
    for (size_t i = 0; i < RUNS_A_STEP && !atomic_load(&tail->is_over); i++) {
        struct tap_run *run = tap_take(tap);
        if (run == NULL)
            break;
        run_pass(tail, run);
        tap_run_unref(run);
        flush(tail);
    }
    flush(tail);
    tail_step_ended(tail);
}
