/* logfmt_scan.h: walks key=value pairs (logql.md 7.3). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/base/arena.h"

struct logfmt_walk {
    struct slice text;
    size_t at;
    const char *error; /* of the last pair that was refused */
    size_t error_at;   /* offset */
};

enum logfmt_result { LOGFMT_PAIR, LOGFMT_END, LOGFMT_ERROR };

/* The next pair; a bare key has an empty value. A quoted value is raw: *has_escape says that logfmt_unquote must make it readable. LOGFMT_ERROR: the
 * pair is bad, walk->error says why and walk->error_at where; the next call goes on behind it. */
enum logfmt_result logfmt_walk_next(struct logfmt_walk *walk, struct slice *key, struct slice *value, bool *has_escape);

/* What stands between quotes, unescaped as JSON is, \' too, and lone surrogates as U+FFFD. False: a bad escape or a control character. */
bool logfmt_unquote(struct slice inner, struct arena *arena, struct slice *out) MUST_CHECK;
