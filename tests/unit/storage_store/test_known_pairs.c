#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "storage/segment/segment_file.h"
#include "storage/store/known_pairs.h"

static void a_pair_is_known_as_it_was_told_and_no_other(void **state)
{
    (void)state;
    struct segment older = {.serial = 1}, younger = {.serial = 2};
    struct segment_run first = {.block = 0, .first_row = 0}, second = {.block = 0, .first_row = 9}, third = {.block = 1, .first_row = 0};
    struct known_pairs *pairs = known_pairs_create();
    known_pairs_add(pairs, (struct known_run){&younger, &first}, (struct known_run){&older, &second});
    assert_true(known_pairs_have(pairs, (struct known_run){&younger, &first}, (struct known_run){&older, &second}));
    assert_false(known_pairs_have(pairs, (struct known_run){&older, &second}, (struct known_run){&younger, &first}));
    assert_false(known_pairs_have(pairs, (struct known_run){&younger, &second}, (struct known_run){&older, &second}));
    assert_false(known_pairs_have(pairs, (struct known_run){&younger, &first}, (struct known_run){&older, &third}));
    assert_false(known_pairs_have(pairs, (struct known_run){&younger, &first}, (struct known_run){&older, &first}));
    struct segment reopened = {.serial = 3}; // another segment may have the address, never the number
    assert_false(known_pairs_have(pairs, (struct known_run){&reopened, &first}, (struct known_run){&older, &second}));
    known_pairs_destroy(pairs);
}

static void what_does_not_fit_is_forgotten_and_what_is_known_was_told(void **state)
{
    (void)state;
    enum { TOLD = 400000 };
    struct segment older = {.serial = 1}, younger = {.serial = 2};
    struct segment_run elder = {.block = 7};
    struct known_pairs *pairs = known_pairs_create();
    unsigned known = 0;
    for (uint32_t i = 0; i < TOLD; i += 2) {
        struct segment_run run = {.block = i / 1000, .first_row = i % 1000};
        known_pairs_add(pairs, (struct known_run){&younger, &run}, (struct known_run){&older, &elder});
        assert_true(known_pairs_have(pairs, (struct known_run){&younger, &run}, (struct known_run){&older, &elder}));
    }
    for (uint32_t i = 0; i < TOLD; i++) {
        struct segment_run run = {.block = i / 1000, .first_row = i % 1000};
        bool is_known = known_pairs_have(pairs, (struct known_run){&younger, &run}, (struct known_run){&older, &elder});
        assert_true(!is_known || i % 2 == 0);
        known += is_known;
    }
    assert_true(known > 50000 && known < TOLD / 2);
    known_pairs_destroy(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_known_as_it_was_told_and_no_other),
        cmocka_unit_test(what_does_not_fit_is_forgotten_and_what_is_known_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
