/* fuzz_regex.c: a pattern, a newline, a text: what matches contains one of the pattern's literals, exact literals mean an exact answer,
 * a match begins where one stands when they say so, and the short ways of regex_matches answer as RE2 does. */
#include <stdlib.h>

#include "core/model/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool occurs(struct slice needle, struct slice text, bool whole, bool ignores_case)
{
    for (size_t at = 0; at + needle.len <= text.len; at++) {
        struct slice part = slice_of(text.ptr + at, needle.len);
        if ((!whole || text.len == needle.len) && (ignores_case ? slice_eq_nocase(part, needle) : slice_eq(part, needle)))
            return true;
    }
    return false;
}

static bool begins(const struct regex *regex, struct slice text)
{
    const struct regex_literals *literals = regex_literals(regex);
    for (size_t at = 0; at < text.len; at++) {
        for (size_t i = 0; i < literals->count; i++) {
            struct slice start = slice_of(text.ptr + at, literals->any[i].len);
            if (start.len <= text.len - at && (literals->ignores_case ? slice_eq_nocase(start, literals->any[i]) : slice_eq(start, literals->any[i])) &&
                regex_matches_at(regex, text, at))
                return true;
        }
    }
    return false;
}

static void check(struct slice pattern, struct slice text, enum regex_mode mode)
{
    struct regex *regex = NULL;
    struct err err;
    if (!regex_compile(pattern, mode, &regex, &err))
        return;
    const struct regex_literals *literals = regex_literals(regex);
    bool matches = regex_matches(regex, text);
    bool hit = false;
    for (size_t i = 0; i < literals->count; i++)
        hit = hit || occurs(literals->any[i], text, literals->is_exact && mode == REGEX_ANCHORED, literals->ignores_case);
    if ((literals->count > 0 && matches && !hit) || (literals->is_exact && hit != matches))
        abort();
    if (literals->is_begin && begins(regex, text) != matches)
        abort();
    if (matches != regex_captures(regex, text, 0, NULL, 0))
        abort();
    regex_free(regex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    size_t end = slice_find_byte(all, '\n');
    struct slice text = slice_from(all, end < size ? end + 1 : end);
    check(slice_of(all.ptr, end), text, REGEX_SEARCH);
    check(slice_of(all.ptr, end), text, REGEX_ANCHORED);
    return 0;
}
