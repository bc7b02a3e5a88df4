/* ops.c: what operators and orchestrators ask: ready, flush, metrics, config, services, log level, build (spec http-api.md 13). */
#include <stdio.h>
#include <zlib.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "net/api/api.h"
#include "net/api/openapi.h"
#include "net/api/query_params.h"
#include "net/codec/json_writer.h"

static void ready(struct http_request *http)
{
    struct err err = {.code = ERR_NONE};
    struct api *api = api_of(http);
    if (atomic_load(&api->is_stopping))
        http_reply_text(http, 503, SLICE("Application is stopping\n"));
    else if (store_ready(api->store, &err))
        http_reply_text(http, 200, SLICE("ready\n"));
    else
        http_reply_text(http, 503, arena_printf(&http->arena, "Ingester not ready: %s\n", err.text));
}

static void flush(struct http_request *http)
{
    struct err err = {.code = ERR_NONE};
    if (store_flush(api_of(http)->store, &err))
        http_reply_status(http, 204);
    else
        http_reply_err(http, &err);
}

static void config(struct http_request *http)
{
    struct api *api = api_of(http);
    struct form form;
    struct err err;
    struct slice mode = SLICE("");
    if (!http_request_form(http, &form, &err)) {
        http_reply_err(http, &err);
        return;
    }
    (void)param_get(&form, "mode", &mode);
    struct http_reply reply = {.status = 200, .content_type = "text/plain; charset=utf-8"};
    api->print_config(api->config_self,
                      slice_eq(mode, SLICE("diff"))       ? "diff"
                      : slice_eq(mode, SLICE("defaults")) ? "defaults"
                                                          : "",
                      &reply.body);
    http_reply(http, &reply);
}

static void services(struct http_request *http)
{
    // Loki's names for what runs inside one Logi.
    http_reply_text(http, 200,
                    SLICE("server => Running\nstore => Running\ndistributor => Running\ningester => Running\n"
                          "querier => Running\nquery-frontend => Running\ncompactor => Running\nruler => Running\n"));
}

static void buildinfo(struct http_request *http)
{
    struct api *api = api_of(http);
    struct http_reply reply = {.status = 200, .content_type = "application/json"};
    buf_printf(&reply.body,
               "{\"version\":\"3.7.6\",\"revision\":\"logi-%s-%s\",\"branch\":\"logi\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\"}\n",
               api->version, api->revision);
    http_reply(http, &reply);
}

static void log_level(struct http_request *http)
{
    struct http_reply reply = {.status = 200, .content_type = "application/json; charset=utf-8"};
    struct form form;
    struct err err;
    struct slice text = SLICE("");
    enum log_level level;
    if (http->method == HTTP_GET) {
        buf_printf(&reply.body, "{\"message\":\"Current log level is %s\"}\n", log_level_text(logger_level()));
    } else if (!http_request_form(http, &form, &err) || !form_get(&form, SLICE("log_level"), &text) ||
               !log_level_parse(text, &level)) {
        reply.status = 400;
        buf_str(&reply.body, "{\"status\":\"failed\",\"message\":\"unrecognized log level \\\"");
        json_put_escaped(&reply.body, text);
        buf_str(&reply.body, "\\\"\"}\n");
    } else {
        logger_set_level(level);
        buf_printf(&reply.body, "{\"status\":\"success\",\"message\":\"Log level set to %s\"}\n", log_level_text(level));
    }
    http_reply(http, &reply);
}

/* ---- /metrics ---- */

static bool accepts(const struct http_request *http, struct slice header_name, const char *what)
{
    struct slice header;
    return http_header_get(http, header_name, &header) && memmem(header.ptr, header.len, what, strlen(what)) != NULL;
}

static bool gzip(struct buf *body)
{
    z_stream z = {0};
    struct buf packed = BUF_INIT;
    if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&z, body->len);
    z.next_in = (Bytef *)body->ptr;
    z.avail_in = (uInt)body->len;
    z.next_out = (Bytef *)buf_room(&packed, bound);
    z.avail_out = (uInt)bound;
    bool ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
    buf_took(&packed, bound - z.avail_out);
    (void)deflateEnd(&z);
    buf_fini(ok ? body : &packed);
    if (ok)
        *body = packed;
    return ok;
}

static void metrics(struct http_request *http)
{
    struct form form;
    struct err err;
    struct slice components = SLICE("");
    struct slice prefix = SLICE("");
    if (!http_request_form(http, &form, &err)) {
        http_reply_err(http, &err);
        return;
    }
    (void)form_get(&form, SLICE("component"), &components);
    (void)form_get(&form, SLICE("name"), &prefix);
    bool open_metrics = accepts(http, SLICE("accept"), "application/openmetrics-text");
    struct http_reply reply = {
        .status = 200,
        .content_type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
                                     : "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"};
    metrics_print(&reply.body, open_metrics, components, prefix);
    if (accepts(http, SLICE("accept-encoding"), "gzip") && reply.body.len < UINT32_MAX && gzip(&reply.body))
        http_reply_header(&reply, SLICE("content-encoding"), SLICE("gzip"));
    http_reply(http, &reply);
}

struct route_table ops_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_GET, "/ready", "ready", ROUTE_PUBLIC, ready},
        {HTTP_GET, "/metrics", "metrics", ROUTE_PUBLIC | ROUTE_METRICS | ROUTE_ANY_METHOD, metrics},
        {HTTP_GET, "/openapi.yaml", "openapi_yaml", ROUTE_PUBLIC, openapi_serve},
        {HTTP_GET | HTTP_POST, "/flush", "flush", ROUTE_ON_POOL | ROUTE_ADMIN, flush},
        {HTTP_GET, "/config", "config", ROUTE_ADMIN, config},
        {HTTP_GET, "/services", "services", ROUTE_ADMIN, services},
        {HTTP_GET | HTTP_POST, "/log_level", "log_level", ROUTE_ADMIN, log_level},
        {HTTP_GET, "/loki/api/v1/status/buildinfo", "loki_api_v1_status_buildinfo", 0, buildinfo},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
