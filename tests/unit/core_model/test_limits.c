#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/limits.h"

static void each_kind_is_set_from_text(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct err err;
    limits_defaults(&limits);
    assert_int_equal(limits.max_line_size, 262144);
    assert_int_equal(limits.discover_service_name.count, 13);
    assert_int_equal(limits.enforced_labels.count, 0);
    assert_true(limits_set(&limits, SLICE("max_line_size"), SLICE("1MB"), &arena, &err));
    assert_int_equal(limits.max_line_size, 1048576);
    assert_true(limits_set(&limits, SLICE("retention_period"), SLICE("\"7d\""), &arena, &err));
    assert_true(limits.retention_period == 7 * NS_PER_DAY);
    assert_true(limits_set(&limits, SLICE("query_timeout"), SLICE("1.5h"), &arena, &err));
    assert_true(limits.query_timeout == 90 * NS_PER_MIN);
    assert_true(limits_set(&limits, SLICE("volume_enabled"), SLICE("False"), &arena, &err));
    assert_false(limits.volume_enabled);
    assert_true(limits_set(&limits, SLICE("ingestion_rate_mb"), SLICE("0.5"), &arena, &err));
    assert_true(limits.ingestion_rate_mb == 0.5);
    assert_true(limits_set(&limits, SLICE("enforced_labels"), SLICE("[a, 'b' ,c]"), &arena, &err));
    assert_int_equal(limits.enforced_labels.count, 3);
    assert_true(slice_eq(limits.enforced_labels.items[1], SLICE("b")));
    assert_true(limits_set(&limits, SLICE("discover_service_name"), SLICE(""), &arena, &err));
    assert_int_equal(limits.discover_service_name.count, 0);
    struct limits again;
    limits_defaults(&again);
    assert_int_equal(again.discover_service_name.count, 13);
    arena_fini(&arena);
}

static void what_is_no_value_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[][3] = {
        {"max_line_size", "big", "max_line_size: \"big\" is not a size"},
        {"max_line_size", "-1", "max_line_size: "},
        {"retention_period", "7", "not a valid duration string"},
        {"retention_period", "-1h", "retention_period: "},
        {"volume_enabled", "2", "neither true nor false"},
        {"max_query_series", "1.5", "invalid syntax"},
        {"max_query_series", "-1", "negative"},
        {"ingestion_rate_mb", "NaN", "no rate"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct limits before;
        struct limits limits;
        struct err err = {.code = ERR_NONE};
        limits_defaults(&before);
        limits_defaults(&limits);
        if (limits_set(&limits, slice_str(bad[i][0]), slice_str(bad[i][1]), &arena, &err) || err.code != ERR_INVALID ||
            strstr(err.text, bad[i][2]) == NULL || memcmp(&before, &limits, sizeof(limits)) != 0)
            fail_msg("%s %s: %s", bad[i][0], bad[i][1], err.text);
        arena_fini(&arena);
    }
}

static void items_in_double_quotes_mean_what_they_hold(void **state)
{
    (void)state;
    static const char *const items[] = {"a,b", " c ", "'d'", "e\"f", "g]", "null", "h\\,i"};
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct err err;
    limits_defaults(&limits);
    assert_true(limits_set(&limits, SLICE("enforced_labels"),
                           SLICE("\"a,b\", \" c \",\"'d'\", \"e\\\"f\", g], \"null\", \"h\\\\,i\""), &arena, &err));
    assert_int_equal(limits.enforced_labels.count, LENGTH(items));
    for (size_t i = 0; i < LENGTH(items); i++) {
        if (!slice_eq_str(limits.enforced_labels.items[i], items[i]))
            fail_msg("item %zu: %.*s", i, SLICE_ARG(limits.enforced_labels.items[i]));
    }
    arena_fini(&arena);
}

static void a_copy_outlives_what_it_was_copied_from(void **state)
{
    (void)state;
    struct arena first = ARENA_INIT;
    struct arena second = ARENA_INIT;
    struct limits limits;
    struct limits copy;
    struct err err;
    limits_defaults(&limits);
    assert_true(limits_set(&limits, SLICE("enforced_labels"), SLICE("one,two"), &first, &err));
    assert_true(limits_set(&limits, SLICE("deletion_mode"), SLICE("disabled"), &first, &err));
    assert_true(limits_set(&limits, SLICE("blocked_queries"), SLICE("[{pattern: \"x+\", regex: true}]"), &first, &err));
    limits_copy(&limits, &second, &copy);
    arena_fini(&first);
    assert_true(slice_eq(copy.enforced_labels.items[1], SLICE("two")));
    assert_true(slice_eq(copy.deletion_mode, SLICE("disabled")));
    assert_true(slice_eq(copy.blocked_queries.items[0].pattern, SLICE("x+")));
    arena_fini(&second);
}

static void an_unknown_name_is_told_the_nearest(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct err err = {.code = ERR_NONE};
    limits_defaults(&limits);
    assert_false(limits_set(&limits, SLICE("max_linesize"), SLICE("1"), &arena, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text, "unknown limit max_linesize: is max_line_size meant?");
    arena_fini(&arena);
}

static void the_printed_yaml_sets_the_same_limits(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct limits back;
    struct err err;
    struct buf text = BUF_INIT;
    struct buf again = BUF_INIT;
    limits_defaults(&limits);
    assert_true(limits_set(&limits, SLICE("query_timeout"), SLICE("90s"), &arena, &err));
    limits_print_yaml(&limits, &text, 2);
    memset(&back, 0, sizeof(back));
    for (struct slice rest = buf_slice(&text); rest.len > 0;) {
        struct slice line = slice_of(rest.ptr, slice_find_byte(rest, '\n'));
        size_t colon = slice_find_byte(line, ':');
        struct slice value = slice_trim(slice_from(line, colon + 1));
        if (slice_eq(value, SLICE("\"\"")) || slice_eq(value, SLICE("\"filter-and-delete\""))) // as a YAML reader hands texts on
            value = slice_of(value.ptr + 1, value.len - 2);
        if (!limits_set(&back, slice_trim(slice_of(line.ptr, colon)), value, &arena, &err))
            fail_msg("%.*s: %s", SLICE_ARG(line), err.text);
        rest = slice_from(rest, line.len + 1);
    }
    limits_print_yaml(&back, &again, 2);
    assert_true(slice_eq(buf_slice(&text), buf_slice(&again)));
    buf_byte(&text, '\0');
    assert_non_null(strstr(text.ptr, "  max_line_size: 256KB\n"));
    assert_non_null(strstr(text.ptr, "  reject_old_samples_max_age: 1w\n"));
    assert_non_null(strstr(text.ptr, "  max_query_length: 30d1h\n"));
    assert_non_null(strstr(text.ptr, "  query_timeout: 1m30s\n"));
    buf_reset(&text);
    limits_print_markdown(&text);
    buf_byte(&text, '\0');
    assert_non_null(strstr(text.ptr, "| `max_query_series` | number | `500` | series of a result |\n"));
    buf_fini(&text);
    buf_fini(&again);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_set_from_text),
        cmocka_unit_test(what_is_no_value_is_refused_and_changes_nothing),
        cmocka_unit_test(items_in_double_quotes_mean_what_they_hold),
        cmocka_unit_test(a_copy_outlives_what_it_was_copied_from),
        cmocka_unit_test(an_unknown_name_is_told_the_nearest),
        cmocka_unit_test(the_printed_yaml_sets_the_same_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
