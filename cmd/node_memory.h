/* node_memory.h: the node's memory budget: how large it is, what settings become in a small one, and the looks at what is resident.
 *
 * Source: cgroups(7), proc(5): memory.max and memory.limit_in_bytes, each of the group and of those above it.
 * Thread: main.
 */
#pragma once

#include "core/base/memory_budget.h"
#include "net/config/config.h"

/* memory.limit, or 80 % of what the machine or a cgroup lets the process have, whichever is less. */
size_t node_memory_limit(const struct config *config);

/* *out is config, with each setting that bounds memory cut to its part of the limit; those that were cut are logged. *out borrows what config owns. */
void node_memory_fit(const struct config *config, size_t limit_bytes, struct config *out);

/* Tells the budget what is resident, logs a level that changed, and under pressure gives free memory back to the system. Returns after how many ns it wants
 * to be called again. */
int64_t node_memory_tick(struct memory_budget *budget);
