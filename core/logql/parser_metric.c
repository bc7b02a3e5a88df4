/* parser_metric.c: metric expressions: vector aggregations, binary operations by precedence, literals, label_replace, vector, variants. */
#include "core/logql/parser_internal.h"
#include "core/logql/semantics.h"
#include "core/model/go_text.h"

bool parse_names(struct parser *parser, struct slice **out, size_t *count, struct err *err)
{
    if (!parser_expect(parser, TOKEN_OPEN_PAREN, "(", err))
        return false;
    if (parser->token.kind == TOKEN_CLOSE_PAREN)
        return parser_next(parser, err);
    for (;;) {
        *out = parser_push(parser, *out, *count, sizeof(**out));
        if (!parser_expect_text(parser, TOKEN_IDENTIFIER, *count == 0 ? "IDENTIFIER or )" : "IDENTIFIER", &(*out)[*count], err))
            return false;
        (*count)++;
        if (parser->token.kind == TOKEN_CLOSE_PAREN)
            return parser_next(parser, err);
        if (!parser_expect(parser, TOKEN_COMMA, ", or )", err))
            return false;
    }
}

bool parse_grouping(struct parser *parser, struct grouping *out, struct err *err)
{
    out->is_present = true;
    out->without = parser_is_word(parser, WORD_WITHOUT);
    return parser_next(parser, err) && parse_names(parser, &out->labels, &out->label_count, err);
}

/* ---- primaries ---- */

static struct expr *literal_make(struct parser *parser, double value)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    expr->kind = EXPR_LITERAL;
    expr->literal = value;
    return expr;
}

static bool literal(struct parser *parser, struct expr **out, struct err *err)
{
    bool is_negative = parser->token.kind == TOKEN_SUB;
    bool has_sign = is_negative || parser->token.kind == TOKEN_ADD;
    double value = 0;
    struct slice text;
    if ((has_sign && !parser_next(parser, err)) || !parse_number(parser, has_sign ? "NUMBER" : NULL, &value, &text, err))
        return false;
    *out = literal_make(parser, is_negative ? -value : value);
    return true;
}

static bool binary_tail(struct parser *parser, struct expr *left, int tighter_than, struct expr **out, struct err *err);

static bool inner_expr(struct parser *parser, struct expr *expr, struct err *err)
{
    return parse_metric_expr(parser, &expr->inner, err) && parser_stack(parser, expr->inner->height, 0, &expr->height, err);
}

/* The inside of an aggregation's parentheses: [NUMBER ","] expr. */
static bool aggregated(struct parser *parser, struct expr *expr, struct slice *parameter, bool *is_given, struct err *err)
{
    *is_given = false;
    if (parser->token.kind != TOKEN_NUMBER)
        return inner_expr(parser, expr, err);
    double value = 0;
    if (!parse_number(parser, NULL, &value, parameter, err))
        return false;
    if (parser->token.kind == TOKEN_COMMA) {
        *is_given = true;
        return parser_next(parser, err) && inner_expr(parser, expr, err);
    }
    return binary_tail(parser, literal_make(parser, value), -1, &expr->inner, err) && // the number begins the expression
           parser_stack(parser, expr->inner->height, 0, &expr->height, err);
}

static bool vector_aggregation(struct parser *parser, struct expr **out, struct err *err)
{
    static const struct {
        enum word word;
        enum vector_op op;
    } ops[] = {{WORD_SUM, VECTOR_SUM},       {WORD_AVG, VECTOR_AVG},         {WORD_MIN, VECTOR_MIN},
               {WORD_MAX, VECTOR_MAX},       {WORD_COUNT, VECTOR_COUNT},     {WORD_STDDEV, VECTOR_STDDEV},
               {WORD_STDVAR, VECTOR_STDVAR}, {WORD_TOPK, VECTOR_TOPK},       {WORD_BOTTOMK, VECTOR_BOTTOMK},
               {WORD_SORT, VECTOR_SORT},     {WORD_SORT_DESC, VECTOR_SORT_DESC}, {WORD_APPROX_TOPK, VECTOR_APPROX_TOPK}};
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    struct slice parameter = SLICE_NONE;
    bool is_given = false;
    expr->kind = EXPR_VECTOR_AGG;
    for (size_t i = 0; i < LENGTH(ops); i++) {
        if (ops[i].word == parser->token.word)
            expr->vector_op = ops[i].op;
    }
    if (!parser_next(parser, err))
        return false;
    bool is_before = parser_is_word(parser, WORD_BY) || parser_is_word(parser, WORD_WITHOUT);
    if ((is_before && !parse_grouping(parser, &expr->grouping, err)) || !parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) ||
        !aggregated(parser, expr, &parameter, &is_given, err) || !parser_expect(parser, TOKEN_CLOSE_PAREN, NULL, err))
        return false;
    bool is_behind = !is_before && (parser_is_word(parser, WORD_BY) || parser_is_word(parser, WORD_WITHOUT));
    if (is_behind && !parse_grouping(parser, &expr->grouping, err))
        return false;
    *out = expr;
    struct err fault;
    if (!vector_aggregation_check(expr, parameter, is_given, &fault))
        parser_defer(parser, expr, &fault);
    return true;
}

static bool label_replace(struct parser *parser, struct expr **out, struct err *err)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    struct slice *const texts[] = {&expr->replace_target, &expr->replacement, &expr->replace_source, &expr->replace_pattern};
    struct err inner;
    expr->kind = EXPR_LABEL_REPLACE;
    if (!parser_next(parser, err) || !parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) || !inner_expr(parser, expr, err))
        return false;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        if (!parser_expect(parser, TOKEN_COMMA, i == 0 ? NULL : ",", err) || !parser_expect_text(parser, TOKEN_STRING, "STRING", texts[i], err))
            return false;
    }
    if (!parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err))
        return false;
    if (!parser_count_regex(parser, err))
        return false;
    // Loki anchors by text, and its errors show it.
    struct slice anchored = arena_printf(parser->arena, "^(?:%.*s)$", SLICE_ARG(expr->replace_pattern));
    bool ok = regex_compile(anchored, REGEX_SEARCH, &expr->replace_regex, &inner);
    if (ok)
        parser_owns(parser, expr->replace_regex);
    if (!ok || !regex_check_captures(expr->replace_regex, &inner))
        return parser_semantic(err, "invalid regex in label_replace: %.*s", (int)sizeof(inner.text), inner.text);
    *out = expr;
    return true;
}

static bool vector(struct parser *parser, struct expr **out, struct err *err)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    struct slice text;
    expr->kind = EXPR_VECTOR;
    *out = expr;
    return parser_next(parser, err) && parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) &&
           parse_number(parser, "NUMBER", &expr->literal, &text, err) && parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err);
}

static bool variants(struct parser *parser, struct expr **out, struct err *err)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    expr->kind = EXPR_VARIANTS;
    if (!parser_next(parser, err) || !parser_expect(parser, TOKEN_OPEN_PAREN, "(", err))
        return false;
    for (;;) {
        expr->variants = parser_push(parser, expr->variants, expr->variant_count, sizeof(*expr->variants));
        unsigned height = 0;
        if (!parse_metric_expr(parser, &expr->variants[expr->variant_count], err) ||
            !parser_stack(parser, expr->variants[expr->variant_count]->height, 0, &height, err))
            return false;
        expr->height = height > expr->height ? height : expr->height;
        expr->variant_count++;
        if (parser->token.kind != TOKEN_COMMA)
            break;
        if (!parser_next(parser, err))
            return false;
    }
    if (!parser_expect(parser, TOKEN_CLOSE_PAREN, NULL, err))
        return false;
    if (!parser_is_word(parser, WORD_OF))
        return parser_unexpected(parser, "of", err);
    *out = expr;
    return parser_next(parser, err) && parser_expect(parser, TOKEN_OPEN_PAREN, "(", err) && parse_log_range(parser, &expr->range, err) &&
           parser_expect(parser, TOKEN_CLOSE_PAREN, ")", err);
}

static bool log_expression(struct parser *parser, struct expr **out, struct err *err)
{
    struct expr *expr = ARENA_NEW(parser->arena, struct expr);
    expr->kind = EXPR_LOG;
    *out = expr;
    return parse_selector(parser, &expr->log, err) && parse_stages(parser, &expr->log, NULL, err);
}

static bool function(struct parser *parser, struct expr **out, struct err *err)
{
    enum word word = parser->token.word;
    if (word >= WORD_RATE && word <= WORD_ABSENT_OVER_TIME)
        return parse_range_aggregation(parser, out, err);
    if ((word >= WORD_SUM && word <= WORD_SORT_DESC) || word == WORD_APPROX_TOPK)
        return vector_aggregation(parser, out, err);
    switch ((int)word) {
    case WORD_LABEL_REPLACE:
        return label_replace(parser, out, err);
    case WORD_VECTOR:
        return vector(parser, out, err);
    case WORD_VARIANTS:
        return variants(parser, out, err);
    default:
        return parser_unexpected(parser, NULL, err);
    }
}

static bool primary(struct parser *parser, struct expr **out, struct err *err)
{
    switch ((int)parser->token.kind) {
    case TOKEN_OPEN_BRACE:
        return log_expression(parser, out, err);
    case TOKEN_NUMBER:
    case TOKEN_ADD:
    case TOKEN_SUB:
        return literal(parser, out, err);
    case TOKEN_WORD:
        return function(parser, out, err);
    case TOKEN_OPEN_PAREN:
        return parser_next(parser, err) && parse_expr(parser, out, err) && parser_expect(parser, TOKEN_CLOSE_PAREN, NULL, err);
    default:
        return parser_unexpected(parser, NULL, err);
    }
}

/* ---- binary operations ---- */

static bool binary_op_of(const struct parser *parser, enum binary_op *op, int *precedence)
{
    static const struct {
        enum token_kind kind;
        enum word word;
        enum binary_op op;
        int precedence;
    } ops[] = {
        {TOKEN_WORD, WORD_OR, BINARY_OR, 1},           {TOKEN_WORD, WORD_AND, BINARY_AND, 2},  {TOKEN_WORD, WORD_UNLESS, BINARY_UNLESS, 2},
        {TOKEN_CMP_EQ, WORD_NONE, BINARY_EQ, 3},       {TOKEN_NEQ, WORD_NONE, BINARY_NEQ, 3},  {TOKEN_LT, WORD_NONE, BINARY_LT, 3},
        {TOKEN_LTE, WORD_NONE, BINARY_LTE, 3},         {TOKEN_GT, WORD_NONE, BINARY_GT, 3},    {TOKEN_GTE, WORD_NONE, BINARY_GTE, 3},
        {TOKEN_ADD, WORD_NONE, BINARY_ADD, 4},         {TOKEN_SUB, WORD_NONE, BINARY_SUB, 4},  {TOKEN_MUL, WORD_NONE, BINARY_MUL, 5},
        {TOKEN_DIV, WORD_NONE, BINARY_DIV, 5},         {TOKEN_MOD, WORD_NONE, BINARY_MOD, 5},  {TOKEN_POW, WORD_NONE, BINARY_POW, 6},
    };
    for (size_t i = 0; i < LENGTH(ops); i++) {
        if (ops[i].kind == parser->token.kind && (ops[i].word == WORD_NONE || ops[i].word == parser->token.word)) {
            *op = ops[i].op;
            *precedence = ops[i].precedence;
            return true;
        }
    }
    return false;
}

/* [bool] [on|ignoring (..) [group_left|group_right [(..)]]] */
static bool modifiers(struct parser *parser, struct expr *binary, struct err *err)
{
    struct vector_matching *matching = &binary->matching;
    if (parser_is_word(parser, WORD_BOOL)) {
        binary->returns_bool = true;
        if (!parser_next(parser, err))
            return false;
    }
    if (!parser_is_word(parser, WORD_ON) && !parser_is_word(parser, WORD_IGNORING))
        return true;
    matching->is_present = true;
    matching->on = parser_is_word(parser, WORD_ON);
    if (!parser_next(parser, err) || !parse_names(parser, &matching->labels, &matching->label_count, err))
        return false;
    if (!parser_is_word(parser, WORD_GROUP_LEFT) && !parser_is_word(parser, WORD_GROUP_RIGHT))
        return true;
    matching->group = parser_is_word(parser, WORD_GROUP_LEFT) ? GROUP_LEFT : GROUP_RIGHT;
    if (!parser_next(parser, err))
        return false;
    return parser->token.kind != TOKEN_OPEN_PAREN || parse_names(parser, &matching->include, &matching->include_count, err);
}

static bool operand(struct parser *parser, int tighter_than, struct expr **out, struct err *err)
{
    struct expr *left = NULL;
    if (!parser_enter(parser, err) || !primary(parser, &left, err) || !binary_tail(parser, left, tighter_than, out, err))
        return false;
    parser_leave(parser);
    return true;
}

/* Operators that bind tighter than `tighter_than` and follow left. ^ is right associative. */
static bool binary_tail(struct parser *parser, struct expr *left, int tighter_than, struct expr **out, struct err *err)
{
    enum binary_op op;
    int precedence = 0;
    while (binary_op_of(parser, &op, &precedence) && precedence > tighter_than) {
        struct expr *binary = ARENA_NEW(parser->arena, struct expr);
        binary->kind = EXPR_BINARY;
        binary->binary_op = op;
        binary->left = left;
        if (!parser_next(parser, err) || !modifiers(parser, binary, err) ||
            !operand(parser, op == BINARY_POW ? precedence - 1 : precedence, &binary->right, err) || !binary_join(parser, binary, &left, err))
            return false;
    }
    *out = left;
    return true;
}

bool parse_expr(struct parser *parser, struct expr **out, struct err *err)
{
    return operand(parser, -1, out, err);
}

bool parse_metric_expr(struct parser *parser, struct expr **out, struct err *err)
{
    return parse_expr(parser, out, err) && ((*out)->kind != EXPR_LOG || parser_unexpected(parser, NULL, err));
}
