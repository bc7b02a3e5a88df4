/* expr_check.h: the errors that only compiling a pipeline finds, for a whole expression: "parse error : stage '...' : ..." (spec logql.md 19.2).
 * Run once, right after logql_parse. Thread: any. */
#pragma once

#include "core/logql/ast.h"

bool expr_check_pipelines(const struct expr *expr, struct arena *arena, struct err *err) MUST_CHECK;
