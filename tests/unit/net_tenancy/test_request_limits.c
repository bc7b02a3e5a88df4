#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/tenancy/request_limits.h"

/* Limits that the requests of the table begin with. */
static void own_limits(struct arena *arena, struct limits *out)
{
    static const char *const values[][2] = {{"max_query_length", "2h"},           {"max_query_range", "30m"},     {"query_timeout", "1m"},
                                            {"max_entries_limit_per_query", "100"}, {"minimum_labels_number", "2"}, {"required_labels", "app"}};
    struct err err;
    limits_defaults(out);
    for (size_t i = 0; i < LENGTH(values); i++)
        assert_true(limits_set(out, slice_str(values[i][0]), slice_str(values[i][1]), arena, &err));
}

static const struct tighten_case {
    const char *name, *header, *changed; /* lines of limits_print_yaml that differ */
} tighten_cases[] = {
    {"nothing", "{}", ""},
    {"null", "null", ""},
    {"unset ones", "{\"maxQueryLength\":\"0s\",\"maxEntriesLimitPerQuery\":0,\"requiredLabels\":null,\"maxQueryTime\":null,\"maxQueryBytesRead\":null,\"minimumLabelsNumber\":null}", ""},
    {"tighter ones", "{\"maxQueryLength\":\"1h\",\"maxQueryInterval\":\"5m\",\"maxQueryTime\":\"10s\",\"maxEntriesLimitPerQuery\":7}",
     "max_entries_limit_per_query: 7\nmax_query_length: 1h\nmax_query_range: 5m\nquery_timeout: 10s\n"},
    {"looser ones", "{\"maxQueryLength\":\"3h\",\"maxQueryInterval\":\"31m\",\"maxQueryTime\":\"61s\",\"maxEntriesLimitPerQuery\":101,\"minimumLabelsNumber\":1}", ""},
    {"where there is no limit", "{\"maxQueryLookback\":\"1d\",\"maxQueryBytesRead\":\"10MB\"}", "max_query_lookback: 1d\nmax_query_bytes_read: 10MB\n"},
    {"bytes as a number", "{\"maxQueryBytesRead\":1024}", "max_query_bytes_read: 1KB\n"},
    {"labels are added", "{\"requiredLabels\":[\"env\",\"app\",\"env\"]}", "required_labels: [app, env]\n"},
    {"more labels", "{\"minimumLabelsNumber\":3}", "minimum_labels_number: 3\n"},
    {"names without case, and unknown ones", "{\"MAXENTRIESLIMITPERQUERY\": 5, \"tsdbShardingStrategy\":\"bounded\", \"x\":{\"y\":[]}}", "max_entries_limit_per_query: 5\n"},
    {"the last of two", "{\"requiredLabels\":[\"a\"],\"requiredLabels\":[\"b\"]}", "required_labels: [app, b]\n"},
};

static void lines_that_differ(struct slice before, struct slice after, struct buf *out)
{
    while (after.len > 0) {
        size_t a = slice_find_byte(before, '\n');
        size_t b = slice_find_byte(after, '\n');
        if (!slice_eq(slice_of(before.ptr, a), slice_of(after.ptr, b)))
            buf_put(out, slice_of(after.ptr, b + 1));
        before = slice_from(before, a + 1);
        after = slice_from(after, b + 1);
    }
}

static void a_header_tightens_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(tighten_cases); i++) {
        const struct tighten_case *c = &tighten_cases[i];
        struct arena arena = ARENA_INIT;
        struct limits limits;
        struct buf before = BUF_INIT;
        struct buf after = BUF_INIT;
        struct buf changed = BUF_INIT;
        struct err err = {.text = ""};
        own_limits(&arena, &limits);
        limits_print_yaml(&limits, &before, 0);
        if (!request_limits_tighten(slice_str(c->header), &arena, &limits, &err))
            fail_msg("%s: %s", c->name, err.text);
        limits_print_yaml(&limits, &after, 0);
        lines_that_differ(buf_slice(&before), buf_slice(&after), &changed);
        if (!slice_eq_str(buf_slice(&changed), c->changed))
            fail_msg("%s: %.*s", c->name, SLICE_ARG(buf_slice(&changed)));
        buf_fini(&before);
        buf_fini(&after);
        buf_fini(&changed);
        arena_fini(&arena);
    }
}

static void what_is_not_of_the_form_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "[]", "{", "{\"maxQueryLength\":1}", "{\"maxQueryLength\":\"soon\"}", "{\"maxQueryLength\":\"-1h\"}",
                                      "{\"maxEntriesLimitPerQuery\":-1}", "{\"maxEntriesLimitPerQuery\":\"5\"}", "{\"maxEntriesLimitPerQuery\":1.5}",
                                      "{\"maxEntriesLimitPerQuery\":99999999999999999999}", "{\"maxEntriesLimitPerQuery\":5,\"maxQueryBytesRead\":\"much\"}",
                                      "{\"requiredLabels\":\"a\"}", "{\"requiredLabels\":[1]}", "{\"maxEntriesLimitPerQuery\":5} x"};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct arena arena = ARENA_INIT;
        struct limits limits;
        struct limits before;
        struct err err = {.text = ""};
        own_limits(&arena, &limits);
        before = limits;
        if (request_limits_tighten(slice_str(bad[i]), &arena, &limits, &err) || err.text[0] == '\0' || memcmp(&before, &limits, sizeof(limits)) != 0)
            fail_msg("%s: %s", bad[i], err.text);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_tightens_what_the_table_says),
        cmocka_unit_test(what_is_not_of_the_form_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
