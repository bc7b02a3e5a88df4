#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/matcher.h"

static void values_are_accepted_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        enum matcher_op op;
        struct slice value;
        bool x, empty; // accepts "x", accepts ""
        size_t set_count;
        const char *printed;
    } cases[] = {
        {MATCH_EQ, SLICE("x"), true, false, 0, "a=\"x\""},
        {MATCH_EQ, SLICE(""), false, true, 0, "a=\"\""},
        {MATCH_NEQ, SLICE("x"), false, true, 0, "a!=\"x\""},
        {MATCH_NEQ, SLICE(""), true, false, 0, "a!=\"\""},
        {MATCH_RE, SLICE("x|y"), true, false, 2, "a=~\"x|y\""},
        {MATCH_RE, SLICE("|x"), true, true, 2, "a=~\"|x\""},
        {MATCH_RE, SLICE(".*"), true, true, 0, "a=~\".*\""},
        {MATCH_RE, SLICE(".+"), true, false, 0, "a=~\".+\""},
        {MATCH_RE, SLICE("(?i)X"), true, false, 0, "a=~\"(?i)X\""},
        {MATCH_NRE, SLICE("x|y"), false, true, 0, "a!~\"x|y\""},
        {MATCH_NRE, SLICE(".+"), false, true, 0, "a!~\".+\""},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct matcher matcher;
        struct err err;
        struct buf out = BUF_INIT;
        assert_true(matcher_init(&matcher, cases[i].op, SLICE("a"), cases[i].value, &arena, &err));
        matcher_print(&matcher, &out);
        const struct label label = {SLICE("a"), SLICE("x")};
        const struct label_set set = {&label, 1};
        struct slice encoded = label_set_encode_in(&arena, &set);
        if (matcher_accepts(&matcher, SLICE("x")) != cases[i].x || matchers_accept(&matcher, 1, encoded) != cases[i].x ||
            matcher.matches_empty != cases[i].empty || matchers_accept(&matcher, 1, SLICE("")) != cases[i].empty ||
            matcher.set_count != cases[i].set_count || !slice_eq_str(buf_slice(&out), cases[i].printed))
            fail_msg("%s: %.*s", cases[i].printed, SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        matcher_fini(&matcher);
        arena_fini(&arena);
    }
}

static void a_bad_pattern_is_shown_as_the_user_wrote_it(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct matcher matcher;
    struct err err = {.code = ERR_NONE};
    assert_false(matcher_init(&matcher, MATCH_NRE, SLICE("a"), SLICE("("), &arena, &err));
    assert_string_equal(err.text, "error parsing regexp: missing closing ): `(`");
    arena_fini(&arena);
}

static void prefixes_are_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *prefix;
    } cases[] = {
        {"api-12.*", "api-12"}, {"^api", "api"},      {"api-[3-5]x", "api-"}, {"api\\.v2.*", "api.v2"}, {"ab*c", "a"}, {"ab+c", "a"}, {"ab?", "a"},
        {"ab{0,3}", "a"},       {"a|b", ""},          {"ab(c|d)", ""},       {"(?i)ab", ""}, {"ab(?i){0}c", "a"},           {".*ab", ""},  {"a\\d", "a"},  {"*", ""},
        {"a\\Qb*\\E", "a"},     {"\xc3\xa9t\xc3\xa9", ""}, {"", ""},       {"a b/c:d", "a b/c:d"}, {"\\*a", "*a"}, {"a$b", "a"}, {"a^b", "a"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct matcher matcher = {.prefix = SLICE_NONE};
        struct err err;
        if (matcher_init(&matcher, MATCH_RE, SLICE("a"), slice_str(cases[i].pattern), &arena, &err) && !slice_eq_str(matcher.prefix, cases[i].prefix))
            fail_msg("%s: prefix %.*s", cases[i].pattern, SLICE_ARG(matcher.prefix));
        matcher_fini(&matcher);
        arena_fini(&arena);
    }
}

static uint32_t pick(uint32_t *random, size_t count)
{
    *random = *random * 1664525 + 1013904223;
    return (*random >> 8) % (uint32_t)count;
}

static void what_a_pattern_accepts_begins_with_its_prefix(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "b", "ab", "K", "(", "(?:", ")", "|", "*", "+", "?", "{2}", "{0,1}", "[ab]", "[^a]", "\\d", "^", "$", ".",
                                         "\\b", "\xc3\xa9", "(?i)", ":", "\\.", "{0}", "\\QaB\\E", "\\x61", "(?i:", "-", "{", "}", "\\*", "\\-"};
    static const char *const words[] = {"a", "b", "A", "K", "\xe2\x84\xaa", "\xc3\xa9", "\n", ".", "1", "\xff", "ab", ":", "-", "{", "}", "*"};
    uint32_t random = 7;
    size_t known = 0;
    for (int round = 0; round < 60000; round++) {
        struct arena arena = ARENA_INIT;
        struct buf pattern = BUF_INIT;
        struct matcher matcher;
        struct err err;
        for (uint32_t n = 1 + pick(&random, 6); n > 0; n--)
            buf_str(&pattern, pieces[pick(&random, LENGTH(pieces))]);
        bool ok = matcher_init(&matcher, MATCH_RE, SLICE("a"), buf_slice(&pattern), &arena, &err);
        for (int t = 0; ok && t < 8; t++) {
            struct buf text = BUF_INIT;
            for (uint32_t n = pick(&random, 5); n > 0; n--)
                buf_str(&text, words[pick(&random, LENGTH(words))]);
            bool accepts = matcher_accepts(&matcher, buf_slice(&text));
            known += accepts && matcher.prefix.len > 0;
            if (accepts && !slice_starts(buf_slice(&text), matcher.prefix))
                fail_msg("round %d: %.*s accepts %.*s", round, SLICE_ARG(buf_slice(&pattern)), SLICE_ARG(buf_slice(&text)));
            buf_fini(&text);
        }
        if (ok)
            matcher_fini(&matcher);
        buf_fini(&pattern);
        arena_fini(&arena);
    }
    assert_true(known > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_accepted_as_the_table_says),
        cmocka_unit_test(a_bad_pattern_is_shown_as_the_user_wrote_it),
        cmocka_unit_test(prefixes_are_what_the_table_says),
        cmocka_unit_test(what_a_pattern_accepts_begins_with_its_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
