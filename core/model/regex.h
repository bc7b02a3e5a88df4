/* regex.h: RE2 (Go's syntax, linear time) behind a C face. The only file that knows RE2 is regex.cc.
 * Bytes that are no UTF-8 match as U+FFFD does, each by itself, as in Go.
 * Thread: a compiled regex may be used by many at once. */
#pragma once

#include "core/base/err.h"

struct regex;

enum regex_mode {
    REGEX_SEARCH,   /* a match anywhere; `.` does not match newline: line filters, the regexp stage */
    REGEX_ANCHORED, /* ^(?s:pattern)$: matchers and label filters */
};

/* Patterns over 64 KiB and programs over 1 MiB are ERR_LIMIT. Bad ones are ERR_INVALID with Go's words, as
 * "error parsing regexp: missing closing ): `(`". The caller owns *out. */
bool regex_compile(struct slice pattern, enum regex_mode mode, struct regex **out, struct err *err) MUST_CHECK;
void regex_free(struct regex *regex); /* NULL is fine */

bool regex_matches(const struct regex *regex, struct slice text);

/* Whether a match begins at text[at]. For regexes whose literals are is_begin; where text is no UTF-8: whether there is a match anywhere. */
bool regex_matches_at(const struct regex *regex, struct slice text, size_t at);

/* Capture groups. count_max slices are filled: 0 is the whole match; ptr NULL for a group that took no part. From offset on. */
bool regex_captures(const struct regex *regex, struct slice text, size_t offset, struct slice *groups, size_t count_max);
/* Whether groups are within what a search may take: RE2 keeps all groups for each instruction that it is at. ERR_INVALID in Go's words: over 64 MiB. */
bool regex_check_captures(const struct regex *regex, struct err *err) MUST_CHECK;
size_t regex_group_count(const struct regex *regex); /* without group 0 */
/* The name of group 1..count; empty if it has none. Lives with the regex. */
struct slice regex_group_name(const struct regex *regex, size_t group);

/* What every match must contain, for needle filters and fast scans: literals that hold ANDed, each one of several ORed.
 * Conservative: fewer than there are is fine, a wrong one never. */
struct regex_literals {
    struct slice *any; /* one of these occurs in every matching text; sorted, unique */
    size_t count;      /* 0: nothing is known */
    bool is_exact;     /* the regex matches if and only if one of them occurs (REGEX_SEARCH) or is the text (REGEX_ANCHORED) */
    bool is_begin;     /* each match begins with one of them; see regex_matches_at. REGEX_SEARCH, not exact */
    bool ignores_case; /* they are lower case, to be compared without regard to ASCII case; letters whose folding leaves ASCII
                          (k, s, all beyond ASCII) are never in them */
};
/* Lives with the regex. */
const struct regex_literals *regex_literals(const struct regex *regex);
