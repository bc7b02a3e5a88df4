#include "core/model/flow_text.h"

#include "core/model/go_text.h"

struct reader {
    struct slice in;
    struct arena *arena;
    struct err *err;
};

static void skip_space(struct reader *reader)
{
    while (reader->in.len > 0 && strchr(" \t\r\n", reader->in.ptr[0]) != NULL && reader->in.ptr[0] != '\0')
        reader->in = slice_from(reader->in, 1);
}

static bool next_is(struct reader *reader, char c)
{
    skip_space(reader);
    return reader->in.len > 0 && reader->in.ptr[0] == c;
}

static bool take_byte(struct reader *reader, char c)
{
    bool is_there = next_is(reader, c);
    if (is_there)
        reader->in = slice_from(reader->in, 1);
    return is_there;
}

static bool take_quoted(struct reader *reader, struct slice *out)
{
    struct slice in = reader->in;
    struct buf text = BUF_INIT;
    size_t end = 1;
    while (end < in.len && in.ptr[end] != '"')
        end += in.ptr[end] == '\\' ? 2 : 1;
    bool ok = end < in.len && go_unquote(slice_of(in.ptr, end + 1), &text);
    *out = arena_copy(reader->arena, buf_slice(&text));
    buf_fini(&text);
    reader->in = slice_from(in, ok ? end + 1 : in.len);
    return ok || err_set(reader->err, ERR_INVALID, "a text without its closing quote, or with a bad escape");
}

static bool take_scalar(struct reader *reader, struct slice *out)
{
    skip_space(reader);
    if (next_is(reader, '"'))
        return take_quoted(reader, out);
    size_t end = 0;
    while (end < reader->in.len && (reader->in.ptr[end] == '\0' || strchr(",:[]{}", reader->in.ptr[end]) == NULL))
        end++;
    *out = arena_copy(reader->arena, slice_trim(slice_of(reader->in.ptr, end)));
    reader->in = slice_from(reader->in, end);
    return true;
}

/* Room for one more of count items: doubled when full, in the arena. */
static void *grown(struct arena *arena, const void *items, size_t count, size_t size, size_t align)
{
    if (count > 0 && (count < 4 || (count & (count - 1)) != 0))
        return (void *)items;
    void *more = arena_alloc(arena, (count == 0 ? 4 : count * 2) * size, align);
    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

static bool take_value(struct reader *reader, size_t depth, struct flow_value *out);

/* Behind the opening bracket or brace. */
static bool take_items(struct reader *reader, size_t depth, struct flow_value *out)
{
    bool is_map = out->kind == FLOW_MAP;
    char end = is_map ? '}' : ']';
    struct flow_value *items = NULL;
    struct slice *keys = NULL;
    if (depth == FLOW_DEPTH_MAX)
        return err_set(reader->err, ERR_LIMIT, "nested deeper than %d", FLOW_DEPTH_MAX);
    while (!take_byte(reader, end)) {
        if (out->count == FLOW_ITEMS_MAX)
            return err_set(reader->err, ERR_LIMIT, "more than %d items", FLOW_ITEMS_MAX);
        items = grown(reader->arena, items, out->count, sizeof(*items), _Alignof(struct flow_value));
        if (is_map) {
            keys = grown(reader->arena, keys, out->count, sizeof(*keys), _Alignof(struct slice));
            if (!take_scalar(reader, &keys[out->count]))
                return false;
            if (!take_byte(reader, ':'))
                return err_set(reader->err, ERR_INVALID, "a colon is missing after \"%.*s\"", SLICE_ARG(keys[out->count]));
        }
        if (!take_value(reader, depth + 1, &items[out->count]))
            return false;
        out->count++;
        if (!take_byte(reader, ',') && !next_is(reader, end))
            return err_set(reader->err, ERR_INVALID, "a comma or %c is missing after item %zu", end, out->count);
    }
    out->items = items;
    out->keys = keys;
    return true;
}

static bool take_value(struct reader *reader, size_t depth, struct flow_value *out)
{
    *out = (struct flow_value){.kind = FLOW_TEXT};
    if (!next_is(reader, '[') && !next_is(reader, '{'))
        return take_scalar(reader, &out->text);
    out->kind = take_byte(reader, '[') ? FLOW_LIST : FLOW_MAP;
    if (out->kind == FLOW_MAP)
        (void)take_byte(reader, '{');
    return take_items(reader, depth, out);
}

bool flow_read(struct slice text, struct arena *arena, struct flow_value *out, struct err *err)
{
    struct reader reader = {text, arena, err};
    if (!take_value(&reader, 0, out))
        return false;
    skip_space(&reader);
    return reader.in.len == 0 || err_set(err, ERR_INVALID, "text after the end of the value");
}
