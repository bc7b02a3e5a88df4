/* parsed_text.h: names and values that parsers find, made fit to be labels (logql.md 5, 7). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/base/arena.h"

/* Trimmed, every character outside [A-Za-z0-9_] an underscore, one before a leading digit. May be empty. A name that is fit already comes back as the slice it is,
 * without a copy. */
struct slice label_name_sanitize(struct slice name, struct arena *arena);

/* Trimmed and sanitised, without regard to a leading digit: one component of a path. Writes at most name.len bytes; returns how many. */
size_t label_name_component(struct slice name, char *out);

/* U+FFFD and bytes that are no UTF-8 become spaces. Without them: the slice as it is. */
struct slice label_value_clean(struct slice value, struct arena *arena);
