/* loki_v1.c: Loki's API of today: its routes. */
#include "net/api/api.h"
#include "net/api/loki_delete.h"
#include "net/api/loki_labels.h"
#include "net/api/loki_query.h"
#include "net/api/loki_tail.h"
#include "net/api/push.h"

static bool decode(struct http_request *http, const struct limits *limits, size_t unpacked_bytes_max, struct arena *arena,
                   struct push_body *body, struct err *err)
{
    (void)limits;
    return push_body_decode(http, PUSH_LOKI_V1, unpacked_bytes_max, arena, body, err);
}

void loki_push_reply(struct http_request *http, int status, struct slice text)
{
    if (status == 204 || text.len == 0) {
        http_reply_status(http, status);
        return;
    }
    http_reply_text(http, status, arena_printf(&http->arena, "%.*s\n", SLICE_ARG(text)));
}

static void push(struct http_request *http)
{
    static const struct push_flavour flavour = {"loki", true, decode, loki_push_reply, .takes_old = false};
    push_handle(http, &flavour);
}

#define QUERY (ROUTE_ON_POOL | ROUTE_TENANTS)
#define GET_POST (HTTP_GET | HTTP_POST)

struct route_table loki_v1_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_POST, "/loki/api/v1/push", "loki_api_v1_push", ROUTE_TENANT | ROUTE_WRITE, push},
        {GET_POST, "/loki/api/v1/query_range", "loki_api_v1_query_range", QUERY, loki_query_range},
        {GET_POST, "/loki/api/v1/query", "loki_api_v1_query", QUERY, loki_query_instant},
        {GET_POST, "/loki/api/v1/labels", "loki_api_v1_labels", QUERY, loki_labels},
        {GET_POST, "/loki/api/v1/label", "loki_api_v1_label", QUERY, loki_labels},
        {GET_POST, "/loki/api/v1/label/{name}/values", "loki_api_v1_label_name_values", QUERY, loki_label_values},
        {GET_POST, "/loki/api/v1/series", "loki_api_v1_series", QUERY, loki_series},
        {GET_POST | HTTP_PUT | HTTP_DELETE, "/loki/api/v1/delete", "loki_api_v1_delete", ROUTE_ON_POOL | ROUTE_TENANT | ROUTE_BACKEND, loki_delete},
        {HTTP_GET, "/loki/api/v1/cache/generation_numbers", "loki_api_v1_cache_generation_numbers", ROUTE_ON_POOL | ROUTE_TENANT | ROUTE_BACKEND, loki_cache_generation},
        {GET_POST, "/loki/api/v1/tail", "loki_api_v1_tail", ROUTE_ON_POOL | ROUTE_TENANT | ROUTE_WEBSOCKET, loki_tail},
        {GET_POST, "/loki/api/v1/format_query", "loki_api_v1_format_query", ROUTE_ON_POOL, loki_format_query},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
