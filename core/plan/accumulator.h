/* accumulator.h: the partial aggregate of the samples of a bucket, for each range aggregation that can be merged. All bytes 0 is the aggregate
 * of nothing. Merging is associative; the left side holds the earlier samples. Thread: one at a time. */
#pragma once

#include "core/logql/ast.h"

struct sample {
    int64_t ts_ns;
    double value;
    uint32_t stream, unit, row; /* arrival, for samples of one time */
};

struct accumulator {
    size_t bytes; /* of a partial; a multiple of 8 */
    void (*add)(void *partial, const struct sample *sample);
    void (*merge)(void *into, const void *later);
    /* False: no sample was added. */
    bool (*value)(const void *partial, double range_s, double *out);
};

/* NULL: quantile_over_time and rate_counter, which need all samples. has_unwrap tells the two kinds of rate apart. */
const struct accumulator *accumulator_for(enum range_op op, bool has_unwrap);

/* The partials that only count lines (and bytes): what a whole run adds at once. */
bool accumulator_counts(enum range_op op, bool has_unwrap);
void accumulator_add_lines(void *partial, enum range_op op, uint64_t lines, uint64_t line_bytes);

/* By time, then arrival: streams in their order, then units, then rows. */
int sample_cmp(const struct sample *a, const struct sample *b);
