#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/tail/seen_set.h"

static void a_hash_is_new_once(void **state)
{
    (void)state;
    struct seen_set set = {NULL, 0, 0};
    assert_false(seen_set_has(&set, 1));
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(seen_set_add(&set, i * 3 + 2));
    for (uint64_t i = 0; i < 100000; i++) {
        assert_false(seen_set_add(&set, i * 3 + 2));
        assert_false(seen_set_has(&set, i * 3 + 3));
    }
    seen_set_fini(&set);
}

static void the_recent_ones_are_known_and_memory_is_bounded(void **state)
{
    (void)state;
    struct seen_recent recent = {{NULL, 0, 0}, {NULL, 0, 0}};
    for (uint64_t i = 1; i < 20 * SEEN_RECENT; i++) {
        assert_true(seen_recent_add(&recent, i));
        assert_false(seen_recent_add(&recent, i > SEEN_RECENT ? i - SEEN_RECENT + 1 : 1));
    }
    assert_true(recent.young.cap + recent.old.cap <= 8 * SEEN_RECENT);
    assert_true(seen_recent_add(&recent, 1)); // long forgotten
    seen_recent_fini(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_new_once),
        cmocka_unit_test(the_recent_ones_are_known_and_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
