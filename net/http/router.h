/* router.h: which handler answers a path. A route is a line of a table; an API is a table.
 * Thread: the router is built once, then read by many. */
#pragma once

#include "net/http/request.h"

enum http_route_flags {
    ROUTE_ON_POOL = 1,  /* runs on the query pool: anything that reads the store or may take over 1 ms */
    ROUTE_TENANT = 2,   /* one tenant: 401 without one, 400 for several */
    ROUTE_TENANTS = 4,  /* one or several */
    ROUTE_ADMIN = 8,    /* moves to admin_listen when that is set */
    ROUTE_PUBLIC = 16,  /* answered without credentials: probes */
    ROUTE_ANY_METHOD = 32,
    ROUTE_WEBSOCKET = 64, /* may take the connection over */
    ROUTE_METRICS = 128,  /* public unless the configuration says otherwise: it names tenants */
    ROUTE_WRITE = 256,    /* takes in logs: there with target write */
    ROUTE_BACKEND = 512,  /* rules, deletion: with target backend; other routes of tenants: with target read */
};

struct http_route {
    unsigned methods; /* enum http_method, ORed */
    const char *pattern; /* "/loki/api/v1/label/{name}/values": {name} is one segment */
    const char *label;   /* of metrics: spec/metrics.md 7 */
    unsigned flags;
    void (*handle)(struct http_request *request);
};

struct router;
struct router *router_create(void) MUST_CHECK;
void router_add(struct router *router, const struct http_route *routes, size_t count);
void router_destroy(struct router *router);
size_t router_count(const struct router *router);
const struct http_route *router_at(const struct router *router, size_t i);

enum route_outcome { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_WRONG_METHOD, ROUTE_REDIRECT, ROUTE_MALFORMED };

/* raw_path is the request target without query. Found: fills route, path and path_args (in the request's arena). Redirect: *out_location is the cleaned path (// and
 * dot segments). Wrong method: fills allowed. Malformed: a bad percent escape. Encoded '/', '\\' and dot segments are not found. */
enum route_outcome router_find(const struct router *router, struct slice raw_path, struct http_request *request,
                               struct slice *out_location);
