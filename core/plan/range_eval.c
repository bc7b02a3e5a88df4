#include "core/plan/range_eval.h"

#include "core/base/mem.h"
#include "core/plan/range_windows.h"
#include "core/plan/pipeline_charge.h"
#include "core/plan/rewrites.h"
#include "core/plan/set_cache.h"
#include "core/plan/unit_scan.h"

struct range_run;

struct range_worker {
    struct range_run *run;
    struct pipeline_worker *pipeline;
    struct partials partials;
    struct set_cache known; /* metadata set of the batch -> its partial_series */
    struct buf key;
    /* of the unit being read */
    uint32_t unit, rows_seen;
    bool ok;
    struct err *err;
    struct pipeline_charge rows;
};

struct range_run {
    const struct expr *range;
    struct range_plan plan;
    struct pipeline *pipeline;
    bool passes_all;    /* no stages, no unwrap */
    bool uses_metadata; /* the scan has the column */
    bool counts;        /* lines or line bytes are all that counts */
    bool counts_bytes;
    struct window_grid grid;
    struct unit_scan units;
    struct range_worker *workers;
    struct query_control *control;
};

static const struct label_set *stream_labels(const struct range_run *run, uint32_t stream)
{
    return &run->units.scan->streams[stream].labels;
}

static void put_identity(const struct range_run *run, struct buf *key, const struct row_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((run->plan.unwrapped.len == 0 || !slice_eq(labels[i].name, run->plan.unwrapped)) &&
            label_choice_takes(&run->plan.identity, labels[i].name, labels[i].value))
            label_key_put(key, labels[i].name, labels[i].value);
}

static struct partial_series *series_of_labels(struct range_worker *worker, const struct row_label *labels, size_t count)
{
    buf_reset(&worker->key);
    put_identity(worker->run, &worker->key, labels, count);
    struct partial_series *series = partials_get(&worker->partials, buf_slice(&worker->key), worker->run->control, worker->err);
    worker->ok = series != NULL;
    return series;
}

/* Of rows whose labels are the stream's and the metadata set's. */
static struct partial_series *series_of_base(struct range_worker *worker, const struct entry_batch *batch, uint32_t metadata_index)
{
    struct partial_series *series = set_cache_get(&worker->known, metadata_index);
    if (series != NULL)
        return series;
    const struct row_label *labels = NULL;
    struct slice set = metadata_index == UINT32_MAX ? SLICE_NONE : batch->metadata_sets[metadata_index];
    size_t count = pipeline_base_labels(worker->pipeline, stream_labels(worker->run, batch->stream), set, &labels);
    series = series_of_labels(worker, labels, count);
    set_cache_put(&worker->known, metadata_index, series);
    return series;
}

/* Spec logql.md 19.3. */
static bool fail_row(const struct pipeline_row *row, struct err *err)
{
    struct slice kind = SLICE("");
    struct label *labels = mem_array(row->label_count, sizeof(*labels));
    for (size_t i = 0; i < row->label_count; i++) {
        labels[i] = (struct label){row->labels[i].name, row->labels[i].value};
        if (slice_eq(labels[i].name, SLICE("__error__")))
            kind = labels[i].value;
    }
    struct buf text = BUF_INIT;
    label_set_print(&(struct label_set){labels, row->label_count}, &text);
    err_fill(err, ERR_INVALID,
             "pipeline error: '%.*s' for series: '%.*s'.\n"
             "Use a label filter to intentionally skip this error. (e.g | __error__!=\"%.*s\").\n"
             "To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n"
             "The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n",
             SLICE_ARG(kind), SLICE_ARG(buf_slice(&text)), SLICE_ARG(kind));
    buf_fini(&text);
    mem_free(labels);
    return false;
}

static bool add_row(struct range_worker *worker, const struct entry_batch *batch, const struct pipeline_row *row)
{
    struct range_run *run = worker->run;
    if (!window_grid_is_used(&run->grid, window_grid_bucket(&run->grid, row->ts_ns)))
        return true; // between two windows: even its error is nobody's
    if (row->has_error)
        return worker->ok = fail_row(row, worker->err);
    struct partial_series *series = row->labels == NULL
                                        ? series_of_base(worker, batch, row->metadata_index)
                                        : series_of_labels(worker, row->labels, row->label_count);
    if (series == NULL)
        return false;
    struct sample sample = {
        .ts_ns = row->ts_ns,
        .value = run->counts ? (double)row->line.len : row->value,
        .stream = batch->stream,
        .unit = worker->unit,
        .row = worker->rows_seen + row->row,
    };
    return worker->ok = partials_add(&worker->partials, series, &sample, run->control, worker->err);
}

/* Rows [first, end) are of one series: whole stretches of one bucket are added at once. */
static void count_rows(struct range_worker *worker, const struct entry_batch *batch, struct partial_series *series, uint32_t first, uint32_t end)
{
    const struct range_run *run = worker->run;
    while (first < end) {
        size_t bucket = window_grid_bucket(&run->grid, batch->ts_ns[first]);
        int64_t last_ns = window_grid_bucket_last(&run->grid, bucket);
        uint32_t past = first + 1;
        while (past < end && batch->ts_ns[past] <= last_ns)
            past++;
        uint64_t bytes = run->counts_bytes ? batch->offsets[past] - batch->offsets[first] - (past - first) : 0;
        if (window_grid_is_used(&run->grid, bucket))
            accumulator_add_lines(partials_bucket(&worker->partials, series, bucket), run->range->range_op, past - first, bytes);
        first = past;
    }
}

static bool count_batch(struct range_worker *worker, const struct entry_batch *batch)
{
    for (uint32_t first = 0; first < batch->count;) {
        uint32_t set = batch->metadata_index == NULL ? UINT32_MAX : batch->metadata_index[first];
        uint32_t end = first + 1;
        while (end < batch->count && (batch->metadata_index == NULL || batch->metadata_index[end] == set))
            end++;
        struct partial_series *series = series_of_base(worker, batch, set);
        if (series == NULL)
            return false;
        count_rows(worker, batch, series, first, end);
        first = end;
    }
    return true;
}

static void count_scanned(struct query_control *control, const struct entry_batch *batch, size_t passed)
{
    struct query_stats *stats = &control->stats; // counters alone: relaxed
    atomic_fetch_add_explicit(&stats->lines_scanned, batch->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->lines_after_filters, passed, memory_order_relaxed);
    if (batch->offsets != NULL)
        atomic_fetch_add_explicit(&stats->bytes_scanned, batch->offsets[batch->count] - batch->offsets[0] - batch->count, memory_order_relaxed);
}

static bool take_batch(void *self, const struct entry_batch *given)
{
    struct range_worker *worker = self;
    struct range_run *run = worker->run;
    struct entry_batch batch = *given;
    if (!run->uses_metadata) { // filled or not, it tells nothing here
        batch.metadata_index = NULL;
        batch.metadata_sets = NULL;
        batch.metadata_set_count = 0;
    }
    set_cache_begin(&worker->known, &batch);
    size_t passed = batch.count;
    if (run->passes_all && run->counts) {
        worker->ok = count_batch(worker, &batch);
    } else {
        const struct pipeline_row *rows = NULL;
        worker->rows.err = worker->err;
        passed = pipeline_run(worker->pipeline, stream_labels(run, batch.stream), &batch, &rows);
        worker->ok = !worker->rows.is_refused;
        for (size_t i = 0; worker->ok && i < passed; i++)
            if (!add_row(worker, &batch, &rows[i]))
                return false;
    }
    count_scanned(run->control, &batch, passed);
    worker->rows_seen += batch.count;
    worker->ok = worker->ok && query_control_check(run->control, worker->err);
    return worker->ok;
}

/* Whether the stream's labels alone tell the series of its rows. */
static bool identity_is_in_stream(const struct range_run *run, const struct label_set *labels)
{
    if (run->plan.identity.mode != CHOOSE_BY)
        return false;
    for (size_t i = 0; i < run->plan.identity.name_count; i++) {
        struct slice value;
        if (!label_set_get(labels, run->plan.identity.names[i], &value))
            return false;
    }
    return true;
}

static bool run_is_countable(const struct range_run *run, const struct scan_run *part)
{
    return part->first_ns > run->grid.origin_ns && part->last_ns <= run->grid.last_ns &&
           window_grid_bucket(&run->grid, part->first_ns) == window_grid_bucket(&run->grid, part->last_ns) &&
           (part->metadata_bytes == 0 || identity_is_in_stream(run, stream_labels(run, part->stream)));
}

/* A unit whose runs each lie in one bucket is counted from what the index knows of it. */
static bool count_unit(struct range_worker *worker, const struct scan_unit *unit, bool *out_done)
{
    struct range_run *run = worker->run;
    *out_done = run->passes_all && run->counts && unit->is_exact;
    for (size_t i = 0; *out_done && i < unit->run_count; i++)
        *out_done = run_is_countable(run, &unit->runs[i]);
    for (size_t i = 0; *out_done && i < unit->run_count; i++) {
        const struct scan_run *part = &unit->runs[i];
        const struct row_label *labels = NULL;
        size_t count = pipeline_base_labels(worker->pipeline, stream_labels(run, part->stream), SLICE_NONE, &labels);
        struct partial_series *series = series_of_labels(worker, labels, count);
        if (series == NULL)
            return false;
        size_t bucket = window_grid_bucket(&run->grid, part->first_ns);
        if (window_grid_is_used(&run->grid, bucket))
            accumulator_add_lines(partials_bucket(&worker->partials, series, bucket), run->range->range_op, part->entries, part->line_bytes);
    }
    return true;
}

static bool lies_in_gap(const struct range_run *run, const struct scan_unit *unit)
{
    if (unit->first_ns <= run->grid.origin_ns || unit->last_ns > run->grid.last_ns)
        return false;
    size_t bucket = window_grid_bucket(&run->grid, unit->first_ns);
    return bucket == window_grid_bucket(&run->grid, unit->last_ns) && !window_grid_is_used(&run->grid, bucket);
}

static bool visit_unit(void *self, struct unit_scan *units, size_t unit, size_t worker_index, struct err *err)
{
    struct range_run *run = self;
    struct range_worker *worker = &run->workers[worker_index];
    const struct scan_unit *at = units->order[unit];
    worker->unit = (uint32_t)(at - units->scan->units);
    worker->rows_seen = 0;
    worker->ok = true;
    worker->err = err;
    bool is_done = lies_in_gap(run, at);
    if (!is_done && !count_unit(worker, at, &is_done))
        return false;
    if (is_done) {
        atomic_fetch_add_explicit(&run->control->stats.blocks_skipped, 1, memory_order_relaxed); // a counter alone
        return true;
    }
    return unit_scan_read(units, unit, worker_index, take_batch, worker, err) && worker->ok;
}

static bool scan_needs_metadata(const struct range_run *run, const struct scan *scan)
{
    for (size_t u = 0; u < scan->unit_count; u++)
        for (size_t i = 0; i < scan->units[u].run_count; i++) {
            const struct scan_run *part = &scan->units[u].runs[i];
            if (part->metadata_bytes > 0 && !identity_is_in_stream(run, &scan->streams[part->stream].labels))
                return true;
        }
    return false;
}

static bool open_scan(struct range_run *run, struct metric_query *query, const struct log_expr *log, struct err *err)
{
    // With labels named that all streams have, metadata need not be read: the streams tell once the scan is open.
    bool needs_metadata = run->plan.identity.mode != CHOOSE_BY;
    struct needle *needles = NULL;
    struct scan_request request = {
        .tenant = query->request->tenant,
        .start_ns = run->grid.origin_ns + 1,
        .end_ns = run->grid.last_ns,
        .matchers = log->matchers,
        .matcher_count = log->matcher_count,
        .needle_count = pipeline_needles(run->pipeline, query->arena, &needles),
        .columns = rewrite_columns(run->pipeline, run->range->range_op, needs_metadata),
    };
    request.needles = needles;
    struct scan *scan = NULL;
    if (!query->source->scan_open(query->source->self, &request, query->control, &scan, err))
        return false;
    if ((request.columns & SCAN_METADATA) == 0 && run->plan.identity.name_count > 0 && scan_needs_metadata(run, scan)) {
        query->source->scan_close(scan);
        request.columns |= SCAN_METADATA;
        if (!query->source->scan_open(query->source->self, &request, query->control, &scan, err))
            return false;
    }
    run->uses_metadata = (request.columns & SCAN_METADATA) != 0;
    unit_scan_init(&run->units, query->source, query->executor, query->control, scan, false);
    run->units.visit = visit_unit;
    run->units.visit_self = run;
    return unit_scan_check_bytes(&run->units, query->request->limits->max_query_bytes_read, err);
}

static bool run_open(struct range_run *run, struct metric_query *query, struct err *err)
{
    const struct log_range *log_range = &run->range->range;
    struct log_expr seen = rewrite_unseen_line_formats(&log_range->log, run->range->range_op, query->arena);
    struct log_expr log = rewrite_line_filters_first(&seen, query->arena);
    run->plan.hints.now_ns = query->request->now_ns;
    if (!pipeline_compile(&log, log_range->has_unwrap ? &log_range->unwrap : NULL, &run->plan.hints, query->arena, &run->pipeline, err))
        return false;
    run->passes_all = pipeline_is_empty(run->pipeline) && !log_range->has_unwrap;
    if (!open_scan(run, query, &log, err))
        return false;
    const struct accumulator *accumulator = accumulator_for(run->range->range_op, log_range->has_unwrap);
    run->workers = mem_array(query->executor->workers, sizeof(*run->workers));
    for (size_t w = 0; w < query->executor->workers; w++)
        run->workers[w] = (struct range_worker){
            .run = run,
            .pipeline = pipeline_worker_create(run->pipeline),
            .partials = {.grid = &run->grid, .accumulator = accumulator},
            .rows = {.control = run->control},
        };
    for (size_t w = 0; w < query->executor->workers; w++)
        pipeline_worker_watch(run->workers[w].pipeline, (struct pipeline_watch){pipeline_charge_goes_on, &run->workers[w].rows});
    return true;
}

static void run_close(struct range_run *run, size_t workers)
{
    for (size_t w = 0; run->workers != NULL && w < workers; w++) {
        struct range_worker *worker = &run->workers[w];
        query_control_note_matching(run->control, worker->pipeline);
        pipeline_worker_destroy(worker->pipeline);
        partials_fini(&worker->partials, run->control);
        set_cache_fini(&worker->known);
        buf_fini(&worker->key);
        pipeline_charge_fini(&worker->rows);
    }
    mem_free(run->workers);
    unit_scan_fini(&run->units);
    pipeline_fini(run->pipeline);
}

/* One series of the selector's equalities, where there was no sample. A label with two matchers, or another kind of one, is left out. */
static bool make_absent(const struct expr *range, const struct series_set *found, struct series_set *out, struct err *err)
{
    const struct log_expr *log = &range->range.log;
    struct eval_context *eval = out->eval;
    struct label *labels = ARENA_ARRAY(&eval->memory.arena, struct label, log->matcher_count);
    size_t count = 0;
    for (size_t i = 0; i < log->matcher_count; i++) {
        bool is_alone = log->matchers[i].op == MATCH_EQ;
        for (size_t k = 0; k < log->matcher_count; k++)
            is_alone = is_alone && (k == i || !slice_eq(log->matchers[k].name, log->matchers[i].name));
        if (is_alone)
            labels[count++] = (struct label){log->matchers[i].name, log->matchers[i].value};
    }
    count = label_sort(labels, count, true);
    buf_reset(&eval->key);
    label_key_put_set(&eval->key, &(struct label_set){labels, count}, &(struct label_choice){.mode = CHOOSE_ALL});
    struct series *series = series_set_get(out, buf_slice(&eval->key), err);
    if (series == NULL)
        return false;
    for (size_t step = 0; step < eval->steps.count; step++)
        if (found->count == 0 || !series_has(found->items[0], step))
            series_put(series, step, 1);
    return true;
}

bool range_eval(struct metric_query *query, const struct expr *range, const struct expr *sum, struct series_set *out, struct err *err)
{
    struct range_run run = {
        .range = range,
        .plan = rewrite_grouping(range, sum, query->arena),
        .counts = accumulator_counts(range->range_op, range->range.has_unwrap),
        .counts_bytes = range->range_op == RANGE_BYTES_OVER_TIME || range->range_op == RANGE_BYTES_RATE,
        .control = query->control,
    };
    if (query->eval.steps.count == 0)
        return true;
    if (!window_grid_init(&run.grid, &query->eval.steps, range->range.range_ns, range->range.offset_ns, err))
        return false;
    bool is_absent = range->range_op == RANGE_ABSENT_OVER_TIME;
    struct series_set *found = is_absent ? series_set_create(&query->eval) : out;
    bool ok = true;
    if (run.grid.range_ns > 0) {
        ok = run_open(&run, query, err) && unit_scan_run(&run.units, 0, run.units.scan->unit_count, err);
        for (size_t w = 1; ok && w < query->executor->workers; w++)
            ok = partials_merge(&run.workers[0].partials, &run.workers[w].partials, query->control, err);
        ok = ok && range_windows(&run.workers[0].partials, range, found, err);
        run_close(&run, query->executor->workers);
    }
    ok = ok && (!is_absent || make_absent(range, found, out, err));
    if (is_absent)
        series_set_destroy(found);
    return ok;
}
