/* binary_eval.h: binary operators between scalars, vectors and both, step by step. Thread: the query's own. */
#pragma once

#include "core/logql/ast.h"
#include "core/plan/series_set.h"

/* False: a comparison that does not hold. / and % by zero give NaN. */
bool binary_value(enum binary_op op, double left, double right, double *out);
bool binary_op_compares(enum binary_op op);

/* out: an empty set of the same context; with two scalars it stays empty and *out_value is a scalar. */
bool binary_eval(const struct expr *binary, const struct eval_value *left, const struct eval_value *right, struct series_set *out,
                 struct eval_value *out_value, struct err *err) MUST_CHECK;
