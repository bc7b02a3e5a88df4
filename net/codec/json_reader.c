#include "net/codec/json_reader.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/model/go_text.h"

void json_reader_init(struct json_reader *reader, struct slice text, struct arena *arena)
{
    *reader = (struct json_reader){text.ptr, text.ptr, text.ptr + text.len, arena};
}

size_t json_offset(const struct json_reader *reader)
{
    return (size_t)(reader->at - reader->begin);
}

char json_peek(struct json_reader *reader)
{
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return c;
        reader->at++;
    }
    return '\0';
}

static bool fail(const struct json_reader *reader, const char *what, struct err *err)
{
    if (reader->at >= reader->end)
        return err_set(err, ERR_INVALID, "unexpected EOF: %s wanted at offset %zu", what, json_offset(reader));
    unsigned char c = (unsigned char)*reader->at;
    if (c < 0x20 || c >= 0x7f)
        return err_set(err, ERR_INVALID, "%s wanted at offset %zu, found byte 0x%02x", what, json_offset(reader), c);
    return err_set(err, ERR_INVALID, "%s wanted at offset %zu, found '%c'", what, json_offset(reader), c);
}

bool json_accept(struct json_reader *reader, char c)
{
    if (json_peek(reader) != c || reader->at == reader->end)
        return false;
    reader->at++;
    return true;
}

bool json_expect(struct json_reader *reader, char c, struct err *err)
{
    if (json_accept(reader, c))
        return true;
    char what[] = {'\'', c, '\'', '\0'};
    return fail(reader, what, err);
}

bool json_next(struct json_reader *reader, char close, bool *more, struct err *err)
{
    *more = json_accept(reader, ',');
    return *more || json_expect(reader, close, err);
}

/* The first byte of [at, end) that ends plain text: a quote, a backslash or a control character. */
static const char *plain_end(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i hit = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
        int mask = _mm_movemask_epi8(hit);
        if (mask != 0)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

static bool hex4(const char *at, const char *end, uint32_t *out)
{
    if (end - at < 4)
        return false;
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        value = value * 16 + digit;
    }
    *out = value;
    return true;
}

/* reader->at is behind "\u". */
static bool unicode_escape(struct json_reader *reader, char **to, struct err *err)
{
    uint32_t rune = 0;
    uint32_t low = 0;
    if (!hex4(reader->at, reader->end, &rune))
        return fail(reader, "four hex digits", err);
    reader->at += 4;
    if (rune >= 0xd800 && rune < 0xe000) {
        bool is_pair = rune < 0xdc00 && reader->end - reader->at >= 6 && reader->at[0] == '\\' && reader->at[1] == 'u' &&
                       hex4(reader->at + 2, reader->end, &low) && low >= 0xdc00 && low < 0xe000;
        if (!is_pair)
            return fail(reader, "the other half of a surrogate pair", err);
        reader->at += 6;
        rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
    }
    *to += utf8_encode(rune, *to);
    return true;
}

static bool escape(struct json_reader *reader, char **to, struct err *err)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    reader->at++; // the backslash
    if (reader->at == reader->end)
        return fail(reader, "an escape", err);
    char c = *reader->at;
    if (c == 'u') {
        reader->at++;
        return unicode_escape(reader, to, err);
    }
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known == NULL)
        return fail(reader, "an escape", err);
    reader->at++;
    *(*to)++ = into[known - from];
    return true;
}

static bool string_with_escapes(struct json_reader *reader, const char *begin, struct slice *out, struct err *err)
{
    // The end of the string bounds what it unescapes to: an escape is never shorter than its bytes.
    const char *close = reader->at;
    while (close < reader->end && *close != '"')
        close += *close == '\\' && reader->end - close > 1 ? 2 : 1;
    char *copy = arena_alloc(reader->arena, (size_t)(close - begin) + 4, 1);
    char *to = copy;
    const char *from = begin;
    for (;;) {
        memcpy(to, from, (size_t)(reader->at - from));
        to += reader->at - from;
        if (reader->at == reader->end)
            return fail(reader, "'\"'", err);
        if (*reader->at == '"')
            break;
        if (*reader->at != '\\')
            return fail(reader, "no control character in a string", err);
        if (!escape(reader, &to, err))
            return false;
        from = reader->at;
        reader->at = plain_end(reader->at, reader->end);
    }
    reader->at++;
    *out = slice_of(copy, (size_t)(to - copy));
    return true;
}

bool json_string(struct json_reader *reader, struct slice *out, struct err *err)
{
    if (!json_accept(reader, '"'))
        return fail(reader, "a string", err);
    const char *begin = reader->at;
    reader->at = plain_end(begin, reader->end);
    if (reader->at < reader->end && *reader->at == '"') {
        *out = slice_of(begin, (size_t)(reader->at - begin));
        reader->at++;
        return true;
    }
    return string_with_escapes(reader, begin, out, err);
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* RFC 8259 section 6. */
static bool number_is_valid(struct slice text)
{
    size_t i = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t digits = 0;
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        digits++;
    if (digits == 0 || (digits > 1 && text.ptr[i - digits] == '0'))
        return false;
    if (i < text.len && text.ptr[i] == '.') {
        size_t begin = ++i;
        while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
            i++;
        if (i == begin)
            return false;
    }
    if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        i++;
        if (i < text.len && (text.ptr[i] == '+' || text.ptr[i] == '-'))
            i++;
        size_t begin = i;
        while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
            i++;
        if (i == begin)
            return false;
    }
    return i == text.len;
}

static bool skip_scalar(struct json_reader *reader, struct err *err)
{
    static const struct slice words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    struct slice text;
    char c = json_peek(reader);
    if (c == '"')
        return json_string(reader, &text, err);
    struct slice rest = slice_of(reader->at, (size_t)(reader->end - reader->at));
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_starts(rest, words[i])) {
            reader->at += words[i].len;
            return true;
        }
    }
    const char *begin = reader->at;
    const char *at = begin;
    while (at < reader->end && is_number_byte(*at))
        at++;
    if (!number_is_valid(slice_of(begin, (size_t)(at - begin))))
        return fail(reader, "a value", err);
    reader->at = at;
    return true;
}

/* One step into or along a value: takes what stands before the next scalar, or the scalar. */
bool json_skip(struct json_reader *reader, struct slice *out, struct err *err)
{
    char closes[JSON_DEPTH_MAX];
    size_t depth = 0;
    (void)json_peek(reader);
    const char *begin = reader->at;
    struct slice key;
    for (;;) {
        char c = json_peek(reader);
        bool opened = c == '{' || c == '[';
        if (opened) {
            if (depth == JSON_DEPTH_MAX)
                return err_set(err, ERR_INVALID, "JSON is nested deeper than %d", JSON_DEPTH_MAX);
            reader->at++;
            closes[depth++] = c == '{' ? '}' : ']';
            if (json_accept(reader, closes[depth - 1]))
                depth--;
            else if (c == '{' && (!json_string(reader, &key, err) || !json_expect(reader, ':', err)))
                return false;
            else
                continue;
        } else if (!skip_scalar(reader, err)) {
            return false;
        }
        bool more = false;
        while (depth > 0 && !more) {
            if (!json_next(reader, closes[depth - 1], &more, err))
                return false;
            if (!more)
                depth--;
        }
        if (depth == 0)
            break;
        if (closes[depth - 1] == '}' && (!json_string(reader, &key, err) || !json_expect(reader, ':', err)))
            return false;
    }
    if (out != NULL)
        *out = slice_of(begin, (size_t)(reader->at - begin));
    return true;
}
