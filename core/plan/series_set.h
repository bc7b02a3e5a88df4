/* series_set.h: an evaluated metric expression: series by label set, each with a value or none at every step. Thread: one at a time. */
#pragma once

#include "core/plan/charged_arena.h"
#include "core/plan/key_table.h"
#include "core/plan/label_key.h"
#include "core/plan/window_grid.h"

struct series {
    struct slice key; /* label_key.h */
    struct label_set labels;
    double *values;    /* by step */
    uint64_t *present; /* bit by step */
};

struct eval_context { /* of one metric query */
    struct step_grid steps;
    struct charged_arena memory; /* ends with the query: intermediate series are in it */
    struct query_control *control;
    struct buf key; /* scratch */
};

struct series_set {
    struct eval_context *eval;
    struct key_table keys;
    struct series **items; /* in order of output */
    size_t count, cap;
};

struct series_set *series_set_create(struct eval_context *eval);
void series_set_destroy(struct series_set *set); /* its series stay until the context ends; NULL is fine */

/* The series of that key, made when it is not there. NULL: the query's memory is used up. */
struct series *series_set_get(struct series_set *set, struct slice key, struct err *err) MUST_CHECK;
/* One more series, even when there is one of that key (label_replace can make two alike). NULL as above. */
struct series *series_set_append(struct series_set *set, struct slice key, struct err *err) MUST_CHECK;

static inline bool series_has(const struct series *series, size_t step)
{
    return (series->present[step / 64] >> (step % 64)) & 1;
}
static inline void series_put(struct series *series, size_t step, double value)
{
    series->values[step] = value;
    series->present[step / 64] |= UINT64_C(1) << (step % 64);
}
bool series_is_empty(const struct series *series, size_t steps);

/* By label text; series alike stay in their order. */
void series_set_sort(struct series_set *set);

struct eval_value { /* a scalar, or a set that the holder destroys */
    bool is_scalar;
    double scalar;
    struct series_set *set;
};
