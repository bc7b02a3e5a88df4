/* Names of days, their bounds, and the figures of their indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "storage/day/day.h"

static const struct name_case {
    int64_t number;
    const char *name;
} name_cases[] = {
    {0, "1970-01-01"},      {-1, "1969-12-31"},      {19782, "2024-02-29"}, {20778, "2026-11-21"},
    {106751, "2262-04-11"}, {-106752, "1677-09-21"}, {11016, "2000-02-29"}, {-25509, "1900-02-28"},
};

static void names_are_calendar_days(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(name_cases); i++) {
        char name[32];
        int64_t number;
        day_name(name_cases[i].number, name);
        assert_string_equal(name, name_cases[i].name);
        assert_true(day_name_parse(name, &number));
        assert_int_equal(number, name_cases[i].number);
    }
    for (int64_t day = -106752; day <= 106751; day += 13) {
        char name[32];
        int64_t number;
        day_name(day, name);
        assert_true(day_name_parse(name, &number) && number == day);
    }
}

static void other_names_are_no_days(void **state)
{
    (void)state;
    static const char *const names[] = {"", "2026", "2026-02-30", "2026-13-01", "2026-1-01", "2026-01-01.dropped", "lost+found", "2026-01-0x", " 2026-01-01"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        int64_t number;
        if (day_name_parse(names[i], &number))
            fail_msg("\"%s\" was taken", names[i]);
    }
}

static void bounds_reach_to_both_ends_of_int64(void **state)
{
    (void)state;
    int64_t first, last;
    day_bounds(0, &first, &last);
    assert_true(first == 0 && last == NS_PER_DAY - 1);
    day_bounds(day_of_ns(INT64_MIN), &first, &last);
    assert_true(first == INT64_MIN && day_of_ns(last) == day_of_ns(INT64_MIN) && day_of_ns(last + 1) == day_of_ns(last) + 1);
    day_bounds(day_of_ns(INT64_MAX), &first, &last);
    assert_true(last == INT64_MAX && day_of_ns(first) == day_of_ns(INT64_MAX));
}

static bool three_streams(void *self, struct day *day, struct err *err,
                          bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err), void *add_self)
{
    (void)self;
    (void)day;
    for (uint64_t i = 1; i <= 3; i++)
        if (!add(add_self, SLICE("acme"), (struct hash128){.low = i}, SLICE(""), err))
            return false;
    return true;
}

static void figures_of_an_index_are_told_while_someone_has_it_locked(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-day-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct day_streams streams = {.each = three_streams};
    struct day_index_stats figures;
    struct day *day = NULL;
    struct day_index *index;
    struct err err;
    bool is_damaged = false;
    if (!day_open(&system_disk, folder, 20778, &day, &is_damaged, &err) || !day_index_hold(day, &streams, 1, &index, &err))
        fail_msg("%s", err.text);
    day_index_figures(day, &figures);
    assert_int_equal(figures.streams, 3);
    pthread_mutex_lock(&day->index_lock); // as one does that fills it anew
    figures.streams = 0;
    day_index_figures(day, &figures);
    assert_int_equal(figures.streams, 3);
    pthread_mutex_unlock(&day->index_lock);
    day_index_release(day, false);
    assert_true(day_index_close_idle(day));
    day_index_figures(day, &figures);
    assert_int_equal(figures.streams, 0);
    day_unref(day);
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/2026-11-21", folder);
    assert_true(disk_remove_folder(&system_disk, path, &err) && disk_remove_folder(&system_disk, folder, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_calendar_days),
        cmocka_unit_test(other_names_are_no_days),
        cmocka_unit_test(bounds_reach_to_both_ends_of_int64),
        cmocka_unit_test(figures_of_an_index_are_told_while_someone_has_it_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
