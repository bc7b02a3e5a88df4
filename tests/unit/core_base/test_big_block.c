#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"

#define MIB ((size_t)1 << 20)

/* Takes `count` blocks of the size and gives them all back. */
static void take_and_give(size_t bytes, size_t count)
{
    void **blocks = mem_array(count, sizeof(*blocks));
    for (size_t i = 0; i < count; i++) {
        size_t taken = bytes;
        blocks[i] = big_block_take(&taken);
        assert_true(taken >= bytes);
        memset(blocks[i], 0x5a, bytes);
    }
    for (size_t i = 0; i < count; i++)
        big_block_give(blocks[i], bytes);
    mem_free(blocks);
}

static bool keeps(void)
{
    big_block_trim();
    take_and_give(MIB, 1);
    return big_block_kept_bytes() == MIB; // AddressSanitizer's builds keep nothing
}

static void one_size_leaves_room_for_others_and_all_have_a_limit(void **state)
{
    (void)state;
    if (!keeps())
        skip();
    big_block_trim();
    assert_int_equal(big_block_kept_bytes(), 0);
    take_and_give(MIB / 4, 4 * BIG_BLOCK_KEEP_SIZE_BYTES / MIB + 8); // as the head of a shard
    assert_int_equal(big_block_kept_bytes(), BIG_BLOCK_KEEP_SIZE_BYTES);
    take_and_give(MIB, 3);
    assert_int_equal(big_block_kept_bytes(), BIG_BLOCK_KEEP_SIZE_BYTES + 3 * MIB);
    take_and_give(MIB / 2, 2 * BIG_BLOCK_KEEP_SIZE_BYTES / MIB);
    assert_int_equal(big_block_kept_bytes(), BIG_BLOCK_KEEP_BYTES);
    big_block_trim();
    assert_int_equal(big_block_kept_bytes(), 0);
}

static void a_kept_block_is_handed_out_again_and_counted_once(void **state)
{
    (void)state;
    if (!keeps())
        skip();
    size_t bytes = MIB;
    void *block = big_block_take(&bytes);
    assert_int_equal(big_block_kept_bytes(), 0);
    big_block_give(block, bytes);
    size_t again = MIB / 2 + 1; // the same size class
    assert_ptr_equal(big_block_take(&again), block);
    assert_int_equal(again, MIB);
    big_block_give(block, again);
    for (int i = 0; i < 1000; i++) // what is taken and given does not fill the limit up
        take_and_give(MIB, 1);
    assert_int_equal(big_block_kept_bytes(), MIB);
    take_and_give(9 * MIB, 1); // too large to be kept
    assert_int_equal(big_block_kept_bytes(), MIB);
    big_block_trim();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_size_leaves_room_for_others_and_all_have_a_limit),
        cmocka_unit_test(a_kept_block_is_handed_out_again_and_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
