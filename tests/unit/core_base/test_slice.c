#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/slice.h"

static void order_is_bytewise_and_the_shorter_first(void **state)
{
    (void)state;
    const struct slice sorted[] = {SLICE_NONE, SLICE("\0"), SLICE("a"), SLICE("a\0"), SLICE("ab"), SLICE("b"), SLICE("\xff")};
    for (size_t i = 0; i < LENGTH(sorted); i++) {
        for (size_t j = 0; j < LENGTH(sorted); j++) {
            int order = slice_cmp(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(slice_eq(sorted[i], sorted[j]), i == j);
        }
    }
}

static void ends_starts_and_finds(void **state)
{
    (void)state;
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")) && slice_starts(SLICE("abc"), SLICE("")));
    assert_false(slice_starts(SLICE("a"), SLICE("ab")));
    assert_true(slice_ends(SLICE("abc"), SLICE("bc")));
    assert_false(slice_ends(SLICE("c"), SLICE("bc")));
    assert_int_equal(slice_find_byte(SLICE("a=b"), '='), 1);
    assert_int_equal(slice_find_byte(SLICE("ab"), '='), 2);
    assert_int_equal(slice_find_byte(SLICE_NONE, '='), 0);
}

static void trimming_takes_white_space_off_both_ends_only(void **state)
{
    (void)state;
    assert_true(slice_eq(slice_trim(SLICE(" \t\r\n\v\f a b \n")), SLICE("a b")));
    assert_int_equal(slice_trim(SLICE("   ")).len, 0);
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(slice_eq_nocase(SLICE("Content-TYPE"), SLICE("content-type")));
    assert_false(slice_eq_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_eq_nocase(SLICE("\xc3\x89"), SLICE("\xc3\xa9")));
    assert_false(slice_eq_nocase(SLICE("a"), SLICE("ab")));
}

static void take_moves_by_what_it_gives_or_not_at_all(void **state)
{
    (void)state;
    struct slice in = SLICE("abc");
    struct slice out = SLICE("-");
    assert_false(slice_take(&in, 4, &out));
    assert_true(slice_eq(in, SLICE("abc")) && slice_eq(out, SLICE("-")));
    assert_true(slice_take(&in, 2, &out));
    assert_true(slice_eq(in, SLICE("c")) && slice_eq(out, SLICE("ab")));
}

static void a_high_byte_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    char text[100];
    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 'a', sizeof(text));
        assert_true(slice_is_ascii(slice_of(text, len)));
        for (size_t at = 0; at < sizeof(text); at++) {
            text[at] = (char)0x80;
            assert_int_equal(slice_is_ascii(slice_of(text, len)), at >= len);
            text[at] = 'a';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_bytewise_and_the_shorter_first),
        cmocka_unit_test(ends_starts_and_finds),
        cmocka_unit_test(trimming_takes_white_space_off_both_ends_only),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(take_moves_by_what_it_gives_or_not_at_all),
        cmocka_unit_test(a_high_byte_is_seen_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
