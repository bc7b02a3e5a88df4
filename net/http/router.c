#include "net/http/router.h"

#include "core/base/mem.h"

struct router {
    const struct http_route **routes;
    size_t count;
};

struct router *router_create(void)
{
    return mem_zero(sizeof(struct router));
}

void router_add(struct router *router, const struct http_route *routes, size_t count)
{
    router->routes = mem_grow(router->routes, router->count + count, sizeof(*router->routes));
    for (size_t i = 0; i < count; i++)
        router->routes[router->count++] = &routes[i];
}

void router_destroy(struct router *router)
{
    if (router == NULL)
        return;
    mem_free(router->routes);
    mem_free(router);
}

size_t router_count(const struct router *router)
{
    return router->count;
}

const struct http_route *router_at(const struct router *router, size_t i)
{
    return router->routes[i];
}

/* The path without empty and dot segments, as Go's path.Clean with a trailing slash kept; true if that is another one. */
static bool path_clean(struct slice path, struct arena *arena, struct slice *out)
{
    char *to = arena_alloc(arena, path.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < path.len;) {
        size_t begin = i + 1; // path[i] is '/'
        size_t end = begin;
        while (end < path.len && path.ptr[end] != '/')
            end++;
        struct slice segment = slice_of(path.ptr + begin, end - begin);
        bool is_last = end == path.len;
        if (slice_eq(segment, SLICE(".."))) {
            while (n > 0 && to[--n] != '/')
                ;
        } else if (segment.len > 0 && !slice_eq(segment, SLICE("."))) {
            to[n++] = '/';
            memcpy(to + n, segment.ptr, segment.len);
            n += segment.len;
        }
        if (is_last && (segment.len == 0 || slice_eq(segment, SLICE(".")) || slice_eq(segment, SLICE(".."))))
            to[n++] = '/';
        i = end;
    }
    *out = slice_of(to, n);
    return !slice_eq(*out, path);
}

/* False where a decoded byte would be read as structure: %2F, %5C, %00, or a segment that became . or .. */
static bool is_plain(struct slice raw, struct slice decoded, struct arena *arena)
{
    size_t slashes = 0;
    size_t decoded_slashes = 0;
    for (size_t i = 0; i < raw.len; i++)
        slashes += raw.ptr[i] == '/';
    for (size_t i = 0; i < decoded.len; i++) {
        decoded_slashes += decoded.ptr[i] == '/';
        if (decoded.ptr[i] == '\0' || decoded.ptr[i] == '\\')
            return false;
    }
    struct slice cleaned;
    return slashes == decoded_slashes && !path_clean(decoded, arena, &cleaned);
}

static bool pattern_matches(const char *pattern, struct slice path, struct slice args[HTTP_PATH_ARGS_MAX])
{
    size_t arg = 0;
    size_t at = 0;
    for (const char *p = pattern; *p != '\0';) {
        if (*p == '{') {
            size_t begin = at;
            while (at < path.len && path.ptr[at] != '/')
                at++;
            if (at == begin || arg == HTTP_PATH_ARGS_MAX)
                return false;
            args[arg++] = slice_of(path.ptr + begin, at - begin);
            p = strchr(p, '}') + 1;
        } else if (at < path.len && path.ptr[at] == *p) {
            at++;
            p++;
        } else {
            return false;
        }
    }
    return at == path.len;
}

enum route_outcome router_find(const struct router *router, struct slice raw_path, struct http_request *request,
                               struct slice *out_location)
{
    struct err err;
    if (!percent_decode(raw_path, false, &request->arena, &request->path, &err))
        return ROUTE_MALFORMED; // as Go's server: before anything else is looked at
    if (raw_path.len == 0 || raw_path.ptr[0] != '/')
        return ROUTE_NOT_FOUND;
    if (path_clean(raw_path, &request->arena, out_location))
        return ROUTE_REDIRECT;
    if (!is_plain(raw_path, request->path, &request->arena))
        return ROUTE_NOT_FOUND;
    enum route_outcome outcome = ROUTE_NOT_FOUND;
    for (size_t i = 0; i < router->count; i++) {
        const struct http_route *route = router->routes[i];
        if (!pattern_matches(route->pattern, request->path, request->path_args))
            continue;
        request->route = route;
        if ((route->methods & (unsigned)request->method) != 0 || (route->flags & ROUTE_ANY_METHOD) != 0)
            return ROUTE_FOUND;
        request->allowed |= route->methods;
        outcome = ROUTE_WRONG_METHOD;
    }
    return outcome;
}
