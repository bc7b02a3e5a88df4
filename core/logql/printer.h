/* printer.h: pieces of the one-line print that the pretty print needs too. */
#pragma once

#include "core/logql/ast.h"

void unwrap_print(const struct unwrap *unwrap, struct buf *out);              /* | unwrap bytes(x) | x > 5 */
void range_suffix_print(const struct log_range *range, struct buf *out);      /* [5m] offset 1h */
void grouping_print(const struct grouping *grouping, struct buf *out);        /*  by (a,b) */
void matching_print(const struct expr *expr, struct buf *out);                /*  bool on (a) group_left (b) */
