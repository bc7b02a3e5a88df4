/* semantics.h: what a tree must hold beyond its grammar (spec logql.md 3.1, 4, 19.2). Thread: any. */
#pragma once

#include "core/logql/ast.h"

/* Every selector has a matcher that does not accept the empty value. */
bool expr_check(const struct expr *expr, struct err *err) MUST_CHECK;
/* Grouping, parameter and unwrap against the function. parameter: as written. */
bool range_aggregation_check(const struct expr *expr, struct slice parameter, struct err *err) MUST_CHECK;
/* parameter: as written; is_given false: none. */
bool vector_aggregation_check(struct expr *expr, struct slice parameter, bool is_given, struct err *err) MUST_CHECK;
