#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/http/router.h"

static void nothing(struct http_request *request)
{
    (void)request;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/ready", "ready", 0, nothing},
    {HTTP_GET | HTTP_POST, "/loki/api/v1/label/{name}/values", "values", 0, nothing},
    {HTTP_GET, "/loki/api/v1/label", "label", 0, nothing},
    {HTTP_GET, "/rules/{ns}/{group}", "group", 0, nothing},
    {HTTP_POST, "/rules/{ns}", "post", 0, nothing},
    {HTTP_DELETE, "/rules/{ns}", "delete", 0, nothing},
    {HTTP_GET, "/metrics", "metrics", ROUTE_ANY_METHOD, nothing},
};

static const struct route_case {
    const char *path;
    enum http_method method;
    enum route_outcome want;
    const char *label, *arg; /* arg: first path argument, or the location of a redirect */
} cases[] = {
    {"/ready", HTTP_GET, ROUTE_FOUND, "ready", NULL},
    {"/ready", HTTP_POST, ROUTE_WRONG_METHOD, NULL, NULL},
    {"/ready", HTTP_HEAD, ROUTE_WRONG_METHOD, NULL, NULL},
    {"/ready/", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/Ready", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/%72eady", HTTP_GET, ROUTE_FOUND, "ready", NULL},
    {"/", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"*", HTTP_OPTIONS, ROUTE_NOT_FOUND, NULL, NULL},
    {"/metrics", HTTP_OTHER, ROUTE_FOUND, "metrics", NULL},
    {"/loki/api/v1/label", HTTP_GET, ROUTE_FOUND, "label", NULL},
    {"/loki/api/v1/label/app/values", HTTP_POST, ROUTE_FOUND, "values", "app"},
    {"/loki/api/v1/label/a%20b/values", HTTP_GET, ROUTE_FOUND, "values", "a b"},
    {"/loki/api/v1/label//values", HTTP_GET, ROUTE_REDIRECT, NULL, "/loki/api/v1/label/values"},
    {"/loki/api/v1/label/a%2Fb/values", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/loki/api/v1/label/a%5Cb/values", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/loki/api/v1/label/%00/values", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/loki/api/v1/label/%2e%2e/values", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
    {"/loki/api/v1/label/%252e%252e/values", HTTP_GET, ROUTE_FOUND, "values", "%2e%2e"},
    {"/loki/api/v1/label/%zz/values", HTTP_GET, ROUTE_MALFORMED, NULL, NULL},
    {"//ready%", HTTP_GET, ROUTE_MALFORMED, NULL, NULL},
    {"//ready", HTTP_GET, ROUTE_REDIRECT, NULL, "/ready"},
    {"/x/../ready", HTTP_GET, ROUTE_REDIRECT, NULL, "/ready"},
    {"/./ready", HTTP_GET, ROUTE_REDIRECT, NULL, "/ready"},
    {"/../../ready", HTTP_GET, ROUTE_REDIRECT, NULL, "/ready"},
    {"/ready/..", HTTP_GET, ROUTE_REDIRECT, NULL, "/"},
    {"/rules/n", HTTP_POST, ROUTE_FOUND, "post", "n"},
    {"/rules/n", HTTP_DELETE, ROUTE_FOUND, "delete", "n"},
    {"/rules/n", HTTP_GET, ROUTE_WRONG_METHOD, NULL, NULL},
    {"/rules/n/g", HTTP_GET, ROUTE_FOUND, "group", "n"},
    {"/rules/n/g/x", HTTP_GET, ROUTE_NOT_FOUND, NULL, NULL},
};

static void a_path_leads_where_the_table_says(void **state)
{
    (void)state;
    struct router *router = router_create();
    router_add(router, routes, LENGTH(routes));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct route_case *c = &cases[i];
        struct http_request request = {.method = c->method};
        struct slice location = SLICE("");
        enum route_outcome got = router_find(router, slice_str(c->path), &request, &location);
        if (got != c->want)
            fail_msg("%s: outcome %d, want %d", c->path, got, c->want);
        if (got == ROUTE_FOUND && strcmp(request.route->label, c->label) != 0)
            fail_msg("%s: route %s, want %s", c->path, request.route->label, c->label);
        struct slice arg = got == ROUTE_REDIRECT ? location : request.path_args[0];
        if (c->arg != NULL && !slice_eq_str(arg, c->arg))
            fail_msg("%s: %.*s, want %s", c->path, SLICE_ARG(arg), c->arg);
        arena_fini(&request.arena);
    }
    router_destroy(router);
}

static void a_wrong_method_tells_the_right_ones(void **state)
{
    (void)state;
    struct router *router = router_create();
    struct slice location;
    struct http_request request = {.method = HTTP_PUT};
    router_add(router, routes, LENGTH(routes));
    assert_int_equal(router_find(router, SLICE("/rules/n"), &request, &location), ROUTE_WRONG_METHOD);
    assert_int_equal(request.allowed, HTTP_POST | HTTP_DELETE);
    arena_fini(&request.arena);
    router_destroy(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_leads_where_the_table_says),
        cmocka_unit_test(a_wrong_method_tells_the_right_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
