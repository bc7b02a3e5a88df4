/* Templates of alerts: what Prometheus' template package gives for labels and annotations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/template/template.h"

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    *value = SLICE("web-1.example.org:80");
    return slice_eq(name, SLICE("instance"));
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    *name = SLICE("instance");
    return i == 0 && get(self, *name, value);
}

/* Two elements for any query; the query "bad" fails. */
static bool query(void *self, struct slice text, struct arena *arena, struct template_sample **out, size_t *count, struct err *err)
{
    static const struct label pairs[] = {{{"app", 3}, {"web", 3}}, {{"app", 3}, {"db", 2}}};
    (void)self;
    if (slice_eq(text, SLICE("bad")))
        return err_set(err, ERR_INVALID, "bad query");
    *out = ARENA_ARRAY(arena, struct template_sample, 2);
    (*out)[0] = (struct template_sample){{&pairs[0], 1}, 1};
    (*out)[1] = (struct template_sample){{&pairs[1], 1}, 2.5};
    *count = slice_eq(text, SLICE("none")) ? 0 : 2;
    return true;
}

static const struct template_asker asker = {query, NULL};

static const struct template_labels labels = {NULL, get, at, {"http://grafana/base?x", 21}, 0, 0};

static const struct alert_case {
    const char *source, *want;
    double value;
} cases[] = {
    {"{{ $labels.instance }} {{ .Labels.instance }}", "web-1.example.org:80 web-1.example.org:80", 0},
    {"<{{ $labels.none }}>", "<>", 0},
    {"{{ $value }} {{ .Value }}", "1.5 1.5", 1.5},
    {"{{ range $k, $v := $labels }}{{ $k }}={{ $v }}{{ end }}", "instance=web-1.example.org:80", 0},
    {"{{ with $labels }}{{ .instance | stripPort }}{{ end }}", "web-1.example.org", 0},
    {"{{ stripDomain $labels.instance }} {{ stripDomain \"10.0.0.1:80\" }} {{ stripDomain \"host.a.b\" }}", "web-1:80 10.0.0.1:80 host", 0},
    {"{{ stripPort \"[::1]:80\" }} {{ stripPort \"::1\" }} {{ stripPort \"host\" }}", "::1 ::1 host", 0},
    {"{{ humanize $value }}", "1.235M", 1234567},
    {"{{ humanize $value }}", "-12", -12},
    {"{{ humanize $value }}", "12m", 0.012},
    {"{{ humanize $value }}", "0", 0},
    {"{{ humanize \"NaN\" }} {{ humanize \"-Inf\" }}", "NaN -Inf", 0},
    {"{{ humanize1024 $value }}", "1.5Mi", 1572864},
    {"{{ humanize1024 $value }}", "0.5", 0.5},
    {"{{ humanizePercentage $value }}", "12.35%", 0.12345},
    {"{{ humanizeDuration $value }}", "1d 1h 1m 1s", 90061},
    {"{{ humanizeDuration $value }}", "-1h 0m 1s", -3601},
    {"{{ humanizeDuration $value }}", "1.5s", 1.5},
    {"{{ humanizeDuration $value }}", "899us", 0.000899},
    {"{{ humanizeDuration $value }}", "0s", 0},
    {"{{ humanizeTimestamp $value }}", "2015-06-12 13:07:22.1 +0000 UTC", 1434114442.1},
    {"{{ (toTime $value).Year }}", "2015", 1434114442.1},
    {"{{ parseDuration \"1h2m\" }}", "3720", 0},
    {"{{ toUpper \"aB\" }}{{ toLower \"aB\" }}{{ title \"ab\" }}", "ABabAb", 0},
    {"{{ match \"[0-9]+\" \"a1\" }} {{ match \"^[0-9]+\" \"a1\" }}", "true false", 0},
    {"{{ reReplaceAll \"(.*):.*\" \"$1!\" $labels.instance }}", "web-1.example.org!", 0},
    {"{{ externalURL }} {{ pathPrefix }} {{ $externalURL }}", "http://grafana/base?x /base http://grafana/base?x", 0},
    {"{{ define \"t\" }}{{ .arg1 }}{{ .arg0 }}{{ end }}{{ template \"t\" (args 1 2) }}", "21", 0},
    {"{{ if gt $value 1.0 }}high{{ else }}low{{ end }} {{ printf \"%.2f\" $value }}", "high 2.35", 2.345678},
    {"{{ humanize \"x\" }}",
     "template: __alert_A:1:115: executing \"__alert_A\" at <humanize \"x\">: error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax", 0},
    {"{{ range query \"q\" }}{{ .Labels.app }}={{ .Value }} {{ .Labels.none }}{{ end }}", "web=1 db=2.5 ", 0},
    {"{{ query \"q\" | first | value | humanize }} {{ query \"q\" | sortByLabel \"app\" | first | label \"app\" }}", "1 db", 0},
    {"{{ with query \"none\" }}some{{ else }}none{{ end }} {{ len (query \"q\") }}", "none 2", 0},
    {"{{ graphLink \"a b\" }} {{ tableLink \"x\" }}", "/graph?g0.expr=a+b&g0.tab=0 /graph?g0.expr=x&g0.tab=1", 0},
    {"{{ query \"none\" | first }}",
     "template: __alert_A:1:130: executing \"__alert_A\" at <first>: error calling first: first() called on vector with no elements", 0},
    {"{{ query \"bad\" }}", "template: __alert_A:1:115: executing \"__alert_A\" at <query \"bad\">: error calling query: bad query", 0},
    {"{{ nope }}", "template: __alert_A:1: function \"nope\" not defined", 0},
    {"{{ $nope }}", "template: __alert_A:1: undefined variable \"$nope\"", 0},
};

static void expand(const struct alert_case *c, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    struct template *template = NULL;
    struct err err;
    if (!template_compile_alert("__alert_A", slice_str(c->source), &arena, &template, &err) ||
        !template_run_alert(template, &labels, c->value, &asker, &scratch, out, &err))
        buf_str(out, err.text);
    buf_byte(out, '\0');
    template_fini(template);
    arena_fini(&scratch);
    arena_fini(&arena);
}

static void alerts_read_as_prometheus_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf out = BUF_INIT;
        expand(&cases[i], &out);
        if (strcmp(out.ptr, cases[i].want) != 0)
            fail_msg("%s: \"%s\", want \"%s\"", cases[i].source, out.ptr, cases[i].want);
        buf_fini(&out);
    }
}

static void queries_do_not_have_the_functions_of_alerts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct template *template = NULL;
    struct err err;
    assert_false(template_compile("line", SLICE("{{ humanize 1 }}"), &arena, &template, &err));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_read_as_prometheus_reads_them),
        cmocka_unit_test(queries_do_not_have_the_functions_of_alerts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
