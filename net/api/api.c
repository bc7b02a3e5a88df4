#include "net/api/api.h"

#include "core/base/logger.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/api/admission.h"
#include "net/api/push.h"
#include "net/api/query_run.h"
#include "net/api/query_scheduler.h"

#define METHODS 7

/* Children of the request families, looked up once for each (route, method): an array by the route's place in memory would need all tables, so a small
 * cache by pointer does. Slots are only ever filled. */
#define ROUTE_SLOTS 256

struct route_metrics {
    _Atomic(const struct http_route *) route;
    _Atomic(struct metric *) inflight[METHODS], request_bytes[METHODS], response_bytes[METHODS];
    _Atomic(struct metric *) duration[METHODS];
    _Atomic int duration_status[METHODS];
};

static struct route_metrics route_slots[ROUTE_SLOTS];

static const struct http_route other_route = {0, "", "other", 0, NULL};

static struct route_metrics *slot_of(const struct http_route *route)
{
    size_t i = (size_t)((uintptr_t)route / sizeof(*route)) % ROUTE_SLOTS;
    for (size_t tries = 0; tries < ROUTE_SLOTS; tries++, i = (i + 1) % ROUTE_SLOTS) {
        const struct http_route *none = NULL;
        const struct http_route *found = atomic_load(&route_slots[i].route);
        if (found == route || (found == NULL && (atomic_compare_exchange_strong(&route_slots[i].route, &none, route) || none == route)))
            return &route_slots[i];
    }
    return &route_slots[0]; // more routes than slots: cannot be, the tables are far smaller
}

static size_t method_index(enum http_method method)
{
    return (size_t)__builtin_ctz((unsigned)method);
}

static struct slice method_text(enum http_method method)
{
    static const struct slice texts[METHODS] = {{"GET", 3}, {"POST", 4}, {"PUT", 3}, {"DELETE", 6}, {"HEAD", 4}, {"OPTIONS", 7}, {"OTHER", 5}};
    return texts[method_index(method)];
}

static struct metric *child(_Atomic(struct metric *) *place, size_t family, enum http_method method, const char *route)
{
    struct metric *found = atomic_load(place);
    if (found == NULL) {
        const struct slice values[] = {method_text(method), slice_str(route)};
        found = metric_get(family, values);
        atomic_store(place, found);
    }
    return found;
}

static struct metric *duration_of(struct route_metrics *slot, enum http_method method, const char *route, int status)
{
    size_t m = method_index(method);
    if (atomic_load(&slot->duration_status[m]) == status)
        return atomic_load(&slot->duration[m]);
    char text[12];
    size_t at = sizeof(text);
    for (int rest = status; rest > 0; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    const struct slice values[] = {method_text(method), slice_str(route), slice_of(text + at, sizeof(text) - at), status == 101 ? SLICE("true") : SLICE("false")};
    struct metric *found = metric_get(METRIC_loki_request_duration_seconds, values);
    if (status == 200 || status == 204) { // the usual ones are kept; a race only costs a look-up
        atomic_store(&slot->duration_status[m], 0);
        atomic_store(&slot->duration[m], found);
        atomic_store(&slot->duration_status[m], status);
    }
    return found;
}

static size_t decoded_bytes(void *self)
{
    return atomic_load_explicit(&((struct api *)self)->decoded_bytes, memory_order_relaxed); // a figure
}

static size_t cache_bytes(void *self)
{
    (void)self;
    return push_cache_bytes();
}

void api_tell_memory(struct api *api)
{
    memory_budget_source(api->memory, MEMORY_HTTP, decoded_bytes, api);
    memory_budget_source(api->memory, MEMORY_CACHE, cache_bytes, api);
}

static const struct http_route *route_of(const struct http_request *request)
{
    return request->route != NULL ? request->route : &other_route;
}

bool api_admit(struct http_request *request)
{
    const struct http_route *route = route_of(request);
    struct route_metrics *slot = slot_of(route);
    metric_move(child(&slot->inflight[method_index(request->method)], METRIC_loki_inflight_requests, request->method, route->label), 1);
    return admission_check(request);
}

bool api_run(struct http_request *request, void (*task)(void *self))
{
    struct api *api = api_of(request);
    const struct caller *caller = caller_of(request);
    query_watch_prepare(request);
    return query_scheduler_submit(api->scheduler, caller != NULL ? caller->tenants[0] : SLICE(""), task, request);
}

/* The trace of a traceparent header, 00-<32 hex digits>-<16>-<2>; empty: there is none. Source: W3C Trace Context 3.2. */
static struct slice trace_of(const struct http_request *request)
{
    struct slice header;
    if (!http_header_get(request, SLICE("traceparent"), &header) || header.len < 55 || header.ptr[2] != '-' || header.ptr[35] != '-')
        return SLICE("");
    for (size_t i = 3; i < 35; i++) {
        char c = header.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return SLICE("");
    }
    return slice_of(header.ptr + 3, 32);
}

static void observe_duration(const struct http_request *request, struct metric *duration, double seconds)
{
    struct slice trace = trace_of(request);
    if (trace.len == 0)
        metric_observe(duration, seconds);
    else
        metric_observe_traced(duration, seconds, trace, clock_wall_ns(api_of(request)->clock));
}

void api_observe(const struct http_request *request, int status, size_t reply_bytes, int64_t duration_ns)
{
    const struct http_route *route = route_of(request);
    struct route_metrics *slot = slot_of(route);
    size_t m = method_index(request->method);
    if (request->route != NULL && status != 405)
        metric_move(child(&slot->inflight[m], METRIC_loki_inflight_requests, request->method, route->label), -1);
    observe_duration(request, duration_of(slot, request->method, route->label, status), (double)duration_ns / (double)NS_PER_S);
    metric_observe(child(&slot->request_bytes[m], METRIC_loki_request_message_bytes, request->method, route->label), (double)request->body.len);
    metric_observe(child(&slot->response_bytes[m], METRIC_loki_response_message_bytes, request->method, route->label), (double)reply_bytes);
    caller_release(request);
}

void api_rejected(void *app, const char *reason)
{
    (void)app;
    metric_add(metric_get1(METRIC_logi_http_rejected_total, slice_str(reason)), 1);
}

void api_lagged(void *app, int64_t late_ns)
{
    (void)app;
    metric_observe(metric_get0(METRIC_logi_event_loop_lag_seconds), (double)late_ns / (double)NS_PER_S);
}

struct route_table (*const api_route_tables[])(void) = {loki_v1_routes,    loki_explore_routes, loki_legacy_routes, loki_rules_routes,
                                                       otlp_routes, ops_routes,          ingester_routes};
const size_t api_route_table_count = LENGTH(api_route_tables);
