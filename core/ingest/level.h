/* level.h: detected_level of an entry, as http-api.md 5.6 says: labels and metadata first, then the line. */
#pragma once

#include "core/model/label_set.h"
#include "core/model/limits.h"

enum level { LEVEL_UNKNOWN, LEVEL_TRACE, LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_CRITICAL, LEVEL_FATAL, LEVEL_COUNT };

struct slice level_text(enum level level);

/* A word to its level (trc, dbg, inf, information, wrn, warning, err...; any case). False: no level word. */
bool level_of_word(struct slice word, enum level *out);

/* log_level_fields, and how their names end: what tells soon that a line has none of them as a logfmt key. A plain value; `names` must outlive it. */
struct level_fields {
    const struct slice_list *names;
    bool has_empty;                 // a name without letters: nothing can be told
    uint32_t last[256], second[256]; // of a byte with bit 0x20 set: bit i % 32 if it is name i's last, or the one before that
};

void level_fields_init(struct level_fields *fields, const struct slice_list *names);

/* Rules 4 to 6: from the line alone. Fast: about 20 ns for a line without a level word; the words are found with SIMD. */
enum level level_of_line(struct slice line, const struct level_fields *fields);
