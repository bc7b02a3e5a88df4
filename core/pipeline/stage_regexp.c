/* stage_regexp.c: `| regexp "re"`: the named groups of the first match are labels. logql.md 7.4. */
#include "core/pipeline/parsed_text.h"
#include "core/pipeline/step.h"

#define GROUPS_MAX 256

struct regexp {
    struct regex *regex;
    size_t group_count; /* with group 0 */
    struct slice *names; /* by group; empty: unnamed */
};

static bool run_regexp(const struct step *step, struct row *row)
{
    const struct regexp *self = step->self;
    struct slice groups[GROUPS_MAX];
    if (row_labels_is_done(&row->labels) || !regex_captures(self->regex, row->line, 0, groups, self->group_count))
        return true;
    for (size_t i = 1; i < self->group_count; i++) {
        struct slice *value = self->names[i].len == 0 ? NULL : row_labels_extract(&row->labels, self->names[i], row->arena);
        if (value != NULL)
            *value = groups[i].ptr == NULL ? SLICE("") : groups[i];
    }
    return true;
}

static void end_regexp(struct step *step)
{
    struct regexp *self = step->self;
    regex_free(self->regex);
}

// RE2 refuses a name that occurs twice with words of its own; Loki's are other words. Classes and escapes hold no groups.
static bool take_group_name(struct slice *in, struct slice *name)
{
    bool in_class = false;
    while (in->len > 0) {
        if (in->ptr[0] == '\\' && in->len > 1) {
            *in = slice_from(*in, 2);
            continue;
        }
        if (in->ptr[0] == '[' && !in_class)
            in_class = true;
        else if (in->ptr[0] == ']')
            in_class = false;
        size_t open = in_class ? 0 : slice_starts(*in, SLICE("(?P<")) ? 4 : slice_starts(*in, SLICE("(?<")) ? 3 : 0;
        if (open == 0) {
            *in = slice_from(*in, 1);
            continue;
        }
        *in = slice_from(*in, open);
        size_t end = slice_find_byte(*in, '>');
        if (end == in->len)
            return false;
        *name = slice_of(in->ptr, end);
        *in = slice_from(*in, end);
        return true;
    }
    return false;
}

static bool names_are_unique(struct slice pattern, struct err *err)
{
    struct slice name;
    for (struct slice in = pattern; take_group_name(&in, &name);) {
        struct slice other;
        for (struct slice rest = in; take_group_name(&rest, &other);) {
            if (slice_eq(name, other))
                return err_set(err, ERR_INVALID, "duplicate extracted label name '%.*s'", SLICE_ARG(name));
        }
    }
    return true;
}

static bool take_names(struct regexp *self, struct arena *arena, struct err *err)
{
    self->names = ARENA_ARRAY(arena, struct slice, self->group_count);
    size_t named = 0;
    for (size_t i = 1; i < self->group_count; i++) {
        self->names[i] = regex_group_name(self->regex, i);
        if (self->names[i].len == 0)
            continue;
        self->names[i] = label_name_sanitize(self->names[i], arena);
        named++;
    }
    return named > 0 || err_set(err, ERR_INVALID, "at least one named capture must be supplied");
}

bool stage_regexp_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct regexp *self = ARENA_NEW(arena, struct regexp);
    bool ok = names_are_unique(stage->argument, err) && regex_compile(stage->argument, REGEX_SEARCH, &self->regex, err);
    if (ok) {
        self->group_count = regex_group_count(self->regex) + 1;
        ok = self->group_count <= GROUPS_MAX ? take_names(self, arena, err)
                                             : err_set(err, ERR_LIMIT, "more than %d groups", GROUPS_MAX - 1);
    }
    if (!ok) {
        regex_free(self->regex);
        return err_wrap(err, "invalid regexp parser");
    }
    *out = (struct step){.kind = STAGE_REGEXP, .run = run_regexp, .end = end_regexp, .self = self};
    return true;
}
