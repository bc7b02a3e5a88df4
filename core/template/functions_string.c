/* functions_string.c: texts: case, trimming, cutting, padding, escapes (spec logql.md 9.3). */
#include "core/template/template_tree.h"

#include <stdio.h>

#include "core/model/go_text.h"
#include "core/template/case_map.h"

static struct slice text_arg(const struct call *call, size_t i)
{
    return value_string(&call->args[i], call->arena);
}

static bool give(struct value *out, struct slice text)
{
    *out = value_text(text);
    return true;
}

/* Takes what was written to `from` into the arena. */
static bool give_buf(const struct call *call, struct value *out, struct buf *from)
{
    *out = value_text(arena_copy(call->arena, buf_slice(from)));
    buf_fini(from);
    return true;
}

static bool room(const struct call *call, size_t bytes, struct err *err)
{
    return bytes <= call->output_max || err_set(err, ERR_LIMIT, "a text of %zu bytes is over %zu", bytes, call->output_max);
}

/* ---- case, per code point ---- */

static bool map_runes(const struct call *call, struct value *out, uint32_t (*map)(uint32_t rune))
{
    struct slice in = text_arg(call, 0);
    struct buf text = BUF_INIT;
    while (in.len > 0) {
        size_t len = 0;
        char bytes[4];
        uint32_t rune = map(utf8_decode(in, &len));
        buf_put(&text, slice_of(bytes, utf8_encode(rune, bytes)));
        in = slice_from(in, len);
    }
    return give_buf(call, out, &text);
}

static bool to_lower(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return map_runes(call, out, rune_lower);
}

static bool to_upper(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return map_runes(call, out, rune_upper);
}

/* As Go's strings.Title sees words: beyond ASCII only white space parts them. */
static bool separates(uint32_t rune)
{
    if (rune < 0x80)
        return !(rune_lower(rune) >= 'a' && rune_lower(rune) <= 'z') && !(rune >= '0' && rune <= '9') && rune != '_';
    return rune == 0x85 || rune == 0xa0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 ||
           rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

static bool title(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice in = text_arg(call, 0);
    struct buf text = BUF_INIT;
    bool begins = true;
    while (in.len > 0) {
        size_t len = 0;
        char bytes[4];
        uint32_t rune = utf8_decode(in, &len);
        buf_put(&text, slice_of(bytes, utf8_encode(begins ? rune_title(rune) : rune, bytes)));
        begins = separates(rune);
        in = slice_from(in, len);
    }
    return give_buf(call, out, &text);
}

/* ---- replacing ---- */

static bool replace_text(const struct call *call, struct slice in, struct slice old, struct slice with, int64_t n, struct value *out, struct err *err)
{
    struct buf text = BUF_INIT;
    while (n != 0 && in.len > 0) {
        size_t skip = 0;
        if (old.len == 0) { // between all code points
            (void)utf8_decode(in, &skip);
            buf_put(&text, with);
            buf_put(&text, slice_of(in.ptr, skip));
        } else {
            const char *hit = memmem(in.ptr, in.len, old.ptr, old.len);
            if (hit == NULL)
                break;
            buf_put(&text, slice_of(in.ptr, (size_t)(hit - in.ptr)));
            buf_put(&text, with);
            skip = (size_t)(hit - in.ptr) + old.len;
        }
        in = slice_from(in, skip);
        n -= n > 0;
        if (!room(call, text.len, err)) {
            buf_fini(&text);
            return false;
        }
    }
    buf_put(&text, in);
    if (old.len == 0 && n != 0)
        buf_put(&text, with);
    return give_buf(call, out, &text);
}

static bool replace_first(const struct call *call, struct value *out, struct err *err)
{
    return replace_text(call, text_arg(call, 0), text_arg(call, 1), text_arg(call, 2), value_to_int(&call->args[3]), out, err);
}

static bool replace_last(const struct call *call, struct value *out, struct err *err)
{
    return replace_text(call, text_arg(call, 2), text_arg(call, 0), text_arg(call, 1), -1, out, err);
}

/* ---- trimming ---- */

static bool in_set(struct slice set, uint32_t rune)
{
    while (set.len > 0) {
        size_t len = 0;
        if (utf8_decode(set, &len) == rune)
            return true;
        set = slice_from(set, len);
    }
    return false;
}

static struct slice trim_left_set(struct slice s, struct slice set)
{
    size_t len = 0;
    while (s.len > 0 && in_set(set, utf8_decode(s, &len)))
        s = slice_from(s, len);
    return s;
}

static struct slice trim_right_set(struct slice s, struct slice set)
{
    while (s.len > 0) {
        size_t at = s.len - 1;
        size_t len = 0;
        while (at > 0 && s.len - at < 4 && ((unsigned char)s.ptr[at] & 0xc0) == 0x80)
            at--;
        if (!in_set(set, utf8_decode(slice_from(s, at), &len)))
            break;
        s.len = at;
    }
    return s;
}

static bool trim_set(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice set = text_arg(call, 1);
    return give(out, trim_right_set(trim_left_set(text_arg(call, 0), set), set));
}

static bool trim_left(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, trim_left_set(text_arg(call, 0), text_arg(call, 1)));
}

static bool trim_right(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, trim_right_set(text_arg(call, 0), text_arg(call, 1)));
}

static bool trim_all(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice set = text_arg(call, 0);
    return give(out, trim_right_set(trim_left_set(text_arg(call, 1), set), set));
}

static bool trim_space(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, slice_trim(text_arg(call, 0)));
}

static struct slice without_prefix(struct slice s, struct slice prefix)
{
    return slice_starts(s, prefix) ? slice_from(s, prefix.len) : s;
}

static struct slice without_suffix(struct slice s, struct slice suffix)
{
    return slice_ends(s, suffix) ? slice_of(s.ptr, s.len - suffix.len) : s;
}

static bool trim_prefix_first(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, without_prefix(text_arg(call, 0), text_arg(call, 1)));
}

static bool trim_suffix_first(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, without_suffix(text_arg(call, 0), text_arg(call, 1)));
}

static bool trim_prefix_last(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, without_prefix(text_arg(call, 1), text_arg(call, 0)));
}

static bool trim_suffix_last(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, without_suffix(text_arg(call, 1), text_arg(call, 0)));
}

/* ---- cutting ---- */

static bool trunc_bytes(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    int64_t n = value_to_int(&call->args[0]);
    struct slice s = text_arg(call, 1);
    if (n >= 0 && (uint64_t)n < s.len)
        s.len = (size_t)n;
    else if (n < 0 && n > INT64_MIN && (uint64_t)-n < s.len)
        s = slice_from(s, s.len - (size_t)-n);
    return give(out, s);
}

static bool substr(const struct call *call, struct value *out, struct err *err)
{
    int64_t a = value_to_int(&call->args[0]);
    int64_t b = value_to_int(&call->args[1]);
    struct slice s = text_arg(call, 2);
    int64_t len = (int64_t)s.len;
    if (a < 0) {
        if (b > len || b < 0)
            return err_set(err, ERR_INVALID, "runtime error: slice bounds out of range [:%lld] with length %lld", (long long)b, (long long)len);
        return give(out, slice_of(s.ptr, (size_t)b));
    }
    if (b < 0 || b > len)
        b = len;
    if (a > b)
        return err_set(err, ERR_INVALID, "runtime error: slice bounds out of range [%lld:%lld]", (long long)a, (long long)b);
    return give(out, slice_of(s.ptr + a, (size_t)(b - a)));
}

static bool contains(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice x = text_arg(call, 0);
    struct slice s = text_arg(call, 1);
    *out = value_bool(x.len == 0 || (s.len >= x.len && memmem(s.ptr, s.len, x.ptr, x.len) != NULL));
    return true;
}

static bool has_prefix(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_bool(slice_starts(text_arg(call, 1), text_arg(call, 0)));
    return true;
}

static bool has_suffix(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_bool(slice_ends(text_arg(call, 1), text_arg(call, 0)));
    return true;
}

/* ---- padding ---- */

static bool repeat(const struct call *call, struct value *out, struct err *err)
{
    int64_t n = value_to_int(&call->args[0]);
    struct slice s = text_arg(call, 1);
    struct buf text = BUF_INIT;
    size_t bytes = 0;
    if (n < 0)
        return err_set(err, ERR_INVALID, "strings: negative Repeat count");
    if (__builtin_mul_overflow((size_t)n, s.len, &bytes))
        bytes = SIZE_MAX;
    if (!room(call, bytes, err))
        return false;
    for (int64_t i = 0; i < n && s.len > 0; i++)
        buf_put(&text, s);
    return give_buf(call, out, &text);
}

static bool indent_lines(const struct call *call, bool newline, struct value *out, struct err *err)
{
    int64_t n = value_to_int(&call->args[0]);
    struct slice s = text_arg(call, 1);
    struct buf text = BUF_INIT;
    size_t lines = 1;
    size_t bytes = 0;
    for (size_t i = 0; i < s.len; i++)
        lines += s.ptr[i] == '\n';
    if (n < 0)
        return err_set(err, ERR_INVALID, "strings: negative Repeat count");
    if (__builtin_mul_overflow((size_t)n, lines, &bytes))
        bytes = SIZE_MAX;
    if (!room(call, bytes, err))
        return false;
    if (newline)
        buf_byte(&text, '\n');
    while (true) {
        size_t end = slice_find_byte(s, '\n');
        for (int64_t i = 0; i < n; i++)
            buf_byte(&text, ' ');
        buf_put(&text, slice_of(s.ptr, end));
        if (end == s.len)
            break;
        buf_byte(&text, '\n');
        s = slice_from(s, end + 1);
    }
    return give_buf(call, out, &text);
}

static bool indent(const struct call *call, struct value *out, struct err *err)
{
    return indent_lines(call, false, out, err);
}

static bool nindent(const struct call *call, struct value *out, struct err *err)
{
    return indent_lines(call, true, out, err);
}

static size_t rune_count(struct slice s)
{
    size_t count = 0;
    for (size_t len = 0; s.len > 0; s = slice_from(s, len), count++)
        (void)utf8_decode(s, &len);
    return count;
}

static struct slice skip_runes(struct slice s, size_t n)
{
    for (size_t len = 0; n > 0 && s.len > 0; n--, s = slice_from(s, len))
        (void)utf8_decode(s, &len);
    return s;
}

static bool align(const struct call *call, bool to_left, struct value *out, struct err *err)
{
    int64_t n = value_to_int(&call->args[0]);
    struct slice s = text_arg(call, 1);
    size_t runes = rune_count(s);
    struct buf text = BUF_INIT;
    if (n < 0)
        return give(out, s);
    if (runes >= (uint64_t)n) {
        struct slice tail = skip_runes(s, to_left ? (size_t)n : runes - (size_t)n);
        return give(out, to_left ? slice_of(s.ptr, s.len - tail.len) : tail);
    }
    if (!room(call, (size_t)n, err))
        return false;
    if (to_left)
        buf_put(&text, s);
    for (size_t i = runes; i < (uint64_t)n; i++)
        buf_byte(&text, ' ');
    if (!to_left)
        buf_put(&text, s);
    return give_buf(call, out, &text);
}

static bool align_left(const struct call *call, struct value *out, struct err *err)
{
    return align(call, true, out, err);
}

static bool align_right(const struct call *call, struct value *out, struct err *err)
{
    return align(call, false, out, err);
}

/* ---- escapes ---- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

static bool urlencode(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice s = text_arg(call, 0);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < s.len; i++) {
        if (is_unreserved(s.ptr[i]))
            buf_byte(&text, s.ptr[i]);
        else if (s.ptr[i] == ' ')
            buf_byte(&text, '+');
        else
            buf_printf(&text, "%%%02X", (unsigned char)s.ptr[i]);
    }
    return give_buf(call, out, &text);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static bool urldecode(const struct call *call, struct value *out, struct err *err)
{
    struct slice s = text_arg(call, 0);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            buf_byte(&text, s.ptr[i] == '+' ? ' ' : s.ptr[i]);
            continue;
        }
        int high = s.len - i > 2 ? hex_value(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.ptr[i + 2]) : -1;
        if (low < 0) {
            buf_fini(&text);
            struct slice bad = slice_of(s.ptr + i, s.len - i < 3 ? s.len - i : 3);
            return err_set(err, ERR_INVALID, "invalid URL escape \"%.*s\"", SLICE_ARG(bad));
        }
        buf_byte(&text, (char)(high * 16 + low));
        i += 2;
    }
    return give_buf(call, out, &text);
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool b64enc(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice s = text_arg(call, 0);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t bits = (uint32_t)(unsigned char)s.ptr[i] << 16 | (left > 1 ? (uint32_t)(unsigned char)s.ptr[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)(unsigned char)s.ptr[i + 2] : 0);
        buf_byte(&text, base64_digits[bits >> 18]);
        buf_byte(&text, base64_digits[bits >> 12 & 63]);
        buf_byte(&text, left > 1 ? base64_digits[bits >> 6 & 63] : '=');
        buf_byte(&text, left > 2 ? base64_digits[bits & 63] : '=');
    }
    return give_buf(call, out, &text);
}

/* On bad input the error text is the result, as in sprig. */
static bool b64dec(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice s = text_arg(call, 0);
    struct buf text = BUF_INIT;
    uint32_t bits = 0;
    unsigned count = 0;
    size_t bad = s.len;
    size_t i = 0;
    for (; i < s.len && s.ptr[i] != '='; i++) {
        const char *digit = s.ptr[i] == '\0' ? NULL : strchr(base64_digits, s.ptr[i]);
        if (s.ptr[i] == '\n' || s.ptr[i] == '\r')
            continue;
        if (digit == NULL) {
            bad = i;
            break;
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        if (++count == 4) {
            buf_byte(&text, (char)(bits >> 16));
            buf_byte(&text, (char)(bits >> 8));
            buf_byte(&text, (char)bits);
            bits = count = 0;
        }
    }
    size_t padding = s.len - i;
    bool is_whole = (count == 0 && padding == 0) || (count == 2 && padding == 2) || (count == 3 && padding == 1);
    if (bad < s.len || !is_whole) {
        buf_fini(&text);
        return give(out, arena_printf(call->arena, "illegal base64 data at input byte %zu", bad < s.len ? bad : s.len - (s.len % 4 == 0 ? 0 : s.len % 4)));
    }
    if (count >= 2)
        buf_byte(&text, (char)(count == 2 ? bits >> 4 : bits >> 10));
    if (count == 3)
        buf_byte(&text, (char)(bits >> 2));
    return give_buf(call, out, &text);
}

/* Go's html and js escapes. */
static bool escaped(const struct call *call, struct value *out, const char *(*of)(char c))
{
    struct buf text = BUF_INIT;
    for (size_t a = 0; a < call->count; a++) {
        struct slice s = text_arg(call, a);
        for (size_t i = 0; i < s.len; i++) {
            const char *with = of(s.ptr[i]);
            if (with == NULL)
                buf_byte(&text, s.ptr[i]);
            else
                buf_str(&text, with);
        }
    }
    return give_buf(call, out, &text);
}

static const char *html_of(char c)
{
    return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&#34;" : c == '\'' ? "&#39;" : c == '\0' ? "\xef\xbf\xbd" : NULL;
}

static const char *js_of(char c)
{
    static _Thread_local char hex[8];
    switch (c) {
    case '\\':
        return "\\\\";
    case '\'':
        return "\\'";
    case '"':
        return "\\\"";
    case '<':
        return "\\u003C";
    case '>':
        return "\\u003E";
    case '&':
        return "\\u0026";
    case '=':
        return "\\u003D";
    default:
        if ((unsigned char)c >= 0x20)
            return NULL;
        (void)snprintf(hex, sizeof(hex), "\\u%04X", (unsigned)(unsigned char)c);
        return hex;
    }
}

static bool html(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return escaped(call, out, html_of);
}

static bool js(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return escaped(call, out, js_of);
}

struct function_table template_string_functions(void)
{
    static const struct function functions[] = {
        {"ToLower", 1, 1, false, false, to_lower, "s"},
        {"ToUpper", 1, 1, false, false, to_upper, "s"},
        {"lower", 1, 1, false, false, to_lower, "s"},
        {"upper", 1, 1, false, false, to_upper, "s"},
        {"title", 1, 1, false, false, title, "s"},
        {"Replace", 4, 4, false, false, replace_first, "sssi"},
        {"replace", 3, 3, false, false, replace_last, "sss"},
        {"Trim", 2, 2, false, false, trim_set, "ss"},
        {"TrimLeft", 2, 2, false, false, trim_left, "ss"},
        {"TrimRight", 2, 2, false, false, trim_right, "ss"},
        {"TrimPrefix", 2, 2, false, false, trim_prefix_first, "ss"},
        {"TrimSuffix", 2, 2, false, false, trim_suffix_first, "ss"},
        {"TrimSpace", 1, 1, false, false, trim_space, "s"},
        {"trim", 1, 1, false, false, trim_space, "s"},
        {"trimAll", 2, 2, false, false, trim_all, "ss"},
        {"trimPrefix", 2, 2, false, false, trim_prefix_last, "ss"},
        {"trimSuffix", 2, 2, false, false, trim_suffix_last, "ss"},
        {"trunc", 2, 2, false, false, trunc_bytes, "is"},
        {"substr", 3, 3, false, false, substr, "iis"},
        {"contains", 2, 2, false, false, contains, "ss"},
        {"hasPrefix", 2, 2, false, false, has_prefix, "ss"},
        {"hasSuffix", 2, 2, false, false, has_suffix, "ss"},
        {"indent", 2, 2, false, false, indent, "is"},
        {"nindent", 2, 2, false, false, nindent, "is"},
        {"repeat", 2, 2, false, false, repeat, "is"},
        {"alignLeft", 2, 2, false, false, align_left, "is"},
        {"alignRight", 2, 2, false, false, align_right, "is"},
        {"urlencode", 1, 1, false, false, urlencode, "s"},
        {"urlquery", 1, 1, false, false, urlencode, ""},
        {"urldecode", 1, 1, false, false, urldecode, "s"},
        {"b64enc", 1, 1, false, false, b64enc, "s"},
        {"b64dec", 1, 1, false, false, b64dec, "s"},
        {"html", 1, SIZE_MAX, false, false, html, ""},
        {"js", 1, SIZE_MAX, false, false, js, ""},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
