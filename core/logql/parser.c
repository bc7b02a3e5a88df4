#include "core/logql/parser.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/logql/parser_internal.h"
#include "core/logql/semantics.h"
#include "core/model/go_text.h"

bool parser_next(struct parser *parser, struct err *err)
{
    if (!lexer_next(&parser->lexer, &parser->token, err))
        return false;
    if (parser->token.kind == TOKEN_OTHER) {
        if (parser->other.kind != TOKEN_OTHER)
            parser->other = parser->token;
        parser->token.kind = TOKEN_IDENTIFIER;
    }
    return true;
}

bool parser_is_word(const struct parser *parser, enum word word)
{
    return parser->token.kind == TOKEN_WORD && parser->token.word == word;
}

bool parser_unexpected(const struct parser *parser, const char *expecting, struct err *err)
{
    const struct token *token = &parser->token;
    const char *join = expecting == NULL ? "" : ", expecting ";
    const char *list = expecting == NULL ? "" : expecting;
    if (parser->lexer.text.len == 0)
        return err_set(err, ERR_INVALID, "parse error : syntax error: unexpected %s%s%s", token_name(token), join, list);
    return err_set(err, ERR_INVALID, "parse error at line %u, col %u: syntax error: unexpected %s%s%s", token->line, token->column,
                   token_name(token), join, list);
}

bool parser_expect(struct parser *parser, enum token_kind kind, const char *expecting, struct err *err)
{
    if (parser->token.kind != kind)
        return parser_unexpected(parser, expecting, err);
    return parser_next(parser, err);
}

bool parser_expect_text(struct parser *parser, enum token_kind kind, const char *expecting, struct slice *out, struct err *err)
{
    *out = parser->token.text;
    return parser_expect(parser, kind, expecting, err);
}

static bool too_deep(const struct parser *parser, int bound, struct err *err)
{
    return err_set(err, ERR_INVALID, "parse error at line %u, col %u: nested deeper than %d", parser->token.line, parser->token.column, bound);
}

bool parser_count_regex(struct parser *parser, struct err *err)
{
    return ++parser->regex_count <= QUERY_REGEXES_MAX || parser_semantic(err, "more than %u regular expressions in one query", QUERY_REGEXES_MAX);
}

bool parser_enter(struct parser *parser, struct err *err)
{
    if (parser->depth == PARSER_DEPTH_MAX)
        return too_deep(parser, PARSER_DEPTH_MAX, err);
    parser->depth++;
    return true;
}

bool parser_stack(const struct parser *parser, unsigned a, unsigned b, unsigned *height, struct err *err)
{
    *height = (a > b ? a : b) + 1;
    return *height <= EXPR_DEPTH_MAX || too_deep(parser, EXPR_DEPTH_MAX, err);
}

void parser_leave(struct parser *parser)
{
    parser->depth--;
}

bool parser_semantic(struct err *err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(err, ERR_INVALID, "parse error : %s", text);
}

void parser_defer(struct parser *parser, struct expr *expr, const struct err *fault)
{
    expr->fault = arena_printf(parser->arena, "%s", fault->text).ptr;
}

/* Room doubles at powers of two from 4 on, so that the count alone tells when it is full. */
void *parser_push(struct parser *parser, void *array, size_t count, size_t size)
{
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
        return array;
    void *bigger = arena_array(parser->arena, count == 0 ? 4 : count * 2, size, _Alignof(max_align_t));
    if (count > 0)
        memcpy(bigger, array, count * size);
    return bigger;
}

struct owned_regex {
    struct owned_regex *next;
    struct regex *regex;
};

void parser_owns(struct parser *parser, struct regex *regex)
{
    struct owned_regex *owned = ARENA_NEW(parser->arena, struct owned_regex);
    *owned = (struct owned_regex){parser->regexes, regex};
    parser->regexes = owned;
}

static void abandon(struct parser *parser)
{
    for (struct owned_regex *owned = parser->regexes; owned != NULL; owned = owned->next)
        regex_free(owned->regex);
}

static bool begin(struct parser *parser, struct slice text, struct arena *arena, struct err *err)
{
    *parser = (struct parser){.arena = arena};
    if (text.len >= QUERY_BYTES_MAX)
        return parser_semantic(err, "input size too long (%zu > %zu)", text.len, QUERY_BYTES_MAX);
    if (!utf8_is_valid(text))
        return parser_semantic(err, "invalid UTF-8 encoding");
    lexer_init(&parser->lexer, text, arena);
    return parser_next(parser, err);
}

/* The whole text as one expression, not yet checked. */
static bool parse_all(struct parser *parser, struct slice text, struct arena *arena, struct expr **out, struct err *err)
{
    if (!begin(parser, text, arena, err) || !parse_expr(parser, out, err))
        return false;
    bool has_other = parser->token.kind == TOKEN_END && parser->other.kind == TOKEN_OTHER;
    if (has_other)
        parser->token = parser->other;
    return (parser->token.kind == TOKEN_END && !has_other) || parser_unexpected(parser, NULL, err);
}

bool logql_parse(struct slice text, struct arena *arena, struct expr **out, struct err *err)
{
    struct parser parser;
    struct expr *expr = NULL;
    if (!parse_all(&parser, text, arena, &expr, err) || !expr_check(expr, err)) {
        abandon(&parser);
        return false;
    }
    *out = expr;
    return true;
}

bool logql_parse_delete(struct slice text, struct arena *arena, struct expr **out, struct err *err)
{
    struct parser parser;
    struct expr *expr = NULL;
    if (!parse_all(&parser, text, arena, &expr, err)) {
        abandon(&parser);
        return false;
    }
    if (expr->kind != EXPR_LOG) {
        abandon(&parser);
        return err_set(err, ERR_INVALID, "only log selector is supported");
    }
    *out = expr;
    return true;
}

bool logql_parse_log(struct slice text, struct arena *arena, struct log_expr **out, struct err *err)
{
    struct expr *expr = NULL;
    if (!logql_parse(text, arena, &expr, err))
        return false;
    if (expr->kind != EXPR_LOG) {
        expr_fini(expr);
        return err_set(err, ERR_INVALID, "only log selector is supported");
    }
    *out = &expr->log;
    return true;
}

static bool matchers_check(const struct expr *expr, bool allow_empty, struct err *err)
{
    if (expr->kind != EXPR_LOG || expr->log.stage_count > 0)
        return err_set(err, ERR_INVALID, "only label matchers are supported");
    return (allow_empty && expr->log.matcher_count == 0) || expr_check(expr, err);
}

bool logql_parse_matchers(struct slice text, bool allow_empty, struct arena *arena, struct matcher **out, size_t *out_count, struct err *err)
{
    struct parser parser;
    struct expr *expr = NULL;
    if (!parse_all(&parser, text, arena, &expr, err) || !matchers_check(expr, allow_empty, err)) {
        abandon(&parser);
        return false;
    }
    *out = expr->log.matchers;
    *out_count = expr->log.matcher_count;
    return true;
}
