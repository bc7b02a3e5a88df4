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

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What a pattern begins with before its first operator; empty where an alternation may follow. Only ASCII, so that it does not matter what is UTF-8. */
static struct slice pattern_prefix(struct slice pattern, struct arena *arena)
{
    size_t len = 0;
    if (slice_find_byte(pattern, '|') < pattern.len)
        return SLICE_NONE;
    char *text = arena_alloc(arena, pattern.len + 1, 1);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (i == 0 && c == '^')
            continue;
        bool is_escape = c == '\\' && i + 1 < pattern.len && pattern.ptr[i + 1] > ' ' && pattern.ptr[i + 1] < 0x7f && !is_word(pattern.ptr[i + 1]);
        if (is_escape)
            c = pattern.ptr[++i];
        else if (c == '*' || c == '+' || c == '?' || c == '{' || (c == '(' && i + 1 < pattern.len && pattern.ptr[i + 1] == '?'))
            return slice_of(text, len > 0 ? len - 1 : 0); // what stands before need not be there: RE2 lets a{0} be a(?i){0}, and after a + too
        else if (!is_word(c) && memchr("-/:;,=@~#%&<>! ", c, 15) == NULL)
            break;
        text[len++] = c;
    }
    return slice_of(text, len);
}

bool matcher_init(struct matcher *out, enum matcher_op op, struct slice name, struct slice value, struct arena *arena,
                  struct err *err)
{
    struct matcher matcher = {.name = arena_copy(arena, name), .value = arena_copy(arena, value), .op = op};
    if (op == MATCH_RE || op == MATCH_NRE) {
        if (!regex_compile(value, REGEX_ANCHORED, &matcher.regex, err))
            return false;
        if (op == MATCH_RE) {
            copy_alternatives(&matcher, arena);
            matcher.prefix = pattern_prefix(matcher.value, arena);
        }
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
