/* ast.h: a LogQL expression as a tree. Nodes live in the arena of the parse; slices in them too. Grammar: docs/logql.md.
 *
 * Recursion over it is bounded: the parser refuses trees higher than EXPR_DEPTH_MAX, a long chain of operators too.
 */
#pragma once

#include "core/model/matcher.h"

#define EXPR_DEPTH_MAX 512

/* ---- log pipeline ---- */

enum stage_kind {
    STAGE_LINE_FILTER, STAGE_JSON, STAGE_LOGFMT, STAGE_REGEXP, STAGE_PATTERN, STAGE_UNPACK,
    STAGE_LABEL_FILTER, STAGE_LINE_FORMAT, STAGE_LABEL_FORMAT, STAGE_DECOLORIZE, STAGE_DROP, STAGE_KEEP,
};

enum line_filter_op { LINE_CONTAINS, LINE_NOT_CONTAINS, LINE_MATCHES, LINE_NOT_MATCHES, LINE_PATTERN, LINE_NOT_PATTERN };

struct line_filter_alternative { /* of an `or` chain */
    struct slice text;
    bool is_ip; /* ip("...") */
};

struct extraction { /* json a="path", logfmt a="key"; a alone: expression == name */
    struct slice name, expression;
};

struct label_format {
    struct slice target;
    struct slice value; /* source label, or template */
    bool is_template;
};

struct named_matcher { /* drop, keep: a name, or a matcher */
    struct slice name;
    bool has_matcher;
    struct matcher matcher;
};

enum compare_op { COMPARE_EQ, COMPARE_NEQ, COMPARE_GT, COMPARE_GTE, COMPARE_LT, COMPARE_LTE };

enum label_filter_kind {
    LABEL_FILTER_MATCHER, LABEL_FILTER_NUMBER, LABEL_FILTER_DURATION, LABEL_FILTER_BYTES, LABEL_FILTER_IP,
    LABEL_FILTER_AND, LABEL_FILTER_OR,
};

struct label_filter {
    enum label_filter_kind kind;
    struct slice name;
    struct matcher matcher;                /* MATCHER */
    enum compare_op op;                    /* NUMBER, DURATION, BYTES; IP: EQ or NEQ */
    double number;                         /* NUMBER */
    int64_t duration_ns;                   /* DURATION */
    uint64_t bytes;                        /* BYTES */
    struct slice text;                     /* the literal as written (NUMBER, DURATION, BYTES), the ip pattern (IP) */
    struct label_filter *left, *right;     /* AND, OR */
    bool is_comma;                         /* AND written as a comma or juxtaposition */
    unsigned height;                       /* of AND, OR over their terms, which have 0; at most EXPR_DEPTH_MAX */
};

struct stage {
    enum stage_kind kind;
    /* LINE_FILTER */
    enum line_filter_op filter_op;
    struct line_filter_alternative *alternatives;
    size_t alternative_count;
    /* JSON, LOGFMT */
    struct extraction *extractions;
    size_t extraction_count;
    bool strict, keep_empty; /* LOGFMT */
    /* REGEXP, PATTERN, LINE_FORMAT: the argument */
    struct slice argument;
    /* LABEL_FILTER */
    struct label_filter *filter;
    /* LABEL_FORMAT */
    struct label_format *formats;
    size_t format_count;
    /* DROP, KEEP */
    struct named_matcher *named;
    size_t named_count;
};

enum unwrap_conversion { UNWRAP_NUMBER, UNWRAP_BYTES, UNWRAP_DURATION };

struct unwrap {
    struct slice label;
    enum unwrap_conversion conversion;
    bool says_seconds;             /* written duration_seconds() */
    struct label_filter **filters; /* after it, ANDed */
    size_t filter_count;
};

struct log_expr {
    struct matcher *matchers;
    size_t matcher_count;
    struct stage *stages;
    size_t stage_count;
};

/* ---- metrics ---- */

enum range_op {
    RANGE_COUNT_OVER_TIME, RANGE_RATE, RANGE_RATE_COUNTER, RANGE_BYTES_OVER_TIME, RANGE_BYTES_RATE, RANGE_AVG_OVER_TIME,
    RANGE_SUM_OVER_TIME, RANGE_MIN_OVER_TIME, RANGE_MAX_OVER_TIME, RANGE_STDVAR_OVER_TIME, RANGE_STDDEV_OVER_TIME,
    RANGE_QUANTILE_OVER_TIME, RANGE_FIRST_OVER_TIME, RANGE_LAST_OVER_TIME, RANGE_ABSENT_OVER_TIME,
};

enum vector_op {
    VECTOR_SUM, VECTOR_AVG, VECTOR_MIN, VECTOR_MAX, VECTOR_COUNT, VECTOR_STDDEV, VECTOR_STDVAR, VECTOR_TOPK, VECTOR_BOTTOMK,
    VECTOR_APPROX_TOPK, VECTOR_SORT, VECTOR_SORT_DESC,
};

enum binary_op {
    BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MOD, BINARY_POW, BINARY_EQ, BINARY_NEQ, BINARY_GT, BINARY_GTE,
    BINARY_LT, BINARY_LTE, BINARY_AND, BINARY_OR, BINARY_UNLESS,
};

struct grouping {
    bool is_present; /* by () and without () are */
    bool without;
    struct slice *labels;
    size_t label_count;
};

struct log_range {
    struct log_expr log;
    bool has_unwrap;
    struct unwrap unwrap;
    int64_t range_ns;
    int64_t offset_ns; /* 0: none */
};

enum group_side { GROUP_NONE, GROUP_LEFT, GROUP_RIGHT };

struct vector_matching {
    bool is_present; /* on or ignoring was written */
    bool on;
    struct slice *labels;
    size_t label_count;
    enum group_side group;
    struct slice *include;
    size_t include_count;
};

enum expr_kind { EXPR_LOG, EXPR_RANGE, EXPR_VECTOR_AGG, EXPR_BINARY, EXPR_LITERAL, EXPR_LABEL_REPLACE, EXPR_VECTOR, EXPR_VARIANTS };

struct expr {
    const char *fault; /* NULL, or what is wrong with an aggregation: told by expr_check */
    enum expr_kind kind;
    struct log_expr log; /* LOG */

    /* RANGE */
    enum range_op range_op;
    struct log_range range; /* also VARIANTS: the `of` */
    bool has_parameter;
    double parameter; /* RANGE: quantile; VECTOR_AGG: k */
    struct grouping grouping; /* RANGE, VECTOR_AGG */

    enum vector_op vector_op; /* VECTOR_AGG */
    struct expr *inner;       /* VECTOR_AGG, LABEL_REPLACE */

    enum binary_op binary_op; /* BINARY */
    struct expr *left, *right;
    bool returns_bool;
    struct vector_matching matching;

    double literal; /* LITERAL, VECTOR */

    struct slice replace_target, replacement, replace_source, replace_pattern; /* LABEL_REPLACE */
    struct regex *replace_regex;

    struct expr **variants; /* VARIANTS */
    size_t variant_count;

    unsigned height; /* over its lowest leaf, which has 0; at most EXPR_DEPTH_MAX */
};

/* Regexes are not arena memory: ends them, over the whole tree. The arena is the caller's. */
void expr_fini(struct expr *expr);

const char *range_op_text(enum range_op op);
const char *vector_op_text(enum vector_op op);
const char *binary_op_text(enum binary_op op);
const char *line_filter_op_text(enum line_filter_op op);

/* Prints back what the parser takes: parse(print(x)) equals x. One line. */
void expr_print(const struct expr *expr, struct buf *out);
void stage_print(const struct stage *stage, struct buf *out);          /* as in `stage '...' :` errors */
void log_expr_print(const struct log_expr *log, struct buf *out);
/* format_query's layout: lines and indents of Loki's prettifier. */
void expr_print_pretty(const struct expr *expr, struct buf *out);
