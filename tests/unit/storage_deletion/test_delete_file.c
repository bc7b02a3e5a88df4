/* A tenant's delete requests as bytes: what is encoded is decoded; all cuts and all flipped bits are refused; the bytes of the format page do not change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "storage/deletion/delete_file.h"

static struct delete_request two[] = {
    {.id = 0xf4cd3f1f, .state = DELETE_STARTED, .percent = 42, .start_ms = -5, .end_ms = 7, .created_ms = 9, .max_interval_ns = 11, .query = {"{a=\"b\"} |= \"x\"", 14}},
    {.id = 1, .state = DELETE_PROCESSED, .percent = 100, .start_ms = INT64_MIN, .end_ms = INT64_MAX, .created_ms = 0, .query = {"", 0}},
};

static const struct delete_list list_of_two = {.tenant = {"acme", 4}, .generation = 12345678901, .requests = two, .count = 2};

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf bytes = BUF_INIT;
    struct delete_list out;
    struct err err;
    delete_list_encode(&list_of_two, &bytes);
    if (!delete_list_decode(buf_slice(&bytes), &arena, &out, &err))
        fail_msg("%s", err.text);
    assert_true(slice_eq(out.tenant, list_of_two.tenant) && out.generation == list_of_two.generation && out.count == 2);
    for (size_t i = 0; i < out.count; i++) {
        const struct delete_request *got = &out.requests[i], *want = &two[i];
        assert_true(got->id == want->id && got->state == want->state && got->percent == want->percent && got->start_ms == want->start_ms);
        assert_true(got->end_ms == want->end_ms && got->created_ms == want->created_ms && got->max_interval_ns == want->max_interval_ns);
        assert_true(slice_eq(got->query, want->query));
    }
    buf_fini(&bytes);
    arena_fini(&arena);
}

static void a_cut_or_changed_file_is_refused(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct buf bytes = BUF_INIT;
    struct delete_list out;
    struct err err;
    delete_list_encode(&list_of_two, &bytes);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        assert_false(delete_list_decode(slice_of(bytes.ptr, cut), &arena, &out, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
        assert_false(delete_list_decode(buf_slice(&bytes), &arena, &out, &err));
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
    }
    buf_byte(&bytes, 'x');
    assert_false(delete_list_decode(buf_slice(&bytes), &arena, &out, &err));
    buf_fini(&bytes);
    arena_fini(&arena);
}

#define WORKED "4c4f474944454c0a010000004800000038b02a3b47e0339703000000000000000100000001000000740403020100000000e803000000000000d007000000000000b80b000000000000000000000000000007000000000000007b613d2262227d"

static void the_worked_bytes_of_the_format_page_decode(void **state)
{
    (void)state;
    struct delete_request request = {.id = 0x01020304, .state = DELETE_RECEIVED, .start_ms = 1000, .end_ms = 2000, .created_ms = 3000, .query = SLICE("{a=\"b\"}")};
    struct delete_list list = {.tenant = SLICE("t"), .generation = 3, .requests = &request, .count = 1}, out;
    struct arena arena = ARENA_INIT;
    struct buf bytes = BUF_INIT;
    struct err err;
    delete_list_encode(&list, &bytes);
    struct buf hex = BUF_INIT;
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(&hex, "%02x", (unsigned char)bytes.ptr[i]);
    if (!slice_eq_str(buf_slice(&hex), WORKED))
        fail_msg("%.*s", SLICE_ARG(buf_slice(&hex)));
    assert_true(delete_list_decode(buf_slice(&bytes), &arena, &out, &err));
    assert_true(out.count == 1 && out.requests[0].id == 0x01020304 && slice_eq_str(out.requests[0].query, "{a=\"b\"}"));
    char name[DELETE_FILE_NAME_MAX];
    delete_file_name(SLICE("t"), name);
    assert_string_equal(name, "190e8fcdd645bb7c76033e85f0acf92d.del");
    buf_fini(&hex);
    buf_fini(&bytes);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(a_cut_or_changed_file_is_refused),
        cmocka_unit_test(the_worked_bytes_of_the_format_page_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
