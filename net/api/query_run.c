#include "net/api/query_run.h"

/* The loop calls this when the client leaves, perhaps while the query runs, perhaps before: so what it touches lives in the request. */
struct query_watch {
    _Atomic(struct query_control *) control;
    atomic_flag busy;
};

static void lock(struct query_watch *watch)
{
    while (atomic_flag_test_and_set(&watch->busy))
        ;
}

static void unlock(struct query_watch *watch)
{
    atomic_flag_clear(&watch->busy);
}

static void on_gone(struct http_request *http)
{
    struct query_watch *watch = http->state;
    if (watch == NULL)
        return;
    lock(watch); // held for a few instructions only
    struct query_control *control = atomic_load(&watch->control);
    if (control != NULL)
        atomic_store(&control->is_cancelled, true);
    unlock(watch);
}

void query_watch_prepare(struct http_request *http)
{
    struct query_watch *watch = ARENA_NEW(&http->arena, struct query_watch);
    atomic_flag_clear(&watch->busy);
    http->state = watch;
    http->on_gone = on_gone;
}

void query_scope_begin(struct query_scope *scope, struct http_request *http)
{
    struct api *api = api_of(http);
    const struct caller *caller = caller_of(http);
    (void)memory_budget_look(api->memory, clock_mono_ns(api->clock));
    *scope = (struct query_scope){
        .http = http,
        .api = api,
        .caller = caller,
        .source = store_source(api->store),
        .start_mono_ns = clock_mono_ns(api->clock),
        .now_ns = clock_wall_ns(api->clock),
    };
    if (caller->tenant_count > 1) {
        tenants_source_init(&scope->tenants, scope->source, caller->tenants, caller->tenant_count);
        scope->source = &scope->tenants.source;
    }
    query_control_begin(&scope->control, api->clock, caller->limits, api->memory);
    struct query_watch *watch = http->state;
    if (watch != NULL) {
        lock(watch);
        atomic_store(&watch->control, &scope->control);
        unlock(watch);
    }
    if (http_request_is_gone(http))
        atomic_store(&scope->control.is_cancelled, true);
}

void query_scope_end(struct query_scope *scope)
{
    struct query_watch *watch = scope->http->state;
    if (watch != NULL) {
        lock(watch);
        atomic_store(&watch->control, NULL);
        unlock(watch);
    }
    query_control_end(&scope->control);
}

void query_reply_err(struct http_request *http, const struct err *err)
{
    if (err->code == ERR_CANCELLED && http_request_is_given_up(http)) {
        http_reply_text(http, 503, SLICE("the server is stopping"));
        return;
    }
    http_reply_text(http, http_status_of(err->code), slice_str(err->text));
}
