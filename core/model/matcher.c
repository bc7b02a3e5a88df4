#include "core/model/matcher.h"

#include "core/model/go_text.h"

static void copy_alternatives(struct matcher *matcher, struct arena *arena)
{
    const struct regex_literals *literals = regex_literals(matcher->regex);
    if (!literals->is_exact || literals->ignores_case)
        return;
    matcher->set = ARENA_ARRAY(arena, struct slice, literals->count);
    matcher->set_count = literals->count;
    for (size_t i = 0; i < literals->count; i++)
        matcher->set[i] = arena_copy(arena, literals->any[i]);
}

bool matcher_init(struct matcher *out, enum matcher_op op, struct slice name, struct slice value, struct arena *arena,
                  struct err *err)
{
    struct matcher matcher = {.name = arena_copy(arena, name), .value = arena_copy(arena, value), .op = op};
    if (op == MATCH_RE || op == MATCH_NRE) {
        if (!regex_compile(value, REGEX_ANCHORED, &matcher.regex, err))
            return false;
        if (op == MATCH_RE)
            copy_alternatives(&matcher, arena);
    }
    matcher.matches_empty = matcher_accepts(&matcher, SLICE(""));
    *out = matcher;
    return true;
}

void matcher_fini(struct matcher *matcher)
{
    regex_free(matcher->regex);
    matcher->regex = NULL;
}

bool matcher_accepts(const struct matcher *matcher, struct slice value)
{
    switch (matcher->op) {
    case MATCH_EQ:
        return slice_eq(matcher->value, value);
    case MATCH_NEQ:
        return !slice_eq(matcher->value, value);
    case MATCH_RE:
        return regex_matches(matcher->regex, value);
    case MATCH_NRE:
        return !regex_matches(matcher->regex, value);
    }
    return false;
}

bool matchers_accept(const struct matcher *matchers, size_t count, struct slice encoded_labels)
{
    for (size_t i = 0; i < count; i++) {
        struct slice value = SLICE("");
        (void)label_encoded_get(encoded_labels, matchers[i].name, &value); // absent: stays empty
        if (!matcher_accepts(&matchers[i], value))
            return false;
    }
    return true;
}

void matcher_print(const struct matcher *matcher, struct buf *out)
{
    buf_put(out, matcher->name);
    buf_str(out, matcher_op_text(matcher->op));
    go_quote(out, matcher->value);
}

const char *matcher_op_text(enum matcher_op op)
{
    switch (op) {
    case MATCH_EQ:
        return "=";
    case MATCH_NEQ:
        return "!=";
    case MATCH_RE:
        return "=~";
    case MATCH_NRE:
        return "!~";
    }
    return "=";
}
