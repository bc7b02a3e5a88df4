/* run_counts.h: exact entries and bytes of streams in buckets of a range. A unit whose runs each lie inside one bucket is counted without reading it.
 * Thread: the visit on the executor's workers; `add` is called from all of them at once. */
#pragma once

#include "net/api/explore.h"

/* Bounds at multiples of step: the first bucket begins at start, the last one ends with end, which is inside. step 0: one bucket. */
struct range_buckets {
    int64_t start_ns, end_ns, step_ns;
    int64_t second_ns; /* where the second begins */
    size_t count;
};

void range_buckets_init(struct range_buckets *buckets, int64_t start_ns, int64_t end_ns, int64_t step_ns);
size_t range_buckets_at(const struct range_buckets *buckets, int64_t ts_ns);
/* What an answer calls the bucket: 1 ms before the next, or the end of the range. */
int64_t range_buckets_time_ms(const struct range_buckets *buckets, size_t bucket);

struct run_counts {
    struct range_buckets buckets;
    void (*add)(void *self, uint32_t stream, size_t bucket, uint64_t entries, uint64_t bytes); /* bytes: of lines and metadata */
    void *self;
    bool (*before)(void *self, const struct scan *scan, struct err *err); /* once, with self; may be NULL */
};

bool run_counts_visit(struct run_counts *counts, struct explore *explore, struct query_scope *scope, struct err *err) MUST_CHECK;
