#include "core/logql/lexer.h"

#include "core/model/go_text.h"

static const struct word_entry {
    struct slice text;
    enum word word;
    const char *name; /* in messages */
} words[] = {
    {{"rate", 4}, WORD_RATE, "RATE"},
    {{"rate_counter", 12}, WORD_RATE_COUNTER, "RATE_COUNTER"},
    {{"count_over_time", 15}, WORD_COUNT_OVER_TIME, "COUNT_OVER_TIME"},
    {{"bytes_rate", 10}, WORD_BYTES_RATE, "BYTES_RATE"},
    {{"bytes_over_time", 15}, WORD_BYTES_OVER_TIME, "BYTES_OVER_TIME"},
    {{"avg_over_time", 13}, WORD_AVG_OVER_TIME, "AVG_OVER_TIME"},
    {{"sum_over_time", 13}, WORD_SUM_OVER_TIME, "SUM_OVER_TIME"},
    {{"min_over_time", 13}, WORD_MIN_OVER_TIME, "MIN_OVER_TIME"},
    {{"max_over_time", 13}, WORD_MAX_OVER_TIME, "MAX_OVER_TIME"},
    {{"stdvar_over_time", 16}, WORD_STDVAR_OVER_TIME, "STDVAR_OVER_TIME"},
    {{"stddev_over_time", 16}, WORD_STDDEV_OVER_TIME, "STDDEV_OVER_TIME"},
    {{"quantile_over_time", 18}, WORD_QUANTILE_OVER_TIME, "QUANTILE_OVER_TIME"},
    {{"first_over_time", 15}, WORD_FIRST_OVER_TIME, "FIRST_OVER_TIME"},
    {{"last_over_time", 14}, WORD_LAST_OVER_TIME, "LAST_OVER_TIME"},
    {{"absent_over_time", 16}, WORD_ABSENT_OVER_TIME, "ABSENT_OVER_TIME"},
    {{"vector", 6}, WORD_VECTOR, "VECTOR"},
    {{"sum", 3}, WORD_SUM, "SUM"},
    {{"avg", 3}, WORD_AVG, "AVG"},
    {{"max", 3}, WORD_MAX, "MAX"},
    {{"min", 3}, WORD_MIN, "MIN"},
    {{"count", 5}, WORD_COUNT, "COUNT"},
    {{"stddev", 6}, WORD_STDDEV, "STDDEV"},
    {{"stdvar", 6}, WORD_STDVAR, "STDVAR"},
    {{"bottomk", 7}, WORD_BOTTOMK, "BOTTOMK"},
    {{"topk", 4}, WORD_TOPK, "TOPK"},
    {{"sort", 4}, WORD_SORT, "SORT"},
    {{"sort_desc", 9}, WORD_SORT_DESC, "SORT_DESC"},
    {{"label_replace", 13}, WORD_LABEL_REPLACE, "label_replace"},
    {{"approx_topk", 11}, WORD_APPROX_TOPK, "APPROX_TOPK"},
    {{"bytes", 5}, WORD_BYTES, "BYTES_CONV"},
    {{"duration", 8}, WORD_DURATION, "DURATION_CONV"},
    {{"duration_seconds", 16}, WORD_DURATION_SECONDS, "DURATION_SECONDS_CONV"},
    {{"ip", 2}, WORD_IP, "ip"},
    {{"by", 2}, WORD_BY, "by"},
    {{"without", 7}, WORD_WITHOUT, "without"},
    {{"bool", 4}, WORD_BOOL, "bool"},
    {{"offset", 6}, WORD_OFFSET, "offset"},
    {{"on", 2}, WORD_ON, "on"},
    {{"ignoring", 8}, WORD_IGNORING, "ignoring"},
    {{"group_left", 10}, WORD_GROUP_LEFT, "group_left"},
    {{"group_right", 11}, WORD_GROUP_RIGHT, "group_right"},
    {{"and", 3}, WORD_AND, "and"},
    {{"or", 2}, WORD_OR, "or"},
    {{"unless", 6}, WORD_UNLESS, "unless"},
    {{"unwrap", 6}, WORD_UNWRAP, "unwrap"},
    {{"json", 4}, WORD_JSON, "json"},
    {{"regexp", 6}, WORD_REGEXP, "regexp"},
    {{"logfmt", 6}, WORD_LOGFMT, "logfmt"},
    {{"unpack", 6}, WORD_UNPACK, "unpack"},
    {{"pattern", 7}, WORD_PATTERN, "pattern"},
    {{"label_format", 12}, WORD_LABEL_FORMAT, "label_format"},
    {{"line_format", 11}, WORD_LINE_FORMAT, "line_format"},
    {{"decolorize", 10}, WORD_DECOLORIZE, "decolorize"},
    {{"drop", 4}, WORD_DROP, "drop"},
    {{"keep", 4}, WORD_KEEP, "keep"},
    {{"variants", 8}, WORD_VARIANTS, "variants"},
    {{"of", 2}, WORD_OF, "of"},
};

static const struct operator_entry {
    const char *text;
    enum token_kind kind;
} operators[] = {
    // longer ones first
    {"|=", TOKEN_PIPE_EXACT}, {"|~", TOKEN_PIPE_MATCH}, {"|>", TOKEN_PIPE_PATTERN}, {"!=", TOKEN_NEQ}, {"!~", TOKEN_NRE},
    {"!>", TOKEN_NPATTERN},   {"=~", TOKEN_RE},         {"==", TOKEN_CMP_EQ},       {">=", TOKEN_GTE}, {"<=", TOKEN_LTE},
    {"{", TOKEN_OPEN_BRACE},  {"}", TOKEN_CLOSE_BRACE}, {"(", TOKEN_OPEN_PAREN},    {")", TOKEN_CLOSE_PAREN},
    {",", TOKEN_COMMA},       {".", TOKEN_DOT},         {"|", TOKEN_PIPE},          {"=", TOKEN_EQ},   {">", TOKEN_GT},
    {"<", TOKEN_LT},          {"+", TOKEN_ADD},         {"-", TOKEN_SUB},           {"*", TOKEN_MUL},  {"/", TOKEN_DIV},
    {"%", TOKEN_MOD},         {"^", TOKEN_POW},         {"]", TOKEN_CLOSE_BRACKET},
};

const char *token_name(const struct token *token)
{
    static const char *const classes[] = {"$end", "IDENTIFIER", "STRING", "NUMBER", "DURATION", "BYTES", "RANGE", "FUNCTION_FLAG"};
    if (token->kind <= TOKEN_FLAG)
        return classes[token->kind];
    for (size_t i = 0; i < LENGTH(words) && token->kind == TOKEN_WORD; i++) {
        if (words[i].word == token->word)
            return words[i].name;
    }
    for (size_t i = 0; i < LENGTH(operators); i++) {
        if (operators[i].kind == token->kind)
            return operators[i].text;
    }
    return "IDENTIFIER";
}

void lexer_init(struct lexer *lexer, struct slice text, struct arena *arena)
{
    *lexer = (struct lexer){text, 0, 1, 1, arena};
}

static bool fail(unsigned line, unsigned column, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "parse error at line %u, col %u: %s", line, column, what);
}

static char peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : '\0';
}

/* Moves over n bytes, counting lines, and columns in characters. */
static void skip(struct lexer *lexer, size_t n)
{
    for (size_t i = 0; i < n && lexer->at < lexer->text.len; i++, lexer->at++) {
        char c = lexer->text.ptr[lexer->at];
        if (c == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else if (((unsigned char)c & 0xc0) != 0x80) {
            lexer->column++;
        }
    }
}

static void skip_to(struct lexer *lexer, size_t at)
{
    skip(lexer, at - lexer->at);
}

static bool skip_blank(struct lexer *lexer, struct err *err)
{
    for (;;) {
        char c = peek(lexer, 0);
        bool has = lexer->at < lexer->text.len;
        if (has && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            skip(lexer, 1);
        } else if (c == '#' || (c == '/' && peek(lexer, 1) == '/')) {
            struct slice rest = slice_from(lexer->text, lexer->at);
            skip(lexer, slice_find_byte(rest, '\n'));
        } else if (c == '/' && peek(lexer, 1) == '*') {
            struct slice rest = slice_from(lexer->text, lexer->at + 2);
            const char *end = rest.len == 0 ? NULL : memmem(rest.ptr, rest.len, "*/", 2);
            if (end == NULL)
                return fail(lexer->line, lexer->column, "comment not terminated", err);
            skip(lexer, (size_t)(end - rest.ptr) + 4);
        } else {
            return true;
        }
    }
}

/* ---- strings ---- */

static bool string(struct lexer *lexer, struct token *out, struct err *err)
{
    char quote = peek(lexer, 0);
    size_t end = lexer->at + 1;
    struct buf value = BUF_INIT;
    while (end < lexer->text.len && lexer->text.ptr[end] != quote) {
        char c = lexer->text.ptr[end];
        if (quote != '`' && c == '\n')
            break;
        end += quote != '`' && c == '\\' && end + 1 < lexer->text.len && lexer->text.ptr[end + 1] != '\n' ? 2 : 1;
    }
    if (end >= lexer->text.len || lexer->text.ptr[end] != quote) { // a bad escape before the end is met first
        buf_put(&value, slice_of(lexer->text.ptr + lexer->at, end - lexer->at));
        buf_byte(&value, quote);
        struct buf unquoted = BUF_INIT;
        bool is_good = quote == '`' || go_unquote(buf_slice(&value), &unquoted);
        buf_fini(&unquoted);
        buf_fini(&value);
        return fail(out->line, out->column, is_good ? "literal not terminated" : "invalid char escape", err);
    }
    struct slice literal = slice_of(lexer->text.ptr + lexer->at, end + 1 - lexer->at);
    skip_to(lexer, end + 1);
    bool ok = go_unquote(literal, &value);
    size_t one = 0;
    if (quote == '\'') { // a character literal
        (void)utf8_decode(buf_slice(&value), &one);
        out->kind = TOKEN_OTHER;
        out->text = literal;
    } else {
        out->kind = TOKEN_STRING;
        out->text = arena_copy(lexer->arena, buf_slice(&value));
    }
    bool fits = quote != '\'' || (value.len > 0 && one == value.len);
    buf_fini(&value);
    return (ok && fits) || fail(out->line, out->column, ok ? "invalid char literal" : "invalid char escape", err);
}

/* ---- numbers, durations, sizes ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_digit_of(char c, unsigned base)
{
    if (base == 16)
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return c >= '0' && c < (char)('0' + (base < 10 ? base : 10));
}

/* Digits of the base with underscores between; how many bytes. */
static size_t digits(const struct lexer *lexer, size_t at, unsigned base)
{
    size_t begin = at;
    while (at < lexer->text.len && (is_digit_of(lexer->text.ptr[at], base) || lexer->text.ptr[at] == '_'))
        at++;
    return at - begin;
}

/* The end of a number by Go's syntax; *error is set where Go's scanner has one. */
static size_t number_end(const struct lexer *lexer, const char **error)
{
    size_t at = lexer->at;
    char second = (char)(peek(lexer, 1) | 0x20);
    unsigned base = peek(lexer, 0) != '0' ? 10 : second == 'x' ? 16 : second == 'b' ? 2 : second == 'o' ? 8 : 10;
    *error = NULL;
    if (base != 10) {
        size_t count = digits(lexer, at + 2, base);
        if (count == 0)
            *error = base == 16 ? "hexadecimal literal has no digits" : base == 2 ? "decimal literal has no digits" : "octal literal has no digits";
        at += 2 + count;
        if (base != 16)
            return at;
    } else {
        at += digits(lexer, at, 10);
    }
    if (at < lexer->text.len && lexer->text.ptr[at] == '.') {
        at++;
        at += digits(lexer, at, base);
    }
    char mark = at < lexer->text.len ? (char)(lexer->text.ptr[at] | 0x20) : '\0';
    if (mark == (base == 16 ? 'p' : 'e')) {
        at++;
        if (at < lexer->text.len && (lexer->text.ptr[at] == '+' || lexer->text.ptr[at] == '-'))
            at++;
        size_t count = digits(lexer, at, 10);
        if (count == 0)
            *error = "exponent has no digits";
        at += count;
    }
    return at;
}

/* The run of characters that a duration or size may be made of, from the token's start on. */
static size_t run_end(const struct lexer *lexer, size_t at, const char *letters)
{
    while (at < lexer->text.len) {
        char c = lexer->text.ptr[at];
        if (c == '\xc2' && at + 1 < lexer->text.len && lexer->text.ptr[at + 1] == '\xb5' && strchr(letters, 'u') != NULL) {
            at += 2; // the micro sign
        } else if (is_digit(c) || c == '.' || (c != '\0' && strchr(letters, c) != NULL)) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* begin: of the token; at: behind what the scanner took of it. */
static bool try_duration(struct lexer *lexer, size_t begin, size_t at, struct token *out)
{
    struct err err;
    size_t end = run_end(lexer, at, "nuµmshdwy");
    struct slice text = slice_of(lexer->text.ptr + begin, end - begin);
    if (end == at || (!prom_parse_duration(text, &out->duration_ns, &err) && !go_parse_duration(text, &out->duration_ns, &err)))
        return false;
    out->kind = TOKEN_DURATION;
    out->text = text;
    out->line = 0;
    skip_to(lexer, end);
    return true;
}

static bool try_bytes(struct lexer *lexer, size_t begin, size_t at, struct token *out)
{
    struct err err;
    size_t end = run_end(lexer, at, "BikKMGTP");
    struct slice text = slice_of(lexer->text.ptr + begin, end - begin);
    if (end == at || !humanize_parse_bytes(text, &out->bytes, &err))
        return false;
    out->kind = TOKEN_BYTES;
    out->text = text;
    out->line = 0;
    skip_to(lexer, end);
    return true;
}

static bool number(struct lexer *lexer, struct token *out, struct err *err)
{
    const char *error = NULL;
    size_t begin = lexer->at;
    size_t end = number_end(lexer, &error);
    if (error != NULL)
        return fail(out->line, out->column, error, err);
    if (try_duration(lexer, begin, end, out) || try_bytes(lexer, begin, end, out))
        return true;
    out->kind = TOKEN_NUMBER;
    out->text = slice_of(lexer->text.ptr + begin, end - begin);
    skip_to(lexer, end);
    return true;
}

/* [5m] */
static bool range(struct lexer *lexer, struct token *out, struct err *err)
{
    struct slice rest = slice_from(lexer->text, lexer->at + 1);
    size_t close = slice_find_byte(rest, ']');
    struct err inner;
    out->line = 0;
    if (close == rest.len)
        return fail(out->line, out->column, "missing closing ']' in duration", err);
    out->kind = TOKEN_RANGE;
    out->text = slice_of(rest.ptr, close);
    if (!prom_parse_duration(out->text, &out->duration_ns, &inner))
        return fail(out->line, out->column, inner.text, err);
    skip(lexer, close + 2);
    return true;
}

/* ---- words ---- */

static bool is_letter(struct slice rest, size_t *len)
{
    if (rest.len == 0)
        return false;
    unsigned char c = (unsigned char)rest.ptr[0];
    *len = 1;
    if (c < 0x80)
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    // Letters beyond ASCII only tell where a bad identifier ends: no label name has them.
    uint32_t rune = utf8_decode(rest, len);
    return rune != 0xfffd && rune > 0xbf && rune != 0xd7 && rune != 0xf7;
}

static struct slice identifier(const struct lexer *lexer)
{
    size_t at = lexer->at;
    size_t len = 0;
    while (at < lexer->text.len && (is_digit(lexer->text.ptr[at]) || is_letter(slice_from(lexer->text, at), &len)))
        at += is_digit(lexer->text.ptr[at]) ? 1 : len;
    return slice_of(lexer->text.ptr + lexer->at, at - lexer->at);
}

static void skip_spaces(struct lexer *lexer)
{
    while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t' || peek(lexer, 0) == '\n' || peek(lexer, 0) == '\r')
        skip(lexer, 1);
}

/* A function word is one only before ( , or before by ( or without (; with no comment between. */
static bool is_call(struct lexer ahead)
{
    skip_spaces(&ahead);
    if (peek(&ahead, 0) == '(')
        return true;
    struct slice next = identifier(&ahead);
    if (!slice_eq_nocase(next, SLICE("by")) && !slice_eq_nocase(next, SLICE("without")))
        return false;
    skip(&ahead, next.len);
    skip_spaces(&ahead);
    return peek(&ahead, 0) == '(';
}

static void word(struct lexer *lexer, struct token *out)
{
    out->text = identifier(lexer);
    skip(lexer, out->text.len);
    out->kind = TOKEN_IDENTIFIER;
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq_nocase(out->text, words[i].text) && (words[i].word >= WORD_BY || is_call(*lexer))) {
            out->kind = TOKEN_WORD;
            out->word = words[i].word;
            return;
        }
    }
}

/* ---- the rest ---- */

/* A flag is all the letters and minus signs that stand together. */
static bool try_flag(struct lexer *lexer, struct token *out)
{
    static const struct slice flags[] = {{"--strict", 8}, {"--keep-empty", 12}};
    struct slice rest = slice_from(lexer->text, lexer->at);
    size_t end = 0;
    for (size_t len = 1; end < rest.len && rest.ptr[end] != '_' && (rest.ptr[end] == '-' || is_letter(slice_from(rest, end), &len)); len = 1)
        end += len;
    for (size_t i = 0; i < LENGTH(flags); i++) {
        if (slice_eq(slice_of(rest.ptr, end), flags[i])) {
            out->kind = TOKEN_FLAG;
            out->text = flags[i];
            out->line = 0;
            skip(lexer, flags[i].len);
            return true;
        }
    }
    return false;
}

static void symbol(struct lexer *lexer, struct token *out)
{
    struct slice rest = slice_from(lexer->text, lexer->at);
    for (size_t i = 0; i < LENGTH(operators); i++) {
        struct slice text = slice_str(operators[i].text);
        if (slice_starts(rest, text)) {
            out->kind = operators[i].kind;
            out->text = text;
            if (text.len == 2)
                out->line = 0;
            skip(lexer, text.len);
            return;
        }
    }
    size_t len = 1;
    (void)utf8_decode(rest, &len);
    out->kind = TOKEN_OTHER;
    out->text = slice_of(rest.ptr, len);
    skip(lexer, len);
}

bool lexer_next(struct lexer *lexer, struct token *out, struct err *err)
{
    size_t len = 0;
    if (!skip_blank(lexer, err))
        return false;
    *out = (struct token){.kind = TOKEN_END, .line = lexer->line, .column = lexer->column};
    if (lexer->at == lexer->text.len)
        return true;
    char c = peek(lexer, 0);
    if (c == '"' || c == '`' || c == '\'')
        return string(lexer, out, err);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
        return number(lexer, out, err);
    if (c == '[')
        return range(lexer, out, err);
    if (c == '-' && (try_flag(lexer, out) || try_duration(lexer, lexer->at, lexer->at + 1, out)))
        return true;
    if (is_letter(slice_from(lexer->text, lexer->at), &len)) {
        word(lexer, out);
        return true;
    }
    symbol(lexer, out);
    return true;
}
