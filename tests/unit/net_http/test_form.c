#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "net/http/form.h"

static const struct form_case {
    const char *name, *text;
    size_t count;       /* of fields */
    const char *first_name, *first_value;
    const char *error;  /* occurs in it; NULL: fine */
} cases[] = {
    {"nothing", "", 0, NULL, NULL, NULL},
    {"one", "a=b", 1, "a", "b", NULL},
    {"two", "a=b&c=d", 2, "a", "b", NULL},
    {"empty pairs are no fields", "&&a=b&", 1, "a", "b", NULL},
    {"no value", "a", 1, "a", "", NULL},
    {"empty value", "a=", 1, "a", "", NULL},
    {"empty name", "=b", 1, "", "b", NULL},
    {"equals in the value", "a=b=c", 1, "a", "b=c", NULL},
    {"plus is a space", "a+b=c+d", 1, "a b", "c d", NULL},
    {"escapes", "%61=%62%20%2B", 1, "a", "b +", NULL},
    {"escape in lower case at the end", "a=%7b", 1, "a", "{", NULL},
    {"UTF-8", "a=%C3%A4", 1, "a", "\xc3\xa4", NULL},
    {"semicolon", "a=b;c=d", 0, NULL, NULL, "invalid semicolon separator in query"},
    {"escaped semicolon", "a=b%3Bc", 1, "a", "b;c", NULL},
    {"bad escape", "a=%zz", 0, NULL, NULL, "invalid URL escape \"%zz\""},
    {"escape cut after one digit", "a=%4", 0, NULL, NULL, "invalid URL escape \"%4\""},
    {"escape cut at once", "a=%", 0, NULL, NULL, "invalid URL escape \"%\""},
    {"bad second digit", "a=%4gx", 0, NULL, NULL, "invalid URL escape \"%4g\""},
};

static void a_form_is_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct form_case *c = &cases[i];
        struct arena arena = ARENA_INIT;
        struct form form = {0};
        struct err err = {.code = ERR_NONE, .text = ""};
        bool ok = form_parse(slice_str(c->text), &arena, &form, &err);
        if (ok != (c->error == NULL) || (!ok && strstr(err.text, c->error) == NULL))
            fail_msg("%s: %s, error \"%s\"", c->name, ok ? "taken" : "refused", err.text);
        if (ok && form.count != c->count)
            fail_msg("%s: %zu fields", c->name, form.count);
        if (ok && c->first_name != NULL &&
            (!slice_eq_str(form.fields[0].name, c->first_name) || !slice_eq_str(form.fields[0].value, c->first_value)))
            fail_msg("%s: first field %.*s=%.*s", c->name, SLICE_ARG(form.fields[0].name), SLICE_ARG(form.fields[0].value));
        arena_fini(&arena);
    }
}

static void the_first_of_equal_names_counts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct form form = {0};
    struct err err;
    struct slice value;
    assert_true(form_parse(SLICE("q=body"), &arena, &form, &err));
    assert_true(form_parse(SLICE("x=1&q=url"), &arena, &form, &err));
    assert_true(form_get(&form, SLICE("q"), &value));
    assert_true(slice_eq(value, SLICE("body")));
    assert_false(form_get(&form, SLICE("y"), &value));
    arena_fini(&arena);
}

static void more_fields_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct form form = {0};
    struct err err;
    struct buf text = BUF_INIT;
    for (int i = 0; i <= FORM_FIELDS_MAX; i++)
        buf_str(&text, "a&");
    assert_false(form_parse(buf_slice(&text), &arena, &form, &err));
    buf_fini(&text);
    arena_fini(&arena);
}

static const struct multipart_case {
    const char *body, *want; /* NULL: refused */
} multipart_cases[] = {
    {"--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n{a=\"b\"}\r\n--x--\r\n", "query={a=\"b\"};"},
    {"before\r\n--x\r\nA: b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n\r\n--x--", "a=1\r\n2;b=;"},
    {"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"g\"\r\n\r\nbytes\r\n--x--", ""},
    {"--x--", ""},
    {"", NULL},
    {"--x", NULL},
    {"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", NULL},
    {"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n1\r\n--x--", NULL},
    {"--y\r\n\r\n\r\n--y--", NULL},
};

static void multipart_bodies_are_read_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(multipart_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct form form = {0};
        struct buf got = BUF_INIT;
        struct err err = {.text = ""};
        bool ok = form_parse_multipart(slice_str(multipart_cases[i].body), SLICE("x"), &arena, &form, &err);
        for (size_t k = 0; k < form.count; k++)
            buf_printf(&got, "%.*s=%.*s;", SLICE_ARG(form.fields[k].name), SLICE_ARG(form.fields[k].value));
        if (ok != (multipart_cases[i].want != NULL) || (ok && !slice_eq_str(buf_slice(&got), multipart_cases[i].want)))
            fail_msg("%zu: %.*s \"%s\"", i, SLICE_ARG(buf_slice(&got)), err.text);
        buf_fini(&got);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_read_as_the_table_says),
        cmocka_unit_test(the_first_of_equal_names_counts),
        cmocka_unit_test(more_fields_than_the_limit_are_refused), cmocka_unit_test(multipart_bodies_are_read_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
