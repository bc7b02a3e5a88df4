/* memory_budget.h: how much memory the process may take, what takes it, and how hard that presses.
 *
 *     used = what the areas say now + what else was resident when the process was last looked at
 *
 * | level            | when less is left than  | what is done                                      |
 * | ---------------- | ----------------------- | ------------------------------------------------- |
 * | PRESSURE_FLUSH   | 30 % or 64 MiB          | heads are sealed early, free memory is given back |
 * | PRESSURE_QUERIES | 20 % or 48 MiB          | queries that hold much get no more                |
 * | PRESSURE_PUSHES  | 10 % or 32 MiB          | pushes are refused                                |
 *
 * Whichever is more: the bytes are for what no area tells of, a seal and an index commit of many new streams at once (28 MiB were seen). A level is over
 * when 5 % of the limit more is left than where it begins.
 *
 * Every area has a bound of its own besides; this is about their sum, and about what no area tells of.
 * Thread: any; sources are added, and stopped, by one.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/err.h"

enum memory_area {
    MEMORY_HEAD,      /* entries that are in no segment yet, those that scans still hold, and the streams that are known */
    MEMORY_INDEX_MAP, /* pages of the label indexes' files: told, and no part of `used`, since the system takes them back when it needs memory */
    MEMORY_QUERY,     /* what queries have charged */
    MEMORY_CACHE,
    MEMORY_HTTP,      /* request bodies, and what they were unpacked and decoded to */
    MEMORY_WAL,       /* pushes on their way through the log to the heads */
    MEMORY_TAIL,
    MEMORY_OTHER,     /* resident, and of no area: threads, what seals and index commits work with, what malloc keeps */
    MEMORY_AREAS,
};

enum memory_pressure { PRESSURE_NONE, PRESSURE_FLUSH, PRESSURE_QUERIES, PRESSURE_PUSHES };

enum memory_shed { SHED_FLUSH, SHED_EVICT, SHED_REJECT_QUERY, SHED_REJECT_PUSH, SHED_ACTIONS };

#define MEMORY_LIMIT_BYTES_MIN ((size_t)128 << 20)

struct memory_budget; /* NULL, for functions that take one: no limit */

struct memory_budget *memory_budget_create(size_t limit_bytes) MUST_CHECK;
void memory_budget_destroy(struct memory_budget *budget); /* NULL is fine */

/* bytes(self) is asked often, and answers within nanoseconds; an area may have several sources, 16 in all. */
void memory_budget_source(struct memory_budget *budget, enum memory_area area, size_t (*bytes)(void *self), void *self);
/* No source is asked any more once it returns: what they look at may end. There is no pressure from then on. */
void memory_budget_stop(struct memory_budget *budget); /* NULL is fine */

/* What the process has resident now, less pages of files. */
void memory_budget_note_resident(struct memory_budget *budget, size_t bytes);

/* Sums, unless that was done in the last 5 ms, and gives the level. */
enum memory_pressure memory_budget_look(struct memory_budget *budget, int64_t now_mono_ns);
/* As of the last look: one load. */
enum memory_pressure memory_budget_level(const struct memory_budget *budget);

size_t memory_budget_limit(const struct memory_budget *budget);
size_t memory_budget_used(struct memory_budget *budget); /* now, less MEMORY_INDEX_MAP */
size_t memory_budget_area(struct memory_budget *budget, enum memory_area area);
const char *memory_area_text(enum memory_area area);

/* For a query that holds `held` bytes already. False with ERR_UNAVAILABLE: all queries together would have more than a quarter of the limit, or there is
 * pressure and this one has its share: half of what is left until pushes are refused, 1 to 64 MiB at least. */
bool memory_budget_take(struct memory_budget *budget, size_t bytes, size_t held, struct err *err) MUST_CHECK;
void memory_budget_give(struct memory_budget *budget, size_t bytes);

/* Counts what pressure did. */
void memory_budget_note_shed(struct memory_budget *budget, enum memory_shed action);
uint64_t memory_budget_sheds(const struct memory_budget *budget, enum memory_shed action);
const char *memory_shed_text(enum memory_shed action);
