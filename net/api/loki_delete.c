/* loki_delete.c: delete requests, as Loki's compactor takes them (spec http-api.md 11). */
#include "net/api/loki_delete.h"

#include <stdio.h>

#include "core/model/go_text.h"
#include "net/api/api.h"
#include "net/api/query_params.h"
#include "net/codec/json_writer.h"
#include "storage/deletion/delete_filter.h"

#define MS_PER_S INT64_C(1000)

/* Loki ends each text with a newline. */
static void reply_line(struct http_request *http, int status, const char *text)
{
    http_reply_text(http, status, arena_printf(&http->arena, "%s\n", text));
}

static void reply_err(struct http_request *http, const struct err *err)
{
    reply_line(http, http_status_of(err->code), err->text);
}

/* The tenant may delete; else the request is answered. */
static bool is_allowed(struct http_request *http)
{
    if (!slice_eq(caller_of(http)->limits->deletion_mode, SLICE("disabled")))
        return true;
    reply_line(http, 403, "deletion is not available for this tenant");
    return false;
}

/* Exactly ten digits are Unix seconds; else RFC3339, cut to ms. */
static bool time_parse(struct slice text, int64_t *out_ms)
{
    int64_t ns;
    bool is_unix = text.len == 10;
    for (size_t i = 0; is_unix && i < text.len; i++)
        is_unix = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    if (is_unix) {
        if (!go_parse_int(text, out_ms, NULL))
            return false;
        *out_ms *= MS_PER_S;
        return true;
    }
    if (!rfc3339_parse(text, &ns))
        return false;
    *out_ms = ns / NS_PER_MS - (ns % NS_PER_MS < 0);
    return true;
}

static bool times_parse(const struct form *form, int64_t now_ms, struct delete_request *out, struct err *err)
{
    struct slice text;
    if (!param_get(form, "start", &text))
        return err_set(err, ERR_INVALID, "start time not set");
    if (!time_parse(text, &out->start_ms))
        return err_set(err, ERR_INVALID, "invalid start time: require unix seconds or RFC3339 format");
    out->end_ms = now_ms;
    if (param_get(form, "end", &text) && !time_parse(text, &out->end_ms))
        return err_set(err, ERR_INVALID, "invalid end time: require unix seconds or RFC3339 format");
    if (out->end_ms > now_ms)
        return err_set(err, ERR_INVALID, "deletes in the future are not allowed");
    if (out->start_ms >= out->end_ms)
        return err_set(err, ERR_INVALID, "start time can't be greater than or equal to end time");
    return true;
}

static bool refuse_interval(const char *text, int64_t ns, const char *end, struct err *err)
{
    struct buf printed = BUF_INIT;
    go_print_duration(&printed, ns);
    err_fill(err, ERR_INVALID, "%s%.*s%s", text, SLICE_ARG(buf_slice(&printed)), end);
    buf_fini(&printed);
    return false;
}

static bool interval_parse(const struct form *form, int64_t limit_ns, struct delete_request *out, struct err *err)
{
    struct slice text;
    struct err why;
    if (!param_get(form, "max_interval", &text))
        return true;
    if (!go_parse_duration(text, &out->max_interval_ns, &why) || out->max_interval_ns < NS_PER_S)
        return err_set(err, ERR_INVALID, "invalid max_interval: valid time units are 's', 'm', 'h'");
    if (limit_ns > 0 && out->max_interval_ns > limit_ns)
        return refuse_interval("max_interval can't be greater than ", limit_ns, "", err);
    int64_t length_ns;
    if (__builtin_mul_overflow(out->end_ms - out->start_ms, NS_PER_MS, &length_ns))
        length_ns = INT64_MAX;
    if (out->max_interval_ns > length_ns)
        return refuse_interval("max_interval can't be greater than the interval to be deleted (", length_ns, ")", err);
    return true;
}

/* The checks, in Loki's order. */
static bool request_parse(struct http_request *http, const struct form *form, struct delete_request *out, struct err *err)
{
    int64_t now_ms = clock_wall_ns(api_of(http)->clock) / NS_PER_MS;
    *out = (struct delete_request){.created_ms = now_ms};
    if (!param_get(form, "query", &out->query))
        return err_set(err, ERR_INVALID, "query not set");
    struct delete_filter *filter = NULL;
    if (!delete_filter_create(out, &filter, err))
        return false;
    bool has_line_filter = delete_filter_has_line_filter(filter);
    delete_filter_unref(filter);
    return times_parse(form, now_ms, out, err) &&
           (!has_line_filter || interval_parse(form, caller_of(http)->limits->delete_max_interval, out, err));
}

static void add(struct http_request *http, const struct form *form)
{
    struct err err = {.code = ERR_NONE};
    struct delete_request request;
    uint32_t id = 0;
    if (!request_parse(http, form, &request, &err) ||
        !store_delete_add(api_of(http)->store, caller_of(http)->tenants[0], &request, &id, &err)) {
        reply_err(http, &err);
        return;
    }
    struct http_reply reply = {.status = 204};
    http_reply_header(&reply, SLICE("x-delete-request-id"), arena_printf(&http->arena, "%08x", id));
    http_reply(http, &reply);
}

static void put_request(struct buf *out, const struct delete_request *request)
{
    buf_printf(out, "{\"request_id\":\"%08x\",\"start_time\":", request->id);
    json_put_ms(out, request->start_ms);
    buf_str(out, ",\"end_time\":");
    json_put_ms(out, request->end_ms);
    buf_str(out, ",\"query\":");
    json_put_string(out, request->query);
    if (request->state == DELETE_PROCESSED)
        buf_str(out, ",\"status\":\"processed\"");
    else if (request->state == DELETE_RECEIVED)
        buf_str(out, ",\"status\":\"received\"");
    else
        buf_printf(out, ",\"status\":\"%u%% Complete\"", request->percent);
    buf_str(out, ",\"created_at\":");
    json_put_ms(out, request->created_ms);
    buf_str(out, ",\"user_id\":\"\"}");
}

static void list(struct http_request *http)
{
    struct delete_request *requests = NULL;
    size_t count = store_delete_list(api_of(http)->store, caller_of(http)->tenants[0], &http->arena, &requests);
    struct http_reply reply = {.status = 200, .content_type = "application/json"};
    buf_byte(&reply.body, '[');
    for (size_t i = 0; i < count; i++) {
        buf_str(&reply.body, i > 0 ? "," : "");
        put_request(&reply.body, &requests[i]);
    }
    buf_byte(&reply.body, ']');
    http_reply(http, &reply);
}

static bool id_parse(struct slice text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 16;
        if (digit == 16)
            return false;
        *out = *out << 4 | digit;
    }
    return text.len == 8;
}

static void cancel(struct http_request *http, const struct form *form)
{
    struct err err = {.code = ERR_NONE};
    struct slice id_text, force = SLICE("");
    uint32_t id;
    (void)param_get(form, "force", &force);
    if (!param_get(form, "request_id", &id_text))
        err_fill(&err, ERR_INVALID, "request_id not set");
    else if (!id_parse(id_text, &id))
        err_fill(&err, ERR_NOT_FOUND, "could not find delete request with given id");
    else if (store_delete_cancel(api_of(http)->store, caller_of(http)->tenants[0], id, slice_eq(force, SLICE("true")), &err)) {
        http_reply_status(http, 204);
        return;
    }
    reply_err(http, &err);
}

void loki_delete(struct http_request *http)
{
    struct form form = {0};
    struct err err;
    if (!is_allowed(http))
        return;
    if (!form_parse(http->query, &http->arena, &form, &err)) // of the URL alone, as Loki reads it
        reply_err(http, &err);
    else if (http->method == HTTP_GET)
        list(http);
    else if (http->method == HTTP_DELETE)
        cancel(http, &form);
    else
        add(http, &form);
}

void loki_cache_generation(struct http_request *http)
{
    if (!is_allowed(http))
        return;
    uint64_t generation = store_delete_generation(api_of(http)->store, caller_of(http)->tenants[0]);
    struct http_reply reply = {.status = 200, .content_type = "text/plain; charset=utf-8"};
    buf_byte(&reply.body, '"');
    if (generation > 0)
        buf_u64(&reply.body, generation);
    buf_str(&reply.body, "\"\n");
    http_reply(http, &reply);
}
