#include "core/pipeline/json_path.h"

#include "core/model/go_text.h"

// ---- the text ----

enum token { TOKEN_END, TOKEN_DOT, TOKEN_LSB, TOKEN_RSB, TOKEN_STRING, TOKEN_INDEX, TOKEN_FIELD };

static const char *const token_names[] = {"$end", "DOT", "LSB", "RSB", "STRING", "INDEX", "FIELD"};

struct reader {
    struct slice in;
    struct arena *arena;
    struct slice bad; /* the character that no token begins with: read as the end */
    struct slice text;
    size_t index;
};

static bool is_field_byte(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

static enum token read_index(struct reader *r)
{
    size_t n = 0;
    while (n < r->in.len && r->in.ptr[n] != ']' && r->in.ptr[n] != ' ')
        n++;
    int64_t value = 0;
    if (!go_parse_int(slice_of(r->in.ptr, n), &value, NULL) || value < 0)
        return TOKEN_END;
    r->index = (size_t)value;
    r->in = slice_from(r->in, n);
    return TOKEN_INDEX;
}

static enum token read_string(struct reader *r)
{
    bool has_escape = false;
    size_t end = json_string_end(r->in, 1, &has_escape);
    if (end == SIZE_MAX)
        return TOKEN_END;
    r->text = slice_of(r->in.ptr + 1, end - 2);
    if (has_escape && !json_unescape(r->text, r->arena, &r->text))
        return TOKEN_END;
    r->in = slice_from(r->in, end);
    return TOKEN_STRING;
}

static enum token read_field(struct reader *r)
{
    size_t n = 0;
    while (n < r->in.len && is_field_byte(r->in.ptr[n], n == 0))
        n++;
    (void)slice_take(&r->in, n, &r->text);
    return TOKEN_FIELD;
}

static enum token read_token(struct reader *r)
{
    r->in = slice_from(r->in, json_skip_space(r->in, 0));
    if (r->in.len == 0)
        return TOKEN_END;
    char c = r->in.ptr[0];
    if (c >= '0' && c <= '9')
        return read_index(r);
    if (c == '"')
        return read_string(r);
    if (is_field_byte(c, true))
        return read_field(r);
    if (c != '.' && c != '[' && c != ']') {
        size_t len = 0;
        (void)utf8_decode(r->in, &len);
        r->bad = slice_of(r->in.ptr, len);
        return TOKEN_END;
    }
    r->in = slice_from(r->in, 1);
    return c == '.' ? TOKEN_DOT : c == '[' ? TOKEN_LSB : TOKEN_RSB;
}

static bool unexpected(struct err *err, enum token token, const char *expecting)
{
    return err_set(err, ERR_INVALID, "syntax error: unexpected %s%s", token_names[token], expecting);
}

// Behind the [.
static bool read_brackets(struct reader *r, struct json_step *out, struct err *err)
{
    enum token token = read_token(r);
    if (token != TOKEN_STRING && token != TOKEN_INDEX)
        return unexpected(err, token, ", expecting STRING or INDEX");
    *out = (struct json_step){.is_index = token == TOKEN_INDEX, .key = r->text, .index = r->index};
    token = read_token(r);
    return token == TOKEN_RSB || unexpected(err, token, ", expecting RSB");
}

bool json_path_parse(struct slice text, struct arena *arena, struct json_path *out, struct err *err)
{
    struct reader r = {.in = text, .arena = arena};
    struct json_step *steps = ARENA_ARRAY(arena, struct json_step, text.len + 1);
    size_t count = 0;
    for (;;) {
        enum token token = read_token(&r);
        if (count > 0 && token == TOKEN_END) {
            if (r.in.len > 0 && r.bad.len == 0)
                return err_set(err, ERR_INVALID, "unexpected char %c", r.in.ptr[0]);
            if (r.bad.len > 0)
                return err_set(err, ERR_INVALID, "unexpected char %.*s", SLICE_ARG(r.bad));
            *out = (struct json_path){steps, count};
            return true;
        }
        if (count > 0 && token == TOKEN_DOT) {
            token = read_token(&r);
            if (token != TOKEN_FIELD)
                return unexpected(err, token, ", expecting FIELD");
        } else if (count > 0 && token != TOKEN_LSB) {
            return unexpected(err, token, "");
        }
        if (token == TOKEN_LSB) {
            if (!read_brackets(&r, &steps[count], err))
                return false;
        } else if (token == TOKEN_FIELD) {
            steps[count] = (struct json_step){.key = r.text};
        } else {
            return unexpected(err, token, ", expecting LSB or FIELD");
        }
        count++;
    }
}

// ---- the line ----

// Behind the bracket that closes the one at `at`; SIZE_MAX: none does.
static size_t array_end(struct slice text, size_t at)
{
    size_t depth = 0;
    for (; at < text.len; at++) {
        bool has_escape = false;
        if (text.ptr[at] == '"') {
            size_t end = json_string_end(text, at + 1, &has_escape);
            if (end == SIZE_MAX)
                return SIZE_MAX;
            at = end - 1;
        } else if (text.ptr[at] == '[') {
            depth++;
        } else if (text.ptr[at] == ']' && --depth == 0) {
            return at + 1;
        }
    }
    return SIZE_MAX;
}

// The string at *at is a key of the outermost object and the one that is asked for; *at is behind it then, else where the search goes on. SIZE_MAX: nowhere.
static bool takes_key(struct slice text, size_t *at, int64_t level, struct slice key, struct arena *arena, const char **error)
{
    bool has_escape = false;
    size_t end = json_string_end(text, *at + 1, &has_escape);
    size_t next = end == SIZE_MAX ? text.len : json_skip_space(text, end);
    struct slice name = end == SIZE_MAX ? SLICE_NONE : slice_of(text.ptr + *at + 1, end - *at - 2);
    *at = next;
    if (next == text.len || text.ptr[next] != ':')
        return false;
    *at = next + 1;
    if (level < 1)
        *error = "Malformed JSON error";
    if (level < 1 || (has_escape && !json_unescape(name, arena, &name))) {
        *at = text.len;
        return false;
    }
    return level == 1 && slice_eq(name, key);
}

// As Loki's reader looks for a key in damaged text: any string before a colon, one brace deep, whatever stands between.
static bool find_in_damage(struct slice text, struct slice key, struct arena *arena, struct json_value *out, const char **error)
{
    int64_t level = 0;
    for (size_t at = 0; at < text.len;) {
        char c = text.ptr[at];
        if (c == '"') {
            if (takes_key(text, &at, level, key, arena, error)) {
                *error = json_value_at(text, at, out, &at);
                return *error == NULL;
            }
        } else if (c == '[') {
            at = array_end(text, at);
        } else {
            level += c == '{' ? 1 : c == '}' ? -1 : 0;
            at++;
        }
    }
    return false;
}

static bool find_member(struct slice text, struct slice key, struct arena *arena, struct json_value *out, const char **error)
{
    struct json_walk walk;
    struct json_member member = {.key = SLICE_NONE};
    json_walk_begin(&walk, text);
    while (json_walk_next(&walk, arena, &member)) {
        if (slice_eq(member.key, key)) {
            *out = member.value;
            return true;
        }
        member.key = SLICE_NONE;
    }
    if (walk.error != NULL && member.key.ptr != NULL && slice_eq(member.key, key)) {
        *error = walk.error;
        return false;
    }
    bool is_damaged = walk.error != NULL || json_skip_space(text, walk.at + 1) < text.len;
    return is_damaged && find_in_damage(text, key, arena, out, error);
}

// Damage in an array is not reported.
static bool find_item(struct slice text, size_t index, struct json_value *out)
{
    size_t at = json_skip_space(text, 0);
    if (at == text.len || text.ptr[at] != '[')
        return false;
    at = json_skip_space(text, at + 1);
    for (size_t i = 0; at < text.len && text.ptr[at] != ']'; i++) {
        if (json_value_at(text, at, out, &at) != NULL)
            return false;
        if (i == index)
            return true;
        at = json_skip_space(text, at);
        if (at < text.len && text.ptr[at] == ',')
            at = json_skip_space(text, at + 1);
    }
    return false;
}

bool json_path_find(const struct json_path *path, struct slice line, struct arena *arena, struct json_value *out,
                    const char **error)
{
    struct slice text = line;
    *error = NULL;
    for (size_t i = 0; i < path->count; i++) {
        const struct json_step *step = &path->steps[i];
        if (i > 0 && out->kind != (step->is_index ? JSON_ARRAY : JSON_OBJECT))
            return false;
        if (!(step->is_index ? find_item(text, step->index, out) : find_member(text, step->key, arena, out, error))) {
            if (i + 1 < path->count) // only damage of the value that the last step names is reported
                *error = NULL;
            return false;
        }
        text = out->text;
    }
    return path->count > 0;
}
