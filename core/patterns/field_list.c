#include "core/patterns/field_list.h"

#include "core/model/go_text.h"
#include "core/pipeline/json_scan.h"
#include "core/pipeline/logfmt_scan.h"
#include "core/pipeline/parsed_text.h"

#define DEPTH_MAX 16 /* of nested objects; deeper ones are left out */

void field_list_init(struct field_list *list, struct query_control *control)
{
    *list = (struct field_list){.control = control};
}

bool field_list_settle(struct field_list *list, struct err *err)
{
    size_t keys = list->keys - list->keys_charged;
    if (keys > 0 && !query_control_charge(list->control, keys * KEY_TABLE_BYTES_PER_KEY, err))
        return false;
    list->keys_charged = list->keys;
    return charged_arena_settle(&list->kept, list->control, err);
}

void field_list_fini(struct field_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        key_table_fini(&list->fields[i]->values);
    key_table_fini(&list->names);
    query_control_refund(list->control, list->keys_charged * KEY_TABLE_BYTES_PER_KEY);
    charged_arena_fini(&list->kept, list->control);
}

static bool is_boolean(struct slice value)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"};
    bool is = false;
    for (size_t i = 0; !is && i < LENGTH(words); i++)
        is = slice_eq_str(value, words[i]);
    return is;
}

enum field_type field_type_of(struct slice value)
{
    struct err err;
    int64_t whole;
    uint64_t bytes;
    double number;
    if (go_parse_int(value, &whole, &err))
        return FIELD_INT;
    if (go_parse_float(value, &number, NULL))
        return FIELD_FLOAT;
    if (is_boolean(value))
        return FIELD_BOOLEAN;
    if (go_parse_duration(value, &whole, &err))
        return FIELD_DURATION;
    return humanize_parse_bytes(value, &bytes, &err) ? FIELD_BYTES : FIELD_STRING;
}

const char *field_type_text(enum field_type type)
{
    static const char *const texts[] = {"int", "float", "boolean", "duration", "bytes", "string"};
    return texts[type];
}

static struct field *field_new(struct field_list *list, struct slice name, uint32_t stream)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 32 : list->cap * 2;
        struct field **fields = ARENA_ARRAY(&list->kept.arena, struct field *, cap);
        if (list->count > 0)
            memcpy(fields, list->fields, list->count * sizeof(struct field *));
        list->fields = fields;
        list->cap = cap;
    }
    struct field *field = ARENA_NEW(&list->kept.arena, struct field);
    field->name = name;
    field->stream = ~stream; // its first value gives the type
    list->fields[list->count++] = field;
    return field;
}

/* 1.5KB -> 1.5kB: as sizes are printed. */
static struct slice size_normal(struct field_list *list, struct slice value)
{
    struct err err;
    uint64_t bytes = 0;
    struct buf text = BUF_INIT;
    if (!humanize_parse_bytes(value, &bytes, &err))
        return value;
    humanize_print_bytes(&text, bytes);
    size_t kept = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ')
            text.ptr[kept++] = text.ptr[i];
    struct slice normal = arena_copy(&list->kept.arena, slice_of(text.ptr, kept));
    buf_fini(&text);
    return normal;
}

struct field *field_list_add(struct field_list *list, uint32_t stream, struct slice name, struct slice value)
{
    bool is_new;
    size_t index = key_table_add(&list->names, name, &list->kept.arena, &is_new);
    list->keys += is_new;
    struct field *field = is_new ? field_new(list, list->names.keys[index], stream) : list->fields[index];
    if (field->stream != stream) {
        field->stream = stream;
        field->type = field_type_of(value);
    }
    if (field->type == FIELD_BYTES)
        value = size_normal(list, value);
    (void)key_table_add(&field->values, value, &list->kept.arena, &is_new);
    list->keys += is_new;
    return field;
}

struct line_fields {
    struct field_list *list;
    uint32_t stream;
    const struct field_names *taken;
    struct slice keys[DEPTH_MAX]; /* of the JSON objects around */
    size_t depth;
};

static struct slice free_name(const struct line_fields *fields, struct slice name)
{
    if (!fields->taken->has(fields->taken->self, name))
        return name;
    return arena_printf(&fields->list->kept.arena, "%.*s_extracted", SLICE_ARG(name));
}

static void add_member(struct line_fields *path, struct slice value)
{
    struct field_list *list = path->list;
    struct buf name = BUF_INIT;
    for (size_t i = 0; i < path->depth; i++) {
        char *room = buf_room(&name, path->keys[i].len + 1);
        size_t between = name.len > 0 ? 1 : 0;
        size_t len = label_name_component(path->keys[i], room + between);
        if (len == 0) // a blank key is no part of the name
            continue;
        if (between > 0)
            room[0] = '_';
        buf_took(&name, between + len);
    }
    struct slice label = label_name_sanitize(buf_slice(&name), &list->kept.arena);
    if (label.len > 0) {
        label = free_name(path, label);
        struct field *field = field_list_add(list, path->stream, label, value);
        field->by_json = true;
        if (field->path == NULL) {
            struct slice *keys = ARENA_ARRAY(&list->kept.arena, struct slice, path->depth);
            for (size_t i = 0; i < path->depth; i++)
                keys[i] = arena_copy(&list->kept.arena, path->keys[i]);
            field->path = keys;
            field->path_count = path->depth;
        }
    }
    buf_fini(&name);
}

static bool is_whole(struct arena *arena, struct slice text, size_t depth)
{
    struct json_walk walk;
    struct json_member member;
    json_walk_begin(&walk, text);
    while (json_walk_next(&walk, arena, &member)) {
        if (member.value.kind == JSON_OBJECT && depth < DEPTH_MAX && !is_whole(arena, member.value.text, depth + 1))
            return false;
    }
    return walk.error == NULL;
}

static void add_object(struct line_fields *path, struct slice text)
{
    struct arena *arena = &path->list->kept.arena;
    struct json_walk walk;
    struct json_member member;
    if (path->depth == DEPTH_MAX)
        return;
    json_walk_begin(&walk, text);
    path->depth++;
    while (json_walk_next(&walk, arena, &member)) {
        path->keys[path->depth - 1] = member.key;
        if (member.value.kind == JSON_OBJECT)
            add_object(path, member.value.text);
        else if (member.value.kind != JSON_ARRAY && member.value.kind != JSON_NULL)
            add_member(path, json_label_value(&member.value, arena));
    }
    path->depth--;
}

void field_list_add_line(struct field_list *list, uint32_t stream, const struct field_names *taken, struct slice line)
{
    struct line_fields fields = {.list = list, .stream = stream, .taken = taken};
    if (is_whole(&list->kept.arena, line, 1)) {
        add_object(&fields, line);
        return;
    }
    struct logfmt_walk walk = {.text = line};
    struct slice key, value;
    bool has_escape;
    enum logfmt_result got;
    while ((got = logfmt_walk_next(&walk, &key, &value, &has_escape)) != LOGFMT_END) {
        if (got == LOGFMT_ERROR || (has_escape && !logfmt_unquote(value, &list->kept.arena, &value)) || value.len == 0)
            continue;
        struct slice name = label_name_sanitize(key, &list->kept.arena);
        if (name.len > 0)
            field_list_add(list, stream, free_name(&fields, name), value)->by_logfmt = true;
    }
}

const struct field *field_list_find(const struct field_list *list, struct slice name)
{
    size_t index = key_table_find(&list->names, name);
    return index == KEY_NONE ? NULL : list->fields[index];
}
