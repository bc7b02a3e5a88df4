/* template_tally.h: entries counted by template and step of time: by the templates that are kept with them, or by those that are found in their lines now.
 * Tallies of several threads become one answer, in which templates that are alike are one.
 *
 * What holds: the samples of an answer add up to the entries that were tallied; each pattern is one that |> accepts its lines by; the answer depends on what was
 * tallied, not on the order of tallies.
 *
 * Thread: a tally: one at a time. Memory: that of the templates (TALLY_TEMPLATES_MAX, those that come after are counted as <_>) and of 64 steps for each 64
 * steps in which one occurs, all charged to the query.
 */
#pragma once

#include "core/base/buf.h"
#include "core/ingest/level.h"
#include "core/plan/charged_arena.h"
#include "core/plan/source.h"

#define TALLY_TEMPLATES_MAX ((uint32_t)8192)
#define TALLY_PATTERNS_MAX ((size_t)1000) /* of an answer; the rarest are counted as <_> of their level */

struct tally_grid {
    int64_t first_ns, step_ns; /* of the first step: a multiple of step_ns */
    size_t count;
};

/* False: start cannot be rounded down to a multiple of the step. The range's ends are inclusive. */
bool tally_grid_init(struct tally_grid *grid, int64_t start_ns, int64_t end_ns, int64_t step_ns) MUST_CHECK;

struct template_tally;
struct template_tally *template_tally_create(const struct tally_grid *grid, struct query_control *control) MUST_CHECK;
void template_tally_destroy(struct template_tally *tally); /* NULL is fine */

/* All entries lie in the grid's range. */
void template_tally_add(struct template_tally *tally, const struct template_batch *batch);
void template_tally_add_lines(struct template_tally *tally, const struct entry_batch *batch);
/* Pays for what it has grown by: ERR_LIMIT. Asked once a unit. */
bool template_tally_settle(struct template_tally *tally, struct err *err) MUST_CHECK;

struct tally_pattern {
    struct slice text;
    enum level level;
    uint64_t total;
    const uint64_t *const *pages; /* of 64 steps each; NULL: nothing in it */
};
static inline uint64_t tally_pattern_at(const struct tally_pattern *pattern, size_t step)
{
    return pattern->pages[step / 64] == NULL ? 0 : pattern->pages[step / 64][step % 64];
}

/* The answer of all, most frequent first; in into's memory, with which it lives; into is of the same grid and may be one of them. NULLs are fine. */
bool template_tally_unite(struct template_tally *into, struct template_tally *const *tallies, size_t count, struct tally_pattern **out, size_t *out_count,
                          struct err *err) MUST_CHECK;
