/* time_bar.h: how good an entry must be to come into the answer of a log query: the N-th best time that any worker has found so far. It only gets better,
 * so that what is worse need not be read.
 *
 * Thread: get: any; add: many at once.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "core/plan/query_control.h"

struct time_bar {
    bool forward; /* the oldest are best, else the newest */
    size_t most;  /* N, at least 1 */
    _Atomic int64_t ns;
    pthread_mutex_t lock;
    int64_t *times; /* a heap of the N best, the worst of them first */
    size_t count, cap;
    size_t charged; /* bytes of times */
};

void time_bar_init(struct time_bar *bar, size_t most, bool forward);
void time_bar_fini(struct time_bar *bar, struct query_control *control);

/* No entry worse than this can come into the answer; one of this very time may. */
static inline int64_t time_bar_get(struct time_bar *bar)
{
    return atomic_load_explicit(&bar->ns, memory_order_relaxed); // a bound alone: an old one is only slower
}

/* Times of entries that were found, each entry once. ERR_LIMIT: the query's memory. */
bool time_bar_add(struct time_bar *bar, const int64_t *times_ns, size_t count, struct query_control *control, struct err *err) MUST_CHECK;

/* Whether an entry of time a is strictly better than one of time b. */
static inline bool time_beats(int64_t a, int64_t b, bool forward)
{
    return forward ? a < b : a > b;
}
