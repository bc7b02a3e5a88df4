/* loql.h: LOQL, Ochi's query language: [from, to] {tags} fields. Source: spec http-api.md 15; docs/api/ochi.md.
 *
 * Both ends of the range are inclusive. Tags are stream labels, fields structured metadata; a field may also name a tag, and "" or _msg is the line.
 * What is absent counts as empty.
 * Thread: parse and build: one at a time; tests: any.
 */
#pragma once

#include "core/model/label_set.h"
#include "core/model/matcher.h"
#include "core/plan/source.h"

#define LOQL_TEXT_MAX ((size_t)1920)
#define LOQL_DEPTH_MAX 64
#define LOQL_REGEXES_MAX 32

enum loql_kind { LOQL_AND, LOQL_OR, LOQL_TEST };

struct loql_node {
    enum loql_kind kind;
    const struct loql_node *left, *right; /* of AND and OR */
    struct matcher test;                  /* of TEST; MATCH_RE is a match anywhere: its regex is `regex`, not the matcher's */
    struct regex *regex;
    struct loql_node *next_test; /* all tests of a query, for loql_query_fini */
};

struct loql_query {
    int64_t first_ns, last_ns;
    struct loql_node *tags, *fields; /* NULL: all */
    struct loql_node *tests;
    size_t regex_count;
};

/* Where a text is wrong; line and column count from 1. */
struct loql_fault {
    size_t line, column;
    struct slice text; /* in the arena */
};

/* ERR_INVALID: see *fault. Slices are copied to the arena. Ended with loql_query_fini, also after a failure. */
bool loql_parse(struct slice text, int64_t now_ns, struct arena *arena, struct loql_query *out, struct loql_fault *fault, struct err *err) MUST_CHECK;
void loql_query_fini(struct loql_query *query);

/* now; 15m or -15m: that long ago, with s, m, h, d; ISO 8601: RFC 3339, where the zone (UTC), the seconds and the time of day may be missing. */
bool loql_time_parse(struct slice text, int64_t now_ns, struct arena *arena, int64_t *out_ns) MUST_CHECK;

/* ANDs a test to *condition. name and value must outlive the query. ERR_INVALID for a bad regular expression, ERR_LIMIT for too many. */
bool loql_test_add(struct loql_query *query, struct loql_node **condition, enum matcher_op op, struct slice name, struct slice value,
                   struct arena *arena, struct err *err) MUST_CHECK;
/* A test, or AND or OR of two conditions. NULL with *err. */
struct loql_node *loql_test_create(struct loql_query *query, enum matcher_op op, struct slice name, struct slice value, struct arena *arena,
                                   struct err *err);
struct loql_node *loql_node_join(enum loql_kind kind, const struct loql_node *left, const struct loql_node *right, struct arena *arena);

/* Whether a stream fulfils the condition on tags. */
bool loql_tags_accept(const struct loql_node *tags, const struct label_set *labels);
/* Whether an entry fulfils the condition on fields; metadata is a label_set encoding. */
bool loql_fields_accept(const struct loql_node *fields, const struct label_set *labels, struct slice metadata, struct slice line);

/* What every stream that fulfils `tags` fulfils; in the arena, nothing to end. */
size_t loql_matchers(const struct loql_node *tags, struct arena *arena, struct matcher **out);
/* What every line that fulfils `fields` contains. */
size_t loql_needles(const struct loql_node *fields, struct arena *arena, struct needle **out);
