/* label_replace.h: label_replace(v, dst, replacement, src, regex). Thread: the query's own. */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/series_set.h"

/* Series that become alike stay apart. */
bool label_replace(const struct expr *replace, const struct series_set *in, struct series_set *out, struct err *err) MUST_CHECK;

/* Appends the replacement with $1, ${1}, $name, ${name} and $$ expanded; groups[0] is the whole match. Unknown names expand to nothing. */
void replacement_expand(struct slice replacement, const struct regex *regex, const struct slice *groups, size_t group_count, struct buf *out);
