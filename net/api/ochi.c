#include "net/api/ochi.h"

bool ochi_body_check(struct http_request *http)
{
    if (http->body.len == 0)
        ochi_reply_text(http, 400, SLICE("request body is empty"));
    else if (http->body.len > OCHI_BODY_BYTES_MAX)
        ochi_reply_text(http, 413, SLICE("max body size is exceeded"));
    else
        return true;
    return false;
}

void ochi_reply_text(struct http_request *http, int status, struct slice text)
{
    struct http_reply reply = {.status = status, .content_type = "text/plain"};
    if (text.len > 0 && text.ptr[0] == '{')
        reply.content_type = "application/json";
    buf_put(&reply.body, text);
    if (status == 429 || status == 503 || status == 507)
        http_reply_header(&reply, SLICE("retry-after"), SLICE("1"));
    http_reply(http, &reply);
}

void ochi_reply_err(struct http_request *http, const struct err *err)
{
    ochi_reply_text(http, http_status_of(err->code), slice_str(err->text));
}

static void ready(struct http_request *http)
{
    struct err err = {.code = ERR_NONE};
    struct api *api = api_of(http);
    if (atomic_load(&api->is_stopping))
        ochi_reply_text(http, 503, SLICE("stopping"));
    else if (store_ready(api->store, &err))
        ochi_reply_text(http, 200, SLICE("ready"));
    else
        ochi_reply_text(http, 503, slice_str(err.text));
}

static void health(struct http_request *http)
{
    http_reply_status(http, 200);
}

static void flush(struct http_request *http)
{
    struct err err = {.code = ERR_NONE};
    if (store_flush(api_of(http)->store, &err))
        http_reply_status(http, 200);
    else
        ochi_reply_err(http, &err);
}

struct route_table ochi_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_GET, "/insert/loki/ready", "insert_loki_ready", ROUTE_PUBLIC, ready},
        {HTTP_GET, "/ingest/loki/ready", "ingest_loki_ready", ROUTE_PUBLIC, ready},
        {HTTP_GET, "/health", "health", ROUTE_PUBLIC, health},
        {HTTP_POST, "/insert/loki/api/v1/push", "insert_loki_api_v1_push", ROUTE_TENANT | ROUTE_WRITE, ochi_push},
        {HTTP_POST, "/ingest/loki/api/v1/push", "ingest_loki_api_v1_push", ROUTE_TENANT | ROUTE_WRITE, ochi_push},
        {HTTP_POST, "/query", "query", ROUTE_ON_POOL | ROUTE_TENANT, ochi_query},
        {HTTP_POST, "/stream_ids", "stream_ids", ROUTE_ON_POOL | ROUTE_TENANT, ochi_stream_ids},
    };
    return (struct route_table){routes, LENGTH(routes)};
}

struct route_table ochi_own_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_GET | HTTP_POST, "/flush", "flush", ROUTE_ON_POOL | ROUTE_ADMIN, flush},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
