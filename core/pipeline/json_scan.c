#include "core/pipeline/json_scan.h"

#include "core/model/go_text.h"
#include "core/pipeline/parsed_text.h"
#include "core/text/block16.h"

static const char text_object[] = "Value looks like object, but can't find closing '}' symbol";
static const char text_array[] = "Value is array, but can't find closing ']' symbol";
static const char text_string[] = "Value is string, but can't find closing '\"' symbol";
static const char text_malformed[] = "Malformed JSON error";
static const char text_unknown[] = "Unknown value type";
static const char text_escape[] = "Encountered an invalid escape sequence in a string";

size_t json_skip_space(struct slice text, size_t at)
{
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\n' || text.ptr[at] == '\r' || text.ptr[at] == '\t'))
        at++;
    return at;
}

size_t json_string_end(struct slice text, size_t at, bool *has_escape)
{
    *has_escape = false;
    block16 quote = block16_fill('"');
    block16 backslash = block16_fill('\\');
    while (at < text.len) {
        if (text.len - at >= 16) {
            block16 block = block16_load(text.ptr + at);
            uint64_t mask = block16_mask(block16_or(block16_eq(block, quote), block16_eq(block, backslash)));
            if (mask == 0) {
                at += 16;
                continue;
            }
            at += block16_first(mask);
        }
        if (text.ptr[at] == '"')
            return at + 1;
        if (text.ptr[at] == '\\') {
            *has_escape = true;
            at++;
        }
        at++;
    }
    return SIZE_MAX;
}

// Behind the bracket that closes the one at `at`; only this pair of brackets is counted, and what stands in strings is not.
static size_t block_end(struct slice text, size_t at, char open, char close)
{
    block16 quotes = block16_fill('"');
    block16 opens = block16_fill(open);
    block16 closes = block16_fill(close);
    size_t level = 0;
    while (at < text.len) {
        if (text.len - at >= 16) {
            block16 block = block16_load(text.ptr + at);
            block16 hit = block16_or(block16_eq(block, quotes), block16_or(block16_eq(block, opens), block16_eq(block, closes)));
            uint64_t mask = block16_mask(hit);
            if (mask == 0) {
                at += 16;
                continue;
            }
            at += block16_first(mask);
        }
        char c = text.ptr[at++];
        if (c == '"') {
            bool has_escape = false;
            at = json_string_end(text, at, &has_escape);
            if (at == SIZE_MAX)
                return SIZE_MAX;
        } else if (c == open) {
            level++;
        } else if (c == close && --level == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static bool ends_word(char c)
{
    return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *word_at(struct slice text, size_t at, struct json_value *out, size_t *end)
{
    size_t stop = at;
    while (stop < text.len && !ends_word(text.ptr[stop]))
        stop++;
    out->text = slice_of(text.ptr + at, stop - at);
    *end = stop;
    char c = text.ptr[at];
    if ((c >= '0' && c <= '9') || c == '-')
        out->kind = JSON_NUMBER;
    else if (slice_eq(out->text, SLICE("true")) || slice_eq(out->text, SLICE("false")))
        out->kind = JSON_BOOL;
    else if (slice_eq(out->text, SLICE("null")))
        out->kind = JSON_NULL;
    else
        return text_unknown;
    return NULL;
}

const char *json_value_at(struct slice text, size_t at, struct json_value *out, size_t *end)
{
    at = json_skip_space(text, at);
    if (at == text.len)
        return text_malformed;
    char c = text.ptr[at];
    out->has_escape = false;
    if (c == '"') {
        *end = json_string_end(text, at + 1, &out->has_escape);
        if (*end == SIZE_MAX)
            return text_string;
        out->kind = JSON_STRING;
        out->text = slice_of(text.ptr + at + 1, *end - at - 2);
        return NULL;
    }
    if (c != '{' && c != '[')
        return word_at(text, at, out, end);
    *end = block_end(text, at, c, c == '{' ? '}' : ']');
    if (*end == SIZE_MAX)
        return c == '{' ? text_object : text_array;
    out->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
    out->text = slice_of(text.ptr + at, *end - at);
    return NULL;
}

void json_walk_begin(struct json_walk *walk, struct slice text)
{
    *walk = (struct json_walk){.text = text, .at = json_skip_space(text, 0)};
    if (walk->at == text.len || text.ptr[walk->at] != '{') {
        walk->error = text_object;
        return;
    }
    walk->at = json_skip_space(text, walk->at + 1);
    if (walk->at == text.len)
        walk->error = text_malformed;
}

static bool walk_fails(struct json_walk *walk, const char *error)
{
    walk->error = error;
    return false;
}

static bool walk_key(struct json_walk *walk, struct arena *arena, struct slice *out)
{
    bool has_escape = false;
    size_t end = json_string_end(walk->text, walk->at + 1, &has_escape);
    if (end == SIZE_MAX)
        return walk_fails(walk, text_malformed);
    *out = slice_of(walk->text.ptr + walk->at + 1, end - walk->at - 2);
    if (has_escape && !json_unescape(*out, arena, out))
        return walk_fails(walk, text_escape);
    walk->at = end;
    return true;
}

// Over the comma to the next key, or to the brace that ends the object.
static const char *walk_separator(struct json_walk *walk)
{
    struct slice text = walk->text;
    size_t at = json_skip_space(text, walk->at);
    if (at == text.len)
        return text_array;
    if (text.ptr[at] == ',') {
        at = json_skip_space(text, at + 1);
        if (at == text.len)
            return text_array;
    } else if (text.ptr[at] != '}') {
        return text_object;
    }
    walk->at = at;
    return NULL;
}

bool json_walk_next(struct json_walk *walk, struct arena *arena, struct json_member *out)
{
    if (walk->error != NULL || walk->text.ptr[walk->at] == '}')
        return false;
    if (walk->text.ptr[walk->at] != '"')
        return walk_fails(walk, text_object);
    if (!walk_key(walk, arena, &out->key))
        return false;
    size_t at = json_skip_space(walk->text, walk->at);
    if (at == walk->text.len || walk->text.ptr[at] != ':') {
        out->key = SLICE_NONE;
        return walk_fails(walk, text_malformed);
    }
    const char *error = json_value_at(walk->text, at + 1, &out->value, &walk->at);
    if (error != NULL)
        return walk_fails(walk, error);
    walk->error = walk_separator(walk); // the member is good: an error shows at the next call
    return true;
}

// ---- escapes ----

static bool take_hex4(struct slice *in, uint32_t *out)
{
    if (in->len < 6 || in->ptr[0] != '\\' || in->ptr[1] != 'u')
        return false;
    uint32_t rune = 0;
    for (size_t i = 2; i < 6; i++) {
        char c = in->ptr[i];
        char lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            rune = rune << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            rune = rune << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    *in = slice_from(*in, 6);
    *out = rune;
    return true;
}

static bool take_unicode(struct slice *in, uint32_t *out)
{
    if (!take_hex4(in, out))
        return false;
    if (*out < 0xd800 || *out > 0xdfff)
        return true;
    uint32_t low = 0;
    if (*out >= 0xdc00 || !take_hex4(in, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

bool json_unescape(struct slice inner, struct arena *arena, struct slice *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char *text = arena_alloc(arena, inner.len, 1); // never longer: \u0800 is six bytes for three
    size_t count = 0;
    while (inner.len > 0) {
        size_t plain = slice_find_byte(inner, '\\');
        memcpy(text + count, inner.ptr, plain);
        count += plain;
        inner = slice_from(inner, plain);
        if (inner.len == 0)
            break;
        if (inner.len >= 2 && inner.ptr[1] == 'u') {
            uint32_t rune = 0;
            if (!take_unicode(&inner, &rune))
                return false;
            count += utf8_encode(rune, text + count);
            continue;
        }
        const char *at = inner.len < 2 ? NULL : memchr(from, inner.ptr[1], sizeof(from) - 1);
        if (at == NULL)
            return false;
        text[count++] = to[at - from];
        inner = slice_from(inner, 2);
    }
    *out = slice_of(text, count);
    return true;
}

struct slice json_label_value(const struct json_value *value, struct arena *arena)
{
    struct slice text = value->text;
    if (value->kind == JSON_NULL)
        return SLICE("");
    if (value->kind != JSON_STRING)
        return text;
    if (value->has_escape && !json_unescape(text, arena, &text))
        return SLICE("");
    return label_value_clean(text, arena);
}
