#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>

#include "core/model/go_text.h"

static void want_text(const char *name, struct buf *got, struct slice want)
{
    if (!slice_eq(buf_slice(got), want))
        fail_msg("%s: got %.*s, want %.*s", name, SLICE_ARG(buf_slice(got)), SLICE_ARG(want));
    buf_fini(got);
}

// ---- strings ----

static void quoting_is_that_of_go_and_unquotes_to_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct slice text;
        struct slice quoted;
    } cases[] = {
        {"nothing", SLICE(""), SLICE("\"\"")},
        {"escapes of a letter", SLICE("\a\b\f\n\r\t\v\\\"'"), SLICE("\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"'\"")},
        {"control bytes", SLICE("\x01\x7f"), SLICE("\"\\x01\\x7f\"")},
        {"printable beyond ASCII", SLICE("\xc3\xa9\xf0\x9f\x98\x80"), SLICE("\"\xc3\xa9\xf0\x9f\x98\x80\"")},
        {"a soft hyphen", SLICE("\xc2\xad"), SLICE("\"\\u00ad\"")},
        {"a tag", SLICE("\xf3\xa0\x80\x81"), SLICE("\"\\U000e0001\"")},
        {"a bad byte", SLICE("a\xff"), SLICE("\"a\\xff\"")},
        {"a surrogate", SLICE("\xed\xa0\x80"), SLICE("\"\\xed\\xa0\\x80\"")},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf quoted = BUF_INIT;
        struct buf back = BUF_INIT;
        go_quote(&quoted, cases[i].text);
        if (!go_unquote(buf_slice(&quoted), &back) || !slice_eq(buf_slice(&back), cases[i].text))
            fail_msg("%s: does not come back", cases[i].name);
        buf_fini(&back);
        want_text(cases[i].name, &quoted, cases[i].quoted);
    }
}

static void unquoting_refuses_what_go_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "\"",         "\"a",      "a",       "\"\\q\"",  "\"\\'\"", "\"a\nb\"", "\"\\xf\"",
                                      "\"\\400\"", "\"\\ud800\"", "\"\\\"", "`a`b`", "\"a\"b\"", "'\\\"'",  "\"\\u12\""};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct buf out = BUF_INIT;
        if (go_unquote(slice_str(bad[i]), &out))
            fail_msg("%s: taken", bad[i]);
        buf_fini(&out);
    }
    struct buf raw = BUF_INIT;
    assert_true(go_unquote(SLICE("`a\\n\r\n`"), &raw));
    want_text("raw", &raw, SLICE("a\\n\n"));
}

// ---- numbers ----

static void floats_are_printed_shortest_in_three_layouts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *f, *g, *e;
    } cases[] = {
        {0, "0", "0", "0e+00"},
        {-0.0, "-0", "-0", "-0e+00"},
        {1, "1", "1", "1e+00"},
        {0.1, "0.1", "0.1", "1e-01"},
        {-1.5, "-1.5", "-1.5", "-1.5e+00"},
        {3e6, "3000000", "3e+06", "3e+06"},
        {100000, "100000", "100000", "1e+05"},
        {1e21, "1000000000000000000000", "1e+21", "1e+21"},
        {0.00001, "0.00001", "1e-05", "1e-05"},
        {0.0001, "0.0001", "0.0001", "1e-04"},
        {9007199254740993.0, "9007199254740992", "9.007199254740992e+15", "9.007199254740992e+15"},
        {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "3.0000000000000004e-01"},
        {9.5367431640625e-07, "0.00000095367431640625", "9.5367431640625e-07", "9.5367431640625e-07"},
        {INFINITY, "+Inf", "+Inf", "+Inf"},
        {-INFINITY, "-Inf", "-Inf", "-Inf"},
        {NAN, "NaN", "NaN", "NaN"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf f = BUF_INIT;
        struct buf g = BUF_INIT;
        struct buf e = BUF_INIT;
        go_print_float_f(&f, cases[i].value);
        go_print_float_g(&g, cases[i].value);
        go_print_float_e(&e, cases[i].value);
        want_text("f", &f, slice_str(cases[i].f));
        want_text("g", &g, slice_str(cases[i].g));
        want_text("e", &e, slice_str(cases[i].e));
    }
    struct buf least = BUF_INIT;
    go_print_float_e(&least, 4.9406564584124654e-324);
    want_text("the least double", &least, SLICE("5e-324"));
}

static void each_float_reads_back_as_itself(void **state)
{
    (void)state;
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double value = 0;
        double back = 0;
        memcpy(&value, &random, sizeof(value));
        if (!isfinite(value))
            continue;
        struct buf text = BUF_INIT;
        if (i % 2 == 0)
            go_print_float_g(&text, value);
        else
            go_print_float_f(&text, value);
        if (!go_parse_float(buf_slice(&text), &back, NULL) || memcmp(&back, &value, sizeof(value)) != 0)
            fail_msg("%a printed as %.*s", value, SLICE_ARG(buf_slice(&text)));
        buf_fini(&text);
    }
}

static void floats_are_read_by_gos_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        const char *error;
    } cases[] = {
        {"1e3", 1000, NULL},
        {".25", 0.25, NULL},
        {"5.", 5, NULL},
        {"+Inf", INFINITY, NULL},
        {"-infinity", -INFINITY, NULL},
        {"0x1p-2", 0.25, NULL},
        {"1e-400", 0, NULL},
        {"1_000", 1000, NULL}, // seen running: strconv takes what a Go literal may hold
        {"1__0", 0, "strconv.ParseFloat: parsing \"1__0\": invalid syntax"},
        {"", 0, "strconv.ParseFloat: parsing \"\": invalid syntax"},
        {" 7", 0, "strconv.ParseFloat: parsing \" 7\": invalid syntax"},
        {"1,5", 0, "strconv.ParseFloat: parsing \"1,5\": invalid syntax"},
        {"0x1F", 0, "strconv.ParseFloat: parsing \"0x1F\": invalid syntax"},
        {"-nan", 0, "strconv.ParseFloat: parsing \"-nan\": invalid syntax"},
        {"1e", 0, "strconv.ParseFloat: parsing \"1e\": invalid syntax"},
        {".", 0, "strconv.ParseFloat: parsing \".\": invalid syntax"},
        {"1e400", 0, "strconv.ParseFloat: parsing \"1e400\": value out of range"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        double value = 0;
        struct err err = {.code = ERR_NONE};
        bool ok = go_parse_float(slice_str(cases[i].text), &value, &err);
        if (ok != (cases[i].error == NULL) || (ok && value != cases[i].value))
            fail_msg("\"%s\": %d, %g", cases[i].text, ok, value);
        if (!ok)
            assert_string_equal(err.text, cases[i].error);
    }
}

static void integers_keep_to_64_bits(void **state)
{
    (void)state;
    int64_t value = 0;
    struct err err;
    assert_true(go_parse_int(SLICE("-9223372036854775808"), &value, NULL) && value == INT64_MIN);
    assert_true(go_parse_int(SLICE("+9223372036854775807"), &value, NULL) && value == INT64_MAX);
    assert_false(go_parse_atoi(SLICE("9223372036854775808"), &value, &err));
    assert_string_equal(err.text, "strconv.Atoi: parsing \"9223372036854775808\": value out of range");
    assert_false(go_parse_int(SLICE("1a"), &value, &err));
    assert_string_equal(err.text, "strconv.ParseInt: parsing \"1a\": invalid syntax");
    assert_false(go_parse_int(SLICE("-"), &value, NULL));
}

// ---- durations, sizes, times ----

static const struct duration_case {
    const char *text;
    int64_t ns;
    const char *error;
} go_cases[] = {
    {"1.5h", 90 * NS_PER_MIN, NULL},
    {"-5s", -5 * NS_PER_S, NULL},
    {".5s", NS_PER_S / 2, NULL},
    {"3\xc2\xb5s", 3000, NULL},
    {"0", 0, NULL},
    {"1h2m3s4ms5us6ns", 3723004005006, NULL},
    {"-9223372036854775808ns", INT64_MIN, NULL},
    {"9223372036854775808ns", 0, "time: invalid duration \"9223372036854775808ns\""},
    {"1d", 0, "time: unknown unit \"d\" in duration \"1d\""},
    {"90", 0, "time: missing unit in duration \"90\""},
    {"abc", 0, "time: invalid duration \"abc\""},
    {"", 0, "time: invalid duration \"\""},
};

static const struct duration_case prom_cases[] = {
    {"1h30m", 90 * NS_PER_MIN, NULL},
    {"7d", 7 * NS_PER_DAY, NULL},
    {"1y2w3d", (365 + 14 + 3) * NS_PER_DAY, NULL},
    {"0", 0, NULL},
    {"5ms", 5 * NS_PER_MS, NULL},
    {"", 0, "empty duration string"},
    {"5minutes", 0, "unknown unit \"minutes\" in duration \"5minutes\""},
    {"1.5h", 0, "unknown unit \".\" in duration \"1.5h\""},
    {" 5m", 0, "not a valid duration string: \" 5m\""},
    {"5", 0, "not a valid duration string: \"5\""},
    {"5m1h", 0, "not a valid duration string: \"5m1h\""},
    {"5m5m", 0, "not a valid duration string: \"5m5m\""},
    {"300y", 0, "duration out of range"},
};

static void run_durations(const struct duration_case *cases, size_t count,
                          bool (*parse)(struct slice text, int64_t *out_ns, struct err *err))
{
    for (size_t i = 0; i < count; i++) {
        int64_t ns = 0;
        struct err err = {.code = ERR_NONE};
        bool ok = parse(slice_str(cases[i].text), &ns, &err);
        if (ok != (cases[i].error == NULL) || ns != cases[i].ns)
            fail_msg("\"%s\": %s", cases[i].text, err.text);
        if (!ok)
            assert_string_equal(err.text, cases[i].error);
    }
}

static void durations_of_both_kinds_are_read(void **state)
{
    (void)state;
    run_durations(go_cases, LENGTH(go_cases), go_parse_duration);
    run_durations(prom_cases, LENGTH(prom_cases), prom_parse_duration);
}

static void durations_of_both_kinds_are_printed(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *go, *prom;
    } cases[] = {
        {0, "0s", "0s"},
        {721 * NS_PER_HOUR, "721h0m0s", "30d1h"},
        {NS_PER_S * 3 / 2, "1.5s", "1s500ms"},
        {1500, "1.5\xc2\xb5s", "0s"},
        {-90 * NS_PER_S, "-1m30s", "-1m30s"},
        {7 * NS_PER_DAY, "168h0m0s", "1w"},
        {90 * NS_PER_DAY, "2160h0m0s", "90d"},
        {INT64_MIN, "-2562047h47m16.854775808s", "-106751d23h47m16s854ms"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf go = BUF_INIT;
        struct buf prom = BUF_INIT;
        go_print_duration(&go, cases[i].ns);
        prom_print_duration(&prom, cases[i].ns);
        want_text("go", &go, slice_str(cases[i].go));
        want_text("prom", &prom, slice_str(cases[i].prom));
    }
}

static void sizes_are_read_in_thousands_or_1024s(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t human, config; // UINT64_MAX: refused
    } cases[] = {
        {"12kb", 12000, 12288},          {"2 GB", 2000000000, 2147483648}, {"1,000 KiB", 1024000, UINT64_MAX},
        {"100", 100, 100},               {"7mib", 7340032, 7340032},       {"1.5k", 1500, UINT64_MAX},
        {"5B", 5, 5},                    {"-1KB", UINT64_MAX, UINT64_MAX}, {"1e3", UINT64_MAX, UINT64_MAX},
        {"99999999EB", UINT64_MAX, UINT64_MAX}, {"", UINT64_MAX, UINT64_MAX},     {"64 MiB", 67108864, 67108864},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint64_t human = UINT64_MAX;
        uint64_t config = UINT64_MAX;
        bool human_ok = humanize_parse_bytes(slice_str(cases[i].text), &human, NULL);
        bool config_ok = config_parse_bytes(slice_str(cases[i].text), &config, NULL);
        if (human != cases[i].human || config != cases[i].config || human_ok != (human != UINT64_MAX) ||
            config_ok != (config != UINT64_MAX))
            fail_msg("\"%s\": %zu, %zu", cases[i].text, (size_t)human, (size_t)config);
    }
    struct err err;
    uint64_t out = 0;
    assert_false(humanize_parse_bytes(SLICE("1E3"), &out, &err));
    assert_string_equal(err.text, "unhandled size name: e3");
    assert_false(humanize_parse_bytes(SLICE("abc"), &out, &err));
    assert_string_equal(err.text, "strconv.ParseFloat: parsing \"\": invalid syntax");
}

static void sizes_are_printed_with_one_decimal_below_ten(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *si, *iec;
    } cases[] = {
        {0, "0 B", "0 B"},           {9, "9 B", "9 B"},           {999, "999 B", "999 B"},     {1000, "1.0 kB", "1000 B"},
        {20000, "20 kB", "20 KiB"},  {1288490189, "1.3 GB", "1.2 GiB"}, {UINT64_MAX, "18 EB", "16 EiB"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf si = BUF_INIT;
        struct buf iec = BUF_INIT;
        humanize_print_bytes(&si, cases[i].bytes);
        humanize_print_ibytes(&iec, cases[i].bytes);
        want_text("si", &si, slice_str(cases[i].si));
        want_text("iec", &iec, slice_str(cases[i].iec));
    }
}

static void times_are_read_strictly_and_printed(void **state)
{
    (void)state;
    static const char *const bad[] = {"2026-01-01t00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01T00:00Z",
                                      "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:60Z", "2026-01-01T00:00:00",  "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00.0123456789Z", "1600-01-01T00:00:00Z", "2026-01-01T00:00:00Zx"};
    int64_t ns = 0;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (rfc3339_parse(slice_str(bad[i]), &ns))
            fail_msg("%s: taken", bad[i]);
    }
    assert_true(rfc3339_parse(SLICE("2024-02-29T12:30:00.5+05:30"), &ns));
    struct buf out = BUF_INIT;
    rfc3339_print(&out, ns, true);
    want_text("fraction", &out, SLICE("2024-02-29T07:00:00.5Z"));
    rfc3339_print(&out, ns, false);
    want_text("cut", &out, SLICE("2024-02-29T07:00:00Z"));
    go_print_time(&out, ns);
    want_text("go", &out, SLICE("2024-02-29 07:00:00.5 +0000 UTC"));
    const int64_t ends[] = {INT64_MIN, INT64_MAX, -1, 0};
    for (size_t i = 0; i < LENGTH(ends); i++) {
        rfc3339_print(&out, ends[i], true);
        assert_true(rfc3339_parse(buf_slice(&out), &ns));
        assert_true(ns == ends[i]);
        buf_reset(&out);
    }
    buf_fini(&out);
}

static void each_day_of_the_calendar_follows_the_one_before(void **state)
{
    (void)state;
    struct civil before = civil_of_ns(-100000 * NS_PER_DAY);
    for (int64_t day = -99999; day < 100000; day++) {
        struct civil civil = civil_of_ns(day * NS_PER_DAY + 1);
        int64_t ns = 0;
        bool follows = civil.day == before.day + 1 || (civil.day == 1 && before.day >= 28);
        assert_true(follows && civil.weekday == (before.weekday + 1) % 7);
        assert_true(ns_of_civil(&civil, &ns) && ns == day * NS_PER_DAY + 1);
        before = civil;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_is_that_of_go_and_unquotes_to_the_same),
        cmocka_unit_test(unquoting_refuses_what_go_refuses),
        cmocka_unit_test(floats_are_printed_shortest_in_three_layouts),
        cmocka_unit_test(each_float_reads_back_as_itself),
        cmocka_unit_test(floats_are_read_by_gos_grammar),
        cmocka_unit_test(integers_keep_to_64_bits),
        cmocka_unit_test(durations_of_both_kinds_are_read),
        cmocka_unit_test(durations_of_both_kinds_are_printed),
        cmocka_unit_test(sizes_are_read_in_thousands_or_1024s),
        cmocka_unit_test(sizes_are_printed_with_one_decimal_below_ten),
        cmocka_unit_test(times_are_read_strictly_and_printed),
        cmocka_unit_test(each_day_of_the_calendar_follows_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
