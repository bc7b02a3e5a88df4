/* What each stage makes of a line: the tables of the specification, logql.md 5 to 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/core_pipeline/stage_text.h"

#define BASE "app=\"edge\", case=\"t\", sm=\"meta\""
#define JSON_ERROR "__error__=\"JSONParserErr\", __error_details__="
#define JSON_OBJECT JSON_ERROR "\"Value looks like object, but can't find closing '}' symbol\", "

static const struct stage_case {
    const char *stages;
    const char *line;
    const char *want; /* labels behind the line, or "-" when it is dropped */
    const char *line_after; /* NULL: the line stays */
} cases[] = {
    // json
    {"json", "{\"z\":\"x\\n\\u00e9\",\"b\":1e3,\"c\":true,\"d\":null,\"e\":[1]}", BASE "...b=\"1e3\",c=\"true\",z=\"x\n\u00e9\"", NULL},
    {"json", "{\"a\":{\"b\":1,\" c d \":{\"\":2}}}", "a_b=\"1\",a_c_d=\"2\"," BASE, NULL},
    {"json", "{\"1a\":{\"2b\":1},\"9\":\"x\"}", "_1a_2b=\"1\",_9=\"x\"," BASE, NULL},
    {"json", "{\"a\":\"\",\"b\":\"\\x\",\"c\":\"\\ud800\"}", "a=\"\",b=\"\",c=\"\"," BASE, NULL},
    {"json", "{\"a\":\"x\xef\xbf\xbdy\"}", "a=\"x y\"," BASE, NULL},
    {"json", "{\"a\":1,\"a\":2}", "a=\"1\"," BASE, NULL},
    {"json", "{\"app\":\"z\",\"sm\":\"y\",\"n\":{\"app\":1}}", "app=\"edge\",app_extracted=\"z\",case=\"t\",n_app=\"1\",sm=\"meta\",sm_extracted=\"y\"", NULL},
    {"json", " {\"a\":\"1\",} tail", "a=\"1\"," BASE, NULL},
    {"json", "not json", JSON_OBJECT BASE, NULL},
    {"json", "", JSON_OBJECT BASE, NULL},
    {"json", "[1]", JSON_OBJECT BASE, NULL},
    {"json", "{\"a\":1,2}", JSON_OBJECT "a=\"1\"," BASE, NULL},
    {"json", "{\"a\" 1}", JSON_ERROR "\"Malformed JSON error\"," BASE, NULL},
    {"json", "{\"a\":", JSON_ERROR "\"Malformed JSON error\"," BASE, NULL},
    {"json", "{\"a\":tru}", JSON_ERROR "\"Unknown value type\"," BASE, NULL},
    {"json", "{\"a\":\"x}", JSON_ERROR "\"Value is string, but can't find closing '\"' symbol\"," BASE, NULL},
    {"json", "{\"a\":1", JSON_ERROR "\"Value is array, but can't find closing ']' symbol\",a=\"1\"," BASE, NULL},
    {"json", "{\"\\x\":1}", JSON_ERROR "\"Encountered an invalid escape sequence in a string\"," BASE, NULL},
    {"json", "{\"o\":{\"a\":1", JSON_OBJECT BASE, NULL},
    {"json", "{\"__error__\":\"x\"}", "__error__=\"x\"," BASE, NULL},
    {"json ;; is __error__=", "{\"__error__\":\"x\"}", "__error__=\"x\"," BASE, NULL},
    // json with paths
    {"json x=a.b,y=a", "{\"a\":{\"b\":\"v\"}}", BASE ",x=\"v\",y=\"{\"b\":\"v\"}\"", NULL},
    {"json x=arr[1].k,y=[\"a b\"]", "{\"arr\":[0,{\"k\":7}],\"a b\":null}", BASE ",x=\"7\",y=\"\"", NULL},
    {"json x=no,sm=no", "{\"a\":1}", BASE ",x=\"\"", NULL},
    {"json app=a", "{\"a\":1}", "app=\"edge\",app_extracted=\"1\",case=\"t\",sm=\"meta\"", NULL},
    {"json x=a", " {\"a\":1}", "__error__=\"JSONParserErr\"," BASE, NULL},
    {"json x=a", "", BASE, NULL},
    {"json x=a", "{\"a\":", JSON_ERROR "\"Malformed JSON error\"," BASE ",x=\"\"", NULL},
    {"json x=a", "{\"a\":tru}", JSON_ERROR "\"Unknown value type\"," BASE ",x=\"\"", NULL},
    {"json x=a", "{\"b\":tru,\"a\":1}", BASE ",x=\"1\"", NULL},
    {"json x=a", "{\"b\" 1,\"a\":2}", BASE ",x=\"2\"", NULL},
    {"json x=a", "{\"b\":1 \"a\":2}", BASE ",x=\"2\"", NULL},
    {"json x=a", "{\"b\":1}{\"a\":2}", BASE ",x=\"2\"", NULL},
    {"json x=a", "{,\"b\":[{\"a\":1}],\"c\":{\"a\":2}", BASE ",x=\"\"", NULL},
    {"json x=a", "{\"a\"}", BASE ",x=\"\"", NULL},
    {"json x=a", "{\"b\":},\"a\":2}", JSON_ERROR "\"Malformed JSON error\"," BASE ",x=\"\"", NULL},
    {"json x=a[1]", "{\"a\":[1,tru]}", BASE ",x=\"\"", NULL},
    {"json x=a,y=b", "{\"a\":Inf,\"b\":1}", JSON_ERROR "\"Unknown value type\"," BASE ",x=\"\",y=\"1\"", NULL},
    {"json x=[1]", "[5,\"six\"]", BASE ",x=\"six\"", NULL},
    {"json x=a[0],y=a.b", "{\"a\":1,\"a\":[\"t\"],\"a\":{\"b\":2}}", BASE ",x=\"t\",y=\"2\"", NULL},
    {"json x=a[1].b[0]", "{\"a\":[1,{\"b\":[true]}]}", BASE ",x=\"true\"", NULL},
    {"json x=a", "{\"a\":[\"\\/\\u00e9\"]}", BASE ",x=\"[\"/\u00e9\"]\"", NULL},
    {"json x=a", "{\"a\":[\"\\x\"]}", BASE ",x=\"\"", NULL},
    {"json x=a", "{\"a\":{\"b\":\"\\/\"}}", BASE ",x=\"{\"b\":\"\\/\"}\"", NULL},
    {"json x=a", "\"b\":{\"a\":1}", JSON_ERROR "\"Malformed JSON error\"," BASE ",x=\"\"", NULL},
    {"json x=a", "{\"b\":1}\"c\":2", JSON_ERROR "\"Malformed JSON error\"," BASE ",x=\"\"", NULL},
    {"json x=[0]", "{\"b\":1}\"c\":2", JSON_ERROR "\"Malformed JSON error\"," BASE ",x=\"\"", NULL},
    // logfmt
    {"logfmt", "a=1 b=\"x \\\"y\\\" \\u00e9\" c d= e=\"\" f.g=2", "a=\"1\",app=\"edge\",b=\"x \"y\" \u00e9\",case=\"t\",f_g=\"2\",sm=\"meta\"", NULL},
    {"logfmt --keep-empty", "a=1 c d= e=\"\"", "a=\"1\",app=\"edge\",c=\"\",case=\"t\",d=\"\",e=\"\",sm=\"meta\"", NULL},
    {"logfmt", "=v a=1", "a=\"1\"," BASE, NULL},
    {"logfmt", "k==v a=1", "a=\"1\"," BASE, NULL},
    {"logfmt", "k=a=b a=1", "a=\"1\"," BASE, NULL},
    {"logfmt", "k=v\"x a=1", "a=\"1\"," BASE, NULL},
    {"logfmt", "\"k\"=1 a=1", "a=\"1\"," BASE, NULL},
    {"logfmt", "a=1 k=\"open b=2", "a=\"1\"," BASE, NULL},
    {"logfmt", "k=\"\\x\" a=1", "a=\"1\"," BASE, NULL},
    {"logfmt --keep-empty", "k=\"x\"y", BASE ",k=\"x\",y=\"\"", NULL},
    {"logfmt", "a=1 a=2", "a=\"1\"," BASE, NULL},
    {"logfmt", "a=\x01" "b=2", BASE ",b=\"2\"", NULL},
    {"logfmt --strict", "a=1 k==v b=2", "__error__=\"LogfmtParserErr\",__error_details__=\"logfmt syntax error at pos 7 : unexpected '='\",a=\"1\"," BASE, NULL},
    {"logfmt --strict", "k=v\"x", "__error__=\"LogfmtParserErr\",__error_details__=\"logfmt syntax error at pos 4 : unexpected '\"'\"," BASE, NULL},
    {"logfmt --strict", "k=\"open", "__error__=\"LogfmtParserErr\",__error_details__=\"logfmt syntax error at pos 8 : unterminated quoted value\"," BASE, NULL},
    {"logfmt --strict", "k=\"\\x\"", "__error__=\"LogfmtParserErr\",__error_details__=\"logfmt syntax error at pos 7 : invalid quoted value\"," BASE, NULL},
    {"logfmt x=a,y=no,sm=no", "a=1 a=2", BASE ",x=\"2\",y=\"\"", NULL},
    {"logfmt x=a,y=b", "a=\"u\xff\" b=\xef\xbf\xbd", BASE ",x=\"\",y=\"\"", NULL},
    {"logfmt ;; logfmt x=a", "a=1", "a=\"1\"," BASE ",x=\"\"", NULL},
    {"logfmt ;; drop a ;; logfmt x=a", "a=1", BASE ",x=\"\"", NULL},
    {"logfmt a=a ;; logfmt x=a,a=no", "a=1", "a=\"\"," BASE ",x=\"1\"", NULL},
    {"logfmt a=a ;; logfmt a=b,b=a", "a=1 b=2", "a=\"2\",app=\"edge\",b=\"1\",case=\"t\",sm=\"meta\"", NULL},
    {"logfmt a=a ;; logfmt a=a", "a=1", "a=\"1\"," BASE, NULL},
    {"logfmt a=a ;; logfmt a=b,x=app", "a=1 b=2 app=z", "a=\"2\"," BASE ",x=\"z\"", NULL},
    {"logfmt x=f_g,app=a", "f.g=2 a=3", "app=\"edge\",app_extracted=\"3\",case=\"t\",sm=\"meta\",x=\"2\"", NULL},
    {"logfmt x=a,y=b", "=no x=1 y=2", BASE ",x=\"1\",y=\"2\"", NULL},
    {"json x=a.b", "{\"a\":tru}", BASE ",x=\"\"", NULL},
    {"logfmt ;; json", "{\"a\":2} a=1", "a=\"1\"," BASE, NULL},
    // regexp, pattern
    {"regexp (?P<m>[A-Z]+) (?P<o>x)?(y)?", "GET /", BASE ",m=\"GET\",o=\"\"", NULL},
    {"regexp (?P<1a>x)", "x", "_1a=\"x\"," BASE, NULL},
    {"regexp (?P<m>[A-Z]+)", "get", BASE, NULL},
    {"regexp (?P<app>e)", "e", "app=\"edge\",app_extracted=\"e\",case=\"t\",sm=\"meta\"", NULL},
    {"pattern <a> - <_> [<b>]", "x - y [z] tail", "a=\"x\"," "app=\"edge\",b=\"z\",case=\"t\",sm=\"meta\"", NULL},
    {"pattern lead <a>", "no lead 1", BASE, NULL},
    {"pattern lead <a>", "lead 1", "a=\"1\"," BASE, NULL},
    {"pattern <a>,<b>,<c>", "1,2", "a=\"1\",app=\"edge\",b=\"2\",case=\"t\",sm=\"meta\"", NULL},
    {"pattern <a><", "", BASE, NULL},
    // unpack
    {"unpack", "{\"_entry\":\"the \\\"line\\\"\",\"app\":\"y\",\"n\":1,\"k\":\"v\"}", "app=\"edge\",app_extracted=\"y\",case=\"t\",k=\"v\",sm=\"meta\"", "the \"line\""},
    {"unpack", "{\"k\":\"v\"}", BASE, NULL},
    {"unpack", "{\"_entry\":\"\\x\",\"k\":\"v\"}", JSON_ERROR "\"Encountered an invalid escape sequence in a string\"," BASE, NULL},
    {"unpack", "text", "__error__=\"JSONParserErr\",__error_details__=\"expecting json object(6), but it is not\"," BASE, NULL},
    {"unpack", "{\"_entry\":\"x\",", JSON_ERROR "\"Value is array, but can't find closing ']' symbol\"," BASE, NULL},
    {"unpack ;; |= in", "{\"_entry\":\"inner\"}", BASE, "inner"},
    {"unpack ;; |= _entry", "{\"_entry\":\"inner\"}", "-", NULL},
    // label filters
    {"is app=edge", "x", BASE, NULL},
    {"is app=other", "x", "-", NULL},
    {"is none=", "x", BASE, NULL},
    {"logfmt ;; num n>5", "n=6", BASE ",n=\"6\"", NULL},
    {"logfmt ;; num n>5", "n=5", "-", NULL},
    {"logfmt ;; num n>5", "m=9", "-", NULL},
    {"logfmt ;; num n>5", "n=x", "__error__=\"LabelFilterErr\",__error_details__=\"strconv.ParseFloat: parsing \"x\": invalid syntax\"," BASE ",n=\"x\"", NULL},
    {"logfmt ;; num n>5 ;; is __error__=", "n=x", "-", NULL},
    {"logfmt ;; dur n>5s", "n=1m", BASE ",n=\"1m\"", NULL},
    {"logfmt ;; dur n>5s", "n=1d", "__error__=\"LabelFilterErr\",__error_details__=\"time: unknown unit \"d\" in duration \"1d\"\"," BASE ",n=\"1d\"", NULL},
    {"logfmt ;; bytes n>1KB", "n=1001", BASE ",n=\"1001\"", NULL},
    {"logfmt ;; isip a=10.0.0.0/8", "a=10.1.2.3", "a=\"10.1.2.3\"," BASE, NULL},
    {"logfmt ;; isip a=10.0.0.0/8", "a=11.1.2.3", "-", NULL},
    {"num app>5", "x", "__error__=\"LabelFilterErr\",__error_details__=\"strconv.ParseFloat: parsing \"edge\": invalid syntax\"," BASE, NULL},
    {"num app>5 ;; is __error__=", "x", "-", NULL},
    // formats
    {"rename z=app", "x", "case=\"t\",sm=\"meta\",z=\"edge\"", NULL},
    {"rename app=app", "x", "case=\"t\",sm=\"meta\"", NULL},
    {"rename z=none", "x", BASE, NULL},
    {"rename a=app,b=a", "x", "b=\"edge\",case=\"t\",sm=\"meta\"", NULL},
    {"format app=sm", "x", "app=\"meta\",case=\"t\",sm=\"meta\"", NULL},
    {"format app=none", "x", "app=\"\",case=\"t\",sm=\"meta\"", NULL},
    {"line sm", "x", BASE, "meta"},
    {"line none", "x", BASE, ""},
    {"line sm ;; |= meta", "x", BASE, "meta"},
    {"line sm ;; |= x", "x", "-", NULL},
    // decolorize
    {"decolorize", "\x1b[1;31mred\x1b[0m", BASE, "red"},
    {"decolorize", "\xc2\x9b" "31mx\x1b]0;title\ay", BASE, "xy"},
    {"decolorize", "a\x1b[12345x", BASE, "ax"},
    {"decolorize", "a\x1b[31;Q", BASE, "a;Q"},
    {"decolorize", "a\x1b[", BASE, NULL},
    {"decolorize", "\xc2\xa9 2026", BASE, NULL},
    {"decolorize ;; |= \x1b", "\x1b[31mx", "-", NULL},
    // what was parsed and is deleted is not parsed again; an expression brings it back
    {"logfmt ;; drop a ;; logfmt", "a=1 b=2", BASE ",b=\"2\"", NULL},
    {"logfmt ;; keep b ;; json", "{\"a\":1} a=1 b=2", "b=\"2\"", NULL},
    {"logfmt ;; drop a ;; logfmt a=a", "a=1", "a=\"1\"," BASE, NULL},
    {"drop app ;; json app=no", "{}", "app=\"\",case=\"t\",sm=\"meta\"", NULL},
    {"json app=no", "{}", BASE, NULL},
    // drop, keep
    {"drop app,sm", "x", "case=\"t\"", NULL},
    {"drop app=other,case=t", "x", "app=\"edge\",sm=\"meta\"", NULL},
    {"json ;; drop __error__", "x", "__error_details__=\"Value looks like object, but can't find closing '}' symbol\"," BASE, NULL},
    {"json ;; drop __error__,__error_details__", "x", BASE, NULL},
    {"keep case", "x", "case=\"t\"", NULL},
    {"keep nosuch", "x", "", NULL},
    {"json ;; keep a", "{\"a\":1,\"b\":2}", "a=\"1\"", NULL},
    {"json ;; keep a", "x", "__error__=\"JSONParserErr\",__error_details__=\"Value looks like object, but can't find closing '}' symbol\"", NULL},
    {"drop app ;; json", "{\"app\":1,\"sm\":2}", "app_extracted=\"1\",case=\"t\",sm=\"meta\",sm_extracted=\"2\"", NULL},
    {"drop sm ;; json", "{\"sm\":2}", "app=\"edge\",case=\"t\",sm=\"2\"", NULL},
    // line filters on one line
    {"|= bc", "abcd", BASE, NULL},
    {"|= x or bc", "abcd", BASE, NULL},
    {"|= x or y", "abcd", "-", NULL},
    {"!= x or bc", "abcd", "-", NULL},
    {"!= x or y", "abcd", BASE, NULL},
    {"|~ b.d", "abcd", BASE, NULL},
    {"|~ ^bc", "abcd", "-", NULL},
    {"|~ .+", "\n", BASE, NULL},
    {"|~ .+", "", "-", NULL},
    {"|~ (?i)BC|zz", "abcd", BASE, NULL},
    {"|~ (?i)kelvin", "\xe2\x84\xaa" "ELVIN", BASE, NULL},
    {"!~ b.d or x", "abcd", "-", NULL},
    {"|= ", "abcd", BASE, NULL},
    {"!= ", "abcd", "-", NULL},
    {"|> a<_>d", "abcd", BASE, NULL},
    {"|> b<_>", "abcd", BASE, NULL},
    {"|> <_>a", "xaya", "-", NULL},
    {"|> <_>aa", "aaa", "-", NULL},
    {"|> ab<_>cd", "abcd", "-", NULL},
    {"|> ", "", BASE, NULL},
    {"|> ", "x", "-", NULL},
    {"!> a<_>d", "abcd", "-", NULL},
    {"|=ip 10.0.0.0/8", "from 10.1.2.3:80", BASE, NULL},
    {"!=ip 10.0.0.0/8", "from 10.1.2.3:80", "-", NULL},
};

// Order of names in the table is free: both sides are sorted by their pairs.
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// A pair ends at `", ` or `",` before a name: enough for this table.
static size_t split_pairs(char *text, char **pairs)
{
    size_t count = 0;
    char *at = text;
    while (*at != '\0') {
        pairs[count++] = at;
        char *end = at;
        while (*end != '\0') {
            if (end[0] == '"' && (end[1] == '\0' || end[1] == '.' || (end[1] == ',' && strchr(end + 2, '=') != NULL)) && end[-1] != '\\')
                break;
            end++;
        }
        at = end;
        if (*at != '\0') {
            *at++ = '\0';
            while (*at == ',' || *at == ' ' || *at == '.')
                at++;
        }
    }
    qsort(pairs, count, sizeof(*pairs), by_text);
    return count;
}

static bool same_labels(const char *got, const char *want)
{
    char a[2048];
    char b[2048];
    char *got_pairs[64];
    char *want_pairs[64];
    (void)snprintf(a, sizeof(a), "%s", got);
    (void)snprintf(b, sizeof(b), "%s", want);
    size_t count = split_pairs(a, got_pairs);
    if (count != split_pairs(b, want_pairs))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(got_pairs[i], want_pairs[i]) != 0)
            return false;
    }
    return true;
}

static bool is_as_wanted(const struct stage_case *c, char *got)
{
    if (strcmp(c->want, "-") == 0)
        return got[0] == '\0';
    const char *line = c->line_after != NULL ? c->line_after : c->line;
    size_t len = strlen(got);
    if (strncmp(got, line, strlen(line)) != 0 || len < strlen(line) + 3 || got[strlen(line)] != '{')
        return false;
    got[len - 2] = '\0'; // }\n
    return same_labels(got + strlen(line) + 1, c->want);
}

static void stages_do_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct stage_case *c = &cases[i];
        struct stage_run run;
        stage_run_init(&run, c->stages, NULL);
        if (run.err.code != ERR_NONE)
            fail_msg("%s: %s", c->stages, run.err.text);
        struct buf out = BUF_INIT;
        struct slice line = slice_str(c->line);
        stage_run_lines(&run, &line, 1, &out);
        buf_byte(&out, '\0');
        char *shown = strdup(out.ptr);
        if (!is_as_wanted(c, out.ptr))
            fail_msg("%s on %s: got %swant %s", c->stages, c->line, shown, c->want);
        free(shown);
        buf_fini(&out);
        stage_run_fini(&run);
    }
}

static const struct refusal {
    const char *stages;
    const char *text;
} refusals[] = {
    {"|~ (", "error parsing regexp: missing closing ): `(`"},
    {"|=ip x", "ip: invalid pattern: \"x\""},
    {"|=ip 10.0.0.9-10.0.0.1", "ip: invalid pattern: \"10.0.0.9-10.0.0.1\""},
    {"|~ip 1.2.3.4", "ip: invalid operation"},
    {"|> <name> x", "named captures are not allowed: found '<name>'"},
    {"|> <_><_>", "found consecutive capture '<_><_>': invalid expression"},
    {"|> <html><_></html>", "found consecutive capture '<html><_>': invalid expression"},
    {"json x=a[", "cannot parse expression [a[]: syntax error: unexpected $end, expecting STRING or INDEX"},
    {"json x=a[b]", "cannot parse expression [a[b]]: syntax error: unexpected FIELD, expecting STRING or INDEX"},
    {"json x=a..b", "cannot parse expression [a..b]: syntax error: unexpected DOT, expecting FIELD"},
    {"json x=a[1.5]", "cannot parse expression [a[1.5]]: syntax error: unexpected $end, expecting STRING or INDEX"},
    {"json x=[\"a\"", "cannot parse expression [[\"a\"]: syntax error: unexpected $end, expecting RSB"},
    {"json x=a b", "cannot parse expression [a b]: syntax error: unexpected FIELD"},
    {"json x=a-b", "cannot parse expression [a-b]: unexpected char -"},
    {"json x=1a", "cannot parse expression [1a]: syntax error: unexpected $end, expecting LSB or FIELD"},
    {"json x=\xc3\xa9", "cannot parse expression [\xc3\xa9]: syntax error: unexpected $end, expecting LSB or FIELD"},
    {"json x=a.[b]", "cannot parse expression [a.[b]]: syntax error: unexpected LSB, expecting FIELD"},
    {"logfmt x=a.b", "cannot parse expression [a.b]: unexpected char ."},
    {"logfmt x=[0]", "cannot parse expression [[0]]: syntax error: unexpected $end, expecting STRING or KEY"},
    {"logfmt x=a-b", "cannot parse expression [a-b]: unexpected char -"},
    {"regexp (x)", "invalid regexp parser: at least one named capture must be supplied"},
    {"regexp (?P<a>x)(?<a>y)", "invalid regexp parser: duplicate extracted label name 'a'"},
    {"pattern text", "invalid pattern parser: at least one capture is required"},
    {"pattern <a><b>", "invalid pattern parser: found consecutive capture '<a><b>': invalid expression"},
    {"pattern <a> <a>", "invalid pattern parser: duplicate capture name (a): invalid expression"},
    {"pattern ", "invalid pattern parser: parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL"},
    {"format a=b,a=c", "multiple label name 'a' not allowed in a single format operation"},
    {"rename __error__=x", "__error__ cannot be formatted"},
};

static void bad_arguments_are_refused_in_lokis_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        struct stage_run run;
        stage_run_init(&run, refusals[i].stages, NULL);
        if (run.err.code != ERR_INVALID || strstr(run.err.text, refusals[i].text) == NULL)
            fail_msg("%s: code %d, %s, want %s", refusals[i].stages, run.err.code, run.err.text, refusals[i].text);
        stage_run_fini(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_do_what_the_table_says),
        cmocka_unit_test(bad_arguments_are_refused_in_lokis_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
