#include "net/http/server.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "net/http/exchange.h"
#include "net/http/handshakes.h"
#include "net/http/head_check.h"
#include "net/http/listener.h"
#include "net/http/sweeper.h"

#define GIVE_UP_NS (10 * NS_PER_S) /* for requests that were told to end */

struct app_handler {
    h2o_handler_t super; /* first */
    struct http_server *server;
    const struct router *router;
};

void http_server_config_defaults(struct http_server_config *out)
{
    *out = (struct http_server_config){
        .body_bytes_max = (size_t)100 << 20,
        .body_mmap_bytes = (size_t)8 << 20,
        .body_budget_bytes = (size_t)256 << 20,
        .connections_max = 16384,
        .head_timeout_ns = 10 * NS_PER_S,
        .idle_timeout_ns = 120 * NS_PER_S,
        .body_rate_window_ns = 30 * NS_PER_S,
        .body_rate_bytes = 30 * 1024,
        .write_timeout_ns = 60 * NS_PER_S,
        .clock = &system_clock,
    };
}

/* Work that nobody waits for any more, or that the stop of the server has no time for, is not begun. */
static void run_on_pool(void *self)
{
    struct http_request *request = self;
    if (http_request_is_given_up(request))
        http_reply_text(request, 503, SLICE("the server is stopping\n"));
    else if (http_request_is_gone(request))
        http_reply_status(request, 499);
    else
        request->route->handle(request);
}

static void reject(struct http_request *request, int status, const char *text, const char *reason)
{
    const struct http_server_config *config = &request->exchange->loop->server->config;
    if (config->rejected != NULL)
        config->rejected(config->app, reason);
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8", .close = true};
    buf_printf(&reply.body, "%s\n", text);
    http_reply_header(&reply, SLICE("x-content-type-options"), SLICE("nosniff"));
    http_reply(request, &reply);
}

static void redirect(struct http_request *request, struct slice location)
{
    struct http_reply reply = {.status = 301, .content_type = "text/html; charset=utf-8"};
    struct slice to = request->query.len == 0 ? location
                                              : arena_printf(&request->arena, "%.*s?%.*s", SLICE_ARG(location),
                                                             SLICE_ARG(request->query));
    http_reply_header(&reply, SLICE("location"), to);
    http_reply(request, &reply);
}

/* 405 has no body, as Loki's; RFC 9110 15.5.6 wants the methods told. */
static void refuse_method(struct http_request *request)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"};
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < LENGTH(names); i++) {
        if ((request->allowed & 1u << i) != 0)
            buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", names[i]);
    }
    struct http_reply reply = {.status = 405};
    http_reply_header(&reply, SLICE("allow"), arena_copy(&request->arena, buf_slice(&list)));
    buf_fini(&list);
    http_reply(request, &reply);
}

static void dispatch(struct http_request *request, const struct router *router, struct slice raw_path)
{
    const struct http_server_config *config = &request->exchange->loop->server->config;
    struct slice location;
    switch (router_find(router, raw_path, request, &location)) {
    case ROUTE_REDIRECT:
        redirect(request, location);
        return;
    case ROUTE_MALFORMED:
        reject(request, 400, "400 Bad Request", "parse");
        return;
    case ROUTE_NOT_FOUND:
        http_reply_text(request, 404, SLICE("404 page not found\n"));
        return;
    case ROUTE_WRONG_METHOD:
        refuse_method(request);
        return;
    case ROUTE_FOUND:
        break;
    }
    if (config->admit == NULL || config->admit(request))
        http_request_go_on(request);
}

void http_request_go_on(struct http_request *request)
{
    const struct http_server_config *config = &request->exchange->loop->server->config;
    if ((request->route->flags & ROUTE_ON_POOL) == 0)
        request->route->handle(request);
    else if (!config->run(request, run_on_pool))
        http_reply_text(request, 429, SLICE("too many outstanding requests\n"));
}

/* The path of the target, without scheme and authority where it has them (RFC 9112 3.2.2). */
static struct slice target_path(const h2o_req_t *req)
{
    struct slice target = slice_of(req->input.path.base, req->input.path.len);
    struct slice path = req->input.query_at == SIZE_MAX ? target : slice_of(target.ptr, req->input.query_at);
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        if (slice_starts(path, schemes[i])) {
            path = slice_from(path, schemes[i].len);
            return slice_from(path, slice_find_byte(path, '/'));
        }
    }
    return path;
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    struct app_handler *handler = (struct app_handler *)self;
    struct http_loop *loop = loop_current();
    struct http_exchange *exchange = exchange_create(loop, req);
    struct http_request *request = &exchange->request;
    const struct http_server_config *config = &loop->server->config;

    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    handshake_served(sock);
    const char *reason = NULL;
    switch (head_check(slice_of(sock->input->bytes, sock->input->size), &reason)) {
    case HEAD_GOOD:
        break;
    case HEAD_BAD:
        reject(request, 400, reason, "parse");
        return 0;
    case HEAD_TARGET_TOO_LONG:
        reject(request, 414, reason, "parse");
        return 0;
    case HEAD_UNSUPPORTED:
        reject(request, 505, reason, "parse");
        return 0;
    }
    if (request->body.len > config->body_bytes_max) {
        struct slice text = arena_printf(&request->arena, "request body too large: message size too large than max (%zu vs %zu)",
                                         request->body.len, config->body_bytes_max);
        reject(request, 413, text.ptr, "too_large"); // arena_printf ends texts with a 0
        return 0;
    }
    if (atomic_load(&loop->server->body_bytes) > config->body_budget_bytes && request->body.len > 0) {
        if (config->rejected != NULL)
            config->rejected(config->app, "overload");
        http_reply_text(request, 503, SLICE("too many request bodies under way\n"));
        return 0;
    }
    dispatch(request, handler->router, target_path(req));
    return 0;
}

static void globals_init(struct http_server *server)
{
    h2o_globalconf_t *global = &server->global;
    const struct http_server_config *config = &server->config;
    h2o_config_init(global);
    global->http1.upgrade_to_http2 = 0;
    global->http1.req_timeout = (uint64_t)(config->idle_timeout_ns / NS_PER_MS);
    global->handshake_timeout = (uint64_t)(config->head_timeout_ns / NS_PER_MS) * 2; // the sweeper's is shorter, and counted
    global->max_request_entity_size = config->body_bytes_max + 1;
    global->server_name = h2o_iovec_init(H2O_STRLIT("logi"));
    for (size_t i = 0; i < config->listener_count; i++) {
        char name[32]; // only tells the listeners' hosts apart: each connection has just one
        (void)snprintf(name, sizeof(name), "listener-%zu", i);
        h2o_hostconf_t *host = h2o_config_register_host(global, h2o_strdup(NULL, name, SIZE_MAX), 65535);
        h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
        struct app_handler *handler = (struct app_handler *)h2o_create_handler(path, sizeof(*handler));
        handler->super.on_req = on_request;
        handler->server = server;
        handler->router = config->listeners[i].router;
    }
    h2o_socket_buffer_mmap_settings.threshold = config->body_mmap_bytes;
    (void)snprintf(h2o_socket_buffer_mmap_settings.fn_template, sizeof(h2o_socket_buffer_mmap_settings.fn_template),
                   "%s/body.XXXXXX", config->body_folder);
}

static bool listeners_open(struct http_server *server, struct err *err)
{
    for (size_t l = 0; l < server->loop_count; l++) {
        for (size_t i = 0; i < server->config.listener_count; i++)
            server->loops[l].listeners[i].fd = -1;
    }
    for (size_t i = 0; i < server->config.listener_count; i++) {
        for (size_t l = 0; l < server->loop_count; l++) {
            int fd = listener_open(server->config.listeners[i].address, &server->ports[i],
                                   server->config.write_timeout_ns, err);
            if (fd < 0 && l == 0 && server->config.listeners[i].is_optional && err->code == ERR_UNAVAILABLE)
                break;
            if (fd < 0)
                return false;
            server->loops[l].listeners[i].fd = fd;
        }
    }
    return true;
}

bool http_server_start(const struct http_server_config *config, struct http_server **out, struct err *err)
{
    struct http_server *server = mem_zero(sizeof(*server));
    server->config = *config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    server->loop_count = config->loops != 0 ? config->loops : cores > 0 ? (size_t)cores : 1;
    server->loops = mem_array(server->loop_count, sizeof(*server->loops));
    bool ok = listeners_open(server, err);
    if (ok)
        globals_init(server);
    for (size_t i = 0; ok && i < server->loop_count; i++) {
        server->loops[i].server = server;
        ok = loop_start(&server->loops[i], err);
    }
    if (!ok) {
        http_server_stop(server, 0);
        return false;
    }
    *out = server;
    return true;
}

static void close_listeners(void *self)
{
    struct http_loop *loop = self;
    for (size_t i = 0; i < loop->server->config.listener_count; i++) {
        if (loop->listeners[i].socket != NULL)
            h2o_socket_close(loop->listeners[i].socket);
        loop->listeners[i].socket = NULL;
    }
    loop->is_accepting = true; // never again: there is nothing to accept from
    websocket_loop_stop(loop);
    h2o_context_request_shutdown(&loop->context);
}

void http_server_stop_accepting(struct http_server *server)
{
    for (size_t i = 0; i < server->loop_count; i++)
        http_loop_post(&server->loops[i], close_listeners, &server->loops[i]);
}

static void leave_all(void *self)
{
    const struct http_loop *loop = self;
    for (h2o_linklist_t *link = loop->under_way.next; link != &loop->under_way; link = link->next)
        exchange_leave(H2O_STRUCT_FROM_MEMBER(struct http_exchange, link, link));
}

/* What has not been answered in time is told to end, and what still waits for its turn is not begun: nothing of it may be under way when the parts of the node
 * that it uses go. */
static void give_up(struct http_server *server)
{
    atomic_store(&server->gives_up, true);
    for (size_t i = 0; i < server->loop_count; i++) {
        if (server->loops[i].has_thread)
            http_loop_post(&server->loops[i], leave_all, &server->loops[i]);
    }
}

static bool has_work(const struct http_server *server)
{
    return atomic_load(&server->requests_under_way) + atomic_load(&server->websockets) > 0;
}

static bool has_unanswered(const struct http_server *server)
{
    return atomic_load(&server->requests_unanswered) > 0;
}

static void wait_while(bool (*is_so)(const struct http_server *server), const struct http_server *server, int64_t ns)
{
    const struct clock *clock = server->config.clock;
    int64_t end_ns = instant_after(clock_mono_ns(clock), ns);
    while (is_so(server) && clock_mono_ns(clock) < end_ns)
        (void)usleep(1000);
}

static void end_loop(void *self)
{
    struct http_loop *loop = self;
    atomic_store(&loop->is_stopping, true);
}

void http_server_stop(struct http_server *server, int64_t timeout_ns)
{
    if (server == NULL)
        return;
    wait_while(has_work, server, timeout_ns);
    if (has_unanswered(server)) {
        give_up(server);
        wait_while(has_unanswered, server, GIVE_UP_NS);
    }
    bool any_thread = false;
    for (size_t i = 0; i < server->loop_count; i++) {
        struct http_loop *loop = &server->loops[i];
        any_thread |= loop->has_thread;
        if (!loop->has_thread) {
            for (size_t k = 0; k < server->config.listener_count; k++) {
                if (loop->listeners[k].fd >= 0 && loop->listeners[k].socket == NULL)
                    (void)close(loop->listeners[k].fd);
            }
            continue;
        }
        http_loop_post(loop, end_loop, loop);
        (void)pthread_join(loop->thread, NULL);
    }
    if (any_thread) // libh2o 2.2.5 cannot end a loop with connections in it; the process is about to end, and its memory with it.
        return;
    mem_free(server->loops);
    mem_free(server);
}

size_t http_server_body_bytes(const struct http_server *server)
{
    size_t sum = atomic_load_explicit(&server->body_bytes, memory_order_relaxed); // a figure, as the next
    for (size_t i = 0; i < server->loop_count; i++)
        sum += atomic_load_explicit(&server->loops[i].arriving_bytes, memory_order_relaxed);
    return sum;
}

size_t http_server_connections(const struct http_server *server)
{
    return atomic_load(&server->connections);
}

size_t http_server_websockets(const struct http_server *server)
{
    return atomic_load(&server->websockets);
}

size_t http_server_connections_max(const struct http_server *server)
{
    return server->config.connections_max;
}

unsigned http_server_port(const struct http_server *server, size_t listener)
{
    return server->ports[listener];
}

struct tls_change {
    struct http_loop *loop;
    void *contexts[HTTP_LISTENERS_MAX];
};

static void apply_tls(void *self)
{
    struct tls_change *change = self;
    for (size_t i = 0; i < change->loop->server->config.listener_count; i++) {
        SSL_CTX *old = change->loop->listeners[i].accept.ssl_ctx;
        change->loop->listeners[i].accept.ssl_ctx = change->contexts[i];
        if (old != NULL)
            SSL_CTX_free(old);
    }
    mem_free(change);
}

void http_server_set_tls(struct http_server *server, void *const *tls)
{
    for (size_t l = 0; l < server->loop_count; l++) {
        struct tls_change *change = mem_zero(sizeof(*change));
        change->loop = &server->loops[l];
        for (size_t i = 0; i < server->config.listener_count; i++) {
            change->contexts[i] = tls[i];
            if (tls[i] != NULL)
                (void)SSL_CTX_up_ref(tls[i]);
        }
        http_loop_post(change->loop, apply_tls, change);
    }
}
