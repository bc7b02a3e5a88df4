#include "net/api/loki_query.h"

#include "core/logql/parser.h"
#include "core/model/go_text.h"
#include "core/pipeline/expr_check.h"
#include "net/api/encoding_flags.h"
#include "net/api/query_metrics.h"
#include "net/api/query_params.h"
#include "net/api/query_run.h"
#include "net/codec/json_writer.h"
#include "net/codec/result_json.h"
#include "net/http/media_type.h"

enum query_route { ROUTE_RANGE, ROUTE_INSTANT, ROUTE_LEGACY };

static bool params_parse(enum query_route route, const struct form *form, struct query_request *request, struct err *err)
{
    struct slice text;
    struct range_params range;
    if (route == ROUTE_INSTANT) {
        request->is_instant = true;
        request->end_ns = request->now_ns;
        if (param_get(form, "time", &text) && !time_param_parse(text, &request->end_ns, err))
            return false;
        request->start_ns = request->end_ns;
        request->step_ns = 0;
        return limit_param_parse(form, "limit", 100, &request->limit, err) &&
               direction_param_parse(form, &request->direction, err);
    }
    if (!range_params_parse(form, request->now_ns, NS_PER_HOUR, &range, err) ||
        !limit_param_parse(form, "limit", 100, &request->limit, err) ||
        !direction_param_parse(form, &request->direction, err) ||
        !steps_params_parse(form, &range, &request->step_ns, &request->interval_ns, err))
        return false;
    request->start_ns = range.start_ns;
    request->end_ns = range.end_ns;
    return true;
}

static bool expr_parse(struct http_request *http, enum query_route route, const struct form *form, struct slice *text,
                       struct expr **out, struct err *err)
{
    if (!param_get(form, "query", text))
        *text = SLICE("");
    if (route == ROUTE_LEGACY)
        *text = regexp_param_append(form, *text, &http->arena);
    if (!logql_parse(*text, &http->arena, out, err))
        return false;
    bool ok = expr_check_pipelines(*out, &http->arena, err);
    if (ok && route == ROUTE_LEGACY && (*out)->kind != EXPR_LOG)
        ok = err_set(err, ERR_INVALID, "legacy endpoints only support streams result type");
    if (!ok)
        expr_fini(*out);
    return ok;
}

static void reply_result(struct query_scope *scope, enum query_route route, const struct query_result *result,
                         const struct encoding_flags *flags)
{
    struct buf body = BUF_INIT;
    struct result_json_options options = {
        .encoding_flags = flags->flags,
        .flag_count = flags->count,
        .categorize = flags->categorize,
        .exec_ns = clock_mono_ns(scope->api->clock) - scope->start_mono_ns,
    };
    if (route == ROUTE_LEGACY)
        result_json_legacy_put(&body, result, &scope->control.stats, &options);
    else
        result_json_put(&body, result, &scope->control.stats, &options);
    query_scope_end(scope);
    http_reply_json(scope->http, 200, &body);
}

static enum query_type type_of(const struct expr *expr)
{
    if (expr->kind != EXPR_LOG)
        return QUERY_TYPE_METRIC;
    for (size_t i = 0; i < expr->log.stage_count; i++) {
        enum stage_kind kind = expr->log.stages[i].kind;
        if (kind == STAGE_LINE_FILTER || kind == STAGE_LABEL_FILTER)
            return QUERY_TYPE_FILTER;
    }
    return QUERY_TYPE_LIMITED;
}

/* Of several tenants, each one's blocked_queries hold. */
static bool blocks_check(struct http_request *http, const struct caller *caller, struct slice text, const struct expr *expr, struct err *err)
{
    struct query_tags tags;
    struct slice header = SLICE("");
    (void)http_header_get(http, SLICE("x-query-tags"), &header);
    query_tags_parse(header, &http->arena, &tags);
    for (size_t i = 0; i < caller->tenant_count; i++) {
        if (query_blocks_match(&limits_book_find(caller->book, caller->tenants[i])->blocked_queries, text, type_of(expr), &tags))
            return err_set(err, ERR_LIMIT, QUERY_BLOCKED_TEXT);
    }
    return true;
}

static bool run(struct query_scope *scope, enum query_route route, struct query_request *request, struct slice *text,
                struct query_result *result, struct err *err)
{
    struct http_request *http = scope->http;
    struct form form;
    struct expr *expr = NULL;
    if (!http_request_form(http, &form, err) || !params_parse(route, &form, request, err) ||
        !expr_parse(http, route, &form, text, &expr, err))
        return false;
    request->expr = expr;
    bool ok = blocks_check(http, scope->caller, *text, expr, err) &&
              query_run(scope->source, store_executor(scope->api->store), request, &scope->control, &http->arena, result, err);
    expr_fini(expr);
    request->expr = NULL;
    return ok;
}

static void handle(struct http_request *http, enum query_route route)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct encoding_flags flags;
    struct slice text = SLICE_NONE;
    struct query_result result = {0};
    query_scope_begin(&scope, http);
    encoding_flags_parse(http, &flags);
    struct query_request request = {
        .tenant = scope.caller->tenants[0],
        .limits = scope.caller->limits,
        .now_ns = scope.now_ns,
        .categorize = flags.categorize,
    };
    bool ok = run(&scope, route, &request, &text, &result, &err);
    query_metrics_done(&scope, &request, &result, text, ok ? NULL : &err);
    if (ok) {
        reply_result(&scope, route, &result, &flags);
    } else {
        query_scope_end(&scope);
        query_reply_err(http, &err);
    }
}

void loki_query_range(struct http_request *http)
{
    handle(http, ROUTE_RANGE);
}

void loki_query_instant(struct http_request *http)
{
    handle(http, ROUTE_INSTANT);
}

void loki_query_legacy(struct http_request *http)
{
    handle(http, ROUTE_LEGACY);
}

/* Loki reads this one route's parameters from multipart bodies too. */
static bool format_form(struct http_request *http, struct form *form, struct err *err)
{
    struct slice header;
    struct slice boundary;
    if (!http_request_form(http, form, err))
        return false;
    if (http->method != HTTP_POST || !slice_eq(http_request_media_type(http), SLICE("multipart/form-data")) || !http_header_get(http, SLICE("content-type"), &header))
        return true;
    return (media_type_parameter(header, SLICE("boundary"), &boundary) || err_set(err, ERR_INVALID, "no multipart boundary param in Content-Type")) &&
           form_parse_multipart(http->body, boundary, &http->arena, form, err);
}

void loki_format_query(struct http_request *http)
{
    struct form form;
    struct err err = {.code = ERR_NONE};
    struct slice text;
    struct expr *expr = NULL;
    struct buf body = BUF_INIT;
    bool ok = format_form(http, &form, &err);
    if (ok && !param_get(&form, "query", &text))
        text = SLICE("");
    ok = ok && logql_parse(text, &http->arena, &expr, &err); // what only a pipeline finds, a bad template, is not looked for
    if (ok) {
        struct buf pretty = BUF_INIT;
        expr_print_pretty(expr, &pretty);
        buf_str(&body, "{\"status\":\"success\",\"data\":");
        json_put_string(&body, buf_slice(&pretty));
        buf_fini(&pretty);
    } else {
        buf_str(&body, "{\"status\":\"invalid-query\",\"error\":");
        json_put_string(&body, slice_str(err.text));
    }
    expr_fini(expr);
    buf_str(&body, "}\n");
    struct http_reply reply = {.status = ok ? 200 : 400, .content_type = "application/json; charset=utf-8", .body = body};
    http_reply(http, &reply);
}
