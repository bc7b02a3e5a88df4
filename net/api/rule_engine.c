#include "net/api/rule_engine.h"

#include "core/logql/parser.h"
#include "core/pipeline/expr_check.h"
#include "net/api/query_scheduler.h"

static bool submit(void *self, struct slice tenant, void (*task)(void *task_self), void *task_self)
{
    const struct api *api = self;
    return query_scheduler_submit(api->scheduler, tenant, task, task_self);
}

static bool query(void *self, struct slice tenant, struct slice text, int64_t ts_ns, struct query_control *control, struct arena *arena,
                  struct query_result *out, struct err *err)
{
    const struct api *api = self;
    struct limits_book *book = limits_shelf_take(api->limits);
    const struct limits *limits = limits_book_find(book, tenant);
    struct expr *expr = NULL;
    struct query_request request = {.tenant = tenant, .is_instant = true, .start_ns = ts_ns, .end_ns = ts_ns, .limit = 100, .limits = limits,
                                    .now_ns = clock_wall_ns(api->clock)};
    query_control_begin(control, api->clock, limits, api->memory);
    bool ok = logql_parse(text, arena, &expr, err);
    if (ok) {
        request.expr = expr;
        ok = expr_check_pipelines(expr, arena, err) &&
             query_run(store_source(api->store), store_executor(api->store), &request, control, arena, out, err);
        expr_fini(expr);
    }
    query_control_end(control); // what the result takes is little: it is bounded by max_query_series
    limits_book_unref(book);
    return ok;
}

static bool is_ready(void *self)
{
    const struct api *api = self;
    struct err err;
    return store_ready(api->store, &err);
}

static bool sends_samples(void *self, struct slice tenant)
{
    const struct api *api = self;
    struct limits_book *book = limits_shelf_take(api->limits);
    bool sends = !limits_book_find(book, tenant)->ruler_remote_write_disabled;
    limits_book_unref(book);
    return sends;
}

struct rule_engine rule_engine_of(struct api *api)
{
    return (struct rule_engine){.self = api, .submit = submit, .query = query, .is_ready = is_ready, .sends_samples = sends_samples};
}
