#include "net/config/yaml_flatten.h"

#include <yaml.h>

#include "core/base/buf.h"
#include "core/model/go_text.h"

typedef bool (*each_scalar)(void *self, const struct slice *path, size_t depth, struct slice value, size_t line, struct err *err);

enum level_kind { LEVEL_MAPPING, LEVEL_LIST };

struct level {
    enum level_kind kind;
    bool has_key;     /* mapping: the next scalar is the value of path[i] */
    bool has_nested;  /* list: some element was no scalar */
    size_t index;     /* list: of the next element; mapping: of the next key */
    struct buf joined; /* list of scalars */
    size_t line;
};

struct flattener {
    struct arena *arena;
    bool (*is_whole)(const struct slice *path, size_t depth);
    each_scalar each;
    void *self;
    struct slice path[YAML_DEPTH_MAX + 1];
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    size_t whole_depth; /* not 0: inside of a value that is told as one text; how deep it began */
    size_t whole_line;
    struct buf whole;
};

static bool emit(struct flattener *f, struct slice value, size_t line, struct err *err)
{
    return f->each(f->self, f->path, f->depth, value, line, err);
}

/* An item that a reader of the joined text would split, trim or unquote is quoted. */
static void item_put(struct buf *joined, struct slice item)
{
    bool is_safe = item.len == 0 || slice_trim(item).len == item.len;
    for (size_t i = 0; i < item.len; i++)
        is_safe = is_safe && strchr(",\"'[]", item.ptr[i]) == NULL;
    if (is_safe)
        buf_put(joined, item);
    else
        go_quote(joined, item);
}

/* ---- values that are told whole ---- */

/* What stands between the item before and this one, or between a key and its value. */
static void whole_part(struct flattener *f)
{
    struct level *level = &f->levels[f->depth - 1];
    if (f->depth <= f->whole_depth)
        return; // the value itself
    if (level->kind == LEVEL_MAPPING && level->has_key) {
        buf_str(&f->whole, ": ");
        level->has_key = false;
        return;
    }
    buf_str(&f->whole, level->index++ > 0 ? ", " : "");
    level->has_key = level->kind == LEVEL_MAPPING;
}

static bool whole_open(struct flattener *f, enum level_kind kind, size_t line, struct err *err)
{
    if (f->depth == YAML_DEPTH_MAX)
        return err_set(err, ERR_INVALID, "line %zu: nested deeper than %d", line, YAML_DEPTH_MAX);
    if (f->depth > f->whole_depth && f->levels[f->depth - 1].kind == LEVEL_MAPPING && !f->levels[f->depth - 1].has_key)
        return err_set(err, ERR_INVALID, "line %zu: a key must be a scalar", line);
    whole_part(f);
    buf_byte(&f->whole, kind == LEVEL_LIST ? '[' : '{');
    f->levels[f->depth++] = (struct level){.kind = kind, .line = line};
    return true;
}

static bool whole_close(struct flattener *f, struct err *err)
{
    struct level *level = &f->levels[--f->depth];
    buf_byte(&f->whole, level->kind == LEVEL_LIST ? ']' : '}');
    if (f->depth > f->whole_depth)
        return true;
    f->whole_depth = 0;
    f->levels[f->depth - 1].has_key = false;
    bool ok = emit(f, arena_copy(f->arena, buf_slice(&f->whole)), f->whole_line, err);
    buf_reset(&f->whole);
    return ok;
}

/* ---- everything else ---- */

static bool scalar(struct flattener *f, const yaml_event_t *event, struct err *err)
{
    struct slice text = arena_copy(f->arena, slice_of(event->data.scalar.value, event->data.scalar.length));
    size_t line = event->start_mark.line + 1;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (is_plain && (slice_eq(text, SLICE("~")) || slice_eq(text, SLICE("null"))))
        text = SLICE("");
    if (f->whole_depth > 0) {
        whole_part(f);
        go_quote(&f->whole, text);
        return true;
    }
    if (f->depth == 0)
        return text.len == 0 || err_set(err, ERR_INVALID, "line %zu: a mapping is wanted", line);
    struct level *level = &f->levels[f->depth - 1];
    if (level->kind == LEVEL_LIST) {
        if (level->index++ > 0)
            buf_byte(&level->joined, ',');
        item_put(&level->joined, text);
        return true;
    }
    if (!level->has_key) {
        f->path[f->depth - 1] = text;
        level->has_key = true;
        level->index++;
        return true;
    }
    level->has_key = false;
    return emit(f, text, line, err);
}

static bool open_level(struct flattener *f, enum level_kind kind, size_t line, struct err *err)
{
    if (f->whole_depth == 0 && f->depth > 0 && f->levels[f->depth - 1].has_key && f->is_whole != NULL && f->is_whole(f->path, f->depth)) {
        f->whole_depth = f->depth;
        f->whole_line = line;
    }
    if (f->whole_depth > 0)
        return whole_open(f, kind, line, err);
    if (f->depth == YAML_DEPTH_MAX)
        return err_set(err, ERR_INVALID, "line %zu: nested deeper than %d", line, YAML_DEPTH_MAX);
    if (f->depth > 0) {
        struct level *outer = &f->levels[f->depth - 1];
        if (outer->kind == LEVEL_MAPPING && !outer->has_key)
            return err_set(err, ERR_INVALID, "line %zu: a key must be a scalar", line);
        if (outer->kind == LEVEL_LIST) {
            outer->has_nested = true;
            f->path[f->depth - 1] = arena_printf(f->arena, "%zu", outer->index++);
        }
    } else if (kind == LEVEL_LIST) {
        return err_set(err, ERR_INVALID, "line %zu: a mapping is wanted", line);
    }
    f->levels[f->depth++] = (struct level){.kind = kind, .line = line};
    return true;
}

static bool close_level(struct flattener *f, struct err *err)
{
    if (f->whole_depth > 0)
        return whole_close(f, err);
    struct level *level = &f->levels[--f->depth];
    bool ok = true;
    if (level->kind == LEVEL_LIST && !level->has_nested)
        ok = emit(f, arena_copy(f->arena, buf_slice(&level->joined)), level->line, err);
    else if (level->kind == LEVEL_MAPPING && level->index == 0 && f->depth > 0)
        ok = emit(f, SLICE(""), level->line, err); // as a key without a value: a wrong name does not go unseen
    buf_fini(&level->joined);
    if (f->depth > 0 && f->levels[f->depth - 1].kind == LEVEL_MAPPING)
        f->levels[f->depth - 1].has_key = false;
    return ok;
}

static bool take_event(struct flattener *f, const yaml_event_t *event, struct err *err)
{
    size_t line = event->start_mark.line + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return scalar(f, event, err);
    case YAML_MAPPING_START_EVENT:
        return open_level(f, LEVEL_MAPPING, line, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(f, LEVEL_LIST, line, err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return close_level(f, err);
    case YAML_ALIAS_EVENT:
        return err_set(err, ERR_INVALID, "line %zu: anchors and aliases are not supported", line);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

bool yaml_flatten(struct slice text, struct arena *arena, bool (*is_whole)(const struct slice *path, size_t depth), each_scalar each, void *self,
                  struct err *err)
{
    struct flattener f = {.arena = arena, .is_whole = is_whole, .each = each, .self = self};
    yaml_parser_t parser;
    if (text.len > YAML_BYTES_MAX)
        return err_set(err, ERR_INVALID, "larger than %zu bytes", YAML_BYTES_MAX);
    if (yaml_parser_initialize(&parser) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no memory for a YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    bool ok = true;
    bool at_end = false;
    while (ok && !at_end) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            ok = err_set(err, ERR_INVALID, "line %zu: %s", parser.problem_mark.line + 1,
                         parser.problem != NULL ? parser.problem : "bad YAML");
            break;
        }
        at_end = event.type == YAML_STREAM_END_EVENT;
        ok = take_event(&f, &event, err);
        yaml_event_delete(&event);
    }
    while (f.depth > 0)
        buf_fini(&f.levels[--f.depth].joined);
    buf_fini(&f.whole);
    yaml_parser_delete(&parser);
    return ok;
}
