/* decolorize.h: takes the escape sequences of terminals out of a line (logql.md 10). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/base/arena.h"

/* The line without them; the slice as it is when there is none. */
struct slice line_decolorize(struct slice line, struct arena *arena);
