#include "net/api/admission.h"

#include <openssl/crypto.h>

#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/api/api.h"
#include "net/auth/login.h"
#include "net/auth/password.h"
#include "net/codec/base64.h"
#include "net/http/server.h"

#define CREDENTIALS_BYTES_MAX (USER_NAME_BYTES_MAX + 1 + PASSWORD_BYTES_MAX)

struct credentials {
    char bytes[BASE64_DECODED_MAX(CREDENTIALS_BYTES_MAX / 3 * 4 + 8)];
    struct slice user, password;
};

/* A request whose password is being checked; in its arena. */
struct admission {
    struct http_request *request;
    struct slice user;
    enum login_outcome outcome;
};

static void count(const char *method, const char *result)
{
    const struct slice labels[] = {slice_str(method), slice_str(result)};
    metric_add(metric_get(METRIC_logi_auth_requests_total, labels), 1);
}

static void refuse(struct http_request *request, int status, struct slice text)
{
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8"};
    buf_put(&reply.body, text);
    http_reply_header(&reply, SLICE("x-content-type-options"), SLICE("nosniff"));
    if (status == 401) {
        http_reply_header(&reply, SLICE("www-authenticate"), SLICE("Basic realm=\"logi\", charset=\"UTF-8\""));
        http_reply_header(&reply, SLICE("www-authenticate"), SLICE("Bearer realm=\"logi\""));
    }
    if (status == 503)
        http_reply_header(&reply, SLICE("retry-after"), SLICE("1"));
    api_rejected(request->app, "auth");
    if ((request->route->flags & ROUTE_TENANTS) != 0) // what queries use
        metric_add(metric_get1(METRIC_logi_query_rejected_total, SLICE("auth")), 1);
    http_reply(request, &reply);
}

static enum access access_of(const struct api *api, const struct http_route *route)
{
    if ((route->flags & ROUTE_METRICS) != 0)
        return api->metrics_access;
    if ((route->flags & ROUTE_PUBLIC) != 0)
        return api->ready_access;
    return (route->flags & ROUTE_ADMIN) != 0 ? ACCESS_ADMIN : ACCESS_USER;
}

static bool tenants_check(struct http_request *request, const struct user *user)
{
    struct api *api = api_of(request);
    unsigned flags = request->route->flags;
    if ((flags & (ROUTE_TENANT | ROUTE_TENANTS)) == 0)
        return true;
    return caller_admit(request, &api->tenancy, api->limits, (flags & ROUTE_TENANTS) != 0, user);
}

/* method: of the metric; user NULL: nobody has the token, or the user was taken out of the file since the password was checked. */
static bool user_check(struct http_request *request, const char *method, const struct user *user)
{
    if (user == NULL) {
        count(method, "denied");
        refuse(request, 401, strcmp(method, "bearer") == 0 ? SLICE("unknown token\n") : SLICE("wrong user or password\n"));
        return false;
    }
    if (access_of(api_of(request), request->route) == ACCESS_ADMIN && !user->is_admin) {
        count(method, "denied");
        refuse(request, 403, arena_printf(&request->arena, "user '%.*s' may not use administrative routes\n", SLICE_ARG(user->name)));
        return false;
    }
    count(method, "ok");
    return tenants_check(request, user);
}

/* What follows once the password has been checked; LOGIN_WAIT never comes here. */
static bool outcome_check(struct http_request *request, struct slice name, enum login_outcome outcome)
{
    struct api *api = api_of(request);
    if (outcome == LOGIN_BUSY) {
        count("basic", "error");
        refuse(request, 503, SLICE("too many logins wait to be checked: come again\n"));
        return false;
    }
    if (outcome != LOGIN_OK) {
        count("basic", "denied");
        refuse(request, 401, SLICE("wrong user or password\n"));
        return false;
    }
    struct users *users = login_users(api->login);
    bool ok = user_check(request, "basic", users_find(users, name));
    users_unref(users);
    return ok;
}

static void on_loop(void *self)
{
    struct admission *admission = self;
    struct http_request *request = admission->request;
    if (http_request_is_gone(request))
        http_reply_status(request, 499);
    else if (outcome_check(request, admission->user, admission->outcome))
        http_request_go_on(request);
}

static void on_checked(void *self, enum login_outcome outcome)
{
    struct admission *admission = self;
    admission->outcome = outcome;
    http_request_post(admission->request, on_loop, admission);
}

/* RFC 7617: the scheme without case, one or more spaces, base64 of user:password. */
static bool credentials_parse(struct slice header, struct credentials *out)
{
    size_t len = 0;
    struct slice scheme = slice_of(header.ptr, slice_find_byte(header, ' '));
    struct slice text = slice_trim(slice_from(header, scheme.len));
    if (!slice_eq_nocase(scheme, SLICE("basic")) || BASE64_DECODED_MAX(text.len) > sizeof(out->bytes) || !base64_get(text, out->bytes, &len))
        return false;
    struct slice pair = slice_of(out->bytes, len);
    size_t colon = slice_find_byte(pair, ':');
    out->user = slice_of(pair.ptr, colon);
    out->password = colon < len ? slice_from(pair, colon + 1) : SLICE("");
    return colon < len;
}

static struct slice address_of(struct slice peer)
{
    size_t end = peer.len;
    while (end > 0 && peer.ptr[end - 1] != ':')
        end--;
    return slice_of(peer.ptr, end);
}

/* RFC 6750, 2.1. False: another scheme. */
static bool bearer_parse(struct slice header, struct slice *out_token)
{
    struct slice scheme = slice_of(header.ptr, slice_find_byte(header, ' '));
    *out_token = slice_trim(slice_from(header, scheme.len));
    return slice_eq_nocase(scheme, SLICE("bearer"));
}

static bool login_begin(struct http_request *request, struct slice header)
{
    struct credentials credentials;
    struct slice token;
    if (bearer_parse(header, &token)) { // a hash and a look-up: done at once
        struct users *users = login_users(api_of(request)->login);
        bool ok = user_check(request, "bearer", users_find_token(users, token));
        users_unref(users);
        return ok;
    }
    if (!credentials_parse(header, &credentials)) {
        count("basic", "error");
        refuse(request, 401, SLICE("the Authorization header is neither HTTP basic authentication with a user and a password, nor a bearer token\n"));
        return false;
    }
    struct admission *admission = ARENA_NEW(&request->arena, struct admission);
    *admission = (struct admission){.request = request, .user = arena_copy(&request->arena, credentials.user)};
    struct slice name = admission->user; // admission may be in other hands as soon as the check waits
    enum login_outcome outcome =
        login_check(api_of(request)->login, name, credentials.password, address_of(request->peer), on_checked, admission);
    OPENSSL_cleanse(credentials.bytes, sizeof(credentials.bytes));
    return outcome != LOGIN_WAIT && outcome_check(request, name, outcome);
}

bool admission_check(struct http_request *request)
{
    struct api *api = api_of(request);
    struct slice header;
    struct slice second;
    if (api->login == NULL || access_of(api, request->route) == ACCESS_PUBLIC)
        return tenants_check(request, NULL);
    if (!http_header_get(request, SLICE("authorization"), &header) || header.len == 0) {
        count("none", "denied");
        refuse(request, 401, SLICE("a user and a password are wanted, or a bearer token\n"));
        return false;
    }
    if (http_header_at(request, SLICE("authorization"), 1, &second)) { // a proxy in front may have read the other one
        count("basic", "error");
        refuse(request, 400, SLICE("more than one Authorization header\n"));
        return false;
    }
    return login_begin(request, header);
}
