/* stage_json.c: `| json`: every member of the line's object a label; with extractions, the values at given paths. logql.md 7.1, 7.2. */
#include "core/pipeline/json_path.h"
#include "core/pipeline/json_scan.h"
#include "core/pipeline/parsed_text.h"
#include "core/pipeline/step.h"

#define DEPTH_MAX 128 // objects nested deeper give no labels: each level looks for its end first

static const struct slice json_error = {"JSONParserErr", 13};

static void fail(struct row *row, const char *details)
{
    row_labels_set_parser_error(&row->labels, json_error, slice_str(details));
}

// ---- all members ----

struct descent { /* of one line */
    struct row *row;
    struct buf *prefix; /* names of the objects around, joined */
    const char *error;
};

// prefix_key, or false for a blank key. The caller takes it off the prefix again.
static bool push_component(struct buf *prefix, struct slice key)
{
    char *room = buf_room(prefix, key.len + 2);
    size_t lead = prefix->len > 0 ? 1 : 0;
    size_t count = label_name_component(key, room + lead);
    if (count == 0)
        return false;
    if (lead > 0) {
        room[0] = '_';
    } else if (room[0] >= '0' && room[0] <= '9') {
        memmove(room + 1, room, count);
        room[0] = '_';
        lead = 1;
    }
    buf_took(prefix, count + lead);
    return true;
}

static void take_nested_value(struct descent *d, const struct json_member *member)
{
    size_t before = d->prefix->len;
    if (!push_component(d->prefix, member->key) && before == 0)
        return;
    struct slice name = buf_slice(d->prefix);
    if (needed_has(d->row->labels.needed, name, name_hash(name))) {
        struct slice *value = row_labels_extract(&d->row->labels, arena_copy(d->row->arena, name), d->row->arena);
        if (value != NULL)
            *value = json_label_value(&member->value, d->row->arena);
    }
    d->prefix->len = before;
}

static void take_value(struct descent *d, const struct json_member *member)
{
    if (d->prefix->len > 0) {
        take_nested_value(d, member);
        return;
    }
    struct slice name = label_name_sanitize(member->key, d->row->arena);
    if (name.len == 0)
        return;
    struct slice *value = row_labels_extract(&d->row->labels, name, d->row->arena);
    if (value != NULL)
        *value = json_label_value(&member->value, d->row->arena);
}

// False: the needed labels are all there, or d->error.
static bool descend(struct descent *d, struct slice text, unsigned depth)
{
    struct json_walk walk;
    struct json_member member;
    json_walk_begin(&walk, text);
    while (json_walk_next(&walk, d->row->arena, &member)) {
        switch (member.value.kind) {
        case JSON_STRING:
        case JSON_NUMBER:
        case JSON_BOOL:
            take_value(d, &member);
            if (row_labels_is_done(&d->row->labels))
                return false;
            break;
        case JSON_OBJECT: {
            size_t before = d->prefix->len;
            (void)push_component(d->prefix, member.key); // a blank name adds nothing
            bool wanted = depth < DEPTH_MAX && needed_has_prefix(d->row->labels.needed, buf_slice(d->prefix));
            if (wanted && !descend(d, member.value.text, depth + 1))
                return false;
            d->prefix->len = before;
            break;
        }
        case JSON_NULL:
        case JSON_ARRAY:
            break;
        }
    }
    d->error = walk.error;
    return walk.error == NULL;
}

static bool run_all(const struct step *step, struct row *row)
{
    (void)step;
    if (row_labels_is_done(&row->labels))
        return true;
    buf_reset(&row->text);
    struct descent d = {.row = row, .prefix = &row->text};
    (void)descend(&d, row->line, 1);
    if (d.error != NULL)
        fail(row, d.error);
    return true;
}

// ---- given paths ----

struct json_extractions {
    struct slice *names;
    struct json_path *paths; /* beside the names */
    size_t count;
};

// What no path led to is "", unless a label has the name already; one that a stage deleted is no such label.
static void make_empty(struct slice name, struct row *row)
{
    struct slice old;
    if (row_labels_get(&row->labels, name, &old))
        return;
    struct slice *out =
        row_labels_base_has(&row->labels, name) ? NULL : row_labels_extract(&row->labels, name, row->arena);
    if (out != NULL)
        *out = SLICE("");
    else
        row_labels_set(&row->labels, name, SLICE(""));
}

// Loki's reader takes escapes out of all that is no object, also of an array's text.
static struct slice extracted_value(const struct json_value *value, struct arena *arena)
{
    struct slice text = value->text;
    if (value->kind == JSON_STRING || value->kind == JSON_NULL || value->kind == JSON_OBJECT)
        return json_label_value(value, arena);
    if (slice_find_byte(text, '\\') < text.len && !json_unescape(text, arena, &text))
        return SLICE("");
    return label_value_clean(text, arena);
}

static bool run_extractions(const struct step *step, struct row *row)
{
    const struct json_extractions *self = step->self;
    if (row->line.len == 0 || row_labels_is_done(&row->labels))
        return true;
    char c = row->line.ptr[0];
    if (c != '"' && c != '{' && c != '[') {
        fail(row, "");
        return true;
    }
    struct json_hit *hits = ARENA_ARRAY(row->arena, struct json_hit, self->count);
    const char *error = NULL;
    json_paths_find(self->paths, self->count, row->line, row->arena, hits, &error);
    if (error != NULL)
        fail(row, error);
    for (size_t i = 0; i < self->count; i++) {
        struct slice *out = hits[i].is_found ? row_labels_extract_over(&row->labels, self->names[i], row->arena) : NULL;
        if (out != NULL)
            *out = extracted_value(&hits[i].value, row->arena);
    }
    for (size_t i = 0; i < self->count; i++) {
        if (!hits[i].is_found)
            make_empty(self->names[i], row);
    }
    return true;
}

bool stage_json_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    *out = (struct step){.kind = STAGE_JSON, .run = run_all};
    if (stage->extraction_count == 0)
        return true;
    struct json_extractions *self = ARENA_NEW(arena, struct json_extractions);
    self->names = ARENA_ARRAY(arena, struct slice, stage->extraction_count);
    self->paths = ARENA_ARRAY(arena, struct json_path, stage->extraction_count);
    self->count = stage->extraction_count;
    for (size_t i = 0; i < self->count; i++) {
        const struct extraction *extraction = &stage->extractions[i];
        self->names[i] = extraction->name;
        if (!json_path_parse(extraction->expression, arena, &self->paths[i], err))
            return err_wrap(err, "cannot parse expression [%.*s]", SLICE_ARG(extraction->expression));
    }
    out->run = run_extractions;
    out->self = self;
    return true;
}
