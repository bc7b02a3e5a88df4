/* parser_filter.c: matchers and label filters. */
#include "core/logql/parser_internal.h"
#include "core/model/go_text.h"

static bool matcher_op_of(enum token_kind kind, enum matcher_op *out)
{
    switch ((int)kind) {
    case TOKEN_EQ:
        *out = MATCH_EQ;
        return true;
    case TOKEN_NEQ:
        *out = MATCH_NEQ;
        return true;
    case TOKEN_RE:
        *out = MATCH_RE;
        return true;
    case TOKEN_NRE:
        *out = MATCH_NRE;
        return true;
    default:
        return false;
    }
}

static bool matcher_make(struct parser *parser, enum matcher_op op, struct slice name, struct slice value, struct matcher *out, struct err *err)
{
    struct err inner;
    if ((op == MATCH_RE || op == MATCH_NRE) && !parser_count_regex(parser, err))
        return false;
    if (matcher_init(out, op, name, value, parser->arena, &inner)) {
        parser_owns(parser, out->regex);
        return true;
    }
    return parser_semantic(err, "%.*s", (int)sizeof(inner.text), inner.text);
}

bool parse_matcher(struct parser *parser, struct matcher *out, struct err *err)
{
    struct slice name;
    struct slice value;
    enum matcher_op op;
    if (!parser_expect_text(parser, TOKEN_IDENTIFIER, "IDENTIFIER", &name, err))
        return false;
    if (!matcher_op_of(parser->token.kind, &op))
        return parser_unexpected(parser, "= or =~ or !~ or !=", err);
    return parser_next(parser, err) && parser_expect_text(parser, TOKEN_STRING, "STRING", &value, err) &&
           matcher_make(parser, op, name, value, out, err);
}

static bool compare_op_of(enum token_kind kind, enum compare_op *out)
{
    static const struct {
        enum token_kind kind;
        enum compare_op op;
    } ops[] = {{TOKEN_EQ, COMPARE_EQ}, {TOKEN_CMP_EQ, COMPARE_EQ}, {TOKEN_NEQ, COMPARE_NEQ}, {TOKEN_GT, COMPARE_GT},
               {TOKEN_GTE, COMPARE_GTE}, {TOKEN_LT, COMPARE_LT}, {TOKEN_LTE, COMPARE_LTE}};
    for (size_t i = 0; i < LENGTH(ops); i++) {
        if (ops[i].kind == kind) {
            *out = ops[i].op;
            return true;
        }
    }
    return false;
}

/* [+|-] NUMBER; a text that is no float counts as 0, as in Loki. */
static bool number_filter(struct parser *parser, struct label_filter *out, struct err *err)
{
    bool is_negative = parser->token.kind == TOKEN_SUB;
    bool has_sign = is_negative || parser->token.kind == TOKEN_ADD;
    if (has_sign && !parser_next(parser, err))
        return false;
    struct slice text;
    if (!parser_expect_text(parser, TOKEN_NUMBER, has_sign ? "NUMBER" : NULL, &text, err))
        return false;
    out->kind = LABEL_FILTER_NUMBER;
    if (!go_parse_float(text, &out->number, NULL))
        out->number = 0;
    if (is_negative) {
        out->number = -out->number;
        // -0 would be read back as a duration.
        text = out->number == 0 ? SLICE("0") : arena_printf(parser->arena, "-%.*s", SLICE_ARG(text));
    }
    out->text = text;
    return true;
}

static bool ip_filter(struct parser *parser, struct label_filter *out, struct err *err)
{
    if (out->op != COMPARE_EQ && out->op != COMPARE_NEQ)
        return parser_unexpected(parser, NULL, err);
    out->kind = LABEL_FILTER_IP;
    return parser_next(parser, err) && parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) &&
           parser_expect_text(parser, TOKEN_STRING, "STRING", &out->text, err) && parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err);
}

/* The right side of a comparison. was: the operator's token. */
static bool compared_value(struct parser *parser, enum token_kind was, struct label_filter *out, struct err *err)
{
    enum matcher_op op;
    switch ((int)parser->token.kind) {
    case TOKEN_STRING:
        if (!matcher_op_of(was, &op))
            return parser_unexpected(parser, NULL, err);
        out->kind = LABEL_FILTER_MATCHER;
        return matcher_make(parser, op, out->name, parser->token.text, &out->matcher, err) && parser_next(parser, err);
    case TOKEN_DURATION:
        out->kind = LABEL_FILTER_DURATION;
        out->duration_ns = parser->token.duration_ns;
        out->text = parser->token.text;
        return parser_next(parser, err);
    case TOKEN_BYTES:
        out->kind = LABEL_FILTER_BYTES;
        out->bytes = parser->token.bytes;
        out->text = parser->token.text;
        return parser_next(parser, err);
    default:
        if (parser_is_word(parser, WORD_IP) && was != TOKEN_CMP_EQ)
            return ip_filter(parser, out, err);
        return number_filter(parser, out, err);
    }
}

static bool term(struct parser *parser, struct label_filter **out, struct err *err)
{
    if (parser->token.kind == TOKEN_OPEN_PAREN) {
        if (!parser_enter(parser, err) || !parser_next(parser, err) || !parse_label_filter(parser, out, err) ||
            !parser_expect(parser, TOKEN_CLOSE_PAREN, NULL, err))
            return false;
        parser_leave(parser);
        return true;
    }
    struct label_filter *filter = ARENA_NEW(parser->arena, struct label_filter);
    if (!parser_expect_text(parser, TOKEN_IDENTIFIER, "IDENTIFIER or (", &filter->name, err))
        return false;
    enum token_kind was = parser->token.kind;
    if (was == TOKEN_RE || was == TOKEN_NRE) {
        struct slice value;
        filter->kind = LABEL_FILTER_MATCHER;
        *out = filter;
        return parser_next(parser, err) && parser_expect_text(parser, TOKEN_STRING, "STRING", &value, err) &&
               matcher_make(parser, was == TOKEN_RE ? MATCH_RE : MATCH_NRE, filter->name, value, &filter->matcher, err);
    }
    if (!compare_op_of(was, &filter->op))
        return parser_unexpected(parser, NULL, err);
    *out = filter;
    return parser_next(parser, err) && compared_value(parser, was, filter, err);
}

/* *left becomes both. */
static bool join(struct parser *parser, enum label_filter_kind kind, struct label_filter **left, struct label_filter *right, bool is_comma,
                 struct err *err)
{
    struct label_filter *both = ARENA_NEW(parser->arena, struct label_filter);
    *both = (struct label_filter){.kind = kind, .left = *left, .right = right, .is_comma = is_comma};
    bool ok = parser_stack(parser, (*left)->height, right->height, &both->height, err);
    *left = both;
    return ok;
}

enum { LOOSEST = 0, OR_BINDS = 1, AND_BINDS = 2 };

/* `and` binds tighter than `or`; a comma or plain juxtaposition has no precedence of its own: all to its right is grouped first. */
static bool filters(struct parser *parser, int tighter_than, struct label_filter **out, struct err *err)
{
    struct label_filter *left = NULL;
    struct label_filter *right = NULL;
    if (!parser_enter(parser, err) || !term(parser, &left, err))
        return false;
    for (;;) {
        bool is_comma = parser->token.kind == TOKEN_COMMA;
        bool is_beside = parser->token.kind == TOKEN_IDENTIFIER || parser->token.kind == TOKEN_OPEN_PAREN;
        if (is_comma || is_beside) {
            if ((is_comma && !parser_next(parser, err)) || !filters(parser, LOOSEST, &right, err) ||
                !join(parser, LABEL_FILTER_AND, &left, right, true, err))
                return false;
        } else if (parser_is_word(parser, WORD_AND) && tighter_than < AND_BINDS) {
            if (!parser_next(parser, err) || !filters(parser, AND_BINDS, &right, err) ||
                !join(parser, LABEL_FILTER_AND, &left, right, false, err))
                return false;
        } else if (parser_is_word(parser, WORD_OR) && tighter_than < OR_BINDS) {
            if (!parser_next(parser, err) || !filters(parser, OR_BINDS, &right, err) ||
                !join(parser, LABEL_FILTER_OR, &left, right, false, err))
                return false;
        } else {
            break;
        }
    }
    parser_leave(parser);
    *out = left;
    return true;
}

bool parse_label_filter(struct parser *parser, struct label_filter **out, struct err *err)
{
    return filters(parser, LOOSEST, out, err);
}
