#include "core/loql/loql.h"

#include "core/loql/loql_lexer.h"
#include "core/model/go_text.h"

struct parser {
    struct loql_lexer lexer;
    struct loql_token token; /* the next one */
    struct loql_query *query;
    struct loql_fault *fault;
    struct err *err;
    struct arena *arena;
    int64_t now_ns;
    size_t depth;
};

static void advance(struct parser *parser)
{
    parser->token = loql_lexer_next(&parser->lexer);
}

static bool fail(struct parser *parser, const char *text)
{
    const struct loql_token *at = &parser->token;
    struct slice said = at->kind == TOKEN_BAD ? at->text : slice_str(text);
    *parser->fault = (struct loql_fault){at->line, at->column, said};
    return err_set(parser->err, ERR_INVALID, "%zu:%zu: %.*s", at->line, at->column, SLICE_ARG(said));
}

static bool take(struct parser *parser, enum loql_token_kind kind, const char *otherwise)
{
    if (parser->token.kind != kind)
        return fail(parser, otherwise);
    advance(parser);
    return true;
}

/* ---- time ---- */

static bool ago_parse(struct slice text, int64_t now_ns, int64_t *out_ns)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'s', NS_PER_S}, {'m', NS_PER_MIN}, {'h', NS_PER_HOUR}, {'d', NS_PER_DAY}};
    int64_t count = 0;
    int64_t back_ns = 0;
    if (slice_starts(text, SLICE("-")))
        text = slice_from(text, 1);
    if (text.len < 2 || text.ptr[0] < '0' || text.ptr[0] > '9' || !go_parse_int(slice_of(text.ptr, text.len - 1), &count, NULL))
        return false;
    for (size_t i = 0; i < LENGTH(units); i++) {
        if (text.ptr[text.len - 1] == units[i].unit)
            return !__builtin_mul_overflow(count, units[i].ns, &back_ns) && !__builtin_sub_overflow(now_ns, back_ns, out_ns);
    }
    return false;
}

static bool iso_parse(struct slice text, struct arena *arena, int64_t *out_ns)
{
    static const char *const ends[] = {"", "Z", ":00Z", "T00:00:00Z"};
    for (size_t i = 0; i < LENGTH(ends); i++) {
        if (rfc3339_parse(arena_printf(arena, "%.*s%s", SLICE_ARG(text), ends[i]), out_ns))
            return true;
    }
    return false;
}

bool loql_time_parse(struct slice text, int64_t now_ns, struct arena *arena, int64_t *out_ns)
{
    *out_ns = now_ns;
    return slice_eq_nocase(text, SLICE("now")) || ago_parse(text, now_ns, out_ns) || iso_parse(text, arena, out_ns);
}

/* Nothing is now. */
static bool parse_time(struct parser *parser, bool *is_given, int64_t *out_ns)
{
    *is_given = parser->token.kind == TOKEN_WORD;
    *out_ns = parser->now_ns;
    if (!*is_given)
        return parser->token.kind != TOKEN_BAD || fail(parser, "");
    if (!loql_time_parse(parser->token.text, parser->now_ns, parser->arena, out_ns))
        return fail(parser, "a time is ISO 8601, now, or a distance such as 15m");
    advance(parser);
    return true;
}

static bool parse_range(struct parser *parser)
{
    bool has_first = false;
    bool has_last = false;
    if (!take(parser, TOKEN_OPEN_BRACKET, "a query begins with [from, to]") ||
        !parse_time(parser, &has_first, &parser->query->first_ns) ||
        !take(parser, TOKEN_COMMA, "a comma between the two times is missing") ||
        !parse_time(parser, &has_last, &parser->query->last_ns))
        return false;
    if (!has_first && !has_last)
        return fail(parser, "one of the two times must be given");
    if (parser->query->first_ns > parser->query->last_ns)
        return fail(parser, "the range ends before it begins");
    return take(parser, TOKEN_CLOSE_BRACKET, "] is missing");
}

/* ---- conditions ---- */

static bool is_word(const struct parser *parser, struct slice word)
{
    return parser->token.kind == TOKEN_WORD && !parser->token.is_quoted && slice_eq_nocase(parser->token.text, word);
}

static struct loql_node *parse_or(struct parser *parser, bool is_tags);

static bool op_of(enum loql_token_kind kind, enum matcher_op *out)
{
    *out = kind == TOKEN_EQ ? MATCH_EQ : kind == TOKEN_NEQ ? MATCH_NEQ : kind == TOKEN_RE ? MATCH_RE : MATCH_NRE;
    return kind == TOKEN_EQ || kind == TOKEN_NEQ || kind == TOKEN_RE || kind == TOKEN_NRE;
}

static struct loql_node *parse_test(struct parser *parser, bool is_tags)
{
    struct slice name = parser->token.text;
    advance(parser);
    enum matcher_op op = MATCH_EQ;
    if (!op_of(parser->token.kind, &op)) {
        (void)fail(parser, is_tags ? "= or != is missing" : "=, !=, ~ or !~ is missing");
        return NULL;
    }
    if (is_tags && (op == MATCH_RE || op == MATCH_NRE)) {
        (void)fail(parser, "tags are compared with = or !=");
        return NULL;
    }
    advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        (void)fail(parser, "a value is missing");
        return NULL;
    }
    struct loql_node *node = loql_test_create(parser->query, op, name, parser->token.text, parser->arena, parser->err);
    if (node == NULL)
        (void)fail(parser, arena_printf(parser->arena, "%s", parser->err->text).ptr);
    else
        advance(parser);
    return node;
}

static struct loql_node *parse_primary(struct parser *parser, bool is_tags)
{
    if (parser->token.kind == TOKEN_WORD && !is_word(parser, SLICE("and")) && !is_word(parser, SLICE("or")))
        return parse_test(parser, is_tags);
    if (parser->token.kind != TOKEN_OPEN_PAREN) {
        (void)fail(parser, "a condition is missing");
        return NULL;
    }
    if (parser->depth == LOQL_DEPTH_MAX) {
        (void)fail(parser, "parentheses are nested too deeply");
        return NULL;
    }
    advance(parser);
    parser->depth++;
    struct loql_node *node = parse_or(parser, is_tags);
    parser->depth--;
    return node != NULL && take(parser, TOKEN_CLOSE_PAREN, ") is missing") ? node : NULL;
}

static bool begins_primary(const struct parser *parser)
{
    return parser->token.kind == TOKEN_OPEN_PAREN || (parser->token.kind == TOKEN_WORD && !is_word(parser, SLICE("or")));
}

static struct loql_node *parse_and(struct parser *parser, bool is_tags)
{
    struct loql_node *node = parse_primary(parser, is_tags);
    while (node != NULL && begins_primary(parser)) {
        if (is_word(parser, SLICE("and")))
            advance(parser);
        struct loql_node *right = parse_primary(parser, is_tags);
        node = right == NULL ? NULL : loql_node_join(LOQL_AND, node, right, parser->arena);
    }
    return node;
}

static struct loql_node *parse_or(struct parser *parser, bool is_tags)
{
    struct loql_node *node = parse_and(parser, is_tags);
    while (node != NULL && is_word(parser, SLICE("or"))) {
        advance(parser);
        struct loql_node *right = parse_and(parser, is_tags);
        node = right == NULL ? NULL : loql_node_join(LOQL_OR, node, right, parser->arena);
    }
    return node;
}

static bool parse_query(struct parser *parser)
{
    struct loql_query *query = parser->query;
    if (!parse_range(parser))
        return false;
    if (parser->token.kind == TOKEN_OPEN_BRACE) {
        advance(parser);
        if (parser->token.kind != TOKEN_CLOSE_BRACE && (query->tags = parse_or(parser, true)) == NULL)
            return false;
        if (!take(parser, TOKEN_CLOSE_BRACE, "} is missing"))
            return false;
    }
    if (parser->token.kind != TOKEN_END && (query->fields = parse_or(parser, false)) == NULL)
        return false;
    return parser->token.kind == TOKEN_END || fail(parser, "the query should end here");
}

bool loql_parse(struct slice text, int64_t now_ns, struct arena *arena, struct loql_query *out, struct loql_fault *fault, struct err *err)
{
    *out = (struct loql_query){0};
    struct parser parser = {.query = out, .fault = fault, .err = err, .arena = arena, .now_ns = now_ns};
    loql_lexer_init(&parser.lexer, arena_copy(arena, text), arena);
    if (text.len > LOQL_TEXT_MAX) {
        parser.token = (struct loql_token){.line = 1, .column = 1};
        return fail(&parser, "the query is longer than 1920 bytes");
    }
    advance(&parser);
    return parse_query(&parser);
}
