#include "core/template/template_json.h"

#include <stdlib.h>

#include "core/model/go_text.h"

struct reader {
    struct slice in;
    struct arena *arena;
    size_t depth;
};

static void blank(struct reader *reader)
{
    while (reader->in.len > 0 && strchr(" \t\r\n", reader->in.ptr[0]) != NULL && reader->in.ptr[0] != '\0')
        reader->in = slice_from(reader->in, 1);
}

static bool take(struct reader *reader, char c)
{
    blank(reader);
    if (reader->in.len == 0 || reader->in.ptr[0] != c)
        return false;
    reader->in = slice_from(reader->in, 1);
    return true;
}

static bool hex4(struct slice *in, uint32_t *out)
{
    uint32_t value = 0;
    if (in->len < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = in->ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        value = value * 16 + (uint32_t)digit;
    }
    *in = slice_from(*in, 4);
    *out = value;
    return true;
}

/* Behind the backslash. Half a surrogate pair becomes U+FFFD, as in Go. */
static bool escape(struct slice *in, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    char bytes[4];
    uint32_t rune = 0;
    uint32_t low = 0;
    if (in->len == 0)
        return false;
    char c = in->ptr[0];
    *in = slice_from(*in, 1);
    if (c == 'u') {
        if (!hex4(in, &rune))
            return false;
        struct slice ahead = *in;
        if (rune >= 0xd800 && rune < 0xdc00 && slice_starts(ahead, SLICE("\\u"))) {
            ahead = slice_from(ahead, 2);
            if (hex4(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
                rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
                *in = ahead;
            }
        }
        buf_put(out, slice_of(bytes, utf8_encode(rune >= 0xd800 && rune < 0xe000 ? 0xfffd : rune, bytes)));
        return true;
    }
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known == NULL)
        return false;
    buf_byte(out, into[known - from]);
    return true;
}

static bool string(struct reader *reader, struct slice *out)
{
    struct buf text = BUF_INIT;
    bool ok = take(reader, '"');
    while (ok && reader->in.len > 0 && reader->in.ptr[0] != '"') {
        char c = reader->in.ptr[0];
        reader->in = slice_from(reader->in, 1);
        if (c == '\\')
            ok = escape(&reader->in, &text);
        else if ((unsigned char)c < 0x20)
            ok = false;
        else
            buf_byte(&text, c);
    }
    ok = ok && reader->in.len > 0;
    if (ok)
        reader->in = slice_from(reader->in, 1);
    *out = arena_copy(reader->arena, buf_slice(&text));
    buf_fini(&text);
    return ok;
}

static bool value_read(struct reader *reader, struct value *out);

struct member {
    struct slice key;
    struct value value;
    size_t order;
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    int order = slice_cmp(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static void *grown(struct arena *arena, void *old, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return old;
    void *bigger = arena_array(arena, count == 0 ? 1 : count * 2, size, _Alignof(max_align_t));
    if (count > 0)
        memcpy(bigger, old, count * size);
    return bigger;
}

static bool object(struct reader *reader, struct value *out)
{
    struct member *members = NULL;
    size_t count = 0;
    bool more = !take(reader, '}');
    while (more) {
        struct member member = {.order = count};
        blank(reader);
        if (!string(reader, &member.key) || !take(reader, ':') || !value_read(reader, &member.value))
            return false;
        members = grown(reader->arena, members, count, sizeof(*members));
        members[count++] = member;
        more = take(reader, ',');
        if (!more && !take(reader, '}'))
            return false;
    }
    if (count > 1)
        qsort(members, count, sizeof(*members), by_key);
    struct slice *keys = ARENA_ARRAY(reader->arena, struct slice, count);
    struct value *items = ARENA_ARRAY(reader->arena, struct value, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && slice_eq(members[i].key, members[i + 1].key))
            continue; // the last of equal keys wins
        keys[kept] = members[i].key;
        items[kept++] = members[i].value;
    }
    *out = (struct value){.kind = VALUE_MAP, .keys = keys, .items = items, .count = kept};
    return true;
}

static bool list(struct reader *reader, struct value *out)
{
    struct value *items = NULL;
    size_t count = 0;
    bool more = !take(reader, ']');
    while (more) {
        struct value item;
        if (!value_read(reader, &item))
            return false;
        items = grown(reader->arena, items, count, sizeof(*items));
        items[count++] = item;
        more = take(reader, ',');
        if (!more && !take(reader, ']'))
            return false;
    }
    *out = (struct value){.kind = VALUE_LIST, .items = items, .count = count};
    return true;
}

static size_t digits(struct slice text, size_t at)
{
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    return at;
}

/* Length of the number at the start, by RFC 8259, section 6; 0: there is none. */
static size_t number_len(struct slice text)
{
    size_t begin = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t at = begin < text.len && text.ptr[begin] == '0' ? begin + 1 : digits(text, begin);
    if (at == begin)
        return 0;
    if (at < text.len && text.ptr[at] == '.') {
        begin = at + 1;
        at = digits(text, begin);
        if (at == begin)
            return 0;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        begin = at + 1;
        begin += begin < text.len && (text.ptr[begin] == '+' || text.ptr[begin] == '-') ? 1 : 0;
        at = digits(text, begin);
        if (at == begin)
            return 0;
    }
    return at;
}

static bool scalar(struct reader *reader, struct value *out)
{
    static const struct {
        struct slice text;
        struct value value;
    } words[] = {{{"true", 4}, {.kind = VALUE_BOOL, .truth = true}}, {{"false", 5}, {.kind = VALUE_BOOL}}, {{"null", 4}, {.kind = VALUE_NIL}}};
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_starts(reader->in, words[i].text)) {
            *out = words[i].value;
            reader->in = slice_from(reader->in, words[i].text.len);
            return true;
        }
    }
    const size_t len = number_len(reader->in);
    double real = 0;
    if (len == 0 || !go_parse_float(slice_of(reader->in.ptr, len), &real, NULL))
        return false;
    *out = value_float(real);
    reader->in = slice_from(reader->in, len);
    return true;
}

static bool value_read(struct reader *reader, struct value *out)
{
    struct slice text;
    bool ok = false;
    if (++reader->depth > TEMPLATE_JSON_DEPTH_MAX)
        return false;
    blank(reader);
    if (reader->in.len > 0 && reader->in.ptr[0] == '"') {
        ok = string(reader, &text);
        *out = value_text(text);
    } else if (take(reader, '{')) {
        ok = object(reader, out);
    } else if (take(reader, '[')) {
        ok = list(reader, out);
    } else {
        ok = scalar(reader, out);
    }
    reader->depth--;
    return ok;
}

bool template_json_parse(struct slice text, struct arena *arena, struct value *out)
{
    struct reader reader = {text, arena, 0};
    if (!value_read(&reader, out))
        return false;
    blank(&reader);
    return reader.in.len == 0;
}
