/* parser_range.c: log ranges and range aggregations. */
#include "core/logql/parser_internal.h"
#include "core/logql/semantics.h"
#include "core/model/go_text.h"

/* ---- unwrap ---- */

static bool unwrap_target(struct parser *parser, struct unwrap *out, struct err *err)
{
    static const char wanted[] = "IDENTIFIER or BYTES_CONV or DURATION_CONV or DURATION_SECONDS_CONV";
    bool is_bytes = parser_is_word(parser, WORD_BYTES);
    bool is_seconds = parser_is_word(parser, WORD_DURATION_SECONDS);
    if (!is_bytes && !is_seconds && !parser_is_word(parser, WORD_DURATION))
        return parser_expect_text(parser, TOKEN_IDENTIFIER, wanted, &out->label, err);
    out->conversion = is_bytes ? UNWRAP_BYTES : UNWRAP_DURATION;
    out->says_seconds = is_seconds;
    return parser_next(parser, err) && parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) &&
           parser_expect_text(parser, TOKEN_IDENTIFIER, "IDENTIFIER", &out->label, err) && parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err);
}

/* The cursor is on `unwrap`. */
static bool unwrap(struct parser *parser, struct log_range *out, struct err *err)
{
    out->has_unwrap = true;
    if (!parser_next(parser, err) || !unwrap_target(parser, &out->unwrap, err))
        return false;
    while (parser->token.kind == TOKEN_PIPE) {
        struct label_filter *filter = NULL;
        if (!parser_next(parser, err))
            return false;
        if (parser->token.kind != TOKEN_IDENTIFIER && parser->token.kind != TOKEN_OPEN_PAREN)
            return parser_unexpected(parser, "IDENTIFIER or (", err);
        if (!parse_label_filter(parser, &filter, err))
            return false;
        out->unwrap.filters = parser_push(parser, out->unwrap.filters, out->unwrap.filter_count, sizeof(struct label_filter *));
        out->unwrap.filters[out->unwrap.filter_count++] = filter;
    }
    return true;
}

static bool stages_and_unwrap(struct parser *parser, struct log_range *out, struct err *err)
{
    bool at_unwrap = false;
    return parse_stages(parser, &out->log, &at_unwrap, err) && (!at_unwrap || unwrap(parser, out, err));
}

/* ---- ranges ---- */

static bool range_and_offset(struct parser *parser, struct log_range *out, struct err *err)
{
    out->range_ns = parser->token.duration_ns;
    if (!parser_expect(parser, TOKEN_RANGE, NULL, err))
        return false;
    if (!parser_is_word(parser, WORD_OFFSET))
        return true;
    if (!parser_next(parser, err))
        return false;
    out->offset_ns = parser->token.duration_ns;
    return parser_expect(parser, TOKEN_DURATION, "DURATION", err);
}

/* A selector with what follows it. *has_range: a range was in it. */
static bool unit(struct parser *parser, struct log_range *out, bool *has_range, struct err *err)
{
    if (!parse_selector(parser, &out->log, err))
        return false;
    *has_range = parser->token.kind == TOKEN_RANGE;
    if (*has_range)
        return range_and_offset(parser, out, err) && stages_and_unwrap(parser, out, err);
    if (!stages_and_unwrap(parser, out, err))
        return false;
    *has_range = parser->token.kind == TOKEN_RANGE;
    return !*has_range || range_and_offset(parser, out, err);
}

static bool parenthesised(struct parser *parser, struct log_range *out, bool *has_range, struct err *err)
{
    if (parser->token.kind == TOKEN_OPEN_BRACE)
        return unit(parser, out, has_range, err);
    if (parser->token.kind != TOKEN_OPEN_PAREN)
        return parser_unexpected(parser, "{ or (", err);
    if (!parser_enter(parser, err) || !parser_next(parser, err) || !parenthesised(parser, out, has_range, err) ||
        !parser_expect(parser, TOKEN_CLOSE_PAREN, *has_range ? ")" : NULL, err))
        return false;
    parser_leave(parser);
    if (*has_range || parser->token.kind != TOKEN_RANGE)
        return true;
    *has_range = true;
    return range_and_offset(parser, out, err);
}

bool parse_log_range(struct parser *parser, struct log_range *out, struct err *err)
{
    bool has_range = false;
    if (!parenthesised(parser, out, &has_range, err))
        return false;
    return has_range || parser_unexpected(parser, out->has_unwrap ? "RANGE or |" : NULL, err);
}

/* ---- range aggregations ---- */

bool parse_number(struct parser *parser, const char *expecting, double *out, struct slice *text, struct err *err)
{
    struct err inner;
    *text = parser->token.text;
    if (parser->token.kind == TOKEN_NUMBER && !go_parse_float(*text, out, &inner))
        return parser_semantic(err, "unable to parse literal as a float: %.*s", (int)sizeof(inner.text), inner.text);
    return parser_expect(parser, TOKEN_NUMBER, expecting, err);
}

bool parse_range_aggregation(struct parser *parser, struct expr **out, struct err *err)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    struct slice parameter = SLICE_NONE;
    expr->kind = EXPR_RANGE;
    expr->range_op = (enum range_op)0;
    static const struct {
        enum word word;
        enum range_op op;
    } ops[] = {
        {WORD_RATE, RANGE_RATE},
        {WORD_RATE_COUNTER, RANGE_RATE_COUNTER},
        {WORD_COUNT_OVER_TIME, RANGE_COUNT_OVER_TIME},
        {WORD_BYTES_RATE, RANGE_BYTES_RATE},
        {WORD_BYTES_OVER_TIME, RANGE_BYTES_OVER_TIME},
        {WORD_AVG_OVER_TIME, RANGE_AVG_OVER_TIME},
        {WORD_SUM_OVER_TIME, RANGE_SUM_OVER_TIME},
        {WORD_MIN_OVER_TIME, RANGE_MIN_OVER_TIME},
        {WORD_MAX_OVER_TIME, RANGE_MAX_OVER_TIME},
        {WORD_STDVAR_OVER_TIME, RANGE_STDVAR_OVER_TIME},
        {WORD_STDDEV_OVER_TIME, RANGE_STDDEV_OVER_TIME},
        {WORD_QUANTILE_OVER_TIME, RANGE_QUANTILE_OVER_TIME},
        {WORD_FIRST_OVER_TIME, RANGE_FIRST_OVER_TIME},
        {WORD_LAST_OVER_TIME, RANGE_LAST_OVER_TIME},
        {WORD_ABSENT_OVER_TIME, RANGE_ABSENT_OVER_TIME},
    };
    for (size_t i = 0; i < LENGTH(ops); i++) {
        if (ops[i].word == parser->token.word)
            expr->range_op = ops[i].op;
    }
    if (!parser_next(parser, err) || !parser_expect(parser, TOKEN_OPEN_PAREN, "(", err))
        return false;
    if (parser->token.kind == TOKEN_NUMBER) {
        expr->has_parameter = true;
        if (!parse_number(parser, NULL, &expr->parameter, &parameter, err) || !parser_expect(parser, TOKEN_COMMA, ",", err))
            return false;
    } else if (parser->token.kind != TOKEN_OPEN_BRACE && parser->token.kind != TOKEN_OPEN_PAREN) {
        return parser_unexpected(parser, "NUMBER or { or (", err);
    }
    if (!parse_log_range(parser, &expr->range, err) || !parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err))
        return false;
    if ((parser_is_word(parser, WORD_BY) || parser_is_word(parser, WORD_WITHOUT)) && !parse_grouping(parser, &expr->grouping, err))
        return false;
    *out = expr;
    struct err fault;
    if (!range_aggregation_check(expr, parameter, &fault))
        parser_defer(parser, expr, &fault);
    return true;
}
