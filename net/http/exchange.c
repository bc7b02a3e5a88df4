#include "net/http/exchange.h"

#include <arpa/inet.h>

#include "core/base/mem.h"

void exchange_unref(struct http_exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->refs, 1) > 1)
        return;
    struct http_server *server = exchange->loop->server;
    atomic_fetch_sub(&server->body_bytes, exchange->request.body.len);
    atomic_fetch_sub(&server->requests_under_way, 1);
    buf_fini(&exchange->reply.body);
    arena_fini(&exchange->request.arena);
    mem_free(exchange);
}

/* The handler's. */
static void handler_unref(struct http_exchange *exchange)
{
    atomic_fetch_sub(&exchange->loop->server->requests_unanswered, 1);
    exchange_unref(exchange);
}

void exchange_leave(struct http_exchange *exchange)
{
    if (atomic_exchange(&exchange->is_gone, true))
        return;
    if (exchange->request.on_gone != NULL)
        exchange->request.on_gone(&exchange->request);
}

/* libh2o ends its request: answered in full, or the client left. */
static void on_h2o_dispose(void *slot)
{
    struct http_exchange *exchange = *(struct http_exchange **)slot;
    exchange->h2o = NULL;
    if (exchange->is_open) {
        h2o_linklist_unlink(&exchange->link);
        exchange->is_open = false;
        exchange_leave(exchange);
    }
    exchange_unref(exchange);
}

static enum http_method method_of(struct slice text)
{
    static const struct {
        struct slice text;
        enum http_method method;
    } known[] = {
        {{"GET", 3}, HTTP_GET},       {{"POST", 4}, HTTP_POST}, {{"PUT", 3}, HTTP_PUT},
        {{"DELETE", 6}, HTTP_DELETE}, {{"HEAD", 4}, HTTP_HEAD}, {{"OPTIONS", 7}, HTTP_OPTIONS},
    };
    for (size_t i = 0; i < LENGTH(known); i++) {
        if (slice_eq(text, known[i].text))
            return known[i].method;
    }
    return HTTP_OTHER;
}

static struct slice copy_lower(struct arena *arena, struct slice text)
{
    char *to = arena_alloc(arena, text.len, 1);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] + 32) : text.ptr[i];
    return slice_of(to, text.len);
}

static void copy_headers(struct http_request *request, const h2o_req_t *req)
{
    // Host, Upgrade and Expect are not in libh2o's list; authority stands for the first.
    struct http_header *headers = ARENA_ARRAY(&request->arena, struct http_header, req->headers.size + 2);
    size_t count = 0;
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *from = &req->headers.entries[i];
        headers[count].name = copy_lower(&request->arena, slice_of(from->name->base, from->name->len));
        headers[count].value =
            arena_copy(&request->arena, slice_trim(slice_of(from->value.base, from->value.len)));
        count++;
    }
    headers[count++] = (struct http_header){
        SLICE("host"), arena_copy(&request->arena, slice_of(req->input.authority.base, req->input.authority.len))};
    if (req->upgrade.base != NULL)
        headers[count++] =
            (struct http_header){SLICE("upgrade"), arena_copy(&request->arena, slice_trim(slice_of(req->upgrade.base, req->upgrade.len)))};
    request->headers = headers;
    request->header_count = count;
}

static struct slice copy_peer(struct arena *arena, h2o_conn_t *conn)
{
    struct sockaddr_storage name;
    char text[INET6_ADDRSTRLEN] = "";
    if (conn->callbacks->get_peername(conn, (struct sockaddr *)&name) == 0)
        return SLICE("unknown");
    if (name.ss_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&name;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        return arena_printf(arena, "[%s]:%u", text, ntohs(v6->sin6_port));
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)&name;
    (void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return arena_printf(arena, "%s:%u", text, ntohs(v4->sin_port));
}

// libh2o ends a connection after each Connection header without "keep-alive"; in HTTP/1.1 only "close" says so (RFC 9112 section 9.3), and
// Java's client offers h2c in that header with each request.
static bool stays_open(const h2o_req_t *req)
{
    ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, -1);
    if (req->version < 0x101 || at == -1)
        return req->http1_is_persistent;
    for (; at != -1; at = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, at)) {
        h2o_iovec_t value = req->headers.entries[at].value;
        if (h2o_contains_token(value.base, value.len, H2O_STRLIT("close"), ','))
            return false;
    }
    return true;
}

struct http_exchange *exchange_create(struct http_loop *loop, h2o_req_t *req)
{
    struct http_exchange *exchange = mem_zero(sizeof(*exchange));
    struct http_request *request = &exchange->request;
    exchange->loop = loop;
    exchange->h2o = req;
    req->http1_is_persistent = stays_open(req);
    exchange->start_mono_ns = clock_mono_ns(loop->server->config.clock);
    atomic_init(&exchange->refs, 2);
    request->exchange = exchange;
    request->app = loop->server->config.app;
    request->arena = ARENA_INIT;
    request->method_text = arena_copy(&request->arena, slice_of(req->input.method.base, req->input.method.len));
    request->method = method_of(request->method_text);
    struct slice target = slice_of(req->input.path.base, req->input.path.len);
    if (req->input.query_at != SIZE_MAX)
        request->query = arena_copy(&request->arena, slice_from(target, req->input.query_at + 1));
    copy_headers(request, req);
    request->peer = copy_peer(&request->arena, req->conn);
    if (req->entity.base != NULL)
        request->body = arena_copy(&request->arena, slice_of(req->entity.base, req->entity.len));
    atomic_fetch_add(&loop->server->body_bytes, request->body.len);
    atomic_fetch_add(&loop->server->requests_under_way, 1);
    atomic_fetch_add(&loop->server->requests_unanswered, 1);

    struct http_exchange **slot = h2o_mem_alloc_shared(&req->pool, sizeof(*slot), on_h2o_dispose);
    *slot = exchange;
    h2o_linklist_insert(&loop->under_way, &exchange->link);
    exchange->is_open = true;
    return exchange;
}

/* libh2o keeps the status line's reason as a plain C string. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},          {202, "Accepted"},          {204, "No Content"},       {301, "Moved Permanently"},
        {400, "Bad Request"}, {401, "Unauthorized"},      {403, "Forbidden"},        {404, "Not Found"},
        {405, "Method Not Allowed"},                      {408, "Request Timeout"},  {413, "Payload Too Large"},
        {414, "URI Too Long"},                            {415, "Unsupported Media Type"},
        {422, "Unprocessable Entity"},                    {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},         {499, "Client Closed Request"},
        {500, "Internal Server Error"},                   {501, "Not Implemented"},
        {503, "Service Unavailable"},                     {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},              {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < LENGTH(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Status";
}

static void on_body_dispose(void *slot)
{
    buf_fini(slot);
}

static void send_body(h2o_req_t *req, struct http_reply *reply)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_iovec_t bytes = h2o_iovec_init(reply->body.ptr, reply->body.len);
    if (reply->body.ptr != NULL) { // lives as long as libh2o's request, which may send it over many turns
        struct buf *slot = h2o_mem_alloc_shared(&req->pool, sizeof(*slot), on_body_dispose);
        *slot = reply->body;
        reply->body = BUF_INIT;
    }
    // 204 and 304 have no length; HEAD keeps the one that GET would have.
    req->res.content_length = req->res.status == 204 ? SIZE_MAX : bytes.len;
    bool no_body = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD")) || req->res.status == 204;
    h2o_start_response(req, &generator);
    h2o_send(req, &bytes, bytes.len > 0 && !no_body ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void exchange_send(struct http_exchange *exchange)
{
    struct http_server *server = exchange->loop->server;
    struct http_reply *reply = &exchange->reply;
    h2o_req_t *req = exchange->h2o;
    if (server->config.observe != NULL) {
        int64_t took_ns = clock_mono_ns(server->config.clock) - exchange->start_mono_ns;
        server->config.observe(&exchange->request, reply->status, reply->body.len, took_ns);
    }
    if (req != NULL) {
        req->res.status = reply->status;
        req->res.reason = reason_of(reply->status);
        if (reply->content_type != NULL)
            h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("content-type"), 1, NULL,
                                  reply->content_type, strlen(reply->content_type));
        for (size_t i = 0; i < reply->header_count; i++) {
            const struct http_header *header = &reply->headers[i];
            h2o_iovec_t value = h2o_strdup(&req->pool, header->value.ptr, header->value.len);
            h2o_iovec_t name = h2o_strdup(&req->pool, header->name.ptr, header->name.len);
            h2o_add_header_by_str(&req->pool, &req->res.headers, name.base, name.len, 1, name.base, value.base, value.len);
        }
        if (reply->close)
            req->http1_is_persistent = 0;
        if (exchange->is_open) {
            h2o_linklist_unlink(&exchange->link);
            exchange->is_open = false;
        }
        send_body(req, reply);
    }
    handler_unref(exchange);
}

void exchange_detach(struct http_exchange *exchange)
{
    if (exchange->is_open) {
        h2o_linklist_unlink(&exchange->link);
        exchange->is_open = false;
    }
    handler_unref(exchange);
}
