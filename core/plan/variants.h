/* variants.h: variants(m1, m2, ...) of (range): each variant becomes a query of its own over the common range (logql.md 16). The range is read once
 * for each: simpler than reading it once for all, and the same answer. Thread: any. */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/series_set.h"

/* Variant i as an expression over the common selector, stages, range and offset; a range aggregation inside a vector aggregation adds its own stages
 * behind the common ones. In the arena; what does not change is borrowed. */
const struct expr *variant_expr(const struct expr *variants, size_t i, struct arena *arena);

/* Copies the series to `all`, with the label __variant__. */
bool variant_mark(const struct series_set *from, size_t i, struct series_set *all, struct err *err) MUST_CHECK;
