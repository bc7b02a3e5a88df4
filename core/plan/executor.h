/* executor.h: work in parallel, declared here because core starts no thread; storage/pool implements it, tests have a serial one. */
#pragma once

#include "core/base/slice.h"

struct executor {
    void *self;
    /* Calls task(task_self, i, worker) for each i in [0, count), several at once, and returns when all have returned. The caller takes part.
     * worker is in [0, workers) and at any moment used by one thread only: an index for scratch memory. */
    void (*run)(void *self, size_t count, void (*task)(void *task_self, size_t i, size_t worker), void *task_self);
    size_t workers; /* at least 1 */
};

extern const struct executor serial_executor;
