#include "net/tenancy/caller.h"

#include "core/model/tenant.h"

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

static void limits_find(struct http_request *request, struct caller *caller)
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
    limits_find(request, caller);
    request->user_state = caller;
    return true;
}

void caller_release(const struct http_request *request)
{
    if (request->user_state != NULL)
        limits_book_unref(caller_of(request)->book);
}
