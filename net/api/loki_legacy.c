/* loki_legacy.c: Loki's first API, /api/prom: its routes. */
#include "net/api/api.h"
#include "net/api/loki_labels.h"
#include "net/api/loki_query.h"
#include "net/api/loki_tail.h"
#include "net/api/push.h"

static bool decode(struct http_request *http, const struct limits *limits, size_t unpacked_bytes_max, struct arena *arena,
                   struct push_body *body, struct err *err)
{
    (void)limits;
    return push_body_decode(http, PUSH_LOKI_LEGACY, unpacked_bytes_max, arena, body, err);
}

static void push(struct http_request *http)
{
    static const struct push_flavour flavour = {"loki", true, decode, loki_push_reply, .takes_old = false};
    push_handle(http, &flavour);
}

#define QUERY (ROUTE_ON_POOL | ROUTE_TENANTS)
#define GET_POST (HTTP_GET | HTTP_POST)

struct route_table loki_legacy_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_POST, "/api/prom/push", "api_prom_push", ROUTE_TENANT | ROUTE_WRITE, push},
        {GET_POST, "/api/prom/query", "api_prom_query", QUERY, loki_query_legacy},
        {GET_POST, "/api/prom/tail", "api_prom_tail", ROUTE_ON_POOL | ROUTE_TENANT | ROUTE_WEBSOCKET, loki_tail_legacy},
        {GET_POST, "/api/prom/label", "api_prom_label", QUERY, legacy_labels},
        {GET_POST, "/api/prom/label/{name}/values", "api_prom_label_name_values", QUERY, legacy_label_values},
        {GET_POST, "/api/prom/series", "api_prom_series", QUERY, loki_series},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
