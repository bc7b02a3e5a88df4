#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/tenant.h"

static void headers_are_read_as_the_table_says(void **state)
{
    (void)state;
    static char longest[TENANT_NAME_BYTES_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    const struct {
        struct slice header;
        const char *names; // joined by a space, or NULL
        const char *error;
    } cases[] = {
        {SLICE(" a "), "a", NULL},
        {SLICE("b|a|b"), "a b", NULL},
        {SLICE("a:b"), "a", NULL},
        {SLICE("a:\xff|c"), "a c", NULL},
        {SLICE("A1!-_.*'()"), "A1!-_.*'()", NULL},
        {SLICE(""), NULL, "no org id"},
        {SLICE("a||b"), NULL, "no org id"},
        {SLICE("|"), NULL, "no org id"},
        {SLICE("a b"), NULL, "tenant ID 'a b' contains unsupported character ' '"},
        {SLICE("\xe9"), NULL, "tenant ID '\xe9' contains unsupported character '\xc3\xa9'"},
        {SLICE(".."), NULL, "tenant ID is '.' or '..'"},
        {slice_of(longest, sizeof(longest)), NULL, "tenant ID is too long: max 150 characters"},
        {SLICE("a|b|c|d"), NULL, "more than 3 tenants in one request"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct slice names[3];
        size_t count = 0;
        struct err err = {.text = ""};
        char joined[64] = "";
        bool ok = tenant_header_parse(cases[i].header, names, 3, &count, &err);
        for (size_t j = 0; ok && j < count; j++)
            (void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%.*s", j > 0 ? " " : "",
                           SLICE_ARG(names[j]));
        if (ok != (cases[i].names != NULL) || strcmp(ok ? joined : err.text, ok ? cases[i].names : cases[i].error) != 0)
            fail_msg("%.*s: %s %s", SLICE_ARG(cases[i].header), joined, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
