/* Templates that ask for too much fail with a message and leave the output alone; what they may take is bounded before it is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/template/template.h"

static struct slice value_of_all = {"v", 1};

static bool get(const void *self, struct slice name, struct slice *value)
{
    (void)self;
    *value = value_of_all;
    return !slice_eq_str(name, "absent");
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    static const struct slice names[] = {{"a", 1}, {"b", 1}};
    if (i >= LENGTH(names))
        return false;
    *name = names[i];
    return get(self, *name, value);
}

static const struct template_labels labels = {NULL, get, at, {"line", 4}, 0, 0};

struct result {
    bool ok;
    struct err err;
    struct buf out;
    size_t scratch_bytes;
};

static void run(const char *source, struct result *result)
{
    struct arena arena = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    struct template *template = NULL;
    *result = (struct result){.ok = false};
    buf_str(&result->out, "kept");
    if (!template_compile("line", slice_str(source), &arena, &template, &result->err))
        fail_msg("%s: %s", source, result->err.text);
    result->ok = template_run(template, &labels, &scratch, &result->out, &result->err);
    result->scratch_bytes = scratch.bytes;
    template_fini(template);
    arena_fini(&scratch);
    arena_fini(&arena);
}

static const char *const greedy[] = {
    "{{ range 3000 }}{{ $x := repeat 1000000 \"a\" }}{{ end }}", /* memory that is never shown */
    "{{ range 90000 }}{{ $x := printf \"%100000d\" 1 }}{{ end }}",
    "{{ $x := repeat 1000000 \"a\" }}{{ range 20000 }}{{ $y := count \"b\" $x }}{{ end }}", /* time: long arguments are steps */
    "{{ range 1000000000 }}{{ end }}",
    "{{ range 90000 }}{{ . }} and a text that is long enough to fill it{{ end }}",
    "{{ repeat 9223372036854775807 \"ab\" }}",
    "{{ repeat 600000 .a }}{{ repeat 600000 .a }}",
    "{{ indent 9223372036854775807 \"a\\nb\" }}",
    "{{ nindent 2000000 \"a\" }}",
    "{{ alignLeft 9223372036854775807 .a }}",
    "{{ alignRight 2000000 .a }}",
    "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}",
};

static void a_greedy_template_fails_and_leaves_no_output(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(greedy); i++) {
        struct result result;
        run(greedy[i], &result);
        if (result.ok || result.err.text[0] == '\0' || !slice_eq_str(buf_slice(&result.out), "kept"))
            fail_msg("%s: %d, %zu bytes, %s", greedy[i], result.ok, result.out.len, result.err.text);
        if (result.scratch_bytes > TEMPLATE_SCRATCH_BYTES_MAX + 4 * TEMPLATE_OUTPUT_BYTES_MAX)
            fail_msg("%s: %zu bytes of scratch", greedy[i], result.scratch_bytes);
        buf_fini(&result.out);
    }
}

static void text_and_fields_alone_keep_the_bound_of_the_output_too(void **state)
{
    (void)state;
    struct buf half = BUF_INIT;
    memset(buf_room(&half, TEMPLATE_OUTPUT_BYTES_MAX / 2), 'h', TEMPLATE_OUTPUT_BYTES_MAX / 2);
    buf_took(&half, TEMPLATE_OUTPUT_BYTES_MAX / 2);
    value_of_all = buf_slice(&half);
    struct result result;
    run("{{.a}}{{.b}}", &result);
    assert_true(result.ok);
    assert_int_equal(result.out.len, 4 + TEMPLATE_OUTPUT_BYTES_MAX);
    buf_fini(&result.out);
    run("{{.a}}x{{.b}}", &result);
    assert_false(result.ok);
    assert_true(slice_eq_str(buf_slice(&result.out), "kept"));
    buf_fini(&result.out);
    value_of_all = SLICE("v");
    buf_fini(&half);
}

static const struct {
    const char *source, *want;
} cases[] = {
    {"{{.a}}", "v"},
    {"<{{.a}}|{{ .absent }}|{{- .b }} >", "<v||v >"},
    {"", ""},
    {"only text", "only text"},
    {"{{.}}", "map[a:v b:v]"},
    {"{{ printf \"%v\" . }}", "map[a:v b:v]"},
    {"{{ toDate \"2006-01-02\" \"x\" | date \"2006-01-02 Mon\" }}", "0001-01-01 Mon"},
    {"{{ toDate \"2006-01-02\" \"2023-02-30\" | unixEpoch }}", "-62135596800"},
    {"{{ toDate \"2006-01-02\" \"2024-02-29\" | unixEpoch }}", "1709164800"},
    {"{{ regexReplaceAll \"\" \"\u00e9\" \"-\" }}", "-\u00e9-"},
    {"{{ count \"\" \"\u00e9\" }}", "2"},
    {"{{ title \"it's\" }}", "It'S"},
    {"{{ maxf \"NaN\" 1 }} {{ minf 1 \"NaN\" }} {{ maxf 1 2.5 2 }} {{ minf 1 2.5 0.5 }}", "NaN NaN 2.5 0.5"},
};

static void what_is_within_the_bounds_is_as_go_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct result result;
        run(cases[i].source, &result);
        struct slice got = slice_from(buf_slice(&result.out), 4);
        if (!result.ok || !slice_eq_str(got, cases[i].want))
            fail_msg("%s: \"%.*s\" %s", cases[i].source, SLICE_ARG(got), result.ok ? "" : result.err.text);
        buf_fini(&result.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greedy_template_fails_and_leaves_no_output),
        cmocka_unit_test(text_and_fields_alone_keep_the_bound_of_the_output_too),
        cmocka_unit_test(what_is_within_the_bounds_is_as_go_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
