#include "core/pipeline/logfmt_scan.h"

#include "core/model/go_text.h"
#include "core/pipeline/json_scan.h"
#include "core/text/block16.h"

static bool is_separator(char c)
{
    return (uint8_t)c <= ' ';
}

// The first '=', '"' or separator from `at` on, or the end. Most keys and values end within one block.
static size_t token_end(struct slice text, size_t at)
{
    block16 equals = block16_fill('=');
    block16 quote = block16_fill('"');
    block16 space = block16_fill(' ');
    for (; text.len - at >= 16; at += 16) {
        block16 block = block16_load(text.ptr + at);
        block16 hit = block16_or(block16_or(block16_eq(block, equals), block16_eq(block, quote)), block16_at_most(block, space));
        uint64_t mask = block16_mask(hit);
        if (mask != 0)
            return at + block16_first(mask);
    }
    while (at < text.len && text.ptr[at] != '=' && text.ptr[at] != '"' && !is_separator(text.ptr[at]))
        at++;
    return at;
}

static enum logfmt_result fails(struct logfmt_walk *walk, size_t at, const char *error)
{
    walk->error = error;
    walk->error_at = at;
    while (walk->at < walk->text.len && !is_separator(walk->text.ptr[walk->at]))
        walk->at++;
    return LOGFMT_ERROR;
}

static enum logfmt_result unexpected(struct logfmt_walk *walk)
{
    return fails(walk, walk->at, walk->text.ptr[walk->at] == '=' ? "unexpected '='" : "unexpected '\"'");
}

// A key must not hold U+FFFD or bytes that are no UTF-8.
static bool key_is_valid(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        if ((uint8_t)key.ptr[i] < 0x80)
            continue;
        size_t len = 0;
        if (utf8_decode(slice_from(key, i), &len) == 0xfffd)
            return false;
        i += len - 1;
    }
    return true;
}

static bool escape_is_valid(struct slice *in)
{
    if (in->len < 2)
        return false;
    if (in->ptr[1] != 'u') {
        if (memchr("\"\\/'bfnrt", in->ptr[1], 9) == NULL)
            return false;
        *in = slice_from(*in, 2);
        return true;
    }
    for (size_t i = 2; i < 6; i++) {
        if (i >= in->len || memchr("0123456789abcdefABCDEF", in->ptr[i], 22) == NULL)
            return false;
    }
    *in = slice_from(*in, 6);
    return true;
}

static bool quoted_is_valid(struct slice inner)
{
    while (inner.len > 0) {
        if ((uint8_t)inner.ptr[0] < ' ')
            return false;
        if (inner.ptr[0] != '\\')
            inner = slice_from(inner, 1);
        else if (!escape_is_valid(&inner))
            return false;
    }
    return true;
}

// At the opening quote.
static enum logfmt_result quoted_value(struct logfmt_walk *walk, struct slice *value, bool *has_escape)
{
    size_t start = walk->at + 1;
    size_t end = json_string_end(walk->text, start, has_escape);
    if (end == SIZE_MAX) {
        walk->at = walk->text.len;
        return fails(walk, walk->at, "unterminated quoted value");
    }
    *value = slice_of(walk->text.ptr + start, end - 1 - start);
    walk->at = end;
    if (*has_escape && !quoted_is_valid(*value)) {
        walk->error = "invalid quoted value";
        walk->error_at = end;
        return LOGFMT_ERROR;
    }
    return LOGFMT_PAIR;
}

enum logfmt_result logfmt_walk_next(struct logfmt_walk *walk, struct slice *key, struct slice *value, bool *has_escape)
{
    struct slice text = walk->text;
    *has_escape = false;
    *value = SLICE("");
    while (walk->at < text.len && is_separator(text.ptr[walk->at]))
        walk->at++;
    if (walk->at == text.len)
        return LOGFMT_END;
    size_t start = walk->at;
    walk->at = token_end(text, start);
    char stop = walk->at < text.len ? text.ptr[walk->at] : ' ';
    if (stop == '"' || (stop == '=' && walk->at == start))
        return unexpected(walk);
    *key = slice_of(text.ptr + start, walk->at - start);
    if (!key_is_valid(*key))
        return fails(walk, walk->at, "invalid key");
    if (stop != '=')
        return LOGFMT_PAIR;
    walk->at++;
    if (walk->at == text.len || is_separator(text.ptr[walk->at]))
        return LOGFMT_PAIR;
    if (text.ptr[walk->at] == '"')
        return quoted_value(walk, value, has_escape);
    start = walk->at;
    walk->at = token_end(text, start);
    if (walk->at < text.len && !is_separator(text.ptr[walk->at]))
        return unexpected(walk);
    *value = slice_of(text.ptr + start, walk->at - start);
    return LOGFMT_PAIR;
}

// ---- quoted values ----

static uint32_t hex4(const char *p)
{
    uint32_t rune = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = p[i];
        rune = rune << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return rune;
}

// Of a valid \uXXXX at the head; a pair of surrogates is taken together.
static uint32_t take_rune(struct slice *in)
{
    uint32_t rune = hex4(in->ptr + 2);
    *in = slice_from(*in, 6);
    if (rune < 0xd800 || rune > 0xdfff)
        return rune;
    if (rune >= 0xdc00 || in->len < 6 || in->ptr[0] != '\\' || in->ptr[1] != 'u')
        return 0xfffd;
    uint32_t low = hex4(in->ptr + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *in = slice_from(*in, 6);
    return 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
}

bool logfmt_unquote(struct slice inner, struct arena *arena, struct slice *out)
{
    static const char from[] = "\"\\/'bfnrt";
    static const char to[] = "\"\\/'\b\f\n\r\t";
    if (!quoted_is_valid(inner))
        return false;
    char *text = arena_alloc(arena, inner.len, 1);
    size_t count = 0;
    while (inner.len > 0) {
        if (inner.ptr[0] != '\\') {
            text[count++] = inner.ptr[0];
            inner = slice_from(inner, 1);
        } else if (inner.ptr[1] == 'u') {
            count += utf8_encode(take_rune(&inner), text + count);
        } else {
            const char *at = memchr(from, inner.ptr[1], sizeof(from) - 1);
            text[count++] = at == NULL ? inner.ptr[1] : to[at - from];
            inner = slice_from(inner, 2);
        }
    }
    *out = slice_of(text, count);
    return true;
}
