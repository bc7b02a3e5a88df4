#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"

static void what_is_put_is_what_is_there(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_byte(&buf, (char)i);
    buf_put(&buf, SLICE_NONE);
    buf_str(&buf, "end");
    buf_printf(&buf, "%s=%d", "x", 5);
    assert_int_equal(buf.len, 1006);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal((uint8_t)buf.ptr[i], i % 256);
    assert_memory_equal(buf.ptr + 1000, "endx=5", 6);
    buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    assert_non_null(buf.ptr);
    buf_fini(&buf);
    assert_null(buf.ptr);
}

static void numbers_are_decimal_at_both_ends_of_their_range(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    buf_u64(&buf, 0);
    buf_byte(&buf, ' ');
    buf_u64(&buf, UINT64_MAX);
    buf_byte(&buf, ' ');
    buf_i64(&buf, INT64_MIN);
    buf_byte(&buf, ' ');
    buf_i64(&buf, INT64_MAX);
    assert_true(slice_eq(buf_slice(&buf), SLICE("0 18446744073709551615 -9223372036854775808 9223372036854775807")));
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_what_is_there),
        cmocka_unit_test(numbers_are_decimal_at_both_ends_of_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
