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
    if (value.len == 0)
        return field;
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

struct json_path_at {
    struct slice keys[DEPTH_MAX];
    size_t depth;
};

static void add_member(struct field_list *list, uint32_t stream, const struct json_path_at *path, struct slice value)
{
    struct buf name = BUF_INIT;
    for (size_t i = 0; i < path->depth; i++) {
        if (i > 0)
            buf_byte(&name, '_');
        buf_put(&name, path->keys[i]);
    }
    struct slice label = label_name_sanitize(buf_slice(&name), &list->kept.arena);
    if (label.len > 0 && value.len > 0) {
        struct field *field = field_list_add(list, stream, label, value);
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

static void add_object(struct field_list *list, uint32_t stream, struct json_path_at *path, struct slice text)
{
    struct json_walk walk;
    struct json_member member;
    if (path->depth == DEPTH_MAX)
        return;
    json_walk_begin(&walk, text);
    path->depth++;
    while (json_walk_next(&walk, &list->kept.arena, &member)) {
        path->keys[path->depth - 1] = member.key;
        if (member.value.kind == JSON_OBJECT)
            add_object(list, stream, path, member.value.text);
        else if (member.value.kind != JSON_ARRAY)
            add_member(list, stream, path, json_label_value(&member.value, &list->kept.arena));
    }
    path->depth--;
}

void field_list_add_line(struct field_list *list, uint32_t stream, struct slice line)
{
    struct slice text = slice_trim(line);
    if (text.len > 0 && text.ptr[0] == '{') {
        struct json_path_at path = {.depth = 0};
        add_object(list, stream, &path, text);
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
            field_list_add(list, stream, name, value)->by_logfmt = true;
    }
}

const struct field *field_list_find(const struct field_list *list, struct slice name)
{
    size_t index = key_table_find(&list->names, name);
    return index == KEY_NONE ? NULL : list->fields[index];
}
