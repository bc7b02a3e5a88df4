#include "net/tenancy/caller.h"

#include "core/base/logger.h"
#include "core/model/tenant.h"
#include "net/tenancy/request_limits.h"

static bool tenants_name(struct http_request *request, const struct tenancy *tenancy, const struct user *user, struct caller *caller, struct err *err)
{
    struct slice header;
    bool has_header = http_header_get(request, SLICE("x-scope-orgid"), &header) && header.len > 0;
    bool has_own = user != NULL && user->tenant_count > 0 && !user->any_first;
    if (tenancy->mode != TENANCY_SINGLE && has_header)
        return tenant_header_parse(header, caller->tenants, CALLER_TENANTS_MAX, &caller->tenant_count, err);
    if (tenancy->mode == TENANCY_REQUIRED && !has_own)
        return err_set(err, ERR_FORBIDDEN, "no org id\n");
    bool is_own = tenancy->mode != TENANCY_SINGLE && has_own;
    caller->tenants[0] = is_own ? arena_copy(&request->arena, user->tenants[0]) : tenancy->default_tenant;
    caller->tenant_count = 1;
    return true;
}

/* False: it has replied. */
static bool tenants_find(struct http_request *request, const struct tenancy *tenancy, const struct user *user, struct caller *caller)
{
    struct err err = {.code = ERR_NONE};
    if (!tenants_name(request, tenancy, user, caller, &err)) {
        http_reply_text(request, err.code == ERR_FORBIDDEN ? 401 : 400, slice_str(err.text));
        return false;
    }
    for (size_t i = 0; user != NULL && i < caller->tenant_count; i++) {
        if (user_may_use(user, caller->tenants[i]))
            continue;
        http_reply_text(request, 403,
                        arena_printf(&request->arena, "user '%.*s' may not use tenant '%.*s'\n", SLICE_ARG(user->name), SLICE_ARG(caller->tenants[i])));
        return false;
    }
    return true;
}

/* As in Loki, a header that cannot be read is told in the log and changes nothing. */
static void limits_tighten(struct http_request *request, struct caller *caller)
{
    struct slice header;
    struct err err = {.code = ERR_NONE};
    if (!http_header_get(request, SLICE("x-loki-query-limits"), &header))
        return;
    struct limits *tightened = ARENA_NEW(&request->arena, struct limits);
    *tightened = *caller->limits;
    if (request_limits_tighten(header, &request->arena, tightened, &err))
        caller->limits = tightened;
    else
        log_warn("querier", "X-Loki-Query-Limits cannot be read, and is passed over", "org_id",
                 arena_printf(&request->arena, "%.*s", SLICE_ARG(caller->tenants[0])).ptr, "err", err.text);
}

static void limits_find(struct http_request *request, const struct tenancy *tenancy, struct caller *caller)
{
    const struct limits *all[CALLER_TENANTS_MAX] = {NULL};
    for (size_t i = 0; i < caller->tenant_count; i++)
        all[i] = limits_book_find(caller->book, caller->tenants[i]);
    caller->limits = all[0];
    if (caller->tenant_count > 1) {
        struct limits *strictest = ARENA_NEW(&request->arena, struct limits);
        limits_strictest(all, caller->tenant_count, &request->arena, strictest);
        caller->limits = strictest;
    }
    if (tenancy->request_limits)
        limits_tighten(request, caller);
}

bool caller_admit(struct http_request *request, const struct tenancy *tenancy, struct limits_shelf *shelf, bool several, const struct user *user)
{
    struct caller *caller = ARENA_NEW(&request->arena, struct caller);
    if (!tenants_find(request, tenancy, user, caller))
        return false;
    if (caller->tenant_count > 1 && (!several || !tenancy->several_tenants)) {
        http_reply_text(request, 400, SLICE("multiple org IDs present"));
        return false;
    }
    caller->book = limits_shelf_take(shelf);
    limits_find(request, tenancy, caller);
    request->user_state = caller;
    return true;
}

void caller_release(const struct http_request *request)
{
    if (request->user_state != NULL)
        limits_book_unref(caller_of(request)->book);
}
