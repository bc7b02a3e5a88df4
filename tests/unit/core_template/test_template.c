/* Templates: what Go's text/template and Loki's functions give for one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/template/template.h"

static const struct {
    struct slice name, value;
} pairs[] = {{{"app", 3}, {"web", 3}}, {{"level", 5}, {"error", 5}}, {{"n", 1}, {"7", 1}}, {{"path", 4}, {"/a/b c", 6}}};

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        if (slice_eq(pairs[i].name, name)) {
            *value = pairs[i].value;
            return true;
        }
    }
    return false;
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    (void)self;
    if (i >= LENGTH(pairs))
        return false;
    *name = pairs[i].name;
    *value = pairs[i].value;
    return true;
}

/* 2024-03-07 10:00:05.25 UTC, a Thursday */
static const struct template_labels labels = {NULL, get, at, {"the line", 8}, 1709805605250000000, 1709805605250000000};

/* Output, or the message of what failed. */
static void check(const char *source, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    struct template *template = NULL;
    struct buf out = BUF_INIT;
    struct err err;
    buf_str(&out, "kept:");
    if (!template_compile("line", slice_str(source), &arena, &template, &err)) {
        assert_string_equal(err.text, expected);
    } else if (!template_run(template, &labels, &scratch, &out, &err)) {
        assert_string_equal(err.text, expected);
        assert_int_equal(out.len, 5); // what stood there stays, and no half output
    } else {
        buf_byte(&out, '\0');
        assert_string_equal(out.ptr + 5, expected);
    }
    template_fini(template);
    buf_fini(&out);
    arena_fini(&scratch);
    arena_fini(&arena);
}

struct pair {
    const char *source, *expected;
};

static void check_all(const struct pair *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(cases[i].source, cases[i].expected);
}

static void text_fields_and_trimming(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"", ""},
        {"plain } text", "plain } text"},
        {"{{.app}}", "web"},
        {"<{{ .app }}|{{.missing}}>", "<web|>"},
        {"a  {{- .app -}}  b", "awebb"},
        {"a{{/* not seen */}}b", "ab"},
        {"{{ \"q\\tq\" }}{{ `raw\\t` }}{{ 'A' }}", "q\tqraw\\t65"},
        {"{{ $x := .app }}{{ $x }}{{ $x = \"y\" }}{{ $x }}", "weby"},
        {"{{ $.level }}", "error"},
        {"{{ .level | }}", "error"},
        {"{{ (.app) }}{{ print (len .app) 1.5 true nil }}", "web3 1.5 true <nil>"},
        {"{{ trunc 2e0 .level }}", "er"},
        {"{{ 0x10 }} {{ 1e3 }} {{ 1_000 }} {{ -3 }}", "16 1000 1000 -3"},
        {"{{ __line__ }}", "the line"},
    };
    check_all(cases, LENGTH(cases));
}

static void control(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"{{ if eq .level \"error\" }}E{{ else }}-{{ end }}", "E"},
        {"{{ if .none }}a{{ else if .app }}b{{ else }}c{{ end }}", "b"},
        {"{{ if and .app (not .none) }}y{{ end }}{{ or .none \"d\" }}", "yd"},
        {"{{ with .app }}<{{ . }}>{{ end }}{{ with .none }}x{{ else }}none{{ end }}", "<web>none"},
        {"{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}", "app=web;level=error;n=7;path=/a/b c;"},
        {"{{ range $i, $c := fromJson \"[1,2,3,4]\" }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $c }}{{ end }}", "13"},
        {"{{ range fromJson \"[]\" }}x{{ else }}empty{{ end }}", "empty"},
        {"{{ define \"t\" }}[{{ . }}]{{ end }}{{ template \"t\" .app }}", "[web]"},
        {"{{ block \"b\" .n }}({{ . }}){{ end }}", "(7)"},
    };
    check_all(cases, LENGTH(cases));
}

static void functions(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"{{ ToUpper \"\u00b5s \u00df \u0101\u1e01\u10d0\" }}", "\u039cS \u00df \u0100\u1e00\u1c90"},
        {"{{ ToLower \"\u0130\u1e9e\u2c2f\U0001e921\" }}", "i\u00df\u2c5f\U0001e943"},
        {"{{ title \"\u01c6x e\u0301a\u00a0b\u4e00c d\" }}", "\u01c5x E\u0301a\u00a0B\u4e00c D"},
        {"{{ .app | upper }}{{ ToLower \"ABC\" }}{{ title \"a bc\" }}", "WEBabcA Bc"},
        {"{{ trunc 2 .level }}{{ trunc -2 .level }}{{ substr 1 3 .level }}", "erorrr"},
        {"{{ Replace .level \"r\" \"R\" 2 }}{{ .level | replace \"r\" \"\" }}", "eRRoreo"},
        {"{{ trimPrefix \"/\" .path }}{{ TrimSuffix .path \"c\" }}{{ trim \"  x \" }}{{ Trim \"xxyxx\" \"x\" }}", "a/b c/a/b xy"},
        {"{{ contains \"rr\" .level }}{{ hasPrefix \"er\" .level }}{{ hasSuffix \"x\" .level }}", "truetruefalse"},
        {"{{ alignLeft 4 .app }}|{{ alignRight 4 .app }}|{{ alignRight 2 .app }}", "web | web|eb"},
        {"{{ indent 2 \"a\\nb\" }}{{ nindent 1 \"c\" }}{{ repeat 3 \"ab\" }}", "  a\n  b\n cababab"},
        {"{{ regexReplaceAll \"(r+)\" .level \"<$1>\" }}{{ regexReplaceAllLiteral \"r\" .level \"$1\" }}", "e<rr>o<r>e$1$1o$1"},
        {"{{ regexReplaceAll \"a*\" \"baaac\" \"X\" }} {{ count \"a*\" \"baaac\" }}", "XbXcX 3"},
        {"{{ urlencode .path }} {{ urldecode \"a%20b\" }} {{ b64enc \"hi\" }} {{ b64dec \"aGk=\" }}", "%2Fa%2Fb+c a b aGk= hi"},
        {"{{ b64dec \"a!b\" }};{{ b64dec \"abc\" }};{{ b64dec \"ab=x\" }};{{ b64dec \"ab==x\" }};{{ b64dec \"=\" }};{{ b64dec \"YW\\nJj\" }}",
         "illegal base64 data at input byte 1;illegal base64 data at input byte 0;illegal base64 data at input byte 2;"
         "illegal base64 data at input byte 4;illegal base64 data at input byte 0;abc"},
        {"[{{ trim \"\u2028 a\u00a0\" }}{{ TrimSpace \"\u3000b\" }}] {{ js \"\u2028\u00e9<\" }}", "[ab] \\u2028\u00e9\\u003C"},
        {"{{ int \"2.9\" }} {{ int \"1.2.3\" }} {{ int \"0x1.8\" }} {{ int \"-.5\" }} {{ add \"7.x\" 1 }}", "2 0 0 0 1"},
        {"{{ add 1 2 3 }} {{ sub 5 7 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 3 2 }} {{ min 1 3 2 }}", "6 -2 6 3 1 3 1"},
        {"{{ addf 0.1 0.2 }} {{ divf 1 4 }} {{ round 2.456 2 }} {{ ceil 1.2 }} {{ floor 1.8 }} {{ int .n }} {{ float64 \"1.5\" }}", "0.3 0.25 2.46 2 1 7 1.5"},
        {"{{ bytes \"2KB\" }} {{ duration \"1m30s\" }} {{ duration_seconds \"500ms\" }}", "2000 90 0.5"},
        {"{{ printf \"%[2]s %[1]s\" \"a\" \"b\" }} {{ printf \"%[1]d %[1]x\" 42 }} {{ printf \"%*d|%-*d|%.*f\" 4 7 3 8 1 2.55 }}", "b a 42 2a    7|8  |2.5"},
        {"{{ printf \"%T %T %T %T\" 1 1.5 \"a\" true }} {{ printf \"%O %G % x %#x\" 8 1e30 \"ab\" \"ab\" }}", "int float64 string bool 0o10 1E+30 61 62 0x6162"},
        {"{{ printf \"%[5]d %[x]d %[1]5d %*d\" 1 }} {{ printf \"%[2]d\" 1 2 3 }}", "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX) %!d(MISSING) 2"},
        {"{{ printf \"%*d %.*d\" \"x\" 1 \"y\" 2 }}", "%!(BADWIDTH)1 %!(BADPREC)2"},
        {"{{ printf \"%-5s|%5d|%05.1f|%q|%x|%t|%%\" \"a\" 42 3.14159 \"q\" 255 true }}", "a    |   42|003.1|\"q\"|ff|true|%"},
        {"{{ printf \"%6.2f|%-6d|%5t\" \"abc\" \"x\" 1 }} {{ printf \"%s %d\" nil nil }}", "%!f(string=    ab)|%!d(string=x     )|%!t(int=    1) %!s(<nil>) %!d(<nil>)"},
        {"{{ printf \"%d %s %3v\" (fromJson `[1,\"a\"]`) (fromJson `{\"k\":null}`) (fromJson `[true,null]`) }}",
         "[%!d(float64=1) %!d(string=a)] map[k:%!s(<nil>)] [true <nil>]"},
        {"{{ $x := \"a\" }}{{ $x := print $x \"b\" }}{{ $x }}{{ range $x, $y := fromJson `[\"c\"]` }}{{ $x }}{{ $y }}{{ end }}{{ $x }}", "ab0cab"},
        {"{{ printf \"%q %q %q %.3d %.2s\" 3 39 65 -7 5 }}", "'\\x03' '\\'' 'A' -007 %!s(int=05)"},
        {"{{ printf \"%x %X %.1x %8x\" 0.0 1.5 3.25 0.5 }}", "0x0p+00 0X1.8P+00 0x1.ap+01  0x1p-01"},
        {"{{ printf \"%.2v|%T|%s\" 3.14159 . .level }}", "3.1|map[string]string|error"},
        {"{{ printf \"%U %c %d %s\" 0x1F600 65 \"x\" 5 }} {{ printf \"%s\" }} {{ printf \"a\" 1 }}", "U+1F600 A %!d(string=x) %!s(int=5) %!s(MISSING) a%!(EXTRA int=1)"},
        {"{{ $o := fromJson `{\"a\":{\"b\":[1,2.5,\"x\",null,true]}}` }}{{ $o.a.b }} {{ index $o.a.b 1 }} {{ $o.none }}", "[1 2.5 x <nil> true] 2.5 <no value>"},
        {"{{ default \"d\" .none }}{{ default \"d\" .app }}", "dweb"},
        {"{{ print (fromJson \"null\") nil }}|{{ default nil nil }}|{{ html nil 1 2 }}|{{ js 1 2 \"'\" }}|{{ urlquery 1 true \"&\" }}|{{ printf \"\" nil 1 }}",
         "<nil> <nil>|<no value>|&lt;no value&gt;1 2|1 2\\'|1+true%26|%!(EXTRA <nil>, int=1)"},
        {"{{ len .level }} {{ index .level 0 }} {{ slice .level 1 3 }} {{ html \"<&>\" }}", "5 101 rr &lt;&amp;&gt;"},
    };
    check_all(cases, LENGTH(cases));
}

static void times(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"{{ __timestamp__ | date \"2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3PM\" }}", "2024-03-07T10:00:05.250Z Thu Mar  7 10AM"},
        {"{{ unixEpoch __timestamp__ }} {{ unixEpochMillis __timestamp__ }} {{ unixEpochNanos now }}", "1709805605 1709805605250 1709805605250000000"},
        {"{{ __timestamp__.Year }} {{ (__timestamp__).Unix }} {{ __timestamp__.Format \"15:04\" }} {{ __timestamp__.Weekday }}", "2024 1709805605 10:00 Thursday"},
        {"{{ $t := toDate \"2006-01-02T15:04:05Z07:00\" \"2024-01-01T10:00:00+02:00\" }}{{ $t }} {{ $t.Hour }} {{ $t.UTC }} {{ date \"15\" $t }}",
         "2024-01-01 10:00:00 +0200 +0200 10 2024-01-01 08:00:00 +0000 UTC 08"},
        {"{{ toDate \"2006 15:04 -0700\" \"2024 10:00 -0330\" }} {{ toDate \"2006 Z07:00\" \"2024 Z\" }}", "2024-01-01 10:00:00 -0330 -0330 2024-01-01 00:00:00 +0000 UTC"},
        {"{{ toDate \"2006-01-02\" \"2024-02-29\" | unixEpoch }} {{ toDate \"2006-01-02\" \"bad\" | unixEpoch }}", "1709164800 -62135596800"},
        {"{{ toDate \"15:04\" \"12:30\" }} {{ toDate \"15:04\" \"12:30\" | unixEpoch }} {{ toDate \"15:04\" \"12:30\" | date \"15\" }} {{ toDate \"\" \"\" }}",
         "0000-01-01 12:30:00 +0000 UTC -62167174200 12 0000-01-01 00:00:00 +0000 UTC"},
        {"{{ $t := toDate \"2006\" \"1500\" }}{{ $t }} {{ unixEpochMillis $t }} {{ unixEpochNanos $t }} {{ toDate \"2006\" \"9999\" | unixEpoch }}",
         "1500-01-01 00:00:00 +0000 UTC -14831769600000 3614974473709551616 253370764800"},
        {"{{ unixToTime \"1709805605\" | date \"15:04:05\" }} {{ (toDate \"2006\" \"x\").IsZero }}", "10:00:05 true"},
    };
    check_all(cases, LENGTH(cases));
}

static void errors_have_gos_words(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"{{ nosuch }}", "template: line:1: function \"nosuch\" not defined"},
        {"{{ .x", "template: line:1: unclosed action"},
        {"a\n{{ end }}", "template: line:2: unexpected {{end}}"},
        {"{{ if .x }}", "template: line:1: unexpected EOF"},
        {"{{ $y }}", "template: line:1: undefined variable \"$y\""},
        {"{{ 1abc }}", "template: line:1: bad number syntax: \"1a\""},
        {"{{ .a..b }}", "template: line:1: unexpected <.> in operand"},
        {"{{ template }}", "template: line:1: unexpected \"}}\" in template clause"},
        {"{{ break }}", "template: line:1: {{break}} outside {{range}}"},
        {"{{{.app}}", "template: line:1: unexpected \"{\" in command"},
        {"{{if { }}{{end}}", "template: line:1: unexpected \"{\" in if"},
        {"{{ .app = 3 }}", "template: line:1: unexpected \"=\" in operand"},
        {"{{ .app := }", "template: line:1: unexpected \":=\" in operand"},
        {"{{ .a'b \" }}", "template: line:1: bad character U+0027 '''"},
        {"{{ .$x }}", "template: line:1: bad character U+0024 '$'"},
        {"{{ fr^om 1 }}", "template: line:1: bad character U+005E '^'"},
        {"{{ .x - }}", "template: line:1: illegal number syntax: \"-\""},
        {"{{-.app}}", "template: line:1: bad number syntax: \"-.a\""},
        {"{{ len 0xx\"}}", "template: line:1: bad number syntax: \"0xx\""},
        {"{{ nil | upper }}", "template: line:1:3: executing \"line\" at <nil>: nil is not a command"},
        {"{{ fromJson 1.5 . }}", "template: line:1:3: executing \"line\" at <fromJson>: wrong number of args for fromJson: want 1 got 2"},
        {"{{ round .n (lower .app) }}", "template: line:1:19: executing \"line\" at <.app>: wrong type for value; expected int; got string"},
        {"{{ fromJson \"x\" | upper }}", "template: line:1:18: executing \"line\" at <upper>: invalid value; expected string"},
        {"{{ range fromJson \"[null]\" }}{{ upper . }}{{ end }}", "template: line:1:38: executing \"line\" at <.>: wrong type for value; expected string; got interface {}"},
        {"{{ range fromJson \"[[1]]\" }}{{ .x }}{{ end }}", "template: line:1:31: executing \"line\" at <.x>: can't evaluate field x in type interface {}"},
        {"{{ range fromJson \"[null]\" }}{{ .x }}{{ end }}", "template: line:1:32: executing \"line\" at <.x>: nil pointer evaluating interface {}.x"},
        {"{{ .app.x \"y\" }}", "template: line:1:7: executing \"line\" at <.app.x>: can't evaluate field x in type string"},
        {"{{ slice .app .level }}", "template: line:1:3: executing \"line\" at <slice .app .level>: error calling slice: cannot index slice/array with type string"},
        {"{{ index . 1 }}", "template: line:1:3: executing \"line\" at <index . 1>: error calling index: value has type int; should be string"},
        {"{{ . | ne \"info\" }}", "template: line:1:7: executing \"line\" at <ne \"info\">: error calling ne: incompatible types for comparison: string and map[string]string"},
        {"{{ addf 1.5 \"NaN\" }}", "template: line:1:3: executing \"line\" at <addf 1.5 \"NaN\">: error calling addf: Cannot create a Decimal from NaN"},
        {"{{ trunc 1.5 .app }}", "template: line:1:9: executing \"line\" at <1.5>: expected integer; found 1.5"},
        {"{{ le true .app }}", "template: line:1:3: executing \"line\" at <le true .app>: error calling le: incompatible types for comparison: bool and string"},
        {"{{ $x := print $x }}", "template: line:1:15: executing \"line\" at <$x>: undefined variable: $x"},
        {"{{ .a | .b | . }}", "template: line:1: non executable command in pipeline stage 3"},
        {"{{(}}", "template: line:1: unclosed left paren"},
        {"{{ call .app 1 }}", "template: line:1:3: executing \"line\" at <call .app 1>: error calling call: non-function .app of type string"},
        {"{{ .level.foo }}", "template: line:1:9: executing \"line\" at <.level.foo>: can't evaluate field foo in type string"},
        {"{{ .level \"x\" }}", "template: line:1:3: executing \"line\" at <.level>: level is not a method but has arguments"},
        {"{{ index \"ab\" 2 }}", "template: line:1:3: executing \"line\" at <index \"ab\" 2>: error calling index: reflect: string index out of range"},
        {"{{ index \"ab\" 3 }}", "template: line:1:3: executing \"line\" at <index \"ab\" 3>: error calling index: index out of range: 3"},
        {"{{ urldecode \"50%\\\"}\" }}", "template: line:1:3: executing \"line\" at <urldecode \"50%\\\"}\">: error calling urldecode: invalid URL escape \"%\\\"}\""},
        {"{{ len 5 }}", "template: line:1:3: executing \"line\" at <len 5>: error calling len: len of type int"},
        {"{{ eq 1 \"1\" }}", "template: line:1:3: executing \"line\" at <eq 1 \"1\">: error calling eq: incompatible types for comparison: int and string"},
        {"{{ repeat \"x\" 3 }}", "template: line:1:10: executing \"line\" at <\"x\">: expected integer; found \"x\""},
        {"{{ upper 5 }}", "template: line:1:9: executing \"line\" at <5>: expected string; found 5"},
        {"{{ div 1 0 }}", "template: line:1:3: executing \"line\" at <div 1 0>: error calling div: runtime error: integer divide by zero"},
        {"{{ 1.5 | round 2 }}", "template: line:1:15: executing \"line\" at <2>: wrong type for value; expected int; got float64"},
        {"{{ 1.5 | upper }}", "template: line:1:9: executing \"line\" at <upper>: wrong type for value; expected string; got float64"},
        {"{{ range (fromJson \"5\") }}{{ end }}", "template: line:1:19: executing \"line\" at <\"5\">: range can't iterate over 5"},
        {"{{ template \"none\" }}", "template: line:1:12: executing \"line\" at <{{template \"none\"}}>: template \"none\" not defined"},
    };
    check_all(cases, LENGTH(cases));
}

/* Nothing runs away: steps, output, depth of calls and of nesting are bounded. */
static void bombs_are_cut(void **state)
{
    (void)state;
    static const char *const bombs[] = {
        "{{ define \"t\" }}{{ template \"t\" . }}{{ end }}{{ template \"t\" . }}",
        "{{ repeat 1000000000 \"ab\" }}",
        "{{ range repeat 900000 \"a\" | len }}{{ end }}",
        "{{ printf \"%1000000000d\" 1 }}{{ repeat 1048577 \"a\" }}",
        "{{ printf \"%100000v\" (fromJson (printf \"[0%s]\" (repeat 50000 \",0\"))) }}",
        ("{{ define \"a\" }}{{ template \"b\" . }}{{ template \"b\" . }}{{ end }}{{ define \"b\" }}{{ template \"c\" . }}{{ template \"c\" . }}{{ end }}"
        "{{ define \"c\" }}{{ range . }}{{ range $ }}{{ end }}{{ template \"a\" $ }}{{ end }}{{ end }}{{ template \"a\" . }}"),
        "{{ alignLeft 2000000000 \"a\" }}",
        "{{ indent 2000000000 \"a\" }}",
    };
    for (size_t i = 0; i < LENGTH(bombs); i++) {
        struct arena arena = ARENA_INIT;
        struct arena scratch = ARENA_INIT;
        struct template *template = NULL;
        struct buf out = BUF_INIT;
        struct err err;
        assert_true(template_compile("line", slice_str(bombs[i]), &arena, &template, &err));
        assert_false(template_run(template, &labels, &scratch, &out, &err));
        assert_int_equal(out.len, 0);
        template_fini(template);
        buf_fini(&out);
        arena_fini(&scratch);
        arena_fini(&arena);
    }
}

static void names_that_it_reads(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct template *template = NULL;
    struct slice *names = NULL;
    struct slice name;
    size_t count = 0;
    struct err err;
    assert_true(template_compile("line", SLICE("{{.app}} {{ if .level }}{{ upper .n }}{{ end }}"), &arena, &template, &err));
    assert_false(template_is_field(template, &name));
    assert_true(template_label_names(template, &arena, &names, &count));
    assert_int_equal(count, 3);
    assert_true(template_compile("line", SLICE("{{ range . }}{{ . }}{{ end }}"), &arena, &template, &err));
    assert_false(template_label_names(template, &arena, &names, &count));
    assert_true(template_compile("label", SLICE("{{ .app }}"), &arena, &template, &err));
    assert_true(template_is_field(template, &name));
    assert_true(slice_eq(name, SLICE("app")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_fields_and_trimming), cmocka_unit_test(control),       cmocka_unit_test(functions),          cmocka_unit_test(times),
        cmocka_unit_test(errors_have_gos_words),    cmocka_unit_test(bombs_are_cut), cmocka_unit_test(names_that_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
