/* loql_lexer.h: tokens of a LOQL text. Internal to core/loql. Thread: one at a time. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

enum loql_token_kind {
    TOKEN_END,
    TOKEN_WORD, /* bare or quoted */
    TOKEN_OPEN_BRACKET,
    TOKEN_CLOSE_BRACKET,
    TOKEN_OPEN_BRACE,
    TOKEN_CLOSE_BRACE,
    TOKEN_OPEN_PAREN,
    TOKEN_CLOSE_PAREN,
    TOKEN_COMMA,
    TOKEN_EQ,
    TOKEN_NEQ,
    TOKEN_RE,
    TOKEN_NRE,
    TOKEN_BAD, /* text says what is wrong with it */
};

struct loql_token {
    enum loql_token_kind kind;
    bool is_quoted;
    struct slice text; /* of a word, unescaped */
    size_t line, column;
};

struct loql_lexer {
    struct slice rest;
    struct arena *arena; /* for words with escapes */
    size_t line, column;
};

void loql_lexer_init(struct loql_lexer *lexer, struct slice text, struct arena *arena);
struct loql_token loql_lexer_next(struct loql_lexer *lexer);
