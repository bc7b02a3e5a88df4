/* The log's payload: what is encoded is decoded; all cuts and foreign versions are refused or harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/arena.h"
#include "storage/store/record.h"

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    uint32_t refused[] = {0, 1, 7, 300, 301, 70000};
    struct record in = {.tenant = SLICE("tenant"), .adds_labels = true, .refused = refused, .refused_count = LENGTH(refused)};
    struct buf buf = BUF_INIT;
    record_encode_head(&in, &buf);
    buf_put(&buf, SLICE("body"));
    struct arena arena = ARENA_INIT;
    struct record out;
    struct err err;
    assert_true(record_decode(buf_slice(&buf), &arena, &out, &err));
    assert_true(slice_eq_str(out.tenant, "tenant") && slice_eq_str(out.body, "body") && out.adds_labels);
    assert_int_equal(out.refused_count, LENGTH(refused));
    assert_memory_equal(out.refused, refused, sizeof(refused));
    for (size_t cut = 0; cut + 4 < buf.len; cut++)
        assert_false(record_decode(slice_of(buf.ptr, cut), &arena, &out, &err));
    buf.ptr[0] = 2;
    assert_false(record_decode(buf_slice(&buf), &arena, &out, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    buf.ptr[0] = 1;
    buf.ptr[1] = 2;
    assert_false(record_decode(buf_slice(&buf), &arena, &out, &err));
    arena_fini(&arena);
    buf_fini(&buf);
}

static void the_worked_bytes_of_the_format_page_decode(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct record out;
    struct err err;
    assert_true(record_decode(SLICE("\x01\x01\x01t\x02\x02\x00hi"), &arena, &out, &err));
    assert_true(slice_eq_str(out.tenant, "t") && out.refused_count == 2 && out.refused[0] == 2 && out.refused[1] == 3 && slice_eq_str(out.body, "hi"));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(the_worked_bytes_of_the_format_page_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
