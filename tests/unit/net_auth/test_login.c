#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/auth/login.h"

/* Of "pleaseletmein": RFC 7914 section 12; and of the same with another salt's key: matches nothing. */
#define HASH "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI"
#define OTHER_HASH "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static atomic_int told[4];

static void on_done(void *self, enum login_outcome outcome)
{
    (void)self;
    atomic_fetch_add(&told[outcome], 1);
}

static int told_sum(void)
{
    return atomic_load(&told[LOGIN_OK]) + atomic_load(&told[LOGIN_DENIED]) + atomic_load(&told[LOGIN_BUSY]);
}

static void wait_for(int count)
{
    for (int i = 0; i < 60000 && told_sum() < count; i++)
        (void)usleep(1000);
    assert_int_equal(told_sum(), count);
}

static void forget(void)
{
    for (size_t i = 0; i < LENGTH(told); i++)
        atomic_store(&told[i], 0);
}

static struct login *login_of(const char *text)
{
    struct users *users = NULL;
    struct err err;
    forget();
    assert_true(users_parse("u", slice_str(text), &users, &err));
    return login_create(&system_clock, users);
}

static enum login_outcome check(struct login *login, struct slice user, struct slice password, struct slice peer)
{
    return login_check(login, user, password, peer, on_done, NULL);
}

static void a_password_is_checked_once_then_known(void **state)
{
    (void)state;
    struct login *login = login_of("a:" HASH ":t:\n");
    assert_int_equal(check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_WAIT);
    wait_for(1);
    assert_int_equal(atomic_load(&told[LOGIN_OK]), 1);
    assert_int_equal(check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_OK);
    assert_int_equal(check(login, SLICE("a"), SLICE("wrong"), SLICE("p")), LOGIN_WAIT);
    assert_int_equal(check(login, SLICE("nobody"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_WAIT);
    wait_for(3);
    assert_int_equal(atomic_load(&told[LOGIN_DENIED]), 2);
    assert_int_equal(check(login, SLICE("a"), SLICE("wrong"), SLICE("p")), LOGIN_DENIED);
    assert_int_equal(check(login, SLICE("nobody"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_DENIED);
    login_destroy(login);
}

static void a_new_hash_makes_the_old_password_worthless_at_once(void **state)
{
    (void)state;
    struct login *login = login_of("a:" HASH ":t:\n");
    struct users *users = NULL;
    struct err err;
    assert_int_equal(check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_WAIT);
    wait_for(1);
    assert_true(users_parse("u", SLICE("a:" OTHER_HASH ":t:\n"), &users, &err));
    login_set_users(login, users);
    assert_int_equal(check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("p")), LOGIN_WAIT);
    wait_for(2);
    assert_int_equal(atomic_load(&told[LOGIN_DENIED]), 1);
    login_destroy(login);
}

static void many_with_one_password_wait_for_one_check(void **state)
{
    (void)state;
    struct login *login = login_of("a:" HASH ":t:\n");
    int waiting = 0;
    for (int i = 0; i < 1000; i++) {
        enum login_outcome outcome = check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("p"));
        assert_true(outcome == LOGIN_WAIT || outcome == LOGIN_OK);
        waiting += outcome == LOGIN_WAIT ? 1 : 0;
    }
    wait_for(waiting);
    assert_int_equal(atomic_load(&told[LOGIN_OK]), waiting);
    login_destroy(login);
}

static void one_address_cannot_take_all_places_and_all_cannot_take_more_than_there_are(void **state)
{
    (void)state;
    struct login *login = login_of("a:" HASH ":t:\n");
    int busy = 0;
    int waiting = 0;
    for (int i = 0; i < LOGINS_OF_PEER_MAX + 20; i++) {
        char password[16];
        int len = snprintf(password, sizeof(password), "guess %d", i);
        enum login_outcome outcome = check(login, SLICE("a"), slice_of(password, (size_t)len), SLICE("attacker"));
        busy += outcome == LOGIN_BUSY ? 1 : 0;
        waiting += outcome == LOGIN_WAIT ? 1 : 0;
    }
    assert_true(busy > 0);
    assert_int_equal(check(login, SLICE("a"), SLICE("pleaseletmein"), SLICE("somebody else")), LOGIN_WAIT);
    int all = waiting + 1;
    int refused = 0;
    for (int i = 0; i < 2 * LOGINS_WAITING_MAX; i++) {
        char peer[16];
        int len = snprintf(peer, sizeof(peer), "peer %d", i);
        enum login_outcome outcome = check(login, SLICE("a"), slice_of(peer, (size_t)len), slice_of(peer, (size_t)len));
        all += outcome == LOGIN_WAIT ? 1 : 0;
        refused += outcome == LOGIN_BUSY ? 1 : 0;
    }
    assert_true(refused > 0);
    login_destroy(login); // those who wait are told
    assert_int_equal(told_sum(), all);
}

static void what_is_too_long_is_denied_without_a_check(void **state)
{
    (void)state;
    static char text[2000];
    struct login *login = login_of("a:" HASH ":t:\n");
    memset(text, 'x', sizeof(text));
    assert_int_equal(check(login, slice_of(text, USER_NAME_BYTES_MAX + 1), SLICE("p"), SLICE("p")), LOGIN_DENIED);
    assert_int_equal(check(login, SLICE("a"), slice_of(text, sizeof(text)), SLICE("p")), LOGIN_DENIED);
    login_destroy(login);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_checked_once_then_known),
        cmocka_unit_test(a_new_hash_makes_the_old_password_worthless_at_once),
        cmocka_unit_test(many_with_one_password_wait_for_one_check),
        cmocka_unit_test(one_address_cannot_take_all_places_and_all_cannot_take_more_than_there_are),
        cmocka_unit_test(what_is_too_long_is_denied_without_a_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
