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

// The string at *at: *key when it is one of an object, and *at behind its colon; else *at where the reading goes on. False: it cannot be read.
static bool read_key(struct slice text, size_t *at, struct arena *arena, struct slice *key)
{
    bool has_escape = false;
    size_t end = json_string_end(text, *at + 1, &has_escape);
    size_t next = end == SIZE_MAX ? text.len : json_skip_space(text, end);
    *key = SLICE_NONE;
    if (next == text.len)
        return false;
    if (text.ptr[next] == ':') {
        *key = slice_of(text.ptr + *at + 1, end - *at - 2);
        if (has_escape && !json_unescape(*key, arena, key))
            return false;
        next++;
    }
    *at = next;
    return true;
}

static bool find_member(struct slice text, struct slice wanted, struct arena *arena, struct json_value *out, const char **error)
{
    int64_t level = 0;
    struct slice key;
    for (size_t at = 0; at < text.len;) {
        char c = text.ptr[at];
        if (c == '"') {
            if (!read_key(text, &at, arena, &key) || (key.ptr != NULL && level < 1))
                return false;
            if (key.ptr != NULL && level == 1 && slice_eq(key, wanted)) {
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

// What the steps behind an array's index lead to, from that item on.
static bool find_below(const struct json_path *path, size_t first, struct json_value *value, struct arena *arena, const char **error)
{
    for (size_t i = first; i < path->count; i++) {
        const struct json_step *step = &path->steps[i];
        struct slice text = value->text;
        if (value->kind != (step->is_index ? JSON_ARRAY : JSON_OBJECT))
            return false;
        if (!(step->is_index ? find_item(text, step->index, value) : find_member(text, step->key, arena, value, error))) {
            if (i + 1 < path->count) // only damage of the value that the last step names is reported
                *error = NULL;
            return false;
        }
    }
    return true;
}

struct search {
    const struct json_path *paths;
    size_t count, left;
    struct slice text;
    size_t at;
    int64_t level;       /* of braces, and of brackets that are looked into */
    struct slice *above; /* the last key seen at each level */
    size_t depth;        /* of the longest path */
    struct arena *arena;
    struct json_hit *hits;
    bool *is_done;
    const char *error;
};

// The keys around are the path's first ones.
static bool is_under(const struct search *search, const struct json_path *path, size_t level)
{
    for (size_t i = 0; i < level; i++) {
        if (path->steps[i].is_index || !slice_eq(path->steps[i].key, search->above[i]))
            return false;
    }
    return true;
}

static void settle(struct search *search, size_t i, bool is_found, const char *error)
{
    search->is_done[i] = true;
    search->left--;
    search->hits[i].is_found = is_found && error == NULL;
    if (error != NULL)
        search->error = error;
}

// False: the search ends.
static bool see_string(struct search *search)
{
    struct slice key;
    if (!read_key(search->text, &search->at, search->arena, &key))
        return false;
    if (key.ptr == NULL || search->level > (int64_t)search->depth)
        return true;
    if (search->level < 1) {
        search->error = "Malformed JSON error";
        return false;
    }
    size_t level = (size_t)search->level;
    search->above[level - 1] = key;
    for (size_t i = 0; i < search->count; i++) {
        const struct json_path *path = &search->paths[i];
        size_t end = 0;
        if (path->count == level && !search->is_done[i] && is_under(search, path, level))
            settle(search, i, true, json_value_at(search->text, search->at, &search->hits[i].value, &end));
    }
    return true;
}

static bool asks_for_item(const struct search *search, size_t i)
{
    const struct json_path *path = &search->paths[i];
    size_t level = (size_t)search->level;
    return path->count > level && !search->is_done[i] && path->steps[level].is_index && is_under(search, path, level);
}

// An array that a path goes into: its items one by one. The cursor is then at its bracket, or where it is damaged.
static void see_items(struct search *search)
{
    struct slice text = search->text;
    size_t at = json_skip_space(text, search->at + 1);
    for (size_t index = 0; at < text.len && text.ptr[at] != ']'; index++) {
        struct json_value item;
        if (json_value_at(text, at, &item, &at) != NULL)
            break;
        for (size_t i = 0; i < search->count; i++) {
            if (!asks_for_item(search, i) || search->paths[i].steps[search->level].index != index)
                continue;
            const char *error = NULL;
            search->hits[i].value = item;
            bool is_found = find_below(&search->paths[i], (size_t)search->level + 1, &search->hits[i].value, search->arena, &error);
            settle(search, i, is_found, error);
        }
        at = json_skip_space(text, at);
        if (at == text.len || text.ptr[at] != ',')
            break;
        at = json_skip_space(text, at + 1);
    }
    search->at = at;
    search->level++;
}

// False: the search ends.
static bool see_array(struct search *search)
{
    if (search->level < 0) {
        search->error = "Malformed JSON error";
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        if (asks_for_item(search, i)) {
            see_items(search);
            return true;
        }
    }
    search->at = array_end(search->text, search->at);
    return true;
}

void json_paths_find(const struct json_path *paths, size_t count, struct slice line, struct arena *arena, struct json_hit *hits, const char **error)
{
    struct search search = {.paths = paths, .count = count, .left = count, .text = line, .arena = arena, .hits = hits};
    for (size_t i = 0; i < count; i++) {
        search.depth = paths[i].count > search.depth ? paths[i].count : search.depth;
        hits[i].is_found = false;
    }
    search.above = ARENA_ARRAY(arena, struct slice, search.depth);
    search.is_done = ARENA_ARRAY(arena, bool, count);
    memset(search.above, 0, search.depth * sizeof(*search.above));
    memset(search.is_done, 0, count * sizeof(*search.is_done));
    while (search.at < line.len && search.left > 0) {
        char c = line.ptr[search.at];
        if (c == '"' || c == '[') {
            if (!(c == '"' ? see_string(&search) : see_array(&search)))
                break;
            continue;
        }
        search.level += c == '{' ? 1 : c == '}' || c == ']' ? -1 : 0;
        search.at++;
    }
    *error = search.error;
}
