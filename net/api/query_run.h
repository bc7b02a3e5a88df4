/* query_run.h: one query request on the pool: its control (deadline, memory, cancel when the client leaves), its tenants' source, its log line and metrics.
 * Thread: a pool thread. */
#pragma once

#include "core/plan/query.h"
#include "core/plan/tenants_source.h"
#include "net/api/api.h"

struct query_scope {
    struct http_request *http;
    struct api *api;
    const struct caller *caller;
    struct query_control control;
    const struct source *source; /* of the caller's tenant or tenants */
    struct tenants_source tenants; /* with several: what source points to */
    int64_t start_mono_ns, now_ns;
};

/* Binds the control to the request: from here on its leaving cancels. */
void query_scope_begin(struct query_scope *scope, struct http_request *http);
/* Must be called before the reply. */
void query_scope_end(struct query_scope *scope);

/* The reply to a failed query: text without a newline. */
void query_reply_err(struct http_request *http, const struct err *err);

/* On the loop, before the request goes to the pool: makes on_gone find its control later. */
void query_watch_prepare(struct http_request *http);
