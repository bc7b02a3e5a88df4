#include "net/codec/yaml_text.h"

#include "core/model/go_text.h"

enum yaml_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_LITERAL };

/* ---- what a plain text would be read as ---- */

static bool is_one_of(struct slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_str(text, words[i]))
            return true;
    }
    return false;
}

/* Words that YAML 1.1 or 1.2 readers take for something else than a text. */
static bool is_word(struct slice text)
{
    static const char *const words[] = {"",     "~",    "null",  "Null",  "NULL", "true",  "True",  "TRUE",  "false", "False", "FALSE", ".nan",  ".NaN",
                                        ".NAN", ".inf", ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", "<<",    "y",     "Y",
                                        "yes",  "Yes",  "YES",   "on",    "On",   "ON",    "n",     "N",     "no",    "No",    "NO",    "off",   "Off",
                                        "OFF"};
    return is_one_of(text, words, LENGTH(words));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct slice text, size_t at)
{
    size_t end = at;
    while (end < text.len && is_digit(text.ptr[end]))
        end++;
    return end - at;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(struct slice text)
{
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t whole = digits(text, at);
    size_t fraction = 0;
    at += whole;
    if (at < text.len && text.ptr[at] == '.') {
        fraction = digits(text, at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
        size_t exponent = digits(text, at);
        return exponent > 0 && at + exponent == text.len;
    }
    return at == text.len;
}

/* 0x1f, 0o17, 0b1, with a sign; underscores are already gone. */
static bool is_based_int(struct slice text)
{
    text = slice_from(text, text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'));
    if (text.len < 3 || text.ptr[0] != '0')
        return false;
    char base = (char)(text.ptr[1] | 0x20);
    for (size_t i = 2; i < text.len; i++) {
        char c = (char)(text.ptr[i] | 0x20);
        bool fits = base == 'x' ? is_digit(text.ptr[i]) || (c >= 'a' && c <= 'f') : base == 'o' ? text.ptr[i] >= '0' && text.ptr[i] <= '7' : text.ptr[i] == '0' || text.ptr[i] == '1';
        if (!fits)
            return false;
    }
    return base == 'x' || base == 'o' || base == 'b';
}

/* 1:30, 190:20:30.15: numbers to the base of 60 in YAML 1.1. */
static bool is_base60(struct slice text)
{
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t parts = 0;
    if (digits(text, at) == 0)
        return false;
    while (at < text.len && (is_digit(text.ptr[at]) || text.ptr[at] == '_'))
        at++;
    while (at < text.len && text.ptr[at] == ':') {
        size_t n = digits(text, at + 1);
        if (n == 0 || n > 2 || (n == 2 && text.ptr[at + 1] > '5'))
            return false;
        at += 1 + n;
        parts++;
    }
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        while (at < text.len && (is_digit(text.ptr[at]) || text.ptr[at] == '_'))
            at++;
    }
    return parts > 0 && at == text.len;
}

/* 2026-1-2, 2026-01-02 15:04:05, ...T15:04:05Z: what begins so and is made of a time's bytes. */
static bool is_time(struct slice text)
{
    size_t month = digits(text, 0) == 4 && text.len > 5 && text.ptr[4] == '-' ? digits(text, 5) : 0;
    size_t at = 5 + month;
    if (month == 0 || month > 2 || at >= text.len || text.ptr[at] != '-')
        return false;
    size_t day = digits(text, at + 1);
    at += 1 + day;
    if (day == 0 || day > 2)
        return false;
    if (at == text.len)
        return true;
    if (text.ptr[at] != 'T' && text.ptr[at] != 't' && text.ptr[at] != ' ')
        return false;
    for (size_t i = at + 1; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) && memchr(":.+-Z", text.ptr[i], 5) == NULL)
            return false;
    }
    return at + 1 < text.len;
}

static bool is_plain_text(struct slice text)
{
    if (is_word(text) || is_base60(text) || is_time(text))
        return false;
    char small[64];
    size_t n = 0;
    if (text.len > sizeof(small))
        return true; // longer than any number that is one
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_')
            small[n++] = text.ptr[i];
    }
    return !is_float(slice_of(small, n)) && !is_based_int(slice_of(small, n));
}

/* ---- what the emitter allows ---- */

struct analysis {
    bool plain, single, literal; /* allowed */
    bool breaks;
};

static bool is_break(uint32_t rune)
{
    return rune == '\n' || rune == '\r' || rune == 0x85 || rune == 0x2028 || rune == 0x2029;
}

static bool is_blank_or_end(struct slice text, size_t at)
{
    if (at >= text.len)
        return true;
    size_t len;
    uint32_t rune = utf8_decode(slice_from(text, at), &len);
    return rune == ' ' || rune == '\t' || is_break(rune);
}

static bool is_emittable(uint32_t rune)
{
    return rune == '\n' || (rune >= 0x20 && rune <= 0x7e) || rune == 0x85 || (rune >= 0xa0 && rune != 0xfeff && !(rune >= 0xd800 && rune <= 0xdfff) && rune <= 0xfffd) ||
           (rune >= 0x10000 && rune <= 0x10ffff);
}

/* Whether the byte at `at` has a meaning of its own in a plain text in a block. */
static bool is_indicator(struct slice text, size_t at, bool behind_blank)
{
    char c = text.ptr[at];
    if (at == 0) {
        if (c == '-' || c == '?' || c == ':')
            return is_blank_or_end(text, 1);
        return memchr("#,[]{}&*!|>'\"%@`", c, 17) != NULL;
    }
    return (c == ':' && is_blank_or_end(text, at + 1)) || (c == '#' && behind_blank);
}

static struct analysis analyse(struct slice text)
{
    bool has_indicator = slice_starts(text, SLICE("---")) || slice_starts(text, SLICE("..."));
    bool special = false;
    bool tab = false;
    bool breaks = false;
    bool edge = false; // a blank at either end
    bool ends_with_space = false;
    bool break_space = false;
    bool space_break = false;
    bool before_space = false;
    bool before_break = false;
    bool behind_blank = true;
    for (size_t i = 0, len; i < text.len; i += len) {
        uint32_t rune = utf8_decode(slice_from(text, i), &len);
        bool is_edge = i == 0 || i + len == text.len;
        has_indicator = has_indicator || is_indicator(text, i, behind_blank);
        tab = tab || rune == '\t';
        special = special || (rune != '\t' && !is_emittable(rune)) || (is_break(rune) && rune != '\n');
        edge = edge || (is_edge && (rune == ' ' || is_break(rune)));
        ends_with_space = rune == ' ';
        break_space = break_space || (rune == ' ' && before_break);
        space_break = space_break || (is_break(rune) && before_space);
        breaks = breaks || is_break(rune);
        before_space = rune == ' ';
        before_break = is_break(rune);
        behind_blank = rune == ' ' || rune == '\t' || is_break(rune);
    }
    bool is_odd = space_break || tab || special;
    return (struct analysis){
        .plain = !edge && !break_space && !is_odd && !breaks && !has_indicator,
        .single = !break_space && !is_odd,
        // yaml.v3 writes a text that begins with a blank as a block with a wrong hint of its indent, which no reader takes: that is in quotes here.
        .literal = !ends_with_space && !space_break && !special && text.len > 0 && text.ptr[0] != ' ' && text.ptr[0] != '\n',
        .breaks = breaks,
    };
}

/* ---- writing ---- */

static void put_single(struct buf *out, struct slice text)
{
    buf_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_byte(out, '\'');
        buf_byte(out, text.ptr[i]);
    }
    buf_byte(out, '\'');
}

static void put_escape(struct buf *out, uint32_t rune)
{
    static const struct {
        uint32_t rune;
        char letter;
    } letters[] = {{0, '0'}, {7, 'a'}, {8, 'b'}, {'\t', 't'}, {'\n', 'n'}, {0xb, 'v'}, {0xc, 'f'}, {'\r', 'r'}, {0x1b, 'e'},
                   {'"', '"'}, {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (size_t i = 0; i < LENGTH(letters); i++) {
        if (letters[i].rune == rune) {
            buf_printf(out, "\\%c", letters[i].letter);
            return;
        }
    }
    if (rune <= 0xff)
        buf_printf(out, "\\x%02X", rune);
    else if (rune <= 0xffff)
        buf_printf(out, "\\u%04X", rune);
    else
        buf_printf(out, "\\U%08X", rune);
}

static void put_double(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    for (size_t i = 0, len; i < text.len; i += len) {
        uint32_t rune = utf8_decode(slice_from(text, i), &len);
        if (!is_emittable(rune) || is_break(rune) || rune == '"' || rune == '\\')
            put_escape(out, rune);
        else
            buf_put(out, slice_of(text.ptr + i, len));
    }
    buf_byte(out, '"');
}

/* |, and - or + for how it ends. */
static void put_literal(struct buf *out, struct slice text, size_t deeper)
{
    bool ends_with_break = text.ptr[text.len - 1] == '\n';
    bool ends_with_two = ends_with_break && (text.len == 1 || text.ptr[text.len - 2] == '\n');
    buf_byte(out, '|');
    if (!ends_with_break)
        buf_byte(out, '-');
    else if (ends_with_two)
        buf_byte(out, '+');
    buf_byte(out, '\n');
    struct slice rest = ends_with_break ? slice_of(text.ptr, text.len - 1) : text; // the caller ends the last line
    for (bool is_first = true; is_first || rest.len > 0; is_first = false) {
        size_t end = slice_find_byte(rest, '\n');
        for (size_t i = 0; i < deeper && end > 0; i++)
            buf_byte(out, ' ');
        buf_put(out, slice_of(rest.ptr, end));
        bool has_more = end < rest.len;
        rest = slice_from(rest, has_more ? end + 1 : end);
        if (!has_more)
            break;
        buf_byte(out, '\n');
    }
}

static void put(struct buf *out, struct slice text, bool is_key, size_t deeper)
{
    struct analysis allowed = analyse(text);
    bool has_newline = slice_find_byte(text, '\n') < text.len;
    enum yaml_style style = has_newline ? STYLE_LITERAL : is_plain_text(text) ? STYLE_PLAIN : STYLE_DOUBLE;
    if (is_key && allowed.breaks)
        style = STYLE_DOUBLE;
    if (style == STYLE_PLAIN && !allowed.plain)
        style = STYLE_SINGLE;
    if (style == STYLE_SINGLE && !allowed.single)
        style = STYLE_DOUBLE;
    if (style == STYLE_LITERAL && !allowed.literal)
        style = STYLE_DOUBLE;
    if (style == STYLE_PLAIN)
        buf_put(out, text);
    else if (style == STYLE_SINGLE)
        put_single(out, text);
    else if (style == STYLE_DOUBLE)
        put_double(out, text);
    else
        put_literal(out, text, deeper);
}

void yaml_put_text(struct buf *out, struct slice text, size_t deeper)
{
    put(out, text, false, deeper);
}

void yaml_put_key(struct buf *out, struct slice text)
{
    put(out, text, true, 0);
}

/* ---- order ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* The numbers that begin at `at`, where the two differ. 0: equal as far as this goes. */
static int number_order(struct slice a, struct slice b, size_t at)
{
    bool zeros_count = false; // a zero behind other digits is one of them, not in front
    if (a.ptr[at] == '0' || b.ptr[at] == '0') {
        for (size_t i = at; i > 0 && is_digit(a.ptr[i - 1]) && !zeros_count; i--)
            zeros_count = a.ptr[i - 1] != '0';
    }
    uint64_t an = zeros_count;
    uint64_t bn = zeros_count;
    size_t ad = digits(a, at);
    size_t bd = digits(b, at);
    for (size_t i = 0; i < ad; i++)
        an = an * 10 + (uint64_t)(a.ptr[at + i] - '0');
    for (size_t i = 0; i < bd; i++)
        bn = bn * 10 + (uint64_t)(b.ptr[at + i] - '0');
    if (an != bn)
        return an < bn ? -1 : 1;
    return ad == bd ? 0 : ad < bd ? -1 : 1;
}

int yaml_key_order(struct slice a, struct slice b)
{
    bool behind_digit = false;
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        char x = a.ptr[i];
        char y = b.ptr[i];
        if (x == y) {
            behind_digit = is_digit(x);
            continue;
        }
        int by_byte = (unsigned char)x < (unsigned char)y ? -1 : 1;
        if (is_letter(x) && is_letter(y))
            return by_byte;
        if (is_letter(x) || is_letter(y))
            return is_letter(x) == behind_digit ? -1 : 1;
        int by_number = number_order(a, b, i);
        return by_number != 0 ? by_number : by_byte;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}
