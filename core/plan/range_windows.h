/* range_windows.h: windows out of buckets or samples. Thread: the query's own. */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/range_partials.h"
#include "core/plan/series_set.h"

/* The points of each series of partials, into out. */
bool range_windows(struct partials *partials, const struct expr *range, struct series_set *out, struct err *err) MUST_CHECK;
