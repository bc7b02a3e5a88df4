#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/patterns/field_list.h"

static void control_make(struct query_control *control, int64_t bytes)
{
    *control = (struct query_control){.memory_max = bytes};
    atomic_store(&control->memory_left, bytes);
}

static bool is_app(const void *self, struct slice name)
{
    (void)self;
    return slice_eq(name, SLICE("app"));
}

static void fields_of_lines_are_found_with_their_kinds(void **state)
{
    (void)state;
    struct query_control control;
    struct field_list list;
    struct err err;
    control_make(&control, 1 << 20);
    const struct field_names taken = {NULL, is_app};
    field_list_init(&list, &control);
    field_list_add_line(&list, 0, &taken, SLICE("{\"a\": {\"b\": 5}, \"took\": \"3ms\", \"app\": \"x\", \"c\": {\" d \": \"\"}}"));
    field_list_add_line(&list, 0, &taken, SLICE("size=5kB level=info"));
    field_list_add_line(&list, 0, &taken, SLICE("{\"torn\":1 \"z\":2} pair=1"));
    assert_true(field_list_settle(&list, &err));
    const struct field *nested = field_list_find(&list, SLICE("a_b"));
    assert_non_null(nested);
    assert_int_equal(FIELD_INT, nested->type);
    assert_int_equal(2, nested->path_count);
    assert_int_equal(FIELD_DURATION, field_list_find(&list, SLICE("took"))->type);
    assert_int_equal(FIELD_BYTES, field_list_find(&list, SLICE("size"))->type);
    assert_true(field_list_find(&list, SLICE("level"))->by_logfmt);
    assert_null(field_list_find(&list, SLICE("absent")));
    assert_null(field_list_find(&list, SLICE("app")));
    assert_true(field_list_find(&list, SLICE("app_extracted"))->by_json);
    assert_int_equal(field_list_find(&list, SLICE("c_d"))->values.count, 1);
    assert_null(field_list_find(&list, SLICE("torn")));
    assert_true(field_list_find(&list, SLICE("pair"))->by_logfmt);
    field_list_fini(&list);
}

static void what_is_kept_is_charged_and_given_back(void **state)
{
    const struct field_names taken = {NULL, is_app};
    (void)state;
    struct query_control control;
    struct field_list list;
    struct err err = {.code = ERR_NONE};
    control_make(&control, 256 << 10);
    field_list_init(&list, &control);
    size_t lines = 0;
    for (bool ok = true; ok; lines++) {
        char line[64];
        int n = snprintf(line, sizeof(line), "id=%zu-with-some-text field%zu=1", lines, lines);
        field_list_add_line(&list, 0, &taken, slice_of(line, (size_t)n));
        ok = field_list_settle(&list, &err);
        assert_true(lines < 10000);
    }
    assert_int_equal(ERR_LIMIT, err.code);
    assert_in_range(lines, 100, 5000); // three keys of 64 bytes a line, and their texts
    field_list_fini(&list);
    assert_int_equal(256 << 10, atomic_load(&control.memory_left));
}

static void a_value_that_is_known_costs_nothing(void **state)
{
    (void)state;
    struct query_control control;
    struct field_list list;
    struct err err;
    control_make(&control, 64 << 10);
    field_list_init(&list, &control);
    for (size_t i = 0; i < 100000; i++) {
        (void)field_list_add(&list, 0, SLICE("level"), SLICE("info"));
        assert_true(field_list_settle(&list, &err));
    }
    field_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_lines_are_found_with_their_kinds),
        cmocka_unit_test(what_is_kept_is_charged_and_given_back),
        cmocka_unit_test(a_value_that_is_known_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
