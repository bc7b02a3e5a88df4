/* caller.h: who makes a request: the tenants that it names, and their limits. Rules: spec http-api.md section 2. */
#pragma once

#include "net/auth/users.h"
#include "net/http/request.h"
#include "net/tenancy/limits_book.h"

enum tenancy_mode {
    TENANCY_OPTIONAL, /* the header is honoured when it is there; else the default tenant */
    TENANCY_SINGLE,   /* the header is ignored */
    TENANCY_REQUIRED, /* 401 without it */
};

struct tenancy {
    enum tenancy_mode mode;
    struct slice default_tenant;
    bool several_tenants; /* a|b in queries */
    bool request_limits;  /* X-Loki-Query-Limits is honoured */
};

#define CALLER_TENANTS_MAX 64

struct caller {
    struct slice tenants[CALLER_TENANTS_MAX]; /* sorted, unique */
    size_t tenant_count;
    struct limits_book *book;
    const struct limits *limits; /* of the one tenant, or the strictest of several, and what the request tightens of them */
};

/* Fills request->user_state with a caller, in the request's arena, or replies (401, 403, 400) and returns false. several: the route takes more than one.
 * user: who has logged in; NULL: nobody has to. Without the header a user's first tenant is meant. */
bool caller_admit(struct http_request *request, const struct tenancy *tenancy, struct limits_shelf *shelf, bool several,
                  const struct user *user) MUST_CHECK;
/* Gives back what admit took; fine without. */
void caller_release(const struct http_request *request);

static inline const struct caller *caller_of(const struct http_request *request)
{
    return (const struct caller *)request->user_state;
}
