/* nearest.h: the name that somebody who mistyped may have meant. Thread: any; pure. */
#pragma once

#include "core/base/slice.h"

/* The name with the fewest edits (insert, delete, change of one byte), if they are at most a third of its length; else NULL. */
const char *nearest_name(struct slice text, const char *const *names, size_t count);
