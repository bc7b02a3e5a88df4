/* ingester.c: how a node is taken out of service (spec http-api.md 13). */
#include "net/api/api.h"
#include "net/api/query_params.h"

static void prepare_shutdown(struct http_request *http)
{
    struct store *store = api_of(http)->store;
    struct err err;
    if (http->method == HTTP_GET) {
        struct http_reply reply = {.status = 200, .content_type = "text/plain; charset=utf-8"};
        buf_str(&reply.body, store_shutdown_is_prepared(store) ? "set" : "unset");
        http_reply(http, &reply);
    } else if (store_prepare_shutdown(store, http->method == HTTP_POST, &err)) {
        http_reply_status(http, 204);
    } else {
        http_reply_err(http, &err);
    }
}

/* Go's words for a flag; anything else is the default. */
static bool flag_get(const struct form *form, const char *name, bool otherwise)
{
    struct slice text;
    if (!param_get(form, name, &text))
        return otherwise;
    if (slice_eq_nocase(text, SLICE("t")) || slice_eq_nocase(text, SLICE("true")) || slice_eq(text, SLICE("1")))
        return true;
    if (slice_eq_nocase(text, SLICE("f")) || slice_eq_nocase(text, SLICE("false")) || slice_eq(text, SLICE("0")))
        return false;
    return otherwise;
}

/* delete_ring_tokens is read by nobody: one node has no ring. */
static void shut_down(struct http_request *http)
{
    struct api *api = api_of(http);
    struct form form = {0};
    struct err err = {.code = ERR_NONE};
    if (!form_parse(http->query, &http->arena, &form, &err)) {
        http_reply_err(http, &err);
        return;
    }
    if (atomic_load(&api->is_stopping) || atomic_exchange(&api->is_shut_down, true)) {
        http_reply_text(http, 503, SLICE("Ingester is stopping or already stopped."));
        return;
    }
    bool terminates = flag_get(&form, "terminate", true); // read before the reply: the request, and its arena, end with that
    store_refuse_pushes(api->store);
    bool ok = !flag_get(&form, "flush", true) || store_flush(api->store, &err);
    if (ok)
        http_reply_status(http, 204);
    else
        http_reply_err(http, &err); // what is not sealed is in the log
    if (terminates)
        api->terminate(api->terminate_self);
}

struct route_table ingester_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_GET | HTTP_POST | HTTP_DELETE, "/ingester/prepare_shutdown", "ingester_prepare_shutdown", ROUTE_ON_POOL | ROUTE_ADMIN, prepare_shutdown},
        {HTTP_GET | HTTP_POST, "/ingester/shutdown", "ingester_shutdown", ROUTE_ON_POOL | ROUTE_ADMIN, shut_down},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
