#include "net/codec/yaml_tree.h"

#include <yaml.h>

#include "core/base/mem.h"

struct open { /* a list or map whose end has not come */
    struct yaml_tree *node;
    const struct yaml_tree **items;
    size_t count, cap;
    struct slice anchor;
};

struct builder {
    struct arena *arena;
    struct open open[YAML_TREE_DEPTH_MAX];
    size_t depth;
    const struct yaml_tree *root;
    struct {
        struct slice name;
        const struct yaml_tree *node;
    } anchors[YAML_TREE_ANCHORS_MAX];
    size_t anchor_count;
    size_t nodes;
    size_t line; /* of the event */
};

static bool refuse(const struct builder *builder, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "line %zu: %s", builder->line, what);
}

static struct slice anchor_copy(struct builder *builder, const yaml_char_t *name)
{
    return name == NULL ? SLICE_NONE : arena_copy(builder->arena, slice_str((const char *)name));
}

/* A later anchor of the same name hides the earlier one. */
static bool anchor_set(struct builder *builder, struct slice name, const struct yaml_tree *node, struct err *err)
{
    if (name.ptr == NULL)
        return true;
    for (size_t i = 0; i < builder->anchor_count; i++) {
        if (slice_eq(builder->anchors[i].name, name)) {
            builder->anchors[i].node = node;
            return true;
        }
    }
    if (builder->anchor_count == YAML_TREE_ANCHORS_MAX)
        return refuse(builder, "too many anchors", err);
    builder->anchors[builder->anchor_count].name = name;
    builder->anchors[builder->anchor_count++].node = node;
    return true;
}

/* A whole node to where it belongs. */
static void attach(struct builder *builder, const struct yaml_tree *node)
{
    if (builder->depth == 0) {
        builder->root = node;
        return;
    }
    struct open *open = &builder->open[builder->depth - 1];
    if (open->count == open->cap) {
        open->cap = open->cap == 0 ? 16 : open->cap * 2;
        open->items = mem_grow(open->items, open->cap, sizeof(*open->items));
    }
    open->items[open->count++] = node;
}

static struct yaml_tree *node_new(struct builder *builder, enum yaml_kind kind, struct err *err)
{
    if (++builder->nodes > YAML_TREE_NODES_MAX) {
        (void)refuse(builder, "too many nodes", err);
        return NULL;
    }
    struct yaml_tree *node = ARENA_NEW(builder->arena, struct yaml_tree);
    node->kind = kind;
    node->line = builder->line;
    return node;
}

static bool take_text(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    struct yaml_tree *node = node_new(builder, YAML_TEXT, err);
    if (node == NULL)
        return false;
    node->text = arena_copy(builder->arena, slice_of(event->data.scalar.value, event->data.scalar.length));
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    attach(builder, node);
    return anchor_set(builder, anchor_copy(builder, event->data.scalar.anchor), node, err);
}

static bool take_begin(struct builder *builder, enum yaml_kind kind, const yaml_char_t *anchor, struct err *err)
{
    struct yaml_tree *node = node_new(builder, kind, err);
    if (node == NULL)
        return false;
    if (builder->depth == YAML_TREE_DEPTH_MAX)
        return refuse(builder, "nested too deeply", err);
    builder->open[builder->depth++] = (struct open){.node = node, .anchor = anchor_copy(builder, anchor)};
    return true;
}

static bool take_end(struct builder *builder, struct err *err)
{
    struct open open = builder->open[--builder->depth];
    const struct yaml_tree **items = ARENA_ARRAY(builder->arena, const struct yaml_tree *, open.count);
    if (open.count > 0)
        memcpy(items, open.items, open.count * sizeof(*items));
    mem_free(open.items);
    open.node->items = items;
    open.node->count = open.count;
    attach(builder, open.node);
    return anchor_set(builder, open.anchor, open.node, err);
}

static bool take_alias(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    struct slice name = slice_str((const char *)event->data.alias.anchor);
    for (size_t i = 0; i < builder->anchor_count; i++) {
        if (slice_eq(builder->anchors[i].name, name)) {
            attach(builder, builder->anchors[i].node);
            return true;
        }
    }
    return refuse(builder, "an alias of nothing that stands before it", err);
}

static bool take(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    builder->line = event->start_mark.line + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_text(builder, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return take_begin(builder, YAML_LIST, event->data.sequence_start.anchor, err);
    case YAML_MAPPING_START_EVENT:
        return take_begin(builder, YAML_MAP, event->data.mapping_start.anchor, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return take_end(builder, err);
    case YAML_ALIAS_EVENT:
        return take_alias(builder, event, err);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

bool yaml_tree_read(struct slice text, struct arena *arena, const struct yaml_tree **out, struct err *err)
{
    struct builder builder = {.arena = arena};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no memory for a YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len == 0 ? "" : text.ptr), text.len);
    bool ok = true;
    bool at_end = false;
    while (ok && !at_end) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            ok = err_set(err, ERR_INVALID, "line %zu: %s", parser.problem_mark.line + 1, parser.problem != NULL ? parser.problem : "bad YAML");
            break;
        }
        at_end = event.type == YAML_DOCUMENT_END_EVENT || event.type == YAML_STREAM_END_EVENT;
        ok = take(&builder, &event, err);
        yaml_event_delete(&event);
    }
    while (builder.depth > 0)
        mem_free(builder.open[--builder.depth].items);
    yaml_parser_delete(&parser);
    *out = builder.root;
    return ok;
}
