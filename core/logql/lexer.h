/* lexer.h: LogQL text to tokens, one at a time (spec logql.md section 2). Thread: one at a time. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

enum token_kind {
    TOKEN_END,
    TOKEN_IDENTIFIER,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_BYTES,
    TOKEN_RANGE,
    TOKEN_FLAG, /* --strict, --keep-empty */
    TOKEN_OTHER, /* a lone symbol, a character literal: an IDENTIFIER to Loki's lexer */
    /* punctuation and operators */
    TOKEN_OPEN_BRACE, TOKEN_CLOSE_BRACE, TOKEN_OPEN_PAREN, TOKEN_CLOSE_PAREN, TOKEN_COMMA, TOKEN_DOT, TOKEN_PIPE,
    TOKEN_EQ, TOKEN_NEQ, TOKEN_RE, TOKEN_NRE, TOKEN_CMP_EQ, TOKEN_GT, TOKEN_GTE, TOKEN_LT, TOKEN_LTE,
    TOKEN_PIPE_EXACT, TOKEN_PIPE_MATCH, TOKEN_PIPE_PATTERN, TOKEN_NPATTERN,
    TOKEN_ADD, TOKEN_SUB, TOKEN_MUL, TOKEN_DIV, TOKEN_MOD, TOKEN_POW,
    TOKEN_CLOSE_BRACKET, /* outside of a range, where no rule takes it */
    /* words: of the table in lexer.c */
    TOKEN_WORD,
};

/* Reserved and function words. */
enum word {
    WORD_NONE,
    /* functions: only before ( or by/without */
    WORD_RATE, WORD_RATE_COUNTER, WORD_COUNT_OVER_TIME, WORD_BYTES_RATE, WORD_BYTES_OVER_TIME, WORD_AVG_OVER_TIME, WORD_SUM_OVER_TIME,
    WORD_MIN_OVER_TIME, WORD_MAX_OVER_TIME, WORD_STDVAR_OVER_TIME, WORD_STDDEV_OVER_TIME, WORD_QUANTILE_OVER_TIME, WORD_FIRST_OVER_TIME,
    WORD_LAST_OVER_TIME, WORD_ABSENT_OVER_TIME, WORD_VECTOR, WORD_SUM, WORD_AVG, WORD_MAX, WORD_MIN, WORD_COUNT, WORD_STDDEV, WORD_STDVAR,
    WORD_BOTTOMK, WORD_TOPK, WORD_SORT, WORD_SORT_DESC, WORD_LABEL_REPLACE, WORD_APPROX_TOPK, WORD_BYTES, WORD_DURATION,
    WORD_DURATION_SECONDS, WORD_IP,
    /* reserved everywhere */
    WORD_BY, WORD_WITHOUT, WORD_BOOL, WORD_OFFSET, WORD_ON, WORD_IGNORING, WORD_GROUP_LEFT, WORD_GROUP_RIGHT, WORD_AND, WORD_OR,
    WORD_UNLESS, WORD_UNWRAP, WORD_JSON, WORD_REGEXP, WORD_LOGFMT, WORD_UNPACK, WORD_PATTERN, WORD_LABEL_FORMAT, WORD_LINE_FORMAT,
    WORD_DECOLORIZE, WORD_DROP, WORD_KEEP, WORD_VARIANTS, WORD_OF,
};

struct token {
    enum token_kind kind;
    enum word word;     /* TOKEN_WORD */
    struct slice text;  /* as written; of a STRING: its value */
    int64_t duration_ns; /* DURATION, RANGE */
    uint64_t bytes;     /* BYTES */
    unsigned line, column; /* for messages: line 0 where Loki's lexer looked further ahead */
};

struct lexer {
    struct slice text;
    size_t at;
    unsigned line, column; /* of text[at], columns in characters from 1 */
    struct arena *arena;
};

void lexer_init(struct lexer *lexer, struct slice text, struct arena *arena);

/* The next token; at the end TOKEN_END for ever. ERR_INVALID "parse error at line 1, col 5: literal not terminated". */
bool lexer_next(struct lexer *lexer, struct token *out, struct err *err) MUST_CHECK;

/* How a token is named in messages: IDENTIFIER, STRING, |=, COUNT_OVER_TIME, $end. */
const char *token_name(const struct token *token);
