#include "core/loql/loql_lexer.h"

void loql_lexer_init(struct loql_lexer *lexer, struct slice text, struct arena *arena)
{
    *lexer = (struct loql_lexer){.rest = text, .arena = arena, .line = 1, .column = 1};
}

static void skip(struct loql_lexer *lexer, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lexer->rest.ptr[i] == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else {
            lexer->column++;
        }
    }
    lexer->rest = slice_from(lexer->rest, n);
}

static void skip_blanks(struct loql_lexer *lexer)
{
    for (;;) {
        size_t n = 0;
        while (n < lexer->rest.len && strchr(" \t\r\n", lexer->rest.ptr[n]) != NULL && lexer->rest.ptr[n] != '\0')
            n++;
        skip(lexer, n);
        if (!slice_starts(lexer->rest, SLICE("//")))
            return;
        skip(lexer, slice_find_byte(lexer->rest, '\n'));
    }
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("_-:/@.+", c) != NULL);
}

static struct loql_token bad(struct loql_token token, const char *text)
{
    token.kind = TOKEN_BAD;
    token.text = slice_str(text);
    return token;
}

/* \n, \t, \r are what they are in C; any other byte behind a backslash stands for itself. */
static char unescaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c;
    }
}

static struct loql_token quoted(struct loql_lexer *lexer, struct loql_token token)
{
    char quote = lexer->rest.ptr[0];
    char *out = arena_alloc(lexer->arena, lexer->rest.len, 1);
    size_t len = 0;
    size_t i = 1;
    while (i < lexer->rest.len && lexer->rest.ptr[i] != quote) {
        bool is_escape = lexer->rest.ptr[i] == '\\' && i + 1 < lexer->rest.len;
        out[len++] = is_escape ? unescaped(lexer->rest.ptr[i + 1]) : lexer->rest.ptr[i];
        i += is_escape ? 2 : 1;
    }
    if (i >= lexer->rest.len)
        return bad(token, "a quote is not closed");
    skip(lexer, i + 1);
    token.kind = TOKEN_WORD;
    token.is_quoted = true;
    token.text = slice_of(out, len);
    return token;
}

struct loql_token loql_lexer_next(struct loql_lexer *lexer)
{
    static const struct {
        const char *text;
        enum loql_token_kind kind;
    } signs[] = {
        {"!=", TOKEN_NEQ},       {"!~", TOKEN_NRE},        {"=", TOKEN_EQ},          {"~", TOKEN_RE},
        {"[", TOKEN_OPEN_BRACKET}, {"]", TOKEN_CLOSE_BRACKET}, {"{", TOKEN_OPEN_BRACE}, {"}", TOKEN_CLOSE_BRACE},
        {"(", TOKEN_OPEN_PAREN}, {")", TOKEN_CLOSE_PAREN}, {",", TOKEN_COMMA},
    };
    skip_blanks(lexer);
    struct loql_token token = {.kind = TOKEN_END, .line = lexer->line, .column = lexer->column};
    if (lexer->rest.len == 0)
        return token;
    for (size_t i = 0; i < LENGTH(signs); i++) {
        if (slice_starts(lexer->rest, slice_str(signs[i].text))) {
            skip(lexer, strlen(signs[i].text));
            token.kind = signs[i].kind;
            return token;
        }
    }
    if (lexer->rest.ptr[0] == '"' || lexer->rest.ptr[0] == '\'')
        return quoted(lexer, token);
    size_t n = 0;
    while (n < lexer->rest.len && is_bare(lexer->rest.ptr[n]) && !slice_starts(slice_from(lexer->rest, n), SLICE("//")))
        n++;
    if (n == 0)
        return bad(token, "unexpected character");
    token.kind = TOKEN_WORD;
    token.text = slice_of(lexer->rest.ptr, n);
    skip(lexer, n);
    return token;
}
