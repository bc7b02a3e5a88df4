#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/http/media_type.h"

static const struct type_case {
    const char *header, *type; /* NULL: refused */
    const char *error;
} cases[] = {
    {"application/json", "application/json", ""},
    {" text/plain ; charset=utf-8", "text/plain", ""},
    {"x", "x", ""}, // Go lets it pass
    {"a/b;", "a/b", ""},
    {"a/b ; ", "a/b", ""},
    {"a/b; c=d; e=\"f;g\"", "a/b", ""},
    {"a/b;c=\"d\\\"e\"", "a/b", ""},
    {"a/b;\tc = d", "a/b", ""},
    {"", NULL, "mime: no media type"},
    {";", NULL, "mime: no media type"},
    {"/", NULL, "mime: no media type"},
    {"/json", NULL, "mime: no media type"},
    {"application/", NULL, "mime: expected token after slash"},
    {"a b/c", NULL, "mime: expected slash after first token"},
    {"a/b, c/d", NULL, "mime: unexpected content after media subtype"},
    {"a/b/c", NULL, "mime: unexpected content after media subtype"},
    {"a/b;c", NULL, "mime: invalid media parameter"},
    {"a/b;;;=", NULL, "mime: invalid media parameter"},
    {"a/b; =d", NULL, "mime: invalid media parameter"},
    {"a/b; c=", NULL, "mime: invalid media parameter"},
    {"a/b; c=\"d", NULL, "mime: invalid media parameter"},
    {"a/b; c=\"d\\", NULL, "mime: invalid media parameter"},
    {"a/b; c=d e", NULL, "mime: invalid media parameter"},
    {"a/b;;c=d", NULL, "mime: invalid media parameter"},
};

static void a_header_is_read_as_go_reads_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct slice type = SLICE("");
        struct err err = {.text = ""};
        bool ok = media_type_parse(slice_str(cases[i].header), &type, &err);
        if (ok != (cases[i].type != NULL) || strcmp(err.text, cases[i].error) != 0 || (ok && !slice_eq_str(type, cases[i].type)))
            fail_msg("%s: %.*s, \"%s\"", cases[i].header, SLICE_ARG(type), err.text);
    }
}

static void a_parameter_is_found_by_its_name(void **state)
{
    (void)state;
    struct slice value;
    assert_true(media_type_parameter(SLICE("a/b; x=1; Boundary=\"--a b\"; y=2"), SLICE("boundary"), &value) && slice_eq(value, SLICE("--a b")));
    assert_true(media_type_parameter(SLICE("a/b;y=2"), SLICE("y"), &value) && slice_eq(value, SLICE("2")));
    assert_false(media_type_parameter(SLICE("a/b; xy=1"), SLICE("y"), &value));
    assert_false(media_type_parameter(SLICE("y=1"), SLICE("y"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_header_is_read_as_go_reads_it), cmocka_unit_test(a_parameter_is_found_by_its_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
