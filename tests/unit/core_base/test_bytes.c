#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/bytes.h"

static const uint64_t numbers[] = {0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, (uint64_t)1 << 56, ((uint64_t)1 << 63) - 1, UINT64_MAX};

static void varints_come_back_and_each_cut_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        char bytes[VARINT_MAX];
        size_t len = varint_put(bytes, numbers[i]);
        assert_int_equal(len, varint_len(numbers[i]));
        for (size_t cut = 0; cut <= len; cut++) {
            struct slice in = slice_of(bytes, cut);
            uint64_t value = 0;
            assert_int_equal(varint_take(&in, &value), cut == len);
            assert_int_equal(in.len, cut == len ? 0 : cut);
            if (cut == len)
                assert_true(value == numbers[i]);
        }
    }
}

static void a_varint_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    uint64_t value = 0;
    struct slice over = SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    struct slice eleven = SLICE("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
    assert_false(varint_take(&over, &value));
    assert_false(varint_take(&eleven, &value));
    assert_int_equal(over.len, 10);
}

static void a_length_past_the_end_is_refused_and_moves_nothing(void **state)
{
    (void)state;
    struct slice good = SLICE("\x02xyz");
    struct slice bad = SLICE("\x05xyz");
    struct slice huge = SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz");
    struct slice out = SLICE_NONE;
    assert_true(varint_slice_take(&good, &out));
    assert_true(slice_eq(out, SLICE("xy")) && slice_eq(good, SLICE("z")));
    assert_false(varint_slice_take(&bad, &out));
    assert_int_equal(bad.len, 4);
    assert_false(varint_slice_take(&huge, &out));
}

static void zigzag_and_byte_order_come_back(void **state)
{
    (void)state;
    const int64_t values[] = {0, -1, 1, INT64_MIN, INT64_MAX, -64};
    for (size_t i = 0; i < LENGTH(values); i++)
        assert_true(unzigzag(zigzag(values[i])) == values[i]);
    assert_true(zigzag(-1) == 1 && zigzag(1) == 2);
    char bytes[9];
    be64_put(bytes + 1, 0x0102030405060708u);
    assert_memory_equal(bytes + 1, "\1\2\3\4\5\6\7\10", 8);
    assert_true(le64_get(bytes + 1) == 0x0807060504030201u && be32_get(bytes + 1) == 0x01020304u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_come_back_and_each_cut_is_refused),
        cmocka_unit_test(a_varint_of_more_than_64_bits_is_refused),
        cmocka_unit_test(a_length_past_the_end_is_refused_and_moves_nothing),
        cmocka_unit_test(zigzag_and_byte_order_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
