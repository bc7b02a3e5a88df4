#include "core/plan/unit_scan.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"

static int by_position(const struct scan_unit *x, const struct scan_unit *y)
{
    return (x > y) - (x < y); // both in scan->units
}

static int newest_first_order(const void *a, const void *b)
{
    const struct scan_unit *x = *(const struct scan_unit *const *)a;
    const struct scan_unit *y = *(const struct scan_unit *const *)b;
    return x->last_ns != y->last_ns ? (x->last_ns > y->last_ns ? -1 : 1) : by_position(x, y);
}

static int oldest_first_order(const void *a, const void *b)
{
    const struct scan_unit *x = *(const struct scan_unit *const *)a;
    const struct scan_unit *y = *(const struct scan_unit *const *)b;
    return x->first_ns != y->first_ns ? (x->first_ns < y->first_ns ? -1 : 1) : by_position(x, y);
}

void unit_scan_init(struct unit_scan *units, const struct source *source, const struct executor *executor, struct query_control *control,
                    struct scan *scan, bool newest_first)
{
    *units = (struct unit_scan){.source = source, .executor = executor, .control = control, .scan = scan};
    units->readers = mem_array(executor->workers, sizeof(*units->readers));
    units->order = mem_array(scan->unit_count, sizeof(*units->order));
    for (size_t i = 0; i < scan->unit_count; i++)
        units->order[i] = &scan->units[i];
    if (scan->unit_count > 1)
        qsort(units->order, scan->unit_count, sizeof(*units->order), newest_first ? newest_first_order : oldest_first_order);
    atomic_fetch_add_explicit(&control->stats.streams_matched, scan->stream_count, memory_order_relaxed); // counters alone
    atomic_fetch_add_explicit(&control->stats.chunks_matched, scan->chunk_count, memory_order_relaxed);
    atomic_fetch_add_explicit(&control->stats.blocks_skipped, scan->skipped_units, memory_order_relaxed);
    atomic_fetch_add_explicit(&control->stats.blocks_filtered, scan->skipped_units, memory_order_relaxed);
}

void unit_scan_fini(struct unit_scan *units)
{
    if (units->scan == NULL)
        return;
    for (size_t i = 0; i < units->executor->workers; i++)
        units->source->reader_destroy(units->readers[i]);
    mem_free(units->readers);
    mem_free(units->order);
    units->source->scan_close(units->scan);
    *units = (struct unit_scan){0};
}

static void visit_task(void *self, size_t i, size_t worker)
{
    struct unit_scan *units = self;
    if (atomic_load_explicit(&units->has_failed, memory_order_relaxed)) // only saves work: err is read after the run
        return;
    struct err err;
    if (query_control_check(units->control, &err) && units->visit(units->visit_self, units, units->first + i, worker, &err))
        return;
    if (!atomic_exchange(&units->has_failed, true))
        units->err = err;
}

bool unit_scan_run(struct unit_scan *units, size_t first, size_t count, struct err *err)
{
    units->first = first;
    units->executor->run(units->executor->self, count, visit_task, units);
    if (!atomic_load(&units->has_failed))
        return true;
    *err = units->err;
    return false;
}

static struct scan_reader *reader_of(struct unit_scan *units, size_t worker)
{
    if (units->readers[worker] == NULL)
        units->readers[worker] = units->source->reader_create(units->source->self);
    return units->readers[worker];
}

bool unit_scan_read(struct unit_scan *units, size_t i, size_t worker, batch_sink sink, void *sink_self, struct err *err)
{
    return units->source->scan_read(units->scan, units->order[i], reader_of(units, worker), sink, sink_self, err);
}

bool unit_scan_read_step(struct unit_scan *units, size_t i, size_t worker, struct unit_cursor *cursor, batch_sink sink, void *sink_self,
                         struct err *err)
{
    if (units->source->scan_read_step != NULL)
        return units->source->scan_read_step(units->scan, units->order[i], reader_of(units, worker), cursor, sink, sink_self, err);
    cursor->is_done = true;
    return unit_scan_read(units, i, worker, sink, sink_self, err);
}

bool unit_scan_templates(struct unit_scan *units, size_t i, size_t worker, template_sink sink, void *sink_self, bool *out_has, struct err *err)
{
    return units->source->scan_templates(units->scan, units->order[i], reader_of(units, worker), sink, sink_self, out_has, err);
}

bool unit_scan_check_bytes(const struct unit_scan *units, int64_t limit, struct err *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < units->scan->unit_count; i++)
        bytes += units->scan->units[i].line_bytes;
    if (limit <= 0 || bytes <= (uint64_t)limit)
        return true;
    struct buf text = BUF_INIT;
    buf_str(&text, "the query would read too many bytes (query: ");
    humanize_print_ibytes(&text, bytes);
    buf_str(&text, ", limit: ");
    humanize_print_ibytes(&text, (uint64_t)limit);
    buf_str(&text, "); consider adding more specific stream selectors or reduce the time range of the query");
    err_fill(err, ERR_LIMIT, "%.*s", SLICE_ARG(buf_slice(&text)));
    buf_fini(&text);
    return false;
}
