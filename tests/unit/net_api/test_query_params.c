/* Parameters of the query routes: spec http-api.md section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/api/query_params.h"

static const struct time_case {
    const char *text;
    int64_t want_ns;
    const char *error;
} time_cases[] = {
    {"0", 0, NULL},
    {"1767225600", INT64_C(1767225600) * NS_PER_S, NULL},
    {"1767225600000000000", INT64_C(1767225600000000000), NULL},
    {"1767225600000", INT64_C(1767225600000), NULL}, // 13 digits are ns, no ms
    {"-5", -5 * NS_PER_S, NULL},
    {"1767225660.5", INT64_C(1767225660500000000), NULL},
    {"1767225660.1234", INT64_C(1767225660123000000), NULL},
    {"1.7e9", INT64_C(1700000000) * NS_PER_S, NULL},
    {"2026-01-01T00:00:00Z", INT64_C(1767225600) * NS_PER_S, NULL},
    {"2026-01-01T01:00:00.000000001+01:00", INT64_C(1767225600) * NS_PER_S + 1, NULL},
    {"9999999999", INT64_MAX, NULL},
    {"-999999999", INT64_C(-999999999) * NS_PER_S, NULL},
    {"1e9", 0, "strconv.ParseInt: parsing \"1e9\": invalid syntax"},
    {"now", 0, "strconv.ParseInt: parsing \"now\": invalid syntax"},
    {"99999999999999999999", 0, "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
    {"2026-01-01", 0, "strconv.ParseInt"},
};

static void a_time_is_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(time_cases); i++) {
        const struct time_case *c = &time_cases[i];
        struct err err = {.code = ERR_NONE, .text = ""};
        int64_t ns = 0;
        bool ok = time_param_parse(slice_str(c->text), &ns, &err);
        if (ok != (c->error == NULL) || (ok && ns != c->want_ns) || (!ok && strstr(err.text, c->error) == NULL))
            fail_msg("%s: %s %lld \"%s\"", c->text, ok ? "taken" : "refused", (long long)ns, err.text);
    }
}

static const struct params_case {
    const char *query, *error; /* NULL: fine */
    int64_t start_ns, end_ns;
} range_cases[] = {
    {"", NULL, 1000 * NS_PER_S - NS_PER_HOUR, 1000 * NS_PER_S},
    {"start=10&end=20", NULL, 10 * NS_PER_S, 20 * NS_PER_S},
    {"end=20", NULL, 20 * NS_PER_S - NS_PER_HOUR, 20 * NS_PER_S},
    {"end=2000", NULL, 1000 * NS_PER_S - NS_PER_HOUR, 2000 * NS_PER_S}, // an end in the future does not move the start
    {"since=1m", NULL, 940 * NS_PER_S, 1000 * NS_PER_S},
    {"start=10&end=10", NULL, 10 * NS_PER_S, 10 * NS_PER_S},
    {"start=&end=", NULL, 1000 * NS_PER_S - NS_PER_HOUR, 1000 * NS_PER_S},
    {"start=20&end=10", "end timestamp must not be before or equal to start time", 0, 0},
    {"start=x", "could not parse 'start' parameter: strconv.ParseInt: parsing \"x\": invalid syntax", 0, 0},
    {"end=x&start=y", "could not parse 'end' parameter", 0, 0},
    {"since=x&end=y", "could not parse 'since' parameter: not a valid duration string: \"x\"", 0, 0},
};

static void a_range_is_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(range_cases); i++) {
        const struct params_case *c = &range_cases[i];
        struct arena arena = ARENA_INIT;
        struct form form = {0};
        struct err err = {.code = ERR_NONE, .text = ""};
        struct range_params range = {0, 0};
        assert_true(form_parse(slice_str(c->query), &arena, &form, &err));
        bool ok = range_params_parse(&form, 1000 * NS_PER_S, NS_PER_HOUR, &range, &err);
        if (ok != (c->error == NULL) || (!ok && strstr(err.text, c->error) == NULL))
            fail_msg("%s: %s \"%s\"", c->query, ok ? "taken" : "refused", err.text);
        if (ok && (range.start_ns != c->start_ns || range.end_ns != c->end_ns))
            fail_msg("%s: %lld to %lld", c->query, (long long)range.start_ns, (long long)range.end_ns);
        arena_fini(&arena);
    }
}

static const struct step_case {
    const char *query, *error;
    int64_t step_ns, interval_ns;
} step_cases[] = {
    {"", NULL, 14 * NS_PER_S, 0},
    {"step=60", NULL, 60 * NS_PER_S, 0},
    {"step=0.5", NULL, NS_PER_S / 2, 0},
    {"step=1e2", NULL, 100 * NS_PER_S, 0},
    {"step=5m&interval=10s", NULL, 300 * NS_PER_S, 10 * NS_PER_S},
    {"step=0.0005", "zero or negative", 0, 0},
    {"step=0", "zero or negative query resolution step widths are not accepted. Try a positive integer", 0, 0},
    {"step=-1", "zero or negative", 0, 0},
    {"step=NaN", "zero or negative query resolution", 0, 0},
    {"step=-1s", "cannot parse \"-1s\" to a valid duration", 0, 0},
    {"step=1.5m", "cannot parse \"1.5m\" to a valid duration", 0, 0},
    {"step=Inf", "cannot parse \"Inf\" to a valid duration. It overflows int64", 0, 0},
    {"step=0.1", "exceeded maximum resolution of 11,000 points per time series", 0, 0},
    {"interval=NaN", "interval must be >= 0", 0, 0},
    {"interval=-1", "interval must be >= 0", 0, 0},
};

static void steps_are_read_as_the_table_says(void **state)
{
    (void)state;
    const struct range_params hour = {0, 3600 * NS_PER_S};
    for (size_t i = 0; i < LENGTH(step_cases); i++) {
        const struct step_case *c = &step_cases[i];
        struct arena arena = ARENA_INIT;
        struct form form = {0};
        struct err err = {.code = ERR_NONE, .text = ""};
        int64_t step_ns = 0;
        int64_t interval_ns = 0;
        assert_true(form_parse(slice_str(c->query), &arena, &form, &err));
        bool ok = steps_params_parse(&form, &hour, &step_ns, &interval_ns, &err);
        if (ok != (c->error == NULL) || (!ok && strstr(err.text, c->error) == NULL))
            fail_msg("%s: %s \"%s\"", c->query, ok ? "taken" : "refused", err.text);
        if (ok && (step_ns != c->step_ns || interval_ns != c->interval_ns))
            fail_msg("%s: step %lld, interval %lld", c->query, (long long)step_ns, (long long)interval_ns);
        arena_fini(&arena);
    }
}

static void limits_and_directions_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *query, *error;
        int64_t limit;
    } limits[] = {{"", NULL, 100},  {"limit=5", NULL, 5}, {"limit=%2B5", NULL, 5}, {"limit=0", "limit must be a positive value", 0},
                  {"limit=-1", "limit must be a positive value", 0}, {"limit=abc", "strconv.Atoi: parsing \"abc\": invalid syntax", 0},
                  {"limit=99999999999999999999", "value out of range", 0}};
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < LENGTH(limits); i++) {
        struct form form = {0};
        struct err err = {.text = ""};
        int64_t limit = 0;
        assert_true(form_parse(slice_str(limits[i].query), &arena, &form, &err));
        bool ok = limit_param_parse(&form, "limit", 100, &limit, &err);
        if (ok != (limits[i].error == NULL) || (ok && limit != limits[i].limit) || (!ok && strstr(err.text, limits[i].error) == NULL))
            fail_msg("%s: \"%s\"", limits[i].query, err.text);
    }
    struct form form = {0};
    struct err err;
    enum query_direction direction;
    assert_true(form_parse(SLICE("direction=FORWARD"), &arena, &form, &err));
    assert_true(direction_param_parse(&form, &direction, &err) && direction == QUERY_FORWARD);
    form = (struct form){0};
    assert_true(form_parse(SLICE("direction=sideways"), &arena, &form, &err));
    assert_false(direction_param_parse(&form, &direction, &err));
    assert_string_equal(err.text, "invalid direction 'sideways'");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_read_as_the_table_says),
        cmocka_unit_test(a_range_is_read_as_the_table_says),
        cmocka_unit_test(steps_are_read_as_the_table_says),
        cmocka_unit_test(limits_and_directions_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
