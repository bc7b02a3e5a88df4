#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/codec/json_writer.h"

static const struct write_case {
    struct slice text;
    const char *want;
} cases[] = {
    {SLICE(""), "\"\""},
    {SLICE("plain text of more than sixteen bytes, so that the wide path runs"), "\"plain text of more than sixteen bytes, so that the wide path runs\""},
    {SLICE("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
    {SLICE("<a>&"), "\"\\u003ca\\u003e\\u0026\""},
    {SLICE("\n\r\t\b\f\x01\x1f\x7f"), "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\""},
    {SLICE("a\0b"), "\"a\\u0000b\""},
    {SLICE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {SLICE("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\""},
    {SLICE("\xff" "a\xc3"), "\"\\ufffda\\ufffd\""},
    {SLICE("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""},
    {SLICE("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},
    {SLICE("0123456789abcde\"0123456789abcdef<"), "\"0123456789abcde\\\"0123456789abcdef\\u003c\""},
};

static void a_string_is_written_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf out = BUF_INIT;
        json_put_string(&out, cases[i].text);
        if (!slice_eq_str(buf_slice(&out), cases[i].want))
            fail_msg("case %zu: %.*s, want %s", i, SLICE_ARG(buf_slice(&out)), cases[i].want);
        buf_fini(&out);
    }
}

static void seconds_have_up_to_three_decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } times[] = {{0, "0"},       {1, "0.001"},     {10, "0.01"},           {500, "0.5"},
                 {1000, "1"},    {1234, "1.234"},  {1767225660500, "1767225660.5"}, {-1500, "-1.5"},
                 {INT64_MIN, "-9223372036854775.808"}};
    for (size_t i = 0; i < LENGTH(times); i++) {
        struct buf out = BUF_INIT;
        json_put_ms(&out, times[i].ms);
        if (!slice_eq_str(buf_slice(&out), times[i].want))
            fail_msg("%lld: %.*s", (long long)times[i].ms, SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_is_written_as_the_table_says),
        cmocka_unit_test(seconds_have_up_to_three_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
