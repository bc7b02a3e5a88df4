/* template_lex.h: the inside of an action to tokens. Thread: one at a time. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

enum template_token_kind {
    TT_END, TT_SPACE, TT_FIELD /* .name */, TT_DOT, TT_VARIABLE /* $x */, TT_IDENTIFIER, TT_STRING, TT_CHARACTER, TT_NUMBER, TT_OPEN, TT_CLOSE,
    TT_PIPE, TT_DECLARE /* := */, TT_ASSIGN /* = */, TT_COMMA, TT_OTHER /* a printable character that begins nothing */,
};

struct template_token {
    enum template_token_kind kind;
    struct slice text;
    size_t offset; /* in the template */
};

/* The next token of source[*at, end). False with the text behind "template: NAME:LINE: ". */
bool template_lex(struct slice source, size_t *at, size_t end, struct template_token *out, struct err *err) MUST_CHECK;
