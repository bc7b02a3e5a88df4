/* unit_scan.h: visits the units of a scan on an executor: a reader for each worker, a check of the deadline for each unit, the first error
 * ends it.
 *
 * Thread: init, run, fini: the query's own; visit: the executor's workers.
 */
#pragma once

#include "core/plan/executor.h"
#include "core/plan/source.h"

struct unit_scan {
    const struct source *source;
    const struct executor *executor;
    struct query_control *control;
    struct scan *scan;
    struct scan_reader **readers; /* by worker; made at its first unit */
    const struct scan_unit **order;
    size_t first; /* of the units now on the executor */
    bool (*visit)(void *self, struct unit_scan *units, size_t unit, size_t worker, struct err *err);
    void *visit_self;
    atomic_bool has_failed;
    struct err err; /* of the worker that set has_failed; read after the run */
};

/* Orders the scan's units: newest_first by last_ns descending, else by first_ns ascending; ties by the source's order. The scan is closed by
 * unit_scan_fini. */
void unit_scan_init(struct unit_scan *units, const struct source *source, const struct executor *executor, struct query_control *control,
                    struct scan *scan, bool newest_first);
void unit_scan_fini(struct unit_scan *units); /* all zero is fine */

/* visit(visit_self, units, i, worker, err) for i in [first, first + count) of the order. */
bool unit_scan_run(struct unit_scan *units, size_t first, size_t count, struct err *err) MUST_CHECK;

/* For visit: reads unit i with the worker's reader. */
bool unit_scan_read(struct unit_scan *units, size_t i, size_t worker, batch_sink sink, void *sink_self, struct err *err) MUST_CHECK;
/* ... or its next step, where the source can; else all of it. */
bool unit_scan_read_step(struct unit_scan *units, size_t i, size_t worker, struct unit_cursor *cursor, batch_sink sink, void *sink_self,
                         struct err *err) MUST_CHECK;

/* ... its templates, as source.scan_templates has it. */
bool unit_scan_templates(struct unit_scan *units, size_t i, size_t worker, template_sink sink, void *sink_self, bool *out_has, struct err *err) MUST_CHECK;

/* ERR_LIMIT with Loki's words when the units hold more line bytes than limit, if that is not 0. */
bool unit_scan_check_bytes(const struct unit_scan *units, int64_t limit, struct err *err) MUST_CHECK;
