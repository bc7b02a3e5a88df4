/* matcher.h: one condition of a stream selector: name = != =~ !~ value. An absent label counts as the empty value. */
#pragma once

#include "core/model/label_set.h"
#include "core/model/regex.h"

enum matcher_op { MATCH_EQ, MATCH_NEQ, MATCH_RE, MATCH_NRE };

struct matcher {
    struct slice name;
    struct slice value; /* the literal, or the pattern */
    enum matcher_op op;
    struct regex *regex;    /* MATCH_RE and MATCH_NRE; owned */
    bool matches_empty;     /* accepts the empty value, so streams without the label too */
    struct slice *set;      /* MATCH_RE of a plain alternation a|b|c: the alternatives, in the arena, so that an index can look them up */
    size_t set_count;
    struct slice prefix; /* MATCH_RE: each accepted value begins with it; empty: nothing is known */
};

/* Fills *out; slices are copied to the arena; the regex is the caller's to end with matcher_fini. ERR_INVALID with Go's words. */
bool matcher_init(struct matcher *out, enum matcher_op op, struct slice name, struct slice value, struct arena *arena,
                  struct err *err) MUST_CHECK;
void matcher_fini(struct matcher *matcher);

/* Whether a label value (empty: absent) is accepted. Thread: any. */
bool matcher_accepts(const struct matcher *matcher, struct slice value);
/* All of them accept the stream's encoded labels. */
bool matchers_accept(const struct matcher *matchers, size_t count, struct slice encoded_labels);

/* name="value" with Go's quotes. */
void matcher_print(const struct matcher *matcher, struct buf *out);
const char *matcher_op_text(enum matcher_op op);
