#include "core/ingest/level.h"

#include "core/ingest/level_word.h"

static const struct slice level_texts[LEVEL_COUNT] = {
    [LEVEL_UNKNOWN] = {"unknown", 7}, [LEVEL_TRACE] = {"trace", 5}, [LEVEL_DEBUG] = {"debug", 5},
    [LEVEL_INFO] = {"info", 4},       [LEVEL_WARN] = {"warn", 4},   [LEVEL_ERROR] = {"error", 5},
    [LEVEL_CRITICAL] = {"critical", 8}, [LEVEL_FATAL] = {"fatal", 5},
};

struct slice level_text(enum level level)
{
    return level_texts[level];
}

bool level_of_word(struct slice word, enum level *out)
{
    static const struct {
        struct slice word;
        enum level level;
    } words[] = {
        {SLICE("trace"), LEVEL_TRACE}, {SLICE("trc"), LEVEL_TRACE},       {SLICE("debug"), LEVEL_DEBUG},
        {SLICE("dbg"), LEVEL_DEBUG},   {SLICE("info"), LEVEL_INFO},       {SLICE("inf"), LEVEL_INFO},
        {SLICE("information"), LEVEL_INFO}, {SLICE("warn"), LEVEL_WARN},  {SLICE("wrn"), LEVEL_WARN},
        {SLICE("warning"), LEVEL_WARN}, {SLICE("error"), LEVEL_ERROR},    {SLICE("err"), LEVEL_ERROR},
        {SLICE("critical"), LEVEL_CRITICAL}, {SLICE("fatal"), LEVEL_FATAL},
    };
    if (word.len < 3 || word.len > 11)
        return false;
    for (size_t i = 0; i < LENGTH(words); i++) {
        if ((word.ptr[0] | 0x20) == words[i].word.ptr[0] && slice_eq_nocase(word, words[i].word)) {
            *out = words[i].level;
            return true;
        }
    }
    return false;
}

// ---- JSON ----

#define JSON_DEPTH_MAX 2 // the object itself, and objects in it

static bool has_name(const struct level_fields *fields, struct slice name)
{
    return name.len > 0 && fields->last[(uint8_t)name.ptr[name.len - 1] | 0x20] != 0 && slice_list_has(fields->names, name);
}

// Takes a string whose opening quote is at in->ptr[0]; escapes stay as they are.
static bool json_string(struct slice *in, struct slice *out)
{
    const char *end = in->ptr + in->len;
    for (const char *at = in->ptr + 1; at < end; at++) {
        at = memchr(at, '"', (size_t)(end - at));
        if (at == NULL)
            return false;
        size_t escapes = 0; // an odd number of them before the quote makes it part of the string
        while (at - escapes > in->ptr + 1 && at[-1 - (ptrdiff_t)escapes] == '\\')
            escapes++;
        if (escapes % 2 == 0) {
            *out = slice_of(in->ptr + 1, (size_t)(at - in->ptr) - 1);
            *in = slice_of(at + 1, (size_t)(end - at) - 1);
            return true;
        }
    }
    return false;
}

static void json_space(struct slice *in)
{
    while (in->len > 0 && (in->ptr[0] == ' ' || in->ptr[0] == '\t' || in->ptr[0] == '\n' || in->ptr[0] == '\r'))
        *in = slice_from(*in, 1);
}

// Passes over a value that cannot hold a level: an array or a deep object by its brackets, else up to the next comma or bracket.
static bool json_pass(struct slice *in)
{
    size_t depth = 0;
    struct slice text;
    while (in->len > 0) {
        char c = in->ptr[0];
        if (c == '"') {
            if (!json_string(in, &text))
                return false;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}'))
            return true;
        if (c == '[' || c == '{')
            depth++;
        else if (c == ']' || c == '}')
            depth--; // not below 0: '}' there has returned, and ']' is refused by the reader of the next comma
        if (depth == SIZE_MAX)
            return false;
        *in = slice_from(*in, 1);
    }
    return false;
}

// The first string value whose key is a field, in text order. What is malformed ends the search.
static bool json_level(struct slice in, const struct level_fields *fields, struct slice *out)
{
    unsigned depth = 1;
    in = slice_from(in, 1); // the brace
    for (;;) {
        struct slice key;
        struct slice value;
        json_space(&in);
        if (in.len == 0)
            return false;
        if (in.ptr[0] == '}' || in.ptr[0] == ',') { // the end of an object, or the next pair
            if (in.ptr[0] == '}' && --depth == 0)
                return false;
            in = slice_from(in, 1);
            continue;
        }
        if (in.ptr[0] != '"' || !json_string(&in, &key))
            return false;
        json_space(&in);
        if (in.len == 0 || in.ptr[0] != ':')
            return false;
        in = slice_from(in, 1);
        json_space(&in);
        if (in.len > 0 && in.ptr[0] == '"') {
            if (!json_string(&in, &value))
                return false;
            if (has_name(fields, key)) {
                *out = value;
                return true;
            }
        } else if (in.len > 0 && in.ptr[0] == '{' && depth < JSON_DEPTH_MAX) {
            depth++;
            in = slice_from(in, 1);
        } else if (!json_pass(&in)) {
            return false;
        }
    }
}

// ---- logfmt ----

static bool is_space(char c)
{
    return (uint8_t)c <= ' ';
}

// Index of the first field that is the key without case, or fields->count.
static size_t list_index_nocase(const struct slice_list *fields, struct slice key)
{
    size_t at = 0;
    while (at < fields->count && (fields->items[at].len != key.len || !slice_eq_nocase(fields->items[at], key)))
        at++;
    return at;
}

// The value after '=': in quotes, without them; else up to a space.
static struct slice logfmt_value(struct slice *in)
{
    struct slice value = SLICE("");
    if (in->len > 0 && in->ptr[0] == '"') {
        if (json_string(in, &value))
            return value;
        *in = slice_from(*in, in->len); // not closed
        return SLICE("");
    }
    const char *at = in->ptr;
    const char *end = in->ptr + in->len;
    while (at < end && !is_space(*at))
        at++;
    (void)slice_take(in, (size_t)(at - in->ptr), &value);
    return value;
}

// Of the keys that are fields, the one that comes first in the list; of equal ones, the first in the line.
static bool logfmt_level(struct slice in, const struct slice_list *fields, struct slice *out)
{
    size_t best = fields->count;
    while (in.len > 0 && best > 0) {
        const char *at = in.ptr;
        const char *end = in.ptr + in.len;
        while (at < end && is_space(*at))
            at++;
        const char *key_at = at;
        while (at < end && !is_space(*at) && *at != '=')
            at++;
        struct slice key = slice_of(key_at, (size_t)(at - key_at));
        in = slice_of(at, (size_t)(end - at));
        if (in.len == 0 || in.ptr[0] != '=')
            continue;
        in = slice_from(in, 1);
        struct slice value = logfmt_value(&in);
        size_t index = key.len <= 64 ? list_index_nocase(fields, key) : fields->count;
        if (index < best) {
            best = index;
            *out = value;
        }
    }
    return best < fields->count;
}

void level_fields_init(struct level_fields *fields, const struct slice_list *names)
{
    *fields = (struct level_fields){.names = names};
    for (size_t i = 0; i < names->count; i++) {
        struct slice name = names->items[i];
        uint32_t bit = UINT32_C(1) << (i % 32);
        if (name.len == 0) {
            fields->has_empty = true;
            continue;
        }
        fields->last[(uint8_t)name.ptr[name.len - 1] | 0x20] |= bit;
        if (name.len > 1)
            fields->second[(uint8_t)name.ptr[name.len - 2] | 0x20] |= bit;
        for (size_t c = 0; name.len == 1 && c < LENGTH(fields->second); c++) // anything may stand before it
            fields->second[c] |= bit;
    }
}

// Whether some '=' follows the last two letters of some field, in any case: no logfmt key can be a field without that. Keeps the walk above
// off most lines.
static bool may_have_logfmt_field(struct slice line, size_t first_equals, const struct level_fields *fields)
{
    const char *end = line.ptr + line.len;
    for (const char *at = line.ptr + first_equals; at != NULL; at = memchr(at + 1, '=', (size_t)(end - at - 1))) {
        size_t before = (size_t)(at - line.ptr);
        if (fields->has_empty)
            return true;
        uint32_t names = before == 0 ? 0 : fields->last[(uint8_t)at[-1] | 0x20];
        if (names != 0 && (before == 1 || (names & fields->second[(uint8_t)at[-2] | 0x20]) != 0))
            return true;
    }
    return false;
}

enum level level_of_line(struct slice line, const struct level_fields *fields)
{
    struct slice trimmed = slice_trim(line);
    struct slice value;
    bool has_field = false;
    if (trimmed.len >= 2 && trimmed.ptr[0] == '{' && trimmed.ptr[trimmed.len - 1] == '}') {
        has_field = json_level(trimmed, fields, &value);
    } else {
        size_t equals = slice_find_byte(line, '=');
        has_field = equals < line.len && may_have_logfmt_field(line, equals, fields) && logfmt_level(line, fields->names, &value);
    }
    enum level level = LEVEL_UNKNOWN;
    if (has_field && level_of_word(value, &level))
        return level;
    return level_word_find(line);
}
