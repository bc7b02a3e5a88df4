#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/patterns/miner.h"

static void the_counts_add_up_to_the_lines_also_past_the_most_templates(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct miner miner;
    uint64_t lines = 0;
    miner_init(&miner, &arena, 2);
    for (unsigned i = 0; i < PATTERNS_MAX + 500; i++) {
        char word[3] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + i / 676 % 26)};
        miner_add(&miner, slice_of(word, sizeof(word)), SLICE("info"), i % 2);
    }
    for (size_t i = 0; i < miner.count; i++) {
        assert_int_equal(miner.patterns[i]->lines, miner.patterns[i]->samples[0] + miner.patterns[i]->samples[1]);
        lines += miner.patterns[i]->lines;
    }
    assert_int_equal(lines, PATTERNS_MAX + 500);
    assert_int_equal(miner.count, PATTERNS_MAX + 1);
    miner_fini(&miner);
    arena_fini(&arena);
}

static void words_that_vary_become_variables(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct miner miner;
    struct buf text = BUF_INIT;
    miner_init(&miner, &arena, 1);
    miner_add(&miner, SLICE("user anna logged in"), SLICE("info"), 0);
    miner_add(&miner, SLICE("user bert logged in"), SLICE("info"), 0);
    assert_int_equal(miner.count, 1);
    pattern_print(miner.patterns[0], &text);
    assert_true(slice_eq(buf_slice(&text), SLICE("user <_> logged in")));
    buf_fini(&text);
    miner_fini(&miner);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counts_add_up_to_the_lines_also_past_the_most_templates),
        cmocka_unit_test(words_that_vary_become_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
