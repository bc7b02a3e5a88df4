#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/auth/users.h"

#define HASH "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI"

/* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
#define TOKEN_HASH "$sha256$ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"

static void users_have_their_tenants_and_flags(void **state)
{
    (void)state;
    struct users *users = NULL;
    struct err err = {.text = ""};
    const char *text = "# who may log in\n\n"
                       "bob:" HASH ":team-b, team-a:\r\n"
                       "alice : " HASH " : * : admin\n"
                       "carol:" HASH ":own,*:\n"
                       "dave:" HASH ":*,own"; // no end of line, no flags
    if (!users_parse("u", slice_str(text), &users, &err))
        fail_msg("%s", err.text);
    assert_int_equal(users_count(users), 4);
    const struct user *bob = users_find(users, SLICE("bob"));
    assert_non_null(bob);
    assert_true(slice_eq(bob->tenants[0], SLICE("team-b")));
    assert_true(user_may_use(bob, SLICE("team-a")) && user_may_use(bob, SLICE("team-b")));
    assert_false(user_may_use(bob, SLICE("team")) || user_may_use(bob, SLICE("*")) || user_may_use(bob, SLICE("team-c")) || bob->is_admin);
    const struct user *alice = users_find(users, SLICE("alice"));
    assert_true(alice != NULL && alice->is_admin && alice->any_first && user_may_use(alice, SLICE("anything")));
    const struct user *carol = users_find(users, SLICE("carol"));
    assert_true(carol != NULL && !carol->any_first && slice_eq(carol->tenants[0], SLICE("own")) && user_may_use(carol, SLICE("x")));
    const struct user *dave = users_find(users, SLICE("dave"));
    assert_true(dave != NULL && dave->any_first && dave->tenant_count == 1);
    assert_null(users_find(users, SLICE("Bob")));
    assert_null(users_find(users, SLICE("")));
    struct users *second = users_ref(users);
    users_unref(users);
    assert_non_null(users_find(second, SLICE("bob")));
    users_unref(second);
}

static void a_token_finds_its_user(void **state)
{
    (void)state;
    struct users *users = NULL;
    struct err err = {.text = ""};
    struct buf text = BUF_INIT;
    struct buf tokens[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
    struct buf hash = BUF_INIT;
    static const char *const names[] = {"a", "b", "c"};
    buf_str(&text, "p:" HASH ":t:\nfixed:" TOKEN_HASH ":t:admin\n");
    for (size_t i = 0; i < LENGTH(tokens); i++) {
        buf_reset(&hash);
        assert_true(token_create(&tokens[i], &hash, &err));
        assert_true(slice_starts(buf_slice(&tokens[i]), SLICE("logi_")) && tokens[i].len == 48);
        buf_printf(&text, "%s:%.*s:t:\n", names[i], SLICE_ARG(buf_slice(&hash)));
    }
    if (!users_parse("u", buf_slice(&text), &users, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < LENGTH(tokens); i++) {
        assert_ptr_equal(users_find_token(users, buf_slice(&tokens[i])), users_find(users, slice_str(names[i])));
        tokens[i].ptr[20] = tokens[i].ptr[20] == 'A' ? 'B' : 'A';
        assert_null(users_find_token(users, buf_slice(&tokens[i])));
        buf_fini(&tokens[i]);
    }
    const struct user *fixed = users_find_token(users, SLICE("abc"));
    assert_true(fixed != NULL && slice_eq(fixed->name, SLICE("fixed")) && fixed->is_token && fixed->is_admin);
    assert_false(users_find(users, SLICE("p"))->is_token);
    assert_null(users_find_token(users, SLICE("")));
    assert_null(users_find_token(users, SLICE(TOKEN_HASH)));
    users_unref(users);
    buf_fini(&hash);
    buf_fini(&text);
}

static void a_bad_line_is_named_and_its_hash_is_not(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"alice", "the password's hash"},
        {"alice:secret:t:", "u: line 1: the password's hash"},
        {"\n\n:" HASH ":t:", "line 3: a user's name"},
        {"a b:" HASH ":t:", "printable ASCII"},
        {"\xc3\xa9:" HASH ":t:", "printable ASCII"},
        {"a:" HASH "::", "no tenants"},
        {"a:" HASH ":t,,u:", "a tenant's name is empty"},
        {"a:" HASH ":t/u:", "unsupported character '/'"},
        {"a:" HASH ":..:", "'.' or '..'"},
        {"a:" HASH ":t:root", "unknown flag \"root\""},
        {"a:" HASH ":t:\nb:" HASH ":t:\na:" HASH ":u:", "user a stands there twice"},
        {"a:" TOKEN_HASH ":t:\nb:" TOKEN_HASH ":t:", "users a and b have one token"},
        {"a:$sha256$AAAA:t:", "the password's hash"},
        {"a:" TOKEN_HASH "A:t:", "the password's hash"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct users *users = NULL;
        struct err err = {.text = ""};
        if (users_parse("u", slice_str(bad[i][0]), &users, &err) || err.code != ERR_INVALID || strstr(err.text, bad[i][1]) == NULL ||
            strstr(err.text, "cCO9yzr9") != NULL || strstr(err.text, "secret") != NULL)
            fail_msg("%s: \"%s\"", bad[i][0], err.text);
    }
}

static void no_users_are_users_too(void **state)
{
    (void)state;
    struct users *users = NULL;
    struct err err;
    assert_true(users_parse("u", SLICE("# nobody\n"), &users, &err));
    assert_int_equal(users_count(users), 0);
    assert_null(users_find(users, SLICE("a")));
    users_unref(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_have_their_tenants_and_flags),
        cmocka_unit_test(a_token_finds_its_user),
        cmocka_unit_test(a_bad_line_is_named_and_its_hash_is_not),
        cmocka_unit_test(no_users_are_users_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
