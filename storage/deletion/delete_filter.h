/* delete_filter.h: what one delete request takes away, ready to be applied: the streams that it selects, the time, the compiled stages.
 * A delete set: the filters of a tenant's requests that hide lines, as one immutable snapshot.
 *
 * Thread: any; both are reference counted and never change.
 */
#pragma once

#include "core/pipeline/pipeline.h"
#include "storage/deletion/delete_file.h"

struct delete_filter {
    _Atomic size_t refs;
    uint32_t id;
    int64_t start_ns, end_ns; /* both inclusive */
    struct arena arena;
    struct expr *expr;
    struct log_expr log; /* of expr, line filters first */
    struct pipeline *pipeline;
    bool takes_all;   /* every line of its streams in its time */
    unsigned columns; /* enum scan_columns: what the stages look at */
    struct needle *needles; /* one of each occurs in every line that it takes */
    size_t needle_count;
};

/* ERR_INVALID "invalid query expression": no log selector. */
bool delete_filter_create(const struct delete_request *request, struct delete_filter **out, struct err *err) MUST_CHECK;
struct delete_filter *delete_filter_ref(struct delete_filter *filter);
void delete_filter_unref(struct delete_filter *filter); /* NULL is fine */
/* Whether its stages have a line filter: only then has max_interval a meaning. */
bool delete_filter_has_line_filter(const struct delete_filter *filter);

static inline bool delete_filter_touches(const struct delete_filter *filter, int64_t first_ns, int64_t last_ns)
{
    return filter->start_ns <= last_ns && filter->end_ns >= first_ns;
}
/* Every line of its streams in the range goes. */
static inline bool delete_filter_covers(const struct delete_filter *filter, int64_t first_ns, int64_t last_ns)
{
    return filter->takes_all && filter->start_ns <= first_ns && filter->end_ns >= last_ns;
}

struct delete_set {
    _Atomic size_t refs;
    int64_t start_ns, end_ns; /* over all */
    unsigned columns;         /* of all */
    size_t count;
    struct delete_filter *filters[]; /* a reference each */
};

/* NULL for no filters. Takes references of its own. */
struct delete_set *delete_set_create(struct delete_filter *const *filters, size_t count);
struct delete_set *delete_set_ref(struct delete_set *set);
void delete_set_unref(struct delete_set *set); /* NULL is fine */

/* The filters that apply to one stream; filters in the arena of whoever chose them. */
struct delete_choice {
    const struct delete_filter **filters;
    size_t count;
};

/* Those of `filters` that select the stream and touch the range. */
struct delete_choice delete_choose(struct delete_filter *const *filters, size_t count, struct slice encoded_labels, int64_t first_ns,
                                   int64_t last_ns, struct arena *arena);
bool delete_choice_touches(const struct delete_choice *choice, int64_t first_ns, int64_t last_ns);
bool delete_choice_covers(const struct delete_choice *choice, int64_t first_ns, int64_t last_ns);
