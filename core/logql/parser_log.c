/* parser_log.c: selectors and pipelines. */
#include "core/logql/parser_internal.h"

bool parse_selector(struct parser *parser, struct log_expr *out, struct err *err)
{
    if (!parser_expect(parser, TOKEN_OPEN_BRACE, "{", err))
        return false;
    if (parser->token.kind == TOKEN_CLOSE_BRACE)
        return parser_next(parser, err);
    if (parser->token.kind != TOKEN_IDENTIFIER)
        return parser_unexpected(parser, "IDENTIFIER or }", err);
    for (;;) {
        out->matchers = parser_push(parser, out->matchers, out->matcher_count, sizeof(*out->matchers));
        if (!parse_matcher(parser, &out->matchers[out->matcher_count], err))
            return false;
        out->matcher_count++;
        if (parser->token.kind == TOKEN_CLOSE_BRACE)
            return parser_next(parser, err);
        if (!parser_expect(parser, TOKEN_COMMA, "} or ,", err))
            return false;
    }
}

/* ---- line filters ---- */

static bool line_filter_op_of(enum token_kind kind, enum line_filter_op *out)
{
    static const struct {
        enum token_kind kind;
        enum line_filter_op op;
    } ops[] = {{TOKEN_PIPE_EXACT, LINE_CONTAINS},  {TOKEN_NEQ, LINE_NOT_CONTAINS},     {TOKEN_PIPE_MATCH, LINE_MATCHES},
               {TOKEN_NRE, LINE_NOT_MATCHES},      {TOKEN_PIPE_PATTERN, LINE_PATTERN}, {TOKEN_NPATTERN, LINE_NOT_PATTERN}};
    for (size_t i = 0; i < LENGTH(ops); i++) {
        if (ops[i].kind == kind) {
            *out = ops[i].op;
            return true;
        }
    }
    return false;
}

static bool alternative(struct parser *parser, struct line_filter_alternative *out, struct err *err)
{
    if (parser_is_word(parser, WORD_IP)) {
        out->is_ip = true;
        return parser_next(parser, err) && parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) &&
               parser_expect_text(parser, TOKEN_STRING, "STRING", &out->text, err) && parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err);
    }
    return parser_expect_text(parser, TOKEN_STRING, "STRING or ip", &out->text, err);
}

static bool line_filter(struct parser *parser, struct stage *out, struct err *err)
{
    out->kind = STAGE_LINE_FILTER;
    do {
        if (!parser_next(parser, err)) // the operator, or `or`
            return false;
        out->alternatives = parser_push(parser, out->alternatives, out->alternative_count, sizeof(*out->alternatives));
        out->alternatives[out->alternative_count] = (struct line_filter_alternative){0};
        bool is_regex = out->filter_op == LINE_MATCHES || out->filter_op == LINE_NOT_MATCHES;
        if (!alternative(parser, &out->alternatives[out->alternative_count], err) || (is_regex && !parser_count_regex(parser, err)))
            return false;
        out->alternative_count++;
    } while (parser_is_word(parser, WORD_OR));
    return true;
}

/* ---- stages behind a pipe ---- */

static bool extractions(struct parser *parser, struct stage *out, struct err *err)
{
    while (parser->token.kind == TOKEN_IDENTIFIER) {
        out->extractions = parser_push(parser, out->extractions, out->extraction_count, sizeof(*out->extractions));
        struct extraction *one = &out->extractions[out->extraction_count++];
        *one = (struct extraction){parser->token.text, parser->token.text};
        if (!parser_next(parser, err))
            return false;
        if (parser->token.kind == TOKEN_EQ &&
            (!parser_next(parser, err) || !parser_expect_text(parser, TOKEN_STRING, "STRING", &one->expression, err)))
            return false;
        if (parser->token.kind != TOKEN_COMMA)
            return true;
        if (!parser_next(parser, err))
            return false;
        if (parser->token.kind != TOKEN_IDENTIFIER)
            return parser_unexpected(parser, "IDENTIFIER", err);
    }
    return true;
}

static bool logfmt(struct parser *parser, struct stage *out, struct err *err)
{
    out->kind = STAGE_LOGFMT;
    while (parser->token.kind == TOKEN_FLAG) {
        if (slice_eq(parser->token.text, SLICE("--strict")))
            out->strict = true;
        else
            out->keep_empty = true;
        if (!parser_next(parser, err))
            return false;
    }
    return extractions(parser, out, err);
}

static bool label_format(struct parser *parser, struct stage *out, struct err *err)
{
    out->kind = STAGE_LABEL_FORMAT;
    for (;;) {
        out->formats = parser_push(parser, out->formats, out->format_count, sizeof(*out->formats));
        struct label_format *format = &out->formats[out->format_count++];
        *format = (struct label_format){0};
        if (!parser_expect_text(parser, TOKEN_IDENTIFIER, "IDENTIFIER", &format->target, err) || !parser_expect(parser, TOKEN_EQ, "=", err))
            return false;
        format->is_template = parser->token.kind == TOKEN_STRING;
        format->value = parser->token.text;
        if (!format->is_template && parser->token.kind != TOKEN_IDENTIFIER)
            return parser_unexpected(parser, "IDENTIFIER or STRING", err);
        if (!parser_next(parser, err))
            return false;
        if (parser->token.kind != TOKEN_COMMA)
            return true;
        if (!parser_next(parser, err))
            return false;
    }
}

/* drop, keep: names, each alone or as a matcher. */
static bool named(struct parser *parser, struct stage *out, struct err *err)
{
    for (;;) {
        out->named = parser_push(parser, out->named, out->named_count, sizeof(*out->named));
        struct named_matcher *one = &out->named[out->named_count];
        *one = (struct named_matcher){.name = parser->token.text};
        struct lexer after = parser->lexer;
        struct token next;
        if (parser->token.kind != TOKEN_IDENTIFIER)
            return parser_unexpected(parser, "IDENTIFIER", err);
        if (!lexer_next(&after, &next, err))
            return false;
        one->has_matcher = next.kind == TOKEN_EQ || next.kind == TOKEN_NEQ || next.kind == TOKEN_RE || next.kind == TOKEN_NRE;
        if (!(one->has_matcher ? parse_matcher(parser, &one->matcher, err) : parser_next(parser, err)))
            return false;
        out->named_count++;
        if (parser->token.kind != TOKEN_COMMA)
            return true;
        if (!parser_next(parser, err))
            return false;
    }
}

static bool argument(struct parser *parser, enum stage_kind kind, struct stage *out, struct err *err)
{
    out->kind = kind;
    return parser_expect_text(parser, TOKEN_STRING, "STRING", &out->argument, err);
}

static bool piped_word(struct parser *parser, enum word word, struct stage *out, struct err *err)
{
    if (!parser_next(parser, err))
        return false;
    switch ((int)word) {
    case WORD_JSON:
        out->kind = STAGE_JSON;
        return extractions(parser, out, err);
    case WORD_LOGFMT:
        return logfmt(parser, out, err);
    case WORD_REGEXP:
        return parser_count_regex(parser, err) && argument(parser, STAGE_REGEXP, out, err);
    case WORD_PATTERN:
        return argument(parser, STAGE_PATTERN, out, err);
    case WORD_LINE_FORMAT:
        return argument(parser, STAGE_LINE_FORMAT, out, err);
    case WORD_LABEL_FORMAT:
        return label_format(parser, out, err);
    case WORD_UNPACK:
        out->kind = STAGE_UNPACK;
        return true;
    case WORD_DECOLORIZE:
        out->kind = STAGE_DECOLORIZE;
        return true;
    default:
        out->kind = word == WORD_DROP ? STAGE_DROP : STAGE_KEEP;
        return named(parser, out, err);
    }
}

static bool is_stage_word(enum word word)
{
    switch ((int)word) {
    case WORD_JSON:
    case WORD_LOGFMT:
    case WORD_REGEXP:
    case WORD_PATTERN:
    case WORD_LINE_FORMAT:
    case WORD_LABEL_FORMAT:
    case WORD_UNPACK:
    case WORD_DECOLORIZE:
    case WORD_DROP:
    case WORD_KEEP:
        return true;
    default:
        return false;
    }
}

static bool stage(struct parser *parser, struct stage *out, struct err *err)
{
    if (parser->token.kind == TOKEN_WORD && is_stage_word(parser->token.word))
        return piped_word(parser, parser->token.word, out, err);
    if (parser->token.kind != TOKEN_IDENTIFIER && parser->token.kind != TOKEN_OPEN_PAREN)
        return parser_unexpected(parser, NULL, err);
    out->kind = STAGE_LABEL_FILTER;
    return parse_label_filter(parser, &out->filter, err);
}

bool parse_stages(struct parser *parser, struct log_expr *out, bool *at_unwrap, struct err *err)
{
    if (at_unwrap != NULL)
        *at_unwrap = false;
    for (;;) {
        struct stage one = {0};
        bool is_filter = line_filter_op_of(parser->token.kind, &one.filter_op);
        if (!is_filter && parser->token.kind != TOKEN_PIPE)
            return true;
        if (!is_filter) {
            if (!parser_next(parser, err))
                return false;
            if (at_unwrap != NULL && parser_is_word(parser, WORD_UNWRAP)) {
                *at_unwrap = true;
                return true;
            }
        }
        if (!(is_filter ? line_filter(parser, &one, err) : stage(parser, &one, err)))
            return false;
        out->stages = parser_push(parser, out->stages, out->stage_count, sizeof(*out->stages));
        out->stages[out->stage_count++] = one;
    }
}
