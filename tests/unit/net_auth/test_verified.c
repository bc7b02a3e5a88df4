#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "net/auth/verified.h"

static int64_t now_ns = NS_PER_S;

static int64_t fake_ns(const struct clock *clock)
{
    (void)clock;
    return now_ns;
}

static const struct clock fake_clock = {fake_ns, fake_ns};

static void what_was_checked_is_known_for_a_while(void **state)
{
    (void)state;
    struct verified *verified = verified_create(&fake_clock);
    struct verified_key good;
    struct verified_key bad;
    verified_key_make(verified, SLICE("a"), SLICE("b"), SLICE("h"), &good);
    verified_key_make(verified, SLICE("a"), SLICE("c"), SLICE("h"), &bad);
    assert_int_equal(verified_find(verified, &good), VERDICT_NONE);
    verified_put(verified, &good, VERDICT_GOOD);
    verified_put(verified, &bad, VERDICT_BAD);
    now_ns += VERIFIED_BAD_NS - 1;
    assert_int_equal(verified_find(verified, &good), VERDICT_GOOD);
    assert_int_equal(verified_find(verified, &bad), VERDICT_BAD);
    now_ns += 1;
    assert_int_equal(verified_find(verified, &bad), VERDICT_NONE); // a bad one is not kept by asking
    now_ns += VERIFIED_GOOD_NS - 2;
    assert_int_equal(verified_find(verified, &good), VERDICT_GOOD); // a good one is
    now_ns += VERIFIED_GOOD_NS;
    assert_int_equal(verified_find(verified, &good), VERDICT_NONE);
    verified_destroy(verified);
}

static void keys_tell_apart_what_is_not_the_same(void **state)
{
    (void)state;
    static const struct slice triples[][3] = {
        {{"a", 1}, {"b", 1}, {"h", 1}}, {{"ab", 2}, {"", 0}, {"h", 1}},  {{"a", 1}, {"bh", 2}, {"", 0}},
        {{"a", 1}, {"b", 1}, {"i", 1}}, {{"", 0}, {"ab", 2}, {"h", 1}}, {{"A", 1}, {"b", 1}, {"h", 1}},
    };
    struct verified *verified = verified_create(&fake_clock);
    struct verified *other = verified_create(&fake_clock);
    struct verified_key keys[LENGTH(triples)];
    for (size_t i = 0; i < LENGTH(triples); i++) {
        verified_key_make(verified, triples[i][0], triples[i][1], triples[i][2], &keys[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&keys[i], &keys[k], sizeof(keys[0]));
        struct verified_key elsewhere;
        verified_key_make(other, triples[i][0], triples[i][1], triples[i][2], &elsewhere);
        assert_memory_not_equal(&keys[i], &elsewhere, sizeof(elsewhere)); // the secret is each process's own
    }
    verified_destroy(verified);
    verified_destroy(other);
}

static void a_flood_of_wrong_ones_pushes_out_no_right_one(void **state)
{
    (void)state;
    struct verified *verified = verified_create(&fake_clock);
    struct verified_key good;
    verified_key_make(verified, SLICE("a"), SLICE("b"), SLICE("h"), &good);
    verified_put(verified, &good, VERDICT_GOOD);
    for (int i = 0; i < 100000; i++) {
        char password[16];
        struct verified_key bad;
        int len = snprintf(password, sizeof(password), "%d", i);
        verified_key_make(verified, SLICE("a"), slice_of(password, (size_t)len), SLICE("h"), &bad);
        verified_put(verified, &bad, VERDICT_BAD);
    }
    assert_int_equal(verified_find(verified, &good), VERDICT_GOOD);
    verified_destroy(verified);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_checked_is_known_for_a_while),
        cmocka_unit_test(keys_tell_apart_what_is_not_the_same),
        cmocka_unit_test(a_flood_of_wrong_ones_pushes_out_no_right_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
