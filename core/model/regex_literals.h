/* regex_literals.h: what every match of a pattern must contain, read off its text. Fills struct regex_literals of regex.h.
 *
 * A walk over RE2's syntax that gives up (count 0) whenever it is not sure. The pattern is one that RE2 has compiled.
 * Thread: any. */
#pragma once

#include "core/base/arena.h"
#include "core/model/regex.h"

/* The literals, sorted and unique, live in the arena. */
void regex_literals_extract(struct slice pattern, enum regex_mode mode, struct arena *arena, struct regex_literals *out);
