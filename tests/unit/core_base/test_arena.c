#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"

static void pieces_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    unsigned char *pieces[600];
    size_t sizes[600];
    for (size_t i = 0; i < 600; i++) {
        size_t align = (size_t)1 << (i % 7);
        sizes[i] = i * 37 % 5000;
        pieces[i] = arena_alloc(&arena, sizes[i], align);
        assert_int_equal((uintptr_t)pieces[i] % align, 0);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < 600; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], i % 251);
    }
    arena_fini(&arena);
}

static void a_large_piece_leaves_the_free_bytes_of_the_newest_block_in_use(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char *small = arena_alloc(&arena, 8, 8);
    (void)memset(arena_alloc(&arena, 3 * ARENA_BLOCK_MAX, 1), 1, 3 * ARENA_BLOCK_MAX);
    char *next = arena_alloc(&arena, 8, 8);
    assert_ptr_equal(next, small + 8);
    arena_fini(&arena);
}

static void reset_keeps_one_block_and_fini_none(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < 10000; i++)
        (void)memset(arena_alloc(&arena, 100, 1), 0, 100);
    size_t before = arena.bytes;
    arena_reset(&arena);
    assert_true(arena.bytes > 0 && arena.bytes < before);
    assert_true(slice_eq(arena_printf(&arena, "%d-%s", 7, "x"), SLICE("7-x")));
    arena_fini(&arena);
    assert_int_equal(arena.bytes, 0);
    assert_null(arena.blocks);
}

static void arrays_are_cleared_also_in_used_memory(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    memset(arena_alloc(&arena, 2000, 1), 0xff, 2000);
    arena_reset(&arena);
    uint64_t *numbers = ARENA_ARRAY(&arena, uint64_t, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(a_large_piece_leaves_the_free_bytes_of_the_newest_block_in_use),
        cmocka_unit_test(reset_keeps_one_block_and_fini_none),
        cmocka_unit_test(arrays_are_cleared_also_in_used_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
