#include "core/base/bytes.h"
#include "core/model/go_text.h"
#include "core/model/printable.h"

#define RUNE_ERROR UINT32_C(0xfffd)

// ---- UTF-8 ----

static bool is_tail(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

uint32_t utf8_decode(struct slice in, size_t *out_len)
{
    const uint8_t *p = (const uint8_t *)in.ptr;
    *out_len = 1;
    if (p[0] < 0x80)
        return p[0];
    if (p[0] >= 0xc2 && p[0] < 0xe0 && in.len >= 2 && is_tail(in.ptr[1])) {
        *out_len = 2;
        return ((uint32_t)p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if ((p[0] & 0xf0) == 0xe0 && in.len >= 3 && is_tail(in.ptr[1]) && is_tail(in.ptr[2])) {
        uint32_t rune = ((uint32_t)p[0] & 0xf) << 12 | ((uint32_t)p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        if (rune < 0x800 || (rune >= 0xd800 && rune < 0xe000))
            return RUNE_ERROR;
        *out_len = 3;
        return rune;
    }
    if ((p[0] & 0xf8) == 0xf0 && in.len >= 4 && is_tail(in.ptr[1]) && is_tail(in.ptr[2]) && is_tail(in.ptr[3])) {
        uint32_t rune = ((uint32_t)p[0] & 7) << 18 | ((uint32_t)p[1] & 0x3f) << 12 | ((uint32_t)p[2] & 0x3f) << 6 |
                        (p[3] & 0x3f);
        if (rune < 0x10000 || rune > 0x10ffff)
            return RUNE_ERROR;
        *out_len = 4;
        return rune;
    }
    return RUNE_ERROR;
}

size_t utf8_encode(uint32_t rune, char out[4])
{
    if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        rune = RUNE_ERROR;
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        out[0] = (char)(0xc0 | rune >> 6);
        out[1] = (char)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        out[0] = (char)(0xe0 | rune >> 12);
        out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
        out[2] = (char)(0x80 | (rune & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | rune >> 18);
    out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
    out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
    out[3] = (char)(0x80 | (rune & 0x3f));
    return 4;
}

bool utf8_is_valid(struct slice text)
{
    if (slice_is_ascii(text)) // nearly all log lines are
        return true;
    while (text.len > 0) {
        if (text.len >= 8 && (le64_get(text.ptr) & UINT64_C(0x8080808080808080)) == 0) {
            text = slice_from(text, 8);
            continue;
        }
        size_t len = 0;
        if (utf8_decode(text, &len) == RUNE_ERROR && len == 1)
            return false;
        text = slice_from(text, len);
    }
    return true;
}

// ---- quoting ----

// The escapes of one letter, and the letter, or 0.
static char short_escape(uint32_t rune)
{
    switch (rune) {
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    default:
        return 0;
    }
}

static size_t put_hex(char *out, char kind, uint32_t value, size_t digits)
{
    out[0] = '\\';
    out[1] = kind;
    for (size_t i = 0; i < digits; i++)
        out[2 + i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 0xf];
    return 2 + digits;
}

size_t go_quote_unit(struct slice in, char quote, char out[GO_QUOTE_UNIT_MAX], size_t *out_len)
{
    size_t taken = 0;
    uint32_t rune = utf8_decode(in, &taken);
    if (rune == RUNE_ERROR && taken == 1) {
        *out_len = put_hex(out, 'x', (uint8_t)in.ptr[0], 2);
    } else if (rune == (uint8_t)quote || rune == '\\' || short_escape(rune) != 0) {
        out[0] = '\\';
        out[1] = short_escape(rune) != 0 ? short_escape(rune) : (char)rune;
        *out_len = 2;
    } else if (rune_is_printable(rune)) {
        memcpy(out, in.ptr, taken);
        *out_len = taken;
    } else if (rune < 0x80) {
        *out_len = put_hex(out, 'x', rune, 2);
    } else {
        *out_len = rune < 0x10000 ? put_hex(out, 'u', rune, 4) : put_hex(out, 'U', rune, 8);
    }
    return taken;
}

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

void go_quote(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    while (text.len > 0) {
        size_t plain = 0;
        while (plain < text.len && is_plain(text.ptr[plain]))
            plain++;
        buf_put(out, slice_of(text.ptr, plain));
        text = slice_from(text, plain);
        if (text.len > 0) {
            size_t len = 0;
            size_t taken = go_quote_unit(text, '"', buf_room(out, GO_QUOTE_UNIT_MAX), &len);
            buf_took(out, len);
            text = slice_from(text, taken);
        }
    }
    buf_byte(out, '"');
}

// ---- unquoting ----

static bool hex_value(struct slice digits, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static bool octal_value(struct slice digits, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '7')
            return false;
        value = value << 3 | (uint32_t)(digits.ptr[i] - '0');
    }
    *out = value;
    return value <= 255;
}

// \xHH and \ooo give a byte, \u and \U a code point. `in` stands behind the backslash.
static bool unescape_number(struct slice *in, char *out, size_t *len)
{
    char kind = in->ptr[0];
    bool is_octal = kind >= '0' && kind <= '7';
    size_t skip = is_octal ? 0 : 1;
    size_t digits = is_octal ? 3 : kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    struct slice number;
    *in = slice_from(*in, skip);
    uint32_t value = 0;
    if (!slice_take(in, digits, &number) || !(is_octal ? octal_value(number, &value) : hex_value(number, &value)))
        return false;
    if (kind != 'u' && kind != 'U') {
        out[(*len)++] = (char)value;
        return true;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return false;
    *len += utf8_encode(value, out + *len);
    return true;
}

static bool unescape_one(struct slice *in, char quote, char *out, size_t *len)
{
    static const char letters[] = "abfnrtv\\";
    static const char values[] = "\a\b\f\n\r\t\v\\";
    if (in->len == 0)
        return false;
    char c = in->ptr[0];
    const char *hit = c == 0 ? NULL : strchr(letters, c);
    if (hit != NULL || c == quote) {
        out[(*len)++] = hit != NULL ? values[hit - letters] : c;
        *in = slice_from(*in, 1);
        return true;
    }
    if ((c >= '0' && c <= '7') || c == 'x' || c == 'u' || c == 'U')
        return unescape_number(in, out, len);
    return false;
}

bool go_unescape(struct slice inner, char quote, char *out, size_t *out_len)
{
    size_t len = 0;
    while (inner.len > 0) {
        char c = inner.ptr[0];
        if (c == quote || c == '\n')
            return false;
        if (c == '\\') {
            inner = slice_from(inner, 1);
            if (!unescape_one(&inner, quote, out, &len))
                return false;
            continue;
        }
        size_t taken = 0;
        uint32_t rune = utf8_decode(inner, &taken);
        if (rune == RUNE_ERROR && taken == 1) {
            len += utf8_encode(RUNE_ERROR, out + len);
        } else {
            memmove(out + len, inner.ptr, taken);
            len += taken;
        }
        inner = slice_from(inner, taken);
    }
    *out_len = len;
    return true;
}

bool go_unquote(struct slice literal, struct buf *out)
{
    if (literal.len < 2 || literal.ptr[0] != literal.ptr[literal.len - 1])
        return false;
    char quote = literal.ptr[0];
    struct slice inner = slice_of(literal.ptr + 1, literal.len - 2);
    if (quote == '`') {
        if (slice_find_byte(inner, '`') != inner.len)
            return false;
        for (size_t i = 0; i < inner.len; i++) {
            if (inner.ptr[i] != '\r') // as Go does
                buf_byte(out, inner.ptr[i]);
        }
        return true;
    }
    if (quote != '"' && quote != '\'')
        return false;
    size_t len = 0;
    if (!go_unescape(inner, quote, buf_room(out, 3 * inner.len + 1), &len))
        return false;
    buf_took(out, len);
    return true;
}

// ---- white space ----

// Unicode's White_Space.
static bool is_space(uint32_t rune)
{
    switch (rune) {
    case ' ':
    case 0x85:
    case 0xa0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x3000:
        return true;
    default:
        return (rune >= 0x09 && rune <= 0x0d) || (rune >= 0x2000 && rune <= 0x200a);
    }
}

// The last code point: a space has at most three bytes.
static bool ends_in_space(struct slice text, size_t *out_len)
{
    for (size_t n = 1; n <= 3 && n <= text.len; n++) {
        size_t len = 0;
        uint32_t rune = utf8_decode(slice_from(text, text.len - n), &len);
        if (len == n && is_space(rune)) {
            *out_len = n;
            return true;
        }
    }
    return false;
}

struct slice go_trim_space(struct slice text)
{
    size_t len = 0;
    while (text.len > 0 && is_space(utf8_decode(text, &len)))
        text = slice_from(text, len);
    while (text.len > 0 && ends_in_space(text, &len))
        text.len -= len;
    return text;
}
