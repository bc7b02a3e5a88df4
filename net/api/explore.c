#include "net/api/explore.h"

#include "core/logql/parser.h"
#include "core/plan/query_limits.h"
#include "net/api/query_metrics.h"
#include "net/api/query_params.h"

bool explore_parse(struct explore *explore, struct query_scope *scope, enum explore_selector selector, struct err *err)
{
    struct range_params range;
    struct slice text = SLICE("");
    int64_t limit, interval_ns;
    enum query_direction direction;
    *explore = (struct explore){0};
    if (!http_request_form(scope->http, &explore->form, err) ||
        !range_params_parse(&explore->form, scope->now_ns, NS_PER_HOUR, &range, err))
        return false;
    if ((selector == SELECTOR_REQUIRED || selector == SELECTOR_OR_ALL) &&
        (!direction_param_parse(&explore->form, &direction, err) || !steps_params_parse(&explore->form, &range, &explore->step_ns, &interval_ns, err)))
        return false;
    if (selector == SELECTOR_REQUIRED && !limit_param_parse(&explore->form, "limit", 100, &limit, err))
        return false;
    bool is_given = param_get(&explore->form, "query", &text);
    if ((is_given || selector != SELECTOR_OPTIONAL) &&
        !logql_parse_matchers(text, selector != SELECTOR_REQUIRED && selector != SELECTOR_OPTIONAL, &scope->http->arena, &explore->matchers, &explore->matcher_count, err))
        return false;
    int64_t lookback = scope->caller->limits->max_query_lookback;
    if (lookback > 0 && range.start_ns < scope->now_ns - lookback)
        range.start_ns = scope->now_ns - lookback;
    explore->request = (struct scan_request){
        .tenant = scope->caller->tenants[0],
        .start_ns = range.start_ns,
        .end_ns = range.end_ns,
        .matchers = explore->matchers,
        .matcher_count = explore->matcher_count,
    };
    return true;
}

bool explore_check_length(const struct explore *explore, const struct query_scope *scope, struct err *err)
{
    return query_limits_check_length(scope->caller->limits, explore->request.start_ns, explore->request.end_ns, err);
}

void explore_fini(struct explore *explore)
{
    for (size_t i = 0; i < explore->matcher_count; i++)
        matcher_fini(&explore->matchers[i]);
}

bool explore_visit(struct explore *explore, struct query_scope *scope, bool (*before)(void *self, const struct scan *scan, struct err *err),
                   bool (*visit)(void *self, struct unit_scan *units, size_t unit, size_t worker, struct err *err), void *self, struct err *err)
{
    struct scan *scan = NULL;
    struct unit_scan units;
    if (explore->request.start_ns > explore->request.end_ns) // the look-back limit left nothing
        return true;
    if (!scope->source->scan_open(scope->source->self, &explore->request, &scope->control, &scan, err))
        return false;
    unit_scan_init(&units, scope->source, store_executor(scope->api->store), &scope->control, scan, true);
    units.visit = visit;
    units.visit_self = self;
    bool ok = (before == NULL || before(self, scan, err)) && unit_scan_run(&units, 0, scan->unit_count, err);
    unit_scan_fini(&units);
    return ok;
}

void explore_reply(struct query_scope *scope, const char *type, bool ok, struct buf *body, const struct err *err)
{
    struct http_request *http = scope->http;
    metadata_metrics_done(scope, type, ok ? NULL : err);
    query_scope_end(scope);
    if (ok) {
        http_reply_json(http, 200, body);
        return;
    }
    buf_fini(body);
    query_reply_err(http, err);
}
