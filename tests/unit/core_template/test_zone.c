/* Zones: TZif bytes and POSIX rules, against offsets that tzdata's own tables give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/template/template.h"
#include "core/template/zone.h"
#include "core/template/zone_rule.h"

static void be_put(struct buf *out, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        buf_byte(out, (char)(value >> (8 * bytes)));
}

static void header_put(struct buf *out, char version, uint32_t times, uint32_t infos, uint32_t name_bytes)
{
    buf_str(out, "TZif");
    buf_byte(out, version);
    for (int i = 0; i < 15; i++)
        buf_byte(out, '\0');
    const uint32_t counts[] = {0, 0, 0, times, infos, name_bytes};
    for (size_t i = 0; i < LENGTH(counts); i++)
        be_put(out, counts[i], 4);
}

static void info_put(struct buf *out, int32_t offset_s, bool is_summer, char name)
{
    be_put(out, (uint32_t)offset_s, 4);
    buf_byte(out, is_summer);
    buf_byte(out, name);
}

/* A zone that was LMT (+0:53:28) until 1000, then CET; from 2000 on by the footer. */
static struct slice tzif(struct buf *out, char version, const char *footer)
{
    buf_reset(out);
    for (int block = 0; block < (version == 0 ? 1 : 2); block++) {
        unsigned time_bytes = block == 0 ? 4 : 8;
        header_put(out, version, 2, 2, 8);
        be_put(out, 1000, time_bytes);
        be_put(out, 2000, time_bytes);
        buf_str(out, "\x01\x01");
        info_put(out, 3208, false, 0);
        info_put(out, 3600, false, 4);
        buf_put(out, slice_of("LMT\0CET\0", 8));
    }
    if (version != 0)
        buf_printf(out, "\n%s\n", footer);
    return buf_slice(out);
}

static void a_transition_holds_from_its_second_on(void **state)
{
    (void)state;
    static const struct {
        int64_t utc_s;
        int32_t offset_s;
        const char *name;
    } cases[] = {{INT64_MIN, 3208, "LMT"}, {999, 3208, "LMT"}, {1000, 3600, "CET"}, {1999, 3600, "CET"}, {2000, 3600, "CET"}, {INT64_MAX, 3600, "CET"}};
    static const char versions[] = {0, '2', '4'};
    struct buf bytes = BUF_INIT;
    for (size_t v = 0; v < LENGTH(versions); v++) {
        struct zone zone;
        assert_true(zone_open(tzif(&bytes, versions[v], "CET-1"), &zone));
        for (size_t i = 0; i < LENGTH(cases); i++) {
            struct zone_span span = zone_at(&zone, cases[i].utc_s);
            if (span.offset_s != cases[i].offset_s || !slice_eq_str(span.name, cases[i].name))
                fail_msg("version %d, %lld: %d %.*s", versions[v], (long long)cases[i].utc_s, span.offset_s, SLICE_ARG(span.name));
        }
    }
    buf_fini(&bytes);
}

static void every_cut_of_a_file_is_refused_or_read_inside_its_bytes(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct zone zone;
    struct slice whole = tzif(&bytes, '2', "CET-1CEST,M3.5.0,M10.5.0/3");
    size_t footer = whole.len - 28;
    for (size_t cut = 0; cut < whole.len; cut++) {
        char *exact = test_malloc(cut + 1);
        memcpy(exact, whole.ptr, cut);
        bool opens = zone_open(slice_of(exact, cut), &zone);
        if (opens != (cut >= footer))
            fail_msg("cut at %zu of %zu: %d", cut, whole.len, opens);
        if (opens)
            (void)zone_at(&zone, 1700000000);
        test_free(exact);
    }
    for (size_t i = 0; i < whole.len * 8; i++) { // a flipped bit: any answer, but none from outside the bytes
        bytes.ptr[i / 8] ^= (char)(1 << i % 8);
        if (zone_open(buf_slice(&bytes), &zone)) {
            (void)zone_at(&zone, 1500);
            (void)zone_utc_of_local(&zone, 1700000000);
        }
        bytes.ptr[i / 8] ^= (char)(1 << i % 8);
    }
    buf_fini(&bytes);
}

static void a_file_without_types_is_refused(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct zone zone;
    header_put(&bytes, 0, 0, 0, 0);
    assert_false(zone_open(buf_slice(&bytes), &zone));
    buf_fini(&bytes);
}

static const struct rule_case {
    const char *rule;
    int64_t utc_s;
    int32_t offset_s;
    const char *name; /* NULL: no rule */
} rule_cases[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1711846799, 3600, "CET"}, /* 2024-03-31 00:59:59 UTC */
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1711846800, 7200, "CEST"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1729990799, 7200, "CEST"}, /* 2024-10-27 00:59:59 */
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1729990800, 3600, "CET"},
    {"EST5EDT,M3.2.0,M11.1.0", 1710053999, -18000, "EST"}, /* 2024-03-10 06:59:59 */
    {"EST5EDT,M3.2.0,M11.1.0", 1710054000, -14400, "EDT"},
    {"EST5EDT", 1710054000, -14400, "EDT"}, /* without rules: those of tzcode */
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1704067200, 39600, "AEDT"}, /* January in Sydney */
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1719792000, 36000, "AEST"}, /* July */
    {"<+0545>-5:45", 0, 20700, "+0545"},
    {"<-03>3", 0, -10800, "-03"},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1704067200, 0, "GMT"}, /* Dublin: summer time is the standard */
    {"XXX3YYY,J60,J300/0", 1709269199, -10800, "XXX"}, /* J60 is March 1 in a leap year too, at 02:00: 05:00 UTC */
    {"XXX3YYY,J60,J300/0", 1709269200, -7200, "YYY"},
    {"XXX3YYY,59,300", 1709186400, -7200, "YYY"}, /* day 59 from 0 is February 29: 2024-02-29 06:00 */
    {"CET-1CEST,M3.5.0/-167,M10.5.0/167", 1711846800, 7200, "CEST"},
    {"CET-1CEST,M13.5.0,M10.5.0", 0, 0, NULL},
    {"CET-1CEST,M3.5.0", 0, 0, NULL},
    {"CET-1CEST,M3.5.0,M10.5.0/3x", 0, 0, NULL},
    {"CET-1CEST,J0,J5", 0, 0, NULL},
    {"CE-1", 0, 0, NULL},
    {"<CET-1", 0, 0, NULL},
    {"CET", 0, 0, NULL},
    {"CET-168", 0, 0, NULL},
    {"", 0, 0, NULL},
};

static void rules_give_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rule_cases); i++) {
        const struct rule_case *c = &rule_cases[i];
        struct zone_span span = {0};
        bool ok = zone_rule_at(slice_str(c->rule), c->utc_s, &span);
        if (ok != (c->name != NULL) || (ok && (span.offset_s != c->offset_s || !slice_eq_str(span.name, c->name))))
            fail_msg("%s at %lld: %d, %d %.*s", c->rule, (long long)c->utc_s, ok, span.offset_s, SLICE_ARG(span.name));
        if (ok && (c->utc_s < span.start_s || c->utc_s >= span.end_s))
            fail_msg("%s at %lld is outside of its span", c->rule, (long long)c->utc_s);
    }
}

static void clocks_in_a_gap_go_on_and_in_an_overlap_are_the_later(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct zone zone;
    assert_true(zone_open(tzif(&bytes, '2', "CET-1CEST,M3.5.0,M10.5.0/3"), &zone));
    assert_int_equal(zone_utc_of_local(&zone, 1711852200), 1711848600); /* 2024-03-31 02:30 is not: 03:30 CEST */
    assert_int_equal(zone_utc_of_local(&zone, 1729996200), 1729992600); /* 2024-10-27 02:30 was twice: CET */
    assert_int_equal(zone_utc_of_local(&zone, 1720000000), 1719992800);
    assert_int_equal(zone_utc_of_local(&zone, 1704067200), 1704063600);
    (void)zone_utc_of_local(&zone, INT64_MIN);
    (void)zone_utc_of_local(&zone, INT64_MAX);
    buf_fini(&bytes);
}

/* ---- through a template ---- */

static struct buf berlin = BUF_INIT;
static size_t loads;

static bool load(struct slice name, struct slice *out_tzif)
{
    loads++;
    *out_tzif = slice_eq_str(name, "Broken") ? SLICE("TZif but no more") : tzif(&berlin, '2', "CET-1CEST,M3.5.0,M10.5.0/3");
    return slice_eq_str(name, "Europe/Berlin") || slice_eq_str(name, "Broken");
}

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    (void)name;
    (void)value;
    return false;
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    (void)i;
    return get(self, *name, value);
}

static const struct {
    const char *source, *want;
} template_cases[] = {
    {"{{ toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-07-27 02:30\" }}", "2024-07-27 02:30:00 +0200 CEST"},
    {"{{ toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-07-27 02:30\" | unixEpoch }}", "1722040200"},
    {"{{ toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-07-27 02:30\" | date \"2006-01-02 15:04 MST\" }}", "2024-07-27 00:30 UTC"},
    {"{{ (toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-12-27 02:30\").Format \"15:04 MST -07:00\" }}", "02:30 CET +01:00"},
    {"{{ (toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-12-27 00:30\").Day }}", "27"},
    {"{{ (toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-12-27 00:30\").UTC.Day }}", "26"},
    {"{{ toDateInZone \"2006-01-02 15:04:05\" \"Europe/Berlin\" \"1969-12-31 23:59:59.25\" }}", "1969-12-31 23:59:59.25 +0053 LMT"},
    {"{{ toDateInZone \"2006-01-02T15:04:05Z07:00\" \"Europe/Berlin\" \"2024-07-27T02:30:00Z\" | unixEpoch }}", "1722047400"},
    {"{{ toDateInZone \"2006-01-02 15:04\" \"Nowhere/Else\" \"2024-07-27 02:30\" }}", "2024-07-27 02:30:00 +0000 UTC"},
    {"{{ toDateInZone \"2006-01-02 15:04\" \"Broken\" \"2024-07-27 02:30\" }}", "2024-07-27 02:30:00 +0000 UTC"},
    {"{{ toDateInZone \"2006-01-02\" \"Europe/Berlin\" \"no date\" | unixEpoch }}", "-62135596800"},
};

static void templates_read_times_in_the_named_zone_and_unknown_ones_as_utc(void **state)
{
    (void)state;
    const struct template_labels labels = {NULL, get, at, {"", 0}, 0, 0};
    zone_loader_set(load);
    for (size_t i = 0; i < LENGTH(template_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct arena scratch = ARENA_INIT;
        struct template *template = NULL;
        struct buf out = BUF_INIT;
        struct err err = {.code = ERR_NONE};
        if (!template_compile("line", slice_str(template_cases[i].source), &arena, &template, &err) ||
            !template_run(template, &labels, &scratch, &out, &err))
            fail_msg("%s: %s", template_cases[i].source, err.text);
        if (!slice_eq_str(buf_slice(&out), template_cases[i].want))
            fail_msg("%s: %.*s", template_cases[i].source, SLICE_ARG(buf_slice(&out)));
        template_fini(template);
        buf_fini(&out);
        arena_fini(&scratch);
        arena_fini(&arena);
    }
    zone_loader_set(NULL);
    buf_fini(&berlin);
}

static void utc_by_any_name_asks_no_loader(void **state)
{
    (void)state;
    struct zone zone;
    zone_loader_set(load);
    loads = 0;
    assert_false(zone_find(SLICE(""), &zone));
    assert_false(zone_find(SLICE("UTC"), &zone));
    assert_false(zone_find(SLICE("Local"), &zone));
    assert_int_equal(loads, 0);
    zone_loader_set(NULL);
    assert_false(zone_find(SLICE("Europe/Berlin"), &zone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transition_holds_from_its_second_on),
        cmocka_unit_test(every_cut_of_a_file_is_refused_or_read_inside_its_bytes),
        cmocka_unit_test(a_file_without_types_is_refused),
        cmocka_unit_test(rules_give_what_the_table_says),
        cmocka_unit_test(clocks_in_a_gap_go_on_and_in_an_overlap_are_the_later),
        cmocka_unit_test(templates_read_times_in_the_named_zone_and_unknown_ones_as_utc),
        cmocka_unit_test(utc_by_any_name_asks_no_loader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
