/* pattern_text.h: the text of `| pattern` and `|>`: literals and <captures> in turn (logql.md 6.1, 7.5). Thread: any. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/text/find.h"

struct pattern_part {
    bool is_capture;
    struct slice text;         /* the literal, or the capture's name: _ is nameless */
    struct text_needle needle; /* of a literal */
};

struct pattern {
    struct pattern_part *parts;
    size_t count;
};

/* The parts, and that no two captures touch: ERR_INVALID "found consecutive capture '<a><b>': invalid expression". */
bool pattern_parse(struct slice text, struct arena *arena, struct pattern *out, struct err *err) MUST_CHECK;

/* The line filter: whether the whole line is as the pattern says. */
bool pattern_matches(const struct pattern *pattern, struct slice line);
