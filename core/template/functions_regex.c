/* functions_regex.c: count and replacement by regular expression. A constant pattern was compiled with the template; others are compiled at each call. */
#include "core/model/go_text.h"
#include "core/template/template_tree.h"

#define GROUPS_MAX 32

/* The compiled pattern; *owned is to be freed. */
static const struct regex *pattern(const struct call *call, struct regex **owned, struct err *err)
{
    *owned = NULL;
    if (call->regex != NULL)
        return call->regex;
    return regex_compile(value_string(&call->args[0], call->arena), REGEX_SEARCH, owned, err) ? *owned : NULL;
}

/* Where the search goes on behind an empty match: never inside of a code point. */
static size_t behind_rune(struct slice text, size_t at)
{
    size_t len = 1;
    if (at < text.len)
        (void)utf8_decode(slice_from(text, at), &len);
    return at + len;
}

static bool count(const struct call *call, struct value *out, struct err *err)
{
    struct regex *owned = NULL;
    struct slice text = value_string(&call->args[1], call->arena);
    const struct regex *regex = pattern(call, &owned, err);
    struct slice match;
    int64_t found = 0;
    if (regex == NULL)
        return false;
    size_t last_end = SIZE_MAX;
    for (size_t at = 0; at <= text.len && regex_captures(regex, text, at, &match, 1);) {
        size_t end = (size_t)(match.ptr - text.ptr) + match.len;
        found += match.len > 0 || end != last_end; // an empty match right behind a match is none
        last_end = end;
        at = match.len == 0 ? behind_rune(text, end) : end;
    }
    regex_free(owned);
    *out = value_int(found);
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void group_put(const struct regex *regex, const struct slice *groups, size_t group_count, struct slice name, struct buf *out)
{
    size_t index = 0;
    bool is_number = name.len > 0 && name.len < 4;
    for (size_t i = 0; i < name.len && is_number; i++) {
        is_number = name.ptr[i] >= '0' && name.ptr[i] <= '9';
        index = index * 10 + (size_t)(name.ptr[i] - '0');
    }
    for (size_t i = 1; !is_number && i <= regex_group_count(regex); i++) {
        if (slice_eq(regex_group_name(regex, i), name)) {
            index = i;
            is_number = true;
        }
    }
    if (is_number && index < group_count && groups[index].ptr != NULL)
        buf_put(out, groups[index]);
}

/* $1, ${1}, $name, ${name}, $$. */
static void expand(const struct regex *regex, const struct slice *groups, size_t group_count, struct slice with, struct buf *out)
{
    while (with.len > 0) {
        size_t dollar = slice_find_byte(with, '$');
        buf_put(out, slice_of(with.ptr, dollar));
        with = slice_from(with, dollar);
        if (with.len == 0)
            return;
        with = slice_from(with, 1);
        if (with.len > 0 && with.ptr[0] == '$') {
            buf_byte(out, '$');
            with = slice_from(with, 1);
            continue;
        }
        bool has_brace = with.len > 0 && with.ptr[0] == '{';
        size_t begin = has_brace ? 1 : 0;
        size_t end = begin;
        while (end < with.len && is_word(with.ptr[end]))
            end++;
        if (end == begin || (has_brace && (end == with.len || with.ptr[end] != '}'))) {
            buf_byte(out, '$'); // malformed: as it stands
            continue;
        }
        group_put(regex, groups, group_count, slice_of(with.ptr + begin, end - begin), out);
        with = slice_from(with, end + (has_brace ? 1 : 0));
    }
}

static bool replace(const struct call *call, bool is_literal, struct value *out, struct err *err)
{
    struct regex *owned = NULL;
    struct slice groups[GROUPS_MAX];
    struct slice text = value_string(&call->args[1], call->arena);
    struct slice with = value_string(&call->args[2], call->arena);
    struct buf result = BUF_INIT;
    const struct regex *regex = pattern(call, &owned, err);
    if (regex == NULL)
        return false;
    size_t group_count = regex_group_count(regex) + 1 < GROUPS_MAX ? regex_group_count(regex) + 1 : GROUPS_MAX;
    size_t copied = 0;
    bool has_match = false;
    size_t at = 0;
    bool fits = true;
    while (fits && at <= text.len && regex_captures(regex, text, at, groups, group_count)) {
        size_t begin = (size_t)(groups[0].ptr - text.ptr);
        size_t end = begin + groups[0].len;
        buf_put(&result, slice_of(text.ptr + copied, begin - copied));
        if (groups[0].len == 0 && copied == begin && has_match) // an empty match right behind a match is none
            ;
        else if (is_literal)
            buf_put(&result, with);
        else
            expand(regex, groups, group_count, with, &result);
        copied = end;
        has_match = true;
        at = groups[0].len == 0 ? behind_rune(text, end) : end;
        fits = result.len <= call->output_max;
    }
    buf_put(&result, slice_from(text, copied));
    regex_free(owned);
    *out = value_text(arena_copy(call->arena, buf_slice(&result)));
    buf_fini(&result);
    return fits || err_set(err, ERR_LIMIT, "a text over %zu bytes", call->output_max);
}

static bool replace_all(const struct call *call, struct value *out, struct err *err)
{
    return replace(call, false, out, err);
}

static bool replace_all_literal(const struct call *call, struct value *out, struct err *err)
{
    return replace(call, true, out, err);
}

struct function_table template_regex_functions(void)
{
    static const struct function functions[] = {
        {"count", 2, 2, false, true, count, "ss"},
        {"regexReplaceAll", 3, 3, false, true, replace_all, "sss"},
        {"regexReplaceAllLiteral", 3, 3, false, true, replace_all_literal, "sss"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
