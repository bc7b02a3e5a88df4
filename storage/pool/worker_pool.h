/* worker_pool.h: threads that run tasks (first come, first served) and parallel loops (an executor). Query workers and maintenance
 * each have a pool of their own.
 *
 * A loop's caller takes part in it, so a loop also ends when every thread is busy, and may be run from within a pool's task.
 * A free thread prefers loops to tasks, and gives one item each to all loops that run, in turn: a long query does not
 * hold up a short one.
 *
 *               submit  run
 *     submit      -      -     any thread; also from within a task
 *     run         -      -     any thread; also from within a task or a loop
 */
#pragma once

#include "core/base/err.h"
#include "core/plan/executor.h"

struct worker_pool;

struct worker_pool_config {
    const char *name;    /* of the threads, 12 bytes at most are seen: "query" gives "query 0" */
    size_t threads;      /* at least 1 */
    size_t tasks_max;    /* that wait */
    int nice;            /* 0; 10 for maintenance: lower priority */
};

/* The caller ends *out with worker_pool_destroy. */
bool worker_pool_create(const struct worker_pool_config *config, struct worker_pool **out, struct err *err) MUST_CHECK;
/* Runs what waits, then ends the threads. No loop may be running. NULL is fine. */
void worker_pool_destroy(struct worker_pool *pool);

/* Calls run(self) on one of the threads, inside rcu_thread_join. False (ERR_UNAVAILABLE): tasks_max tasks wait. */
bool worker_pool_submit(struct worker_pool *pool, void (*run)(void *self), void *self, struct err *err) MUST_CHECK;

/* The pool as an executor: workers is threads + 1. Lives as long as the pool. */
struct executor worker_pool_executor(struct worker_pool *pool);

struct worker_pool_stats {
    size_t threads, busy, tasks_waiting, loops;
};
void worker_pool_stats(struct worker_pool *pool, struct worker_pool_stats *out);
