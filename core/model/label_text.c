#include <stdarg.h>
#include <stdio.h>

#include "core/model/go_text.h"
#include "core/model/label_set.h"

// ---- reading ----

struct label_reader {
    struct slice text; // whole; our copy, in which strings are unescaped
    size_t at;
    struct err *err;
};

__attribute__((format(printf, 3, 4))) static bool refuse(const struct label_reader *r, size_t at, const char *format,
                                                         ...)
{
    size_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < at; i++) {
        if (r->text.ptr[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    char what[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return err_set(r->err, ERR_INVALID, "%zu:%zu: parse error: %s", line, at - line_start + 1, what);
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_byte(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

bool label_name_is_valid(struct slice name)
{
    if (name.len == 0 || !is_name_start(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        if (!is_name_byte(name.ptr[i]))
            return false;
    }
    return true;
}

static char peek(const struct label_reader *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

/* White space, and comments from # to the end of their line. */
static void skip_space(struct label_reader *r)
{
    bool in_comment = false;
    for (; r->at < r->text.len; r->at++) {
        char c = r->text.ptr[r->at];
        in_comment = c == '#' || (in_comment && c != '\n');
        if (!in_comment && (c == '\0' || strchr(" \t\n\r", c) == NULL))
            return;
    }
}

static struct slice take_name(struct label_reader *r)
{
    size_t first = r->at;
    while (r->at < r->text.len && is_name_byte(r->text.ptr[r->at]))
        r->at++;
    return slice_of(r->text.ptr + first, r->at - first);
}

// What stands at r->at is not what the grammar wants there: says so as Prometheus' parser does.
static bool refuse_token(struct label_reader *r, const char *expected)
{
    char c = peek(r);
    struct slice rest = slice_from(r->text, r->at);
    if (rest.len == 0)
        return refuse(r, r->at, "unexpected end of input inside braces");
    if (is_name_start(c)) {
        size_t first = r->at;
        struct slice name = take_name(r);
        return refuse(r, first, "unexpected identifier \"%.*s\" in label set, expected %s", SLICE_ARG(name), expected);
    }
    if (c == '"' || c == '\'' || c == '`')
        return refuse(r, r->at, "unexpected string in label set, expected %s", expected);
    static const char *const operators[] = {"!=", "!~", "=~"};
    for (size_t i = 0; i < LENGTH(operators); i++) {
        if (slice_starts(rest, slice_str(operators[i])))
            return refuse(r, r->at, "unexpected <op:%s> in label set, expected %s", operators[i], expected);
    }
    if (c == '{')
        return refuse(r, r->at, "unexpected left brace '{'");
    if (c == '=' || c == ',' || c == '}')
        return refuse(r, r->at, "unexpected \"%c\" in label set, expected %s", c, expected);
    char unit[GO_QUOTE_UNIT_MAX];
    size_t len = 0;
    if (utf8_decode(rest, &len) == 0xfffd && len == 1)
        return refuse(r, r->at, "unexpected character inside braces: '\xef\xbf\xbd'");
    (void)go_quote_unit(rest, '\'', unit, &len);
    return refuse(r, r->at, "unexpected character inside braces: '%.*s'", (int)len, unit);
}

// Names the first escape that no string has; others are bad by their digits.
static bool refuse_escape(const struct label_reader *r, size_t open, struct slice inner, char quote)
{
    for (size_t i = 0; i + 1 < inner.len; i++) {
        char c = inner.ptr[i + 1];
        if (inner.ptr[i] != '\\')
            continue;
        if (c < ' ' || c > '~' || (c != quote && strchr("abfnrtvxuU\\01234567", c) == NULL))
            return refuse(r, open, "unknown escape sequence U+%04X '%c'", (unsigned)(uint8_t)c, c < ' ' || c > '~' ? '?' : c);
        i++;
    }
    return refuse(r, open, "escape sequence is an invalid Unicode code point");
}

// Unescapes in place: the text is ours, and no escape grows.
static bool take_string(struct label_reader *r, struct slice *out)
{
    char quote = peek(r);
    size_t open = r->at;
    size_t end = open + 1;
    while (end < r->text.len && r->text.ptr[end] != quote && (quote == '`' || r->text.ptr[end] != '\n'))
        end += r->text.ptr[end] == '\\' && quote != '`' ? 2 : 1;
    if (end >= r->text.len || r->text.ptr[end] != quote)
        return refuse(r, open, quote == '`' ? "unterminated raw string" : "unterminated quoted string");
    struct slice inner = slice_of(r->text.ptr + open + 1, end - open - 1);
    if (!utf8_is_valid(inner))
        return refuse(r, open, "invalid UTF-8 rune");
    size_t len = inner.len;
    if (quote != '`' && slice_find_byte(inner, '\\') < inner.len) {
        char *place = (char *)(uintptr_t)inner.ptr;
        if (!go_unescape(inner, quote, place, &len))
            return refuse_escape(r, open, inner, quote);
    }
    *out = slice_of(inner.ptr, len);
    r->at = end + 1;
    return true;
}

static bool take_pair(struct label_reader *r, struct label *out)
{
    if (!is_name_start(peek(r)))
        return refuse_token(r, "identifier or \"}\"");
    out->name = take_name(r);
    skip_space(r);
    if (peek(r) != '=' || (r->at + 1 < r->text.len && r->text.ptr[r->at + 1] == '~'))
        return refuse_token(r, "\"=\"");
    r->at++;
    skip_space(r);
    char c = peek(r);
    if (c != '"' && c != '\'' && c != '`')
        return refuse_token(r, "string");
    return take_string(r, &out->value);
}

static bool take_braces(struct label_reader *r, struct label *labels, size_t *count)
{
    r->at++; // the brace
    skip_space(r);
    while (peek(r) != '}' || r->at == r->text.len) {
        if (!take_pair(r, &labels[*count]))
            return false;
        (*count)++;
        skip_space(r);
        if (peek(r) == ',') {
            r->at++;
            skip_space(r);
        } else if (peek(r) != '}') {
            return refuse_token(r, "\",\" or \"}\"");
        }
    }
    r->at++;
    return true;
}

// How many pairs there can be at most: each has an '=', and one more for the metric name.
static size_t pairs_max(struct slice text)
{
    size_t count = 1;
    for (size_t at = slice_find_byte(text, '='); at < text.len; at = slice_find_byte(text, '=')) {
        count++;
        text = slice_from(text, at + 1);
    }
    return count;
}

// What stands at r->at is behind the label set, or where one should begin.
static bool refuse_rest(struct label_reader *r)
{
    size_t at = r->at;
    char c = peek(r);
    struct slice rest = slice_from(r->text, at);
    if (is_name_start(c)) {
        struct slice name = take_name(r);
        return refuse(r, at, "unexpected identifier \"%.*s\"", SLICE_ARG(name));
    }
    if (c >= '0' && c <= '9') {
        size_t len = 0;
        while (len < rest.len && is_name_byte(rest.ptr[len]))
            len++;
        return refuse(r, at, "unexpected number \"%.*s\"", (int)len, rest.ptr);
    }
    if (slice_starts(rest, SLICE("!=")) || slice_starts(rest, SLICE("==")))
        return refuse(r, at, "unexpected <op:%.*s>", 2, rest.ptr);
    if (c != '\0' && strchr("+-*/^%@", c) != NULL)
        return refuse(r, at, "unexpected <op:%c>", c);
    if (c != '\0' && strchr("=,([{", c) != NULL)
        return refuse(r, at, "unexpected \"%c\"", c);
    char unit[GO_QUOTE_UNIT_MAX];
    size_t len = 0;
    (void)go_quote_unit(rest, '\'', unit, &len);
    return refuse(r, at, "unexpected character: '%.*s'", (int)len, unit);
}

bool label_set_parse(struct slice text, struct arena *arena, struct label_set *out, struct err *err)
{
    struct label_reader r = {.text = arena_copy(arena, text), .err = err};
    struct label *labels = ARENA_ARRAY(arena, struct label, pairs_max(text));
    size_t count = 0;
    skip_space(&r);
    if (is_name_start(peek(&r)) || peek(&r) == ':') {
        size_t first = r.at;
        while (r.at < r.text.len && (is_name_byte(r.text.ptr[r.at]) || r.text.ptr[r.at] == ':'))
            r.at++;
        labels[count++] = (struct label){SLICE("__name__"), slice_of(r.text.ptr + first, r.at - first)};
        skip_space(&r);
    }
    if (peek(&r) == '{' && !take_braces(&r, labels, &count))
        return false;
    skip_space(&r);
    if (r.at < r.text.len)
        return refuse_rest(&r);
    *out = (struct label_set){labels, label_sort(labels, count, false)};
    return true;
}

// ---- printing ----

static void print_pair(struct slice name, struct slice value, bool is_first, struct buf *out)
{
    buf_str(out, is_first ? "{" : ", ");
    buf_put(out, name);
    buf_byte(out, '=');
    go_quote(out, value);
}

void label_set_print(const struct label_set *set, struct buf *out)
{
    for (size_t i = 0; i < set->count; i++)
        print_pair(set->labels[i].name, set->labels[i].value, i == 0, out);
    buf_str(out, set->count == 0 ? "{}" : "}");
}

void label_encoded_print(struct slice encoded, struct buf *out)
{
    struct label label;
    bool is_first = true;
    while (label_next(&encoded, &label)) {
        print_pair(label.name, label.value, is_first, out);
        is_first = false;
    }
    buf_str(out, is_first ? "{}" : "}");
}

// ---- order of texts ----

static size_t common_prefix(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    size_t at = 0;
    while (at < n && a.ptr[at] == b.ptr[at])
        at++;
    return at;
}

// A name ends with '=', which stands between digits and letters.
static int cmp_names(struct slice a, struct slice b)
{
    size_t at = common_prefix(a, b);
    if (at == a.len && at == b.len)
        return 0;
    int x = at < a.len ? (uint8_t)a.ptr[at] : '=';
    int y = at < b.len ? (uint8_t)b.ptr[at] : '=';
    return x != y ? x - y : a.len < b.len ? -1 : 1;
}

// The start of the code point that the byte at `at` belongs to.
static size_t rune_start(struct slice text, size_t at)
{
    for (size_t back = 1; back <= 3 && back <= at; back++) {
        uint8_t byte = (uint8_t)text.ptr[at - back];
        if (byte >= 0xc0)
            return at - back;
        if (byte < 0x80)
            break;
    }
    return at;
}

// What the printed value goes on with: the next code point as Go quotes it, or the closing quote.
static struct slice next_unit(struct slice *rest, char unit[GO_QUOTE_UNIT_MAX])
{
    if (rest->len == 0)
        return SLICE("\"");
    size_t len = 0;
    *rest = slice_from(*rest, go_quote_unit(*rest, '"', unit, &len));
    return slice_of(unit, len);
}

static int cmp_values(struct slice a, struct slice b)
{
    size_t same = common_prefix(a, b);
    if (same == a.len && same == b.len)
        return 0;
    size_t start = rune_start(a.len > b.len ? a : b, same);
    struct slice x = slice_from(a, start);
    struct slice y = slice_from(b, start);
    char x_unit[GO_QUOTE_UNIT_MAX];
    char y_unit[GO_QUOTE_UNIT_MAX];
    for (;;) { // ends: the values differ, and no unit is the beginning of another
        bool at_end = x.len == 0 || y.len == 0;
        int order = slice_cmp(next_unit(&x, x_unit), next_unit(&y, y_unit));
        if (order != 0 || at_end)
            return order;
    }
}

int label_set_cmp_text(const struct label_set *a, const struct label_set *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = cmp_names(a->labels[i].name, b->labels[i].name);
        if (order == 0)
            order = cmp_values(a->labels[i].value, b->labels[i].value);
        if (order != 0)
            return order;
    }
    if (a->count == b->count)
        return 0;
    // After the brace: '}' or a name. After a value: '}' or ','. A name's first byte is below '}' too.
    return a->count < b->count ? 1 : -1;
}
