#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/auth/password.h"

static void a_hash_matches_its_password_and_no_other(void **state)
{
    (void)state;
    struct buf one = BUF_INIT;
    struct buf two = BUF_INIT;
    struct err err;
    assert_true(password_hash(SLICE("correct horse"), &one, &err));
    assert_true(password_hash(SLICE("correct horse"), &two, &err));
    assert_true(password_hash_check(buf_slice(&one), &err));
    assert_false(slice_eq(buf_slice(&one), buf_slice(&two))); // the salts differ
    assert_true(password_matches(buf_slice(&one), SLICE("correct horse")));
    assert_true(password_matches(buf_slice(&two), SLICE("correct horse")));
    assert_false(password_matches(buf_slice(&one), SLICE("correct horse ")));
    assert_false(password_matches(buf_slice(&one), SLICE("Correct horse")));
    assert_false(password_matches(buf_slice(&one), SLICE("")));
    buf_fini(&one);
    buf_fini(&two);
}

/* RFC 7914 section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), the first 32 of its 64 bytes. */
static void a_hash_is_scrypt_as_the_RFC_has_it(void **state)
{
    (void)state;
    struct slice right = SLICE("$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI");
    assert_true(password_matches(right, SLICE("pleaseletmein")));
    assert_false(password_matches(right, SLICE("pleaseletmeim")));
}

static void what_is_no_hash_or_too_costly_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "secret",
        "$2y$10$abcdefghijklmnopqrstuu",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9",
        "$scrypt$ln=14,r=8,p=1$c2FsdA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",                        // a salt of 4 bytes
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI$",
        "$scrypt$ln=0,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
        "$scrypt$ln=20,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",               // 1 GiB
        "$scrypt$ln=14,r=8,p=64$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",              // seconds of CPU
        "$scrypt$ln=14,r=8,p=99999999999999999999$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2h:b3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct err err = {.code = ERR_NONE};
        if (password_hash_check(slice_str(bad[i]), &err) || err.code != ERR_INVALID || password_matches(slice_str(bad[i]), SLICE("pleaseletmein")))
            fail_msg("%s", bad[i]);
    }
}

static void a_password_has_bounds(void **state)
{
    (void)state;
    static char longest[PASSWORD_BYTES_MAX + 1];
    struct buf out = BUF_INIT;
    struct err err;
    memset(longest, 'x', sizeof(longest));
    assert_false(password_hash(SLICE(""), &out, &err));
    assert_false(password_hash(slice_of(longest, PASSWORD_BYTES_MAX + 1), &out, &err));
    assert_true(password_hash(slice_of(longest, PASSWORD_BYTES_MAX), &out, &err));
    assert_true(out.len <= PASSWORD_HASH_TEXT_MAX);
    assert_true(password_matches(buf_slice(&out), slice_of(longest, PASSWORD_BYTES_MAX)));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_matches_its_password_and_no_other),
        cmocka_unit_test(a_hash_is_scrypt_as_the_RFC_has_it),
        cmocka_unit_test(what_is_no_hash_or_too_costly_is_refused),
        cmocka_unit_test(a_password_has_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
