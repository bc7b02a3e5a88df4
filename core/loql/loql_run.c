#include "core/loql/loql_run.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/charged_arena.h"
#include "core/plan/unit_scan.h"

struct kept_row {
    int64_t ts_ns;
    uint32_t stream;
    uint64_t arrival; /* unit, then row */
    struct slice metadata, line;
};

struct rows {
    struct kept_row *items;
    size_t count, capacity;
};

struct run;

struct run_worker {
    struct run *run;
    struct rows rows;
    struct charged_arena bytes;
    uint64_t arrival;
    bool ok;
    struct err *err;
};

struct run {
    const struct loql_request *request;
    struct query_control *control;
    struct unit_scan units;
    bool *accepts; /* by stream */
    struct run_worker *workers;
    struct rows all;
};

static bool rows_room(struct rows *rows, size_t more, struct query_control *control, struct err *err)
{
    if (rows->count + more <= rows->capacity)
        return true;
    size_t capacity = rows->capacity == 0 ? 256 : rows->capacity * 2;
    while (capacity < rows->count + more)
        capacity *= 2;
    if (!query_control_charge(control, (capacity - rows->capacity) * sizeof(*rows->items), err))
        return false;
    rows->items = mem_grow(rows->items, capacity, sizeof(*rows->items));
    rows->capacity = capacity;
    return true;
}

static void rows_fini(struct rows *rows, struct query_control *control)
{
    query_control_refund(control, rows->capacity * sizeof(*rows->items));
    mem_free(rows->items);
}

static bool take_row(struct run_worker *worker, const struct entry_batch *batch, uint32_t i, const struct label_set *labels)
{
    struct slice line = entry_batch_line(batch, i);
    struct slice metadata = entry_batch_metadata(batch, i);
    if (!loql_fields_accept(worker->run->request->query->fields, labels, metadata, line))
        return true;
    if (!rows_room(&worker->rows, 1, worker->run->control, worker->err))
        return false;
    worker->rows.items[worker->rows.count++] = (struct kept_row){
        .ts_ns = batch->ts_ns[i],
        .stream = batch->stream,
        .arrival = worker->arrival + i,
        .metadata = arena_copy(&worker->bytes.arena, metadata),
        .line = arena_copy(&worker->bytes.arena, line),
    };
    return true;
}

#define SETTLE_ROWS 256 /* kept rows between two looks at the budget */

static bool take_batch(void *self, const struct entry_batch *batch)
{
    struct run_worker *worker = self;
    struct run *run = worker->run;
    const struct label_set *labels = &run->units.scan->streams[batch->stream].labels;
    struct query_stats *stats = &run->control->stats;
    if (!run->accepts[batch->stream])
        return true;
    atomic_fetch_add_explicit(&stats->lines_scanned, batch->count, memory_order_relaxed); // counters alone
    atomic_fetch_add_explicit(&stats->bytes_scanned, batch->offsets[batch->count] - batch->offsets[0] - batch->count, memory_order_relaxed);
    for (uint32_t i = 0; worker->ok && i < batch->count; i++) {
        worker->ok = take_row(worker, batch, i, labels);
        if (worker->ok && i % SETTLE_ROWS == SETTLE_ROWS - 1)
            worker->ok = charged_arena_settle(&worker->bytes, run->control, worker->err) && query_control_check(run->control, worker->err);
    }
    worker->arrival += batch->count;
    worker->ok = worker->ok && charged_arena_settle(&worker->bytes, run->control, worker->err);
    return worker->ok;
}

static bool visit_unit(void *self, struct unit_scan *units, size_t unit, size_t worker_index, struct err *err)
{
    struct run *run = self;
    struct run_worker *worker = &run->workers[worker_index];
    worker->arrival = (uint64_t)(units->order[unit] - units->scan->units) << 32;
    worker->ok = true;
    worker->err = err;
    return unit_scan_read(units, unit, worker_index, take_batch, worker, err) && worker->ok;
}

static int newest_first(const void *a, const void *b)
{
    const struct kept_row *x = a;
    const struct kept_row *y = b;
    if (x->ts_ns != y->ts_ns)
        return x->ts_ns > y->ts_ns ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1; // streams are sorted by label text
    return (x->arrival < y->arrival) - (x->arrival > y->arrival);
}

static bool gather(struct run *run, struct err *err)
{
    size_t workers = run->units.executor->workers;
    for (size_t w = 0; w < workers; w++) {
        const struct rows *from = &run->workers[w].rows;
        if (!rows_room(&run->all, from->count, run->control, err))
            return false;
        if (from->count > 0)
            memcpy(run->all.items + run->all.count, from->items, from->count * sizeof(*from->items));
        run->all.count += from->count;
    }
    if (run->all.count > 1)
        qsort(run->all.items, run->all.count, sizeof(*run->all.items), newest_first);
    atomic_fetch_add_explicit(&run->control->stats.lines_after_filters, run->all.count, memory_order_relaxed); // counters alone
    atomic_fetch_add_explicit(&run->control->stats.entries_returned, run->all.count, memory_order_relaxed);
    return true;
}

static bool open(struct run *run, const struct source *source, const struct executor *executor, struct err *err)
{
    const struct loql_request *request = run->request;
    struct matcher *matchers = NULL;
    struct needle *needles = NULL;
    struct scan_request scan_request = {
        .tenant = request->tenant,
        .start_ns = request->query->first_ns,
        .end_ns = request->query->last_ns,
        .matcher_count = loql_matchers(request->query->tags, request->arena, &matchers),
        .needle_count = loql_needles(request->query->fields, request->arena, &needles),
        .columns = SCAN_LINES | SCAN_METADATA,
    };
    scan_request.matchers = matchers;
    scan_request.needles = needles;
    struct scan *scan = NULL;
    if (!source->scan_open(source->self, &scan_request, run->control, &scan, err))
        return false;
    unit_scan_init(&run->units, source, executor, run->control, scan, true);
    run->units.visit = visit_unit;
    run->units.visit_self = run;
    run->accepts = ARENA_ARRAY(request->arena, bool, scan->stream_count);
    for (size_t i = 0; i < scan->stream_count; i++)
        run->accepts[i] = loql_tags_accept(request->query->tags, &scan->streams[i].labels);
    run->workers = mem_array(executor->workers, sizeof(*run->workers));
    for (size_t w = 0; w < executor->workers; w++)
        run->workers[w].run = run;
    return unit_scan_check_bytes(&run->units, request->limits->max_query_bytes_read, err);
}

static bool tell(const struct run *run, bool (*each)(void *self, const struct loql_row *row, struct err *err), void *self, struct err *err)
{
    for (size_t i = 0; i < run->all.count; i++) {
        const struct kept_row *kept = &run->all.items[i];
        struct loql_row row = {kept->ts_ns, &run->units.scan->streams[kept->stream].labels, kept->metadata, kept->line};
        if (!each(self, &row, err))
            return false;
    }
    return true;
}

bool loql_run(const struct source *source, const struct executor *executor, const struct loql_request *request, struct query_control *control,
              bool (*each)(void *self, const struct loql_row *row, struct err *err), void *self, struct err *err)
{
    struct run run = {.request = request, .control = control};
    if (request->query->first_ns > request->query->last_ns)
        return true;
    bool ok = open(&run, source, executor, err) && unit_scan_run(&run.units, 0, run.units.scan->unit_count, err) && gather(&run, err) &&
              tell(&run, each, self, err);
    for (size_t w = 0; run.workers != NULL && w < executor->workers; w++) {
        rows_fini(&run.workers[w].rows, control);
        charged_arena_fini(&run.workers[w].bytes, control);
    }
    mem_free(run.workers);
    rows_fini(&run.all, control);
    unit_scan_fini(&run.units);
    return ok;
}
