/* parser_internal.h: what the files of the parser share: the token under the cursor and the helpers around it. */
#pragma once

#include "core/logql/lexer.h"
#include "core/logql/parser.h"

/* The parser nests deeper than the tree: a print has parentheses around each operation, and each takes up to three levels. So
 * whatever tree is taken is read back from its print. */
#define PARSER_DEPTH_MAX (4 * EXPR_DEPTH_MAX)

struct parser {
    struct lexer lexer;
    struct token token; /* under the cursor */
    struct token other; /* the first lone symbol, if its kind is TOKEN_OTHER: an identifier for the grammar, but no query has one */
    struct arena *arena;
    unsigned depth;
    unsigned regex_count; /* in the text so far */
    struct owned_regex *regexes; /* compiled so far: ended by parser_abandon when the parse fails, by expr_fini when it does not */
};

/* Remembers a regex, so that a parse that fails later does not leak it. NULL is fine. */
void parser_owns(struct parser *parser, struct regex *regex);

/* One more regular expression: each may take 6 MiB when it runs. False if it is over QUERY_REGEXES_MAX. */
bool parser_count_regex(struct parser *parser, struct err *err) MUST_CHECK;

bool parser_next(struct parser *parser, struct err *err) MUST_CHECK;
bool parser_is_word(const struct parser *parser, enum word word);

/* False with "syntax error: unexpected TOKEN", and the list when there is one. */
bool parser_unexpected(const struct parser *parser, const char *expecting, struct err *err);
/* Takes the token if it is of the kind, else is unexpected. */
bool parser_expect(struct parser *parser, enum token_kind kind, const char *expecting, struct err *err) MUST_CHECK;
bool parser_expect_text(struct parser *parser, enum token_kind kind, const char *expecting, struct slice *out, struct err *err) MUST_CHECK;

/* Nesting, bounded by PARSER_DEPTH_MAX; leave after a successful enter. */
bool parser_enter(struct parser *parser, struct err *err) MUST_CHECK;
void parser_leave(struct parser *parser);

/* *height becomes that of a node over a and b. False if it is over EXPR_DEPTH_MAX. */
bool parser_stack(const struct parser *parser, unsigned a, unsigned b, unsigned *height, struct err *err) MUST_CHECK;

/* "parse error : <text>" */
bool parser_semantic(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is wrong with an aggregation is told when the whole text is read: a syntax error behind it comes first. */
void parser_defer(struct parser *parser, struct expr *expr, const struct err *fault);

/* Grows an array in the arena: returns the place for one more element. */
void *parser_push(struct parser *parser, void *array, size_t count, size_t size);

/* ---- parser_log.c ---- */
bool parse_selector(struct parser *parser, struct log_expr *out, struct err *err) MUST_CHECK;
/* Stages up to a token that begins none; stops before `| unwrap` when it may come. */
bool parse_stages(struct parser *parser, struct log_expr *out, bool *at_unwrap, struct err *err) MUST_CHECK;
/* ---- parser_filter.c ---- */
bool parse_label_filter(struct parser *parser, struct label_filter **out, struct err *err) MUST_CHECK;
bool parse_matcher(struct parser *parser, struct matcher *out, struct err *err) MUST_CHECK;
/* ---- parser_range.c ---- */
bool parse_log_range(struct parser *parser, struct log_range *out, struct err *err) MUST_CHECK;
bool parse_number(struct parser *parser, const char *expecting, double *out, struct slice *text, struct err *err) MUST_CHECK;
bool parse_range_aggregation(struct parser *parser, struct expr **out, struct err *err) MUST_CHECK;
/* ---- parser_metric.c ---- */
bool parse_expr(struct parser *parser, struct expr **out, struct err *err) MUST_CHECK;
/* The same, a log expression being unexpected where it ends. */
bool parse_metric_expr(struct parser *parser, struct expr **out, struct err *err) MUST_CHECK;
bool parse_grouping(struct parser *parser, struct grouping *out, struct err *err) MUST_CHECK;
bool parse_names(struct parser *parser, struct slice **out, size_t *count, struct err *err) MUST_CHECK;
/* ---- fold.c ---- */
/* Joins two legs: checks them, folds literals. */
bool binary_join(struct parser *parser, struct expr *binary, struct expr **out, struct err *err) MUST_CHECK;
