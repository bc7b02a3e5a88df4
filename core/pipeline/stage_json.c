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
    struct json_extraction {
        struct slice name;
        struct json_path path;
    } *items;
    size_t count;
};

// What no path led to is "", unless a label has the name already; one that a stage deleted is no such label.
static void make_empty(const struct json_extraction *extraction, struct row *row)
{
    struct slice old;
    if (row_labels_get(&row->labels, extraction->name, &old))
        return;
    struct slice *out =
        row_labels_base_has(&row->labels, extraction->name) ? NULL : row_labels_extract(&row->labels, extraction->name, row->arena);
    if (out != NULL)
        *out = SLICE("");
    else
        row_labels_set(&row->labels, extraction->name, SLICE(""));
}

static void extract_path(const struct json_extraction *extraction, struct row *row)
{
    struct json_value value;
    const char *error = NULL;
    bool found = json_path_find(&extraction->path, row->line, row->arena, &value, &error);
    if (error != NULL)
        fail(row, error);
    if (!found) {
        make_empty(extraction, row);
        return;
    }
    struct slice *out = row_labels_extract_over(&row->labels, extraction->name, row->arena);
    if (out != NULL)
        *out = json_label_value(&value, row->arena);
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
    for (size_t i = 0; i < self->count; i++)
        extract_path(&self->items[i], row);
    return true;
}

bool stage_json_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    *out = (struct step){.kind = STAGE_JSON, .run = run_all};
    if (stage->extraction_count == 0)
        return true;
    struct json_extractions *self = ARENA_NEW(arena, struct json_extractions);
    self->items = ARENA_ARRAY(arena, struct json_extraction, stage->extraction_count);
    self->count = stage->extraction_count;
    for (size_t i = 0; i < self->count; i++) {
        const struct extraction *extraction = &stage->extractions[i];
        self->items[i].name = extraction->name;
        if (!json_path_parse(extraction->expression, arena, &self->items[i].path, err))
            return err_wrap(err, "cannot parse expression [%.*s]", SLICE_ARG(extraction->expression));
    }
    out->run = run_extractions;
    out->self = self;
    return true;
}
