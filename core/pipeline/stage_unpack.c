/* stage_unpack.c: `| unpack`: the line becomes the member _entry of its object, the other strings labels. logql.md 7.6. */
#include "core/pipeline/json_scan.h"
#include "core/pipeline/parsed_text.h"
#include "core/pipeline/step.h"

static void fail(struct row *row, const char *details)
{
    const struct needed_names *needed = row->labels.needed;
    if (needed->all || needed->count > 0 || needed->preserves_errors) // where no label is asked for Loki's parsers do not look
        row_labels_set_parser_error(&row->labels, SLICE("JSONParserErr"), slice_str(details));
}

// The first walk looks whether the object is whole and has an entry; only then the second one makes labels.
static const char *find_entry(struct slice line, struct arena *arena, struct slice *entry, bool *found)
{
    struct json_walk walk;
    struct json_member member;
    json_walk_begin(&walk, line);
    while (json_walk_next(&walk, arena, &member)) {
        struct slice text = member.value.text;
        if (member.value.kind == JSON_STRING && slice_eq(member.key, SLICE("_entry"))) {
            if (member.value.has_escape && !json_unescape(text, arena, &text))
                return "Encountered an invalid escape sequence in a string";
            *entry = text;
            *found = true;
        }
    }
    return walk.error;
}

static void take_labels(struct row *row)
{
    struct json_walk walk;
    struct json_member member;
    json_walk_begin(&walk, row->line);
    while (json_walk_next(&walk, row->arena, &member)) {
        if (member.value.kind != JSON_STRING || slice_eq(member.key, SLICE("_entry")))
            continue;
        struct slice name = label_name_sanitize(member.key, row->arena);
        struct slice *value = name.len == 0 ? NULL : row_labels_extract(&row->labels, name, row->arena);
        if (value != NULL)
            *value = json_label_value(&member.value, row->arena);
    }
}

static bool run_unpack(const struct step *step, struct row *row)
{
    (void)step;
    if (row->line.len == 0)
        return true;
    if (row->line.ptr[0] != '{') {
        fail(row, "expecting json object(6), but it is not");
        return true;
    }
    struct slice entry = SLICE("");
    bool found = false;
    const char *error = find_entry(row->line, row->arena, &entry, &found);
    if (error != NULL) {
        fail(row, error);
        return true;
    }
    if (!found)
        return true;
    take_labels(row);
    row->line = entry;
    return true;
}

bool stage_unpack_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    (void)stage;
    (void)arena;
    (void)err;
    *out = (struct step){.kind = STAGE_UNPACK, .run = run_unpack};
    return true;
}
