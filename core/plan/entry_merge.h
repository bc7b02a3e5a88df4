/* entry_merge.h: entries that may come into the answer of a log query, and their order.
 *
 * Order: by time in the asked direction; at one time by the text of the result stream's labels, ascending; inside one result stream forward
 * by the text of all labels (metadata too), then by arrival, and backward the exact reverse of that.
 * Thread: one at a time for a list.
 */
#pragma once

#include "core/plan/charged_arena.h"
#include "core/plan/label_class.h"

struct candidate {
    int64_t ts_ns;
    struct label_class *class;
    struct slice line;
    uint32_t stream, unit, row; /* arrival: of the scan, in the scan's order, in the unit */
    bool is_settled; /* the line lives in the query's memory, not in a worker's */
};

struct candidates {
    struct candidate *items;
    size_t count, cap;
    bool forward;
    size_t charged; /* bytes of items */
};

bool candidates_add(struct candidates *list, const struct candidate *candidate, struct query_control *control, struct err *err) MUST_CHECK;
/* Leaves the best `most`, best first. */
void candidates_keep(struct candidates *list, size_t most);
void candidates_fini(struct candidates *list, struct query_control *control);
