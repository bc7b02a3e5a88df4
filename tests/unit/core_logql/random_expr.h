/* random_expr.h: trees as the parser makes them, from a seed: for properties over the whole language. */
#pragma once

#include "core/logql/ast.h"

/* A query of every kind and stage, with depth at most a dozen. All in the arena but regexes, which expr_fini ends. */
struct expr *random_expr(uint64_t seed, struct arena *arena);
