/* query_scheduler.h: which query runs next: one queue a tenant, taken in turn, so that a tenant with many queries delays itself first. A query waits rather
 * than being refused; only past queued_max of one tenant it is 429.
 * Thread: any. */
#pragma once

#include "core/base/clock.h"
#include "storage/store/store.h"

struct query_scheduler;

/* running_max: queries at once. The tasks run on the store's pool. */
struct query_scheduler *query_scheduler_create(struct store *store, const struct clock *clock, size_t running_max, size_t queued_max) MUST_CHECK;
void query_scheduler_destroy(struct query_scheduler *scheduler); /* after the last task has ended */

/* Runs task(self) in its turn. False: the tenant has queued_max waiting. */
bool query_scheduler_submit(struct query_scheduler *scheduler, struct slice tenant, void (*task)(void *self), void *self) MUST_CHECK;

size_t query_scheduler_queued(struct query_scheduler *scheduler);
size_t query_scheduler_running(struct query_scheduler *scheduler);
