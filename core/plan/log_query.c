#include "core/plan/log_query.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/entry_merge.h"
#include "core/plan/log_result.h"
#include "core/plan/pipeline_charge.h"
#include "core/plan/rewrites.h"
#include "core/plan/set_cache.h"
#include "core/plan/time_bar.h"
#include "core/plan/unit_scan.h"

// Rows that go through the pipeline at once, from the best end of a batch: so that a query that soon has its entries leaves the rest alone.
#define SLICE_ROWS ((uint32_t)4096)
// Units of a round at most, for each worker.
#define ROUND_UNITS_MAX ((size_t)16)
// Times of entries that a worker keeps to itself at most.
#define FRESH_MAX ((size_t)512)

struct log_query;

struct log_worker {
    struct log_query *query;
    struct pipeline_worker *pipeline;
    struct label_classes classes;
    struct set_cache known; /* metadata set of the batch -> its label_class */
    struct candidates kept;
    struct charged_arena lines;
    struct pipeline_charge rows;
    int64_t fresh_ns[FRESH_MAX]; /* of entries kept that the bar does not know yet */
    size_t fresh_count;
    /* of the unit being read */
    uint32_t unit, batch_row; /* of the batch: its first_row */
    bool ok;
    struct err *err;
};

struct log_query {
    const struct query_request *request;
    struct query_control *control;
    struct pipeline *pipeline;
    bool passes_all; /* no stages */
    bool forward;
    size_t limit;
    struct time_bar bar;
    struct unit_scan units;
    struct unit_cursor *cursors; /* of the scan's units */
    struct log_worker *workers;
    struct candidates kept;
    struct charged_arena lines;
};

static bool tell_bar(struct log_worker *worker)
{
    struct log_query *query = worker->query;
    bool ok = worker->fresh_count == 0 || time_bar_add(&query->bar, worker->fresh_ns, worker->fresh_count, query->control, worker->err);
    worker->fresh_count = 0;
    return ok;
}

static struct label_class *class_of_base(struct log_worker *worker, const struct entry_batch *batch, uint32_t metadata_index)
{
    struct label_class *class = set_cache_get(&worker->known, metadata_index);
    if (class != NULL)
        return class;
    const struct row_label *labels = NULL;
    struct slice set = metadata_index == UINT32_MAX ? SLICE_NONE : batch->metadata_sets[metadata_index];
    const struct label_set *stream = &worker->query->units.scan->streams[batch->stream].labels;
    size_t count = pipeline_base_labels(worker->pipeline, stream, set, &labels);
    class = label_classes_intern(&worker->classes, labels, count);
    set_cache_put(&worker->known, metadata_index, class);
    return class;
}

static bool worker_add(struct log_worker *worker, const struct entry_batch *batch, int64_t ts_ns, uint32_t row, struct slice line,
                       struct label_class *class)
{
    struct log_query *query = worker->query;
    struct candidate candidate = {
        .ts_ns = ts_ns,
        .class = class,
        .line = arena_copy(&worker->lines.arena, line),
        .stream = batch->stream,
        .unit = worker->unit,
        .row = worker->batch_row + row,
    };
    worker->fresh_ns[worker->fresh_count++] = ts_ns;
    worker->ok = (worker->fresh_count < FRESH_MAX || tell_bar(worker)) && candidates_add(&worker->kept, &candidate, query->control, worker->err);
    if (worker->ok && worker->kept.count >= 2 * query->limit)
        candidates_keep(&worker->kept, query->limit);
    return worker->ok;
}

/* Rows [first, end) as a batch of their own. */
static struct entry_batch batch_cut(const struct entry_batch *batch, uint32_t first, uint32_t end)
{
    struct entry_batch cut = *batch;
    cut.count = end - first;
    cut.ts_ns += first;
    if (cut.offsets != NULL)
        cut.offsets += first;
    if (cut.metadata_index != NULL)
        cut.metadata_index += first;
    return cut;
}

static uint32_t first_at_or_after(const int64_t *ts_ns, uint32_t count, int64_t at_ns)
{
    uint32_t low = 0;
    for (uint32_t high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (ts_ns[middle] < at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Narrows [*first, *end) to the rows that are no worse than the bar. */
static void narrow_to_bar(const struct log_query *query, int64_t bar_ns, const struct entry_batch *batch, uint32_t *first, uint32_t *end)
{
    if (query->forward) {
        uint32_t past = bar_ns == INT64_MAX ? batch->count : first_at_or_after(batch->ts_ns, batch->count, bar_ns + 1);
        *end = past < *end ? past : *end;
    } else {
        uint32_t from = first_at_or_after(batch->ts_ns, batch->count, bar_ns);
        *first = from > *first ? from : *first;
    }
    if (*first > *end)
        *first = *end;
}

/* Without stages only the N best rows of a batch can matter, and those of the N-th's time. */
static void narrow_to_limit(const struct log_query *query, const struct entry_batch *batch, uint32_t *first, uint32_t *end)
{
    if (*end - *first <= query->limit)
        return;
    uint32_t limit = (uint32_t)query->limit;
    int64_t last_ns = query->forward ? batch->ts_ns[*first + limit - 1] : batch->ts_ns[*end - limit];
    narrow_to_bar(query, last_ns, batch, first, end);
}

static bool add_slice(struct log_worker *worker, const struct entry_batch *batch, uint32_t first, uint32_t end)
{
    struct log_query *query = worker->query;
    struct entry_batch cut = batch_cut(batch, first, end);
    if (query->passes_all) {
        for (uint32_t i = 0; i < cut.count; i++) {
            uint32_t set = cut.metadata_index == NULL ? UINT32_MAX : cut.metadata_index[i];
            if (!worker_add(worker, &cut, cut.ts_ns[i], first + i, entry_batch_line(&cut, i), class_of_base(worker, &cut, set)))
                return false;
        }
        return true;
    }
    const struct pipeline_row *rows = NULL;
    const struct label_set *stream = &query->units.scan->streams[batch->stream].labels;
    worker->rows.err = worker->err;
    size_t count = pipeline_run(worker->pipeline, stream, &cut, &rows);
    if (worker->rows.is_refused)
        return worker->ok = false;
    atomic_fetch_add_explicit(&query->control->stats.lines_after_filters, count, memory_order_relaxed); // a counter alone
    int64_t bar_ns = time_bar_get(&query->bar);
    for (size_t i = 0; i < count; i++) {
        const struct pipeline_row *row = &rows[i];
        if (time_beats(bar_ns, row->ts_ns, query->forward))
            continue;
        struct label_class *class = row->labels == NULL ? class_of_base(worker, &cut, row->metadata_index)
                                                        : label_classes_intern(&worker->classes, row->labels, row->label_count);
        if (!worker_add(worker, &cut, row->ts_ns, first + row->row, row->line, class))
            return false;
    }
    return true;
}

static void count_batch(struct query_control *control, const struct entry_batch *batch, bool passes_all)
{
    struct query_stats *stats = &control->stats; // counters alone: relaxed
    atomic_fetch_add_explicit(&stats->lines_scanned, batch->count, memory_order_relaxed);
    if (passes_all)
        atomic_fetch_add_explicit(&stats->lines_after_filters, batch->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->bytes_scanned, batch->offsets[batch->count] - batch->offsets[0] - batch->count, memory_order_relaxed);
}

static bool take_batch(void *self, const struct entry_batch *batch)
{
    struct log_worker *worker = self;
    struct log_query *query = worker->query;
    set_cache_begin(&worker->known, batch);
    worker->batch_row = batch->first_row;
    uint32_t first = 0;
    uint32_t end = batch->count;
    for (;;) { // slices from the best end; the bar may rise with each
        narrow_to_bar(query, time_bar_get(&query->bar), batch, &first, &end);
        if (query->passes_all)
            narrow_to_limit(query, batch, &first, &end);
        if (first == end)
            break;
        uint32_t rows = end - first < SLICE_ROWS ? end - first : SLICE_ROWS;
        uint32_t from = query->forward ? first : end - rows;
        struct entry_batch cut = batch_cut(batch, from, from + rows);
        count_batch(query->control, &cut, query->passes_all);
        worker->ok = add_slice(worker, batch, from, from + rows) && tell_bar(worker) &&
                     charged_arena_settle(&worker->lines, query->control, worker->err) &&
                     charged_arena_settle(&worker->classes.memory, query->control, worker->err);
        if (!worker->ok)
            return false;
        if (query->forward)
            first += rows;
        else
            end -= rows;
    }
    worker->ok = query_control_check(query->control, worker->err);
    return worker->ok;
}

static struct unit_cursor *cursor_of(const struct log_query *query, const struct scan_unit *unit)
{
    return &query->cursors[unit - query->units.scan->units];
}

/* Of what is left of the unit. */
static int64_t best_ns(const struct log_query *query, const struct scan_unit *unit)
{
    const struct unit_cursor *cursor = cursor_of(query, unit);
    return cursor->next > 0 ? cursor->next_ns : query->forward ? unit->first_ns : unit->last_ns;
}

static bool visit_unit(void *self, struct unit_scan *units, size_t i, size_t worker_index, struct err *err)
{
    struct log_query *query = self;
    const struct scan_unit *unit = units->order[i];
    struct unit_cursor *cursor = cursor_of(query, unit);
    if (time_beats(time_bar_get(&query->bar), best_ns(query, unit), query->forward)) {
        if (cursor->next == 0)
            atomic_fetch_add_explicit(&query->control->stats.blocks_skipped, 1, memory_order_relaxed); // a counter alone
        cursor->is_done = true;
        return true;
    }
    struct log_worker *worker = &query->workers[worker_index];
    worker->unit = (uint32_t)(unit - units->scan->units);
    worker->ok = true;
    worker->err = err;
    uint64_t metadata_bytes = 0;
    for (size_t r = 0; cursor->next == 0 && r < unit->run_count; r++)
        metadata_bytes += unit->runs[r].metadata_bytes;
    atomic_fetch_add_explicit(&query->control->stats.metadata_bytes_scanned, metadata_bytes, memory_order_relaxed); // a counter alone
    return unit_scan_read_step(units, i, worker_index, cursor, take_batch, worker, err) && worker->ok;
}

/* What the workers kept joins the query's; of all, the best stay. Lines that stay move to the query's memory. */
static bool gather(struct log_query *query, struct err *err)
{
    size_t workers = query->units.executor->workers;
    for (size_t w = 0; w < workers; w++) {
        struct candidates *from = &query->workers[w].kept;
        for (size_t i = 0; i < from->count; i++)
            if (!candidates_add(&query->kept, &from->items[i], query->control, err))
                return false;
        from->count = 0;
    }
    candidates_keep(&query->kept, query->limit);
    for (size_t i = 0; i < query->kept.count; i++) {
        struct candidate *candidate = &query->kept.items[i];
        if (!candidate->is_settled)
            candidate->line = arena_copy(&query->lines.arena, candidate->line);
        candidate->is_settled = true;
    }
    for (size_t w = 0; w < workers; w++)
        charged_arena_fini(&query->workers[w].lines, query->control);
    return charged_arena_settle(&query->lines, query->control, err);
}

/* Of the entries in order, the first and each that is at least interval_ns from the last that stayed. */
static void thin(struct candidates *entries, int64_t interval_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        int64_t apart_ns = 0;
        if (kept > 0) {
            int64_t before_ns = entries->items[kept - 1].ts_ns;
            bool far = entries->forward ? __builtin_sub_overflow(entries->items[i].ts_ns, before_ns, &apart_ns)
                                        : __builtin_sub_overflow(before_ns, entries->items[i].ts_ns, &apart_ns);
            if (!far && apart_ns < interval_ns)
                continue;
        }
        entries->items[kept++] = entries->items[i];
    }
    entries->count = kept;
}

/* One step of the units order[0 .. total), best first, until none that is left can matter. */
static bool run_pass(struct log_query *query, size_t total, struct err *err)
{
    size_t workers = query->units.executor->workers;
    size_t round = workers;
    for (size_t next = 0; next < total;) {
        const struct scan_unit *unit = query->units.order[next];
        if (time_beats(time_bar_get(&query->bar), best_ns(query, unit), query->forward)) {
            if (cursor_of(query, unit)->next == 0)
                atomic_fetch_add_explicit(&query->control->stats.blocks_skipped, total - next, memory_order_relaxed); // a counter alone
            return true;
        }
        size_t count = total - next < round ? total - next : round;
        if (!unit_scan_run(&query->units, next, count, err) || !gather(query, err))
            return false;
        next += count;
        round = 2 * round < ROUND_UNITS_MAX * workers ? 2 * round : ROUND_UNITS_MAX * workers;
    }
    return true;
}

static int by_next(const void *a, const void *b, void *self)
{
    const struct log_query *query = self;
    const struct scan_unit *x = *(const struct scan_unit *const *)a, *y = *(const struct scan_unit *const *)b;
    int64_t x_ns = best_ns(query, x), y_ns = best_ns(query, y);
    return x_ns != y_ns ? (time_beats(x_ns, y_ns, query->forward) ? -1 : 1) : (x > y) - (x < y);
}

/* Units that were begun and have something left that can matter become order[0 .. n), best first. Returns n. */
static size_t order_begun(struct log_query *query, size_t total)
{
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        const struct scan_unit *unit = query->units.order[i];
        const struct unit_cursor *cursor = cursor_of(query, unit);
        if (cursor->next > 0 && !cursor->is_done && !time_beats(time_bar_get(&query->bar), cursor->next_ns, query->forward))
            query->units.order[count++] = unit;
    }
    if (count > 1)
        qsort_r(query->units.order, count, sizeof(*query->units.order), by_next, query);
    return count;
}

/* All units give their best first: what they have after that mostly need not be read. */
static bool run_passes(struct log_query *query, struct err *err)
{
    bool ok = true;
    size_t count = query->units.scan->unit_count;
    query->cursors = mem_array(count + 1, sizeof(*query->cursors));
    while (ok && count > 0) {
        ok = run_pass(query, count, err);
        count = order_begun(query, count);
    }
    return ok;
}

static int64_t bound_ns(void *self)
{
    struct log_query *query = self;
    return time_bar_get(&query->bar);
}

static bool log_query_open(struct log_query *query, const struct source *source, const struct executor *executor, struct arena *arena,
                           struct err *err)
{
    const struct query_request *request = query->request;
    struct log_expr log = rewrite_line_filters_first(&request->expr->log, arena);
    struct pipeline_hints hints = {.needs_all = true, .now_ns = request->now_ns};
    if (!pipeline_compile(&log, NULL, &hints, arena, &query->pipeline, err))
        return false;
    query->passes_all = pipeline_is_empty(query->pipeline);
    struct scan_request scan_request = {
        .tenant = request->tenant,
        .start_ns = request->start_ns,
        .end_ns = request->end_ns - 1,
        .matchers = log.matchers,
        .matcher_count = log.matcher_count,
        .columns = SCAN_LINES | SCAN_METADATA,
        .newest_first = !query->forward,
        .bound_ns = bound_ns,
        .bound_self = query,
    };
    struct needle *needles = NULL;
    scan_request.needle_count = pipeline_needles(query->pipeline, arena, &needles);
    scan_request.needles = needles;
    struct scan *scan = NULL;
    if (!source->scan_open(source->self, &scan_request, query->control, &scan, err))
        return false;
    unit_scan_init(&query->units, source, executor, query->control, scan, !query->forward);
    query->units.visit = visit_unit;
    query->units.visit_self = query;

    query->workers = mem_array(executor->workers, sizeof(*query->workers));
    for (size_t w = 0; w < executor->workers; w++) {
        struct log_worker *worker = &query->workers[w];
        worker->query = query;
        worker->pipeline = pipeline_worker_create(query->pipeline);
        worker->rows.control = query->control;
        pipeline_worker_watch(worker->pipeline, (struct pipeline_watch){pipeline_charge_goes_on, &worker->rows});
        worker->classes.categorize = request->categorize;
        worker->kept.forward = query->forward;
    }
    // A log query without filters stops at its limit: what its units hold says nothing of what it reads.
    return query->passes_all || unit_scan_check_bytes(&query->units, request->limits->max_query_bytes_read, err);
}

static void log_query_close(struct log_query *query, size_t workers)
{
    for (size_t w = 0; query->workers != NULL && w < workers; w++) {
        struct log_worker *worker = &query->workers[w];
        query_control_note_matching(query->control, worker->pipeline);
        pipeline_worker_destroy(worker->pipeline);
        label_classes_fini(&worker->classes, query->control);
        set_cache_fini(&worker->known);
        candidates_fini(&worker->kept, query->control);
        charged_arena_fini(&worker->lines, query->control);
        pipeline_charge_fini(&worker->rows);
    }
    mem_free(query->workers);
    mem_free(query->cursors);
    unit_scan_fini(&query->units);
    candidates_fini(&query->kept, query->control);
    charged_arena_fini(&query->lines, query->control);
    time_bar_fini(&query->bar, query->control);
    pipeline_fini(query->pipeline);
}

bool log_query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
                   struct query_control *control, struct arena *arena, struct query_result *out, struct err *err)
{
    *out = (struct query_result){.kind = RESULT_STREAMS};
    if (request->end_ns <= request->start_ns || request->limit <= 0)
        return true;
    bool forward = request->direction == QUERY_FORWARD;
    struct log_query query = {
        .request = request,
        .control = control,
        .forward = forward,
        .limit = request->limit > INT32_MAX ? INT32_MAX : (size_t)request->limit,
        .kept.forward = forward,
    };
    time_bar_init(&query.bar, query.limit, forward);
    bool ok = log_query_open(&query, source, executor, arena, err) && run_passes(&query, err);
    if (ok) {
        if (request->interval_ns > 0) // of the entries up to the limit, as Loki has it where a query is not split
            thin(&query.kept, request->interval_ns);
        log_result_build(&query.kept, arena, out);
        atomic_fetch_add_explicit(&control->stats.entries_returned, query.kept.count, memory_order_relaxed); // a counter alone
    }
    log_query_close(&query, executor->workers);
    return ok;
}
