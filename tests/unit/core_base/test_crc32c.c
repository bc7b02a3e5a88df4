#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/crc32c.h"

static void the_vectors_of_rfc_3720_hold(void **state)
{
    (void)state;
    char bytes[32] = {0};
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x8a9136aau);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x62a8ab43u);
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x46dd794eu);
    assert_int_equal(crc32c_portable(0, slice_of(bytes, 32)), 0x46dd794eu);
    assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283u);
}

static void the_instruction_and_the_table_agree_at_all_lengths_offsets_and_cuts(void **state)
{
    (void)state;
    char bytes[300];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (char)(random >> 24);
    }
    for (size_t offset = 0; offset < 9; offset++) {
        for (size_t len = 0; len + offset <= sizeof(bytes); len++) {
            struct slice all = slice_of(bytes + offset, len);
            uint32_t want = crc32c_portable(0, all);
            assert_int_equal(crc32c(0, all), want);
            size_t cut = len / 3;
            assert_int_equal(crc32c(crc32c(0, slice_of(all.ptr, cut)), slice_from(all, cut)), want);
        }
    }
}

// Around one, two and three lanes, from odd places and after other bytes.
static void long_texts_read_in_lanes_have_the_checksum_of_the_table(void **state)
{
    (void)state;
    static char bytes[10000];
    uint32_t random = 7;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (char)(random >> 24);
    }
    for (size_t len = 0; len + 3 <= sizeof(bytes); len += len % 1024 > 1000 || len % 1024 < 24 ? 1 : 17) {
        struct slice all = slice_of(bytes + len % 3, len);
        if (crc32c(0, all) != crc32c_portable(0, all) || crc32c(0x1234abcdu, all) != crc32c_portable(0x1234abcdu, all))
            fail_msg("%zu bytes", len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_3720_hold),
        cmocka_unit_test(long_texts_read_in_lanes_have_the_checksum_of_the_table),
        cmocka_unit_test(the_instruction_and_the_table_agree_at_all_lengths_offsets_and_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
