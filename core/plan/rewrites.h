/* rewrites.h: what the planner changes in a query before it runs, each by its name. Thread: any. */
#pragma once

#include "core/pipeline/pipeline.h"
#include "core/plan/label_key.h"

/* Filter push-down: line filters move before stages that leave the line alone, so that those stages see fewer lines. Their order among one
 * another stays. Stages that change the line (unpack, line_format, decolorize) are not passed. A copy; matchers and stages are borrowed. */
struct log_expr rewrite_line_filters_first(const struct log_expr *log, struct arena *arena);

/* Line formats that nothing sees go: those of a range aggregation that does not count bytes, when no parser, line filter or template that reads the
 * line follows. So their errors go too, as Loki's do. A copy; matchers and stages are borrowed. */
struct log_expr rewrite_unseen_line_formats(const struct log_expr *log, enum range_op op, struct arena *arena);

/* How a range aggregation finds its series. */
struct range_plan {
    struct label_choice identity;
    struct slice unwrapped; /* left out of the identity; empty: none */
    struct pipeline_hints hints;
};

/* Whether `sum` around the range aggregation can be done by it: the sum of the groups' partials is the sum of the series (logql.md 12.4). */
bool rewrite_sum_merges(const struct expr *sum);

/* Grouping push-down: the grouping of the range aggregation itself, or of a sum that merges (NULL: none), becomes the identity of its series
 * and, when it names labels, the only labels that are extracted. */
struct range_plan rewrite_grouping(const struct expr *range, const struct expr *sum, struct arena *arena);

/* Column needs: what must be read when the stages are these and identity needs metadata or not. */
unsigned rewrite_columns(const struct pipeline *pipeline, enum range_op op, bool identity_needs_metadata);
