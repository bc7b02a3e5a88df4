/* log_result.h: the answer of a log query from its entries. Thread: the query's own. */
#pragma once

#include "core/plan/entry_merge.h"

/* Groups the entries, which are in output order, into result streams by their final labels, streams in order of their label text.
 * Everything is copied to the arena. */
void log_result_build(const struct candidates *entries, struct arena *arena, struct query_result *out);
