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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_accepted_as_the_table_says),
        cmocka_unit_test(a_bad_pattern_is_shown_as_the_user_wrote_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
