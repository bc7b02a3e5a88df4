/* printer.h: pieces of the one-line print that the pretty print needs too. */
#pragma once

#include "core/logql/ast.h"

void unwrap_print(const struct unwrap *unwrap, const char *before_filter, struct buf *out);          /* | unwrap bytes(x) | x > 5 */
void range_suffix_print(const struct log_range *range, bool is_pretty, struct buf *out);             /* [5m] offset 1h */
void grouping_print(const struct grouping *grouping, const char *between, struct buf *out);          /*  by (a,b) */
bool vector_agg_has_grouping(const struct expr *expr);                                               /* by () is none */
/*  bool on (a) group_left (b); true: it ends with the labels of on or ignoring. */
bool matching_print(const struct expr *expr, const char *between, struct buf *out);
