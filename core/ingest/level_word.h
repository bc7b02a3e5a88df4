/* level_word.h: the leftmost level word of a line, as rule 5 of http-api.md 5.6 says: trace, debug, fatal, critical, error, err, warning,
 * warn, info in any case, between boundaries.
 *
 * AVX2: 32 positions at once are tested for a boundary on the left and the first two letters of a word. Thread: any.
 */
#pragma once

#include "core/ingest/level.h"

enum level level_word_find(struct slice line);

/* The portable path: what the fast one must equal. */
enum level level_word_find_portable(struct slice line);
