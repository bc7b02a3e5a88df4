#include "core/template/template_lex.h"

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t word_end(struct slice source, size_t at, size_t end)
{
    while (at < end && is_word_byte(source.ptr[at]))
        at++;
    return at;
}

static bool quoted(struct slice source, size_t begin, size_t end, struct template_token *out, size_t *at, struct err *err)
{
    char quote = source.ptr[begin];
    size_t i = begin + 1;
    while (i < end && source.ptr[i] != quote) {
        if (quote != '`' && source.ptr[i] == '\n')
            break;
        i += quote != '`' && source.ptr[i] == '\\' ? 2 : 1;
    }
    if (i >= end || source.ptr[i] != quote)
        return err_set(err, ERR_INVALID, quote == '`'    ? "unterminated raw quoted string"
                                         : quote == '\'' ? "unterminated character constant"
                                                         : "unterminated quoted string");
    out->kind = quote == '\'' ? TT_CHARACTER : TT_STRING;
    out->text = slice_of(source.ptr + begin, i + 1 - begin);
    *at = i + 1;
    return true;
}

static size_t digits_end(struct slice source, size_t at, size_t end, const char *digits)
{
    while (at < end && source.ptr[at] != '\0' && strchr(digits, source.ptr[at]) != NULL)
        at++;
    return at;
}

static bool accept(struct slice source, size_t *at, size_t end, const char *any)
{
    if (*at >= end || source.ptr[*at] == '\0' || strchr(any, source.ptr[*at]) == NULL)
        return false;
    (*at)++;
    return true;
}

/* Go's forms: 10, 0x1F, 0b1, 0o7, 1.5, 1e3, 1_000, 2i. */
static bool number(struct slice source, size_t begin, size_t end, struct template_token *out, size_t *at, struct err *err)
{
    const char *digits = "0123456789_";
    bool is_hex = false;
    size_t i = begin;
    (void)accept(source, &i, end, "+-");
    if (accept(source, &i, end, "0")) {
        is_hex = accept(source, &i, end, "xX");
        if (is_hex)
            digits = "0123456789abcdefABCDEF_";
        else if (accept(source, &i, end, "oO"))
            digits = "01234567_";
        else if (accept(source, &i, end, "bB"))
            digits = "01_";
    }
    i = digits_end(source, i, end, digits);
    if (accept(source, &i, end, "."))
        i = digits_end(source, i, end, digits);
    if (accept(source, &i, end, is_hex ? "pP" : "eE")) {
        (void)accept(source, &i, end, "+-");
        i = digits_end(source, i, end, "0123456789_");
    }
    (void)accept(source, &i, end, "i");
    bool is_bad = i < end && is_word_byte(source.ptr[i]);
    out->kind = TT_NUMBER;
    out->text = slice_of(source.ptr + begin, i + (is_bad ? 1 : 0) - begin);
    *at = i;
    return !is_bad || err_set(err, ERR_INVALID, "bad number syntax: \"%.*s\"", SLICE_ARG(out->text));
}

static bool symbol(struct slice source, size_t begin, size_t end, struct template_token *out, size_t *at, struct err *err)
{
    static const struct {
        char c;
        enum template_token_kind kind;
    } symbols[] = {{'(', TT_OPEN}, {')', TT_CLOSE}, {'|', TT_PIPE}, {'=', TT_ASSIGN}, {',', TT_COMMA}};
    if (source.ptr[begin] == ':') {
        if (begin + 1 >= end || source.ptr[begin + 1] != '=')
            return err_set(err, ERR_INVALID, "expected :=");
        *at = begin + 2;
        out->kind = TT_DECLARE;
        return true;
    }
    for (size_t i = 0; i < LENGTH(symbols); i++) {
        if (symbols[i].c == source.ptr[begin]) {
            *at = begin + 1;
            out->kind = symbols[i].kind;
            return true;
        }
    }
    unsigned char c = (unsigned char)source.ptr[begin];
    if (c < 0x20 || c >= 0x7f)
        return err_set(err, ERR_INVALID, "unrecognized character in action: U+%04X", c);
    *at = begin + 1;
    out->kind = TT_OTHER;
    return true;
}

/* What may stand behind a name. */
static bool ends_word(struct slice source, size_t at, size_t end, struct err *err)
{
    if (at >= end || is_blank(source.ptr[at]) || (source.ptr[at] != '\0' && strchr(".,|:()", source.ptr[at]) != NULL))
        return true;
    const unsigned char c = (unsigned char)source.ptr[at];
    if (c < 0x20 || c == 0x7f)
        return err_set(err, ERR_INVALID, "bad character U+%04X", c);
    return err_set(err, ERR_INVALID, "bad character U+%04X '%c'", c, c);
}

bool template_lex(struct slice source, size_t *at, size_t end, struct template_token *out, struct err *err)
{
    size_t begin = *at;
    *out = (struct template_token){.kind = TT_END, .offset = begin};
    if (begin >= end)
        return true;
    char c = source.ptr[begin];
    char next = begin + 1 < end ? source.ptr[begin + 1] : '\0';
    if (is_blank(c)) {
        while (*at < end && is_blank(source.ptr[*at]))
            (*at)++;
        out->kind = TT_SPACE;
        return true;
    }
    if (c == '"' || c == '`' || c == '\'')
        return quoted(source, begin, end, out, at, err);
    if ((c >= '0' && c <= '9') || c == '+' || c == '-' || (c == '.' && next >= '0' && next <= '9'))
        return number(source, begin, end, out, at, err);
    if (c == '.') {
        *at = word_end(source, begin + 1, end);
        out->kind = *at == begin + 1 ? TT_DOT : TT_FIELD;
        out->text = out->kind == TT_DOT ? SLICE(".") : slice_of(source.ptr + begin + 1, *at - begin - 1);
        return ends_word(source, *at, end, err);
    }
    if (c == '$') {
        *at = word_end(source, begin + 1, end);
        out->kind = TT_VARIABLE;
        out->text = slice_of(source.ptr + begin, *at - begin);
        return ends_word(source, *at, end, err);
    }
    if (is_word_byte(c)) {
        *at = word_end(source, begin, end);
        out->kind = TT_IDENTIFIER;
        out->text = slice_of(source.ptr + begin, *at - begin);
        return ends_word(source, *at, end, err);
    }
    out->text = slice_of(source.ptr + begin, 1);
    return symbol(source, begin, end, out, at, err);
}
