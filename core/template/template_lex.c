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

static bool number(struct slice source, size_t begin, size_t end, struct template_token *out, size_t *at, struct err *err)
{
    size_t i = begin;
    if (source.ptr[i] == '+' || source.ptr[i] == '-')
        i++;
    while (i < end && (is_word_byte(source.ptr[i]) || source.ptr[i] == '.' ||
                       ((source.ptr[i] == '+' || source.ptr[i] == '-') && (source.ptr[i - 1] | 0x20) == 'e')))
        i++;
    out->kind = TT_NUMBER;
    out->text = slice_of(source.ptr + begin, i - begin);
    *at = i;
    for (size_t k = 0; k < out->text.len; k++) { // what can stand in no number
        char c = (char)(out->text.ptr[k] | 0x20);
        if (c >= 'g' && c <= 'z' && c != 'x' && c != 'o' && c != 'p' && c != 'i')
            return err_set(err, ERR_INVALID, "bad number syntax: \"%.*s\"", SLICE_ARG(out->text));
    }
    bool has_prefix = out->text.len > 1 && out->text.ptr[0] == '0';
    for (size_t k = 0; k < out->text.len && !has_prefix; k++) {
        char c = (char)(out->text.ptr[k] | 0x20);
        if (c >= 'a' && c <= 'z' && c != 'e')
            return err_set(err, ERR_INVALID, "bad number syntax: \"%.*s\"", SLICE_ARG(out->text));
    }
    return true;
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
        return err_set(err, ERR_INVALID, "unexpected unprintable character in action: U+%04X", c);
    return err_set(err, ERR_INVALID, "unexpected %s in action", (char[]){'"', (char)c, '"', '\0'});
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
    if ((c >= '0' && c <= '9') || ((c == '+' || c == '-' || c == '.') && next >= '0' && next <= '9'))
        return number(source, begin, end, out, at, err);
    if (c == '.') {
        *at = word_end(source, begin + 1, end);
        out->kind = *at == begin + 1 ? TT_DOT : TT_FIELD;
        out->text = slice_of(source.ptr + begin + 1, *at - begin - 1);
        return true;
    }
    if (c == '$') {
        *at = word_end(source, begin + 1, end);
        out->kind = TT_VARIABLE;
        out->text = slice_of(source.ptr + begin, *at - begin);
        return true;
    }
    if (is_word_byte(c)) {
        *at = word_end(source, begin, end);
        out->kind = TT_IDENTIFIER;
        out->text = slice_of(source.ptr + begin, *at - begin);
        return true;
    }
    out->text = slice_of(source.ptr + begin, 1);
    return symbol(source, begin, end, out, at, err);
}
