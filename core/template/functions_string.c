/* functions_string.c: texts: case, trimming, cutting, padding, escapes (spec logql.md 9.3). */
#include "core/template/template_tree.h"

#include <stdio.h>

#include "core/model/go_text.h"
#include "core/model/printable.h"
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
    return give(out, go_trim_space(text_arg(call, 0)));
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
            buf_reset(&text);
            go_quote(&text, slice_of(s.ptr + i, s.len - i < 3 ? s.len - i : 3));
            (void)err_set(err, ERR_INVALID, "invalid URL escape %.*s", SLICE_ARG(buf_slice(&text)));
            buf_fini(&text);
            return false;
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

struct base64_quantum {
    uint32_t bits;
    unsigned digits; /* before the padding, of four */
    size_t bad;      /* where Go's decoder stops; SIZE_MAX: nowhere */
};

static size_t skip_newlines(struct slice s, size_t at)
{
    while (at < s.len && (s.ptr[at] == '\n' || s.ptr[at] == '\r'))
        at++;
    return at;
}

/* The padding begins at `at`: all of it, with nothing behind. */
static size_t bad_padding(struct slice s, size_t at, unsigned digits)
{
    if (digits < 2)
        return at;
    size_t next = skip_newlines(s, at + 1);
    if (digits == 2) {
        if (next == s.len || s.ptr[next] != '=')
            return next == s.len ? next : next - 1;
        next = skip_newlines(s, next + 1);
    }
    return next < s.len ? next : SIZE_MAX;
}

/* Up to four digits from *at on. Source: decodeQuantum of Go's encoding/base64, for the offsets of its errors. */
static struct base64_quantum next_quantum(struct slice s, size_t *at)
{
    struct base64_quantum quantum = {.bad = SIZE_MAX};
    for (; quantum.digits < 4; (*at)++) {
        *at = skip_newlines(s, *at);
        if (*at == s.len) {
            quantum.bad = quantum.digits == 0 ? SIZE_MAX : s.len - quantum.digits;
            return quantum;
        }
        const char *digit = s.ptr[*at] == '\0' ? NULL : strchr(base64_digits, s.ptr[*at]);
        if (digit == NULL) {
            quantum.bad = s.ptr[*at] == '=' ? bad_padding(s, *at, quantum.digits) : *at;
            *at = s.len;
            return quantum;
        }
        quantum.bits = quantum.bits << 6 | (uint32_t)(digit - base64_digits);
        quantum.digits++;
    }
    return quantum;
}

/* On bad input the error text is the result, as in sprig. */
static bool b64dec(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice s = text_arg(call, 0);
    struct buf text = BUF_INIT;
    for (size_t at = 0; at < s.len;) {
        struct base64_quantum quantum = next_quantum(s, &at);
        if (quantum.bad != SIZE_MAX) {
            buf_fini(&text);
            return give(out, arena_printf(call->arena, "illegal base64 data at input byte %zu", quantum.bad));
        }
        uint32_t bits = quantum.bits << 6 * (4 - quantum.digits);
        for (unsigned i = 0; i + 1 < quantum.digits; i++)
            buf_byte(&text, (char)(bits >> (16 - 8 * i)));
    }
    return give_buf(call, out, &text);
}

/* Go's html and js escapes. */
static void html_byte(struct buf *text, char c)
{
    const char *with = c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&#34;" : c == '\'' ? "&#39;" : NULL;
    if (c == '\0')
        with = "\xef\xbf\xbd";
    if (with == NULL)
        buf_byte(text, c);
    else
        buf_str(text, with);
}

/* What the escapes work on: all arguments as Go's Sprint has them, a space between two that are no texts. */
static struct slice sprint(const struct call *call)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < call->count; i++) {
        const struct value *value = &call->args[i];
        bool is_text = value->kind == VALUE_STRING || value->kind == VALUE_NIL; // nil is the text <no value>
        if (i > 0 && !is_text && call->args[i - 1].kind != VALUE_STRING && call->args[i - 1].kind != VALUE_NIL)
            buf_byte(&text, ' ');
        if (value->kind == VALUE_NIL)
            buf_str(&text, "<no value>");
        else
            value_print(value, &text);
    }
    struct slice all = arena_copy(call->arena, buf_slice(&text));
    buf_fini(&text);
    return all;
}

static bool html(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct buf text = BUF_INIT;
    struct slice s = sprint(call);
    for (size_t i = 0; i < s.len; i++)
        html_byte(&text, s.ptr[i]);
    return give_buf(call, out, &text);
}

static bool urlquery(const struct call *call, struct value *out, struct err *err)
{
    struct call one = *call;
    const struct value all = value_text(sprint(call));
    one.args = &all;
    one.count = 1;
    return urlencode(&one, out, err);
}

static void js_rune(struct buf *text, uint32_t rune, struct slice bytes)
{
    if (rune == '\\' || rune == '\'' || rune == '"') {
        buf_byte(text, '\\');
        buf_put(text, bytes);
    } else if (rune < 0x20 || rune == '<' || rune == '>' || rune == '&' || rune == '=' || (rune >= 0x80 && !rune_is_printable(rune))) {
        buf_str(text, "\\u");
        for (unsigned shift = rune < 0x100000 ? (rune < 0x10000 ? 16 : 20) : 24; shift > 0; shift -= 4)
            buf_byte(text, "0123456789ABCDEF"[rune >> (shift - 4) & 15]);
    } else {
        buf_put(text, bytes);
    }
}

static bool js(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct buf text = BUF_INIT;
    size_t len = 0;
    for (struct slice s = sprint(call); s.len > 0; s = slice_from(s, len)) {
        uint32_t rune = utf8_decode(s, &len);
        js_rune(&text, rune, slice_of(s.ptr, len));
    }
    return give_buf(call, out, &text);
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
        {"urlquery", 0, SIZE_MAX, false, false, urlquery, ""},
        {"urldecode", 1, 1, false, false, urldecode, "s"},
        {"b64enc", 1, 1, false, false, b64enc, "s"},
        {"b64dec", 1, 1, false, false, b64dec, "s"},
        {"html", 0, SIZE_MAX, false, false, html, ""},
        {"js", 0, SIZE_MAX, false, false, js, ""},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
