#include "net/http/websocket.h"

#include <h2o.h>
#include <h2o/http1.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "net/http/exchange.h"

#define WRITE_BYTES ((size_t)64 << 10)      /* handed to the kernel at once: progress is seen in steps of it */
#define SEND_BUFFER_BYTES (256 << 10)       /* of the socket: what a client that does not read costs the kernel */
#define PING_NS NS_PER_S
#define WEBSOCKET_GOODBYE_NS (3 * NS_PER_S) /* for the client to answer a close frame */

struct websocket {
    h2o_linklist_t link; /* of the loop's */
    struct http_loop *loop;
    h2o_socket_t *socket;
    struct websocket_session *session;
    const struct websocket_handler *handler;
    void *self;
    char *out; /* WRITE_BYTES, while writing */
    bool is_writing, is_reading, is_told_closing;
    bool is_busy; /* inside proceed: what handlers do there is seen by its loop */
    int64_t progress_mono_ns; /* when the write under way began */
    int64_t ping_mono_ns;
    int64_t end_mono_ns; /* cut at this time; 0: none */
};

/* ---- handshake ---- */

static bool header_has_token(const struct http_request *request, struct slice name, struct slice token)
{
    struct slice value;
    for (size_t i = 0; http_header_at(request, name, i, &value); i++) {
        while (value.len > 0) {
            size_t end = slice_find_byte(value, ',');
            if (slice_eq_nocase(slice_trim(slice_of(value.ptr, end)), token))
                return true;
            value = end == value.len ? SLICE_NONE : slice_from(value, end + 1);
        }
    }
    return false;
}

/* 16 bytes in base64. */
static bool key_is_valid(struct slice key)
{
    unsigned char bytes[18];
    return key.len == 24 && slice_ends(key, SLICE("==")) && key.ptr[21] != '=' &&
           EVP_DecodeBlock(bytes, (const unsigned char *)key.ptr, (int)key.len) == 18;
}

static bool origin_is_allowed(const struct http_request *request, struct slice origins)
{
    struct slice origin;
    if (origins.len == 0 || !http_header_get(request, SLICE("origin"), &origin)) // no browser
        return true;
    while (origins.len > 0) {
        size_t end = slice_find_byte(origins, ',');
        if (slice_eq_nocase(slice_trim(slice_of(origins.ptr, end)), origin))
            return true;
        origins = end == origins.len ? SLICE_NONE : slice_from(origins, end + 1);
    }
    return false;
}

bool websocket_handshake(const struct http_request *request, struct slice origins, int *out_status)
{
    struct slice key, value;
    *out_status = 400;
    if (!header_has_token(request, SLICE("connection"), SLICE("upgrade")) || !header_has_token(request, SLICE("upgrade"), SLICE("websocket")))
        return false;
    if (request->method != HTTP_GET) {
        *out_status = 405;
        return false;
    }
    if (!http_header_get(request, SLICE("sec-websocket-version"), &value) || !slice_eq(value, SLICE("13")))
        return false;
    if (!origin_is_allowed(request, origins)) {
        *out_status = 403;
        return false;
    }
    return http_header_get(request, SLICE("sec-websocket-key"), &key) && key_is_valid(key) && request->body.ptr == NULL;
}

void websocket_refuse(struct http_request *request, int status)
{
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8"};
    buf_str(&reply.body, status == 405 ? "Method Not Allowed\n" : status == 403 ? "Forbidden\n" : "Bad Request\n");
    http_reply_header(&reply, SLICE("sec-websocket-version"), SLICE("13"));
    http_reply_header(&reply, SLICE("x-content-type-options"), SLICE("nosniff"));
    http_reply(request, &reply);
}

void websocket_accept_key(struct slice key, char out[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 1.3
    unsigned char text[24 + sizeof(guid)], digest[SHA_DIGEST_LENGTH];
    memcpy(text, key.ptr, 24);
    memcpy(text + 24, guid, sizeof(guid) - 1);
    (void)SHA1(text, 24 + sizeof(guid) - 1, digest);
    (void)EVP_EncodeBlock((unsigned char *)out, digest, SHA_DIGEST_LENGTH);
}

/* ---- the socket ---- */

static int64_t now_of(const struct http_loop *loop)
{
    return clock_mono_ns(loop->server->config.clock);
}

static void tell_closing(struct websocket *ws)
{
    if (ws->is_told_closing)
        return;
    ws->is_told_closing = true;
    ws->end_mono_ns = now_of(ws->loop) + WEBSOCKET_GOODBYE_NS;
    if (ws->handler->closing != NULL)
        ws->handler->closing(ws->self);
}

static void destroy(struct websocket *ws)
{
    struct http_server *server = ws->loop->server;
    if (h2o_linklist_is_linked(&ws->link))
        h2o_linklist_unlink(&ws->link);
    if (ws->socket != NULL)
        h2o_socket_close(ws->socket);
    websocket_session_destroy(ws->session);
    mem_free(ws->out);
    ws->handler->closed(ws->self);
    mem_free(ws);
    atomic_fetch_sub(&server->websockets, 1);
}

static void proceed(struct websocket *ws);

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct websocket *ws = socket->data;
    ws->is_writing = false;
    if (error != NULL) {
        destroy(ws);
        return;
    }
    proceed(ws);
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct websocket *ws = socket->data;
    if (error != NULL) {
        destroy(ws);
        return;
    }
    proceed(ws);
}

static void write_some(struct websocket *ws)
{
    if (ws->is_writing)
        return;
    if (ws->out == NULL)
        ws->out = mem_alloc(WRITE_BYTES);
    size_t len = websocket_session_take(ws->session, ws->out, WRITE_BYTES);
    if (len == 0) {
        mem_free(ws->out);
        ws->out = NULL;
        return;
    }
    ws->is_writing = true;
    ws->progress_mono_ns = now_of(ws->loop);
    h2o_iovec_t bytes = h2o_iovec_init(ws->out, len);
    h2o_socket_write(ws->socket, &bytes, 1, on_written);
}

/* Reads and writes what there is; may end the socket. */
static void proceed(struct websocket *ws)
{
    ws->is_busy = true;
    if (ws->socket->input->size > 0)
        h2o_buffer_consume(&ws->socket->input,
                           websocket_session_feed(ws->session, slice_of(ws->socket->input->bytes, ws->socket->input->size)));
    if (websocket_session_is_closing(ws->session))
        tell_closing(ws);
    if (!ws->is_writing && websocket_session_is_idle(ws->session) && !ws->is_told_closing)
        ws->handler->writable(ws->self, ws);
    write_some(ws);
    ws->is_busy = false;
    if (!ws->is_writing && websocket_session_is_done(ws->session)) {
        destroy(ws);
        return;
    }
    bool reads = ws->socket->input->size == 0; // what is left waits until answers to what came before are sent
    if (reads && !ws->is_reading)
        h2o_socket_read_start(ws->socket, on_read);
    else if (!reads && ws->is_reading)
        h2o_socket_read_stop(ws->socket);
    ws->is_reading = reads;
}

bool websocket_is_idle(const struct websocket *ws)
{
    return !ws->is_writing && websocket_session_is_idle(ws->session);
}

void websocket_text(struct websocket *ws, struct slice text)
{
    websocket_session_text(ws->session, text);
    if (!ws->is_busy)
        write_some(ws);
}

void websocket_close(struct websocket *ws, unsigned code, struct slice reason)
{
    websocket_session_close(ws->session, code, reason);
    tell_closing(ws);
    if (!ws->is_busy)
        write_some(ws);
}

struct http_loop *websocket_loop(const struct websocket *ws)
{
    return ws->loop;
}

/* ---- upgrade ---- */

static void link_to_loop(struct websocket *ws)
{
    struct websocket_loop *all = &ws->loop->websockets;
    if (h2o_linklist_is_empty(&all->open) && !h2o_timeout_is_linked(&all->tick))
        h2o_timeout_link(ws->loop->context.loop, &all->timeout, &all->tick);
    h2o_linklist_insert(&all->open, &ws->link);
}

static void on_upgraded(void *self, h2o_socket_t *socket, size_t request_bytes)
{
    struct websocket *ws = self;
    if (socket == NULL) { // the client left while it was answered
        destroy(ws);
        return;
    }
    int bytes = SEND_BUFFER_BYTES;
    (void)setsockopt(h2o_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    ws->socket = socket;
    socket->data = ws;
    h2o_buffer_consume(&socket->input, request_bytes);
    ws->ping_mono_ns = now_of(ws->loop);
    link_to_loop(ws);
    ws->is_busy = true;
    ws->handler->opened(ws->self, ws);
    if (ws->loop->websockets.is_stopping)
        websocket_close(ws, WEBSOCKET_GOING_AWAY, SLICE("server is shutting down"));
    proceed(ws);
}

static void upgrade(void *self)
{
    struct http_exchange *exchange = self;
    struct http_loop *loop = exchange->loop;
    h2o_req_t *req = exchange->h2o;
    struct websocket *ws = exchange->websocket;
    const struct http_server_config *config = &loop->server->config;
    if (config->observe != NULL)
        config->observe(&exchange->request, 101, 0, now_of(loop) - exchange->start_mono_ns);
    if (req == NULL) {
        exchange_detach(exchange);
        destroy(ws);
        return;
    }
    struct slice key = SLICE_NONE;
    char accept[29];
    (void)http_header_get(&exchange->request, SLICE("sec-websocket-key"), &key);
    websocket_accept_key(key, accept);
    req->res.status = 101;
    req->res.reason = "Switching Protocols";
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_UPGRADE, NULL, H2O_STRLIT("websocket"));
    h2o_iovec_t value = h2o_strdup(&req->pool, accept, 28);
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("sec-websocket-accept"), 0, NULL, value.base, value.len);
    exchange_detach(exchange); // libh2o's own reference is given back when it ends the request
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, ws);
}

void websocket_accept(struct http_request *request, const struct websocket_handler *handler, void *self)
{
    struct http_exchange *exchange = request->exchange;
    struct websocket *ws = mem_zero(sizeof(*ws));
    ws->loop = exchange->loop;
    ws->session = websocket_session_create();
    ws->handler = handler;
    ws->self = self;
    atomic_fetch_add(&exchange->loop->server->websockets, 1);
    exchange->websocket = ws;
    if (loop_current() == exchange->loop) {
        upgrade(exchange);
        return;
    }
    exchange->message.fn = upgrade;
    exchange->message.self = exchange;
    exchange->message.is_owned = false;
    h2o_multithread_send_message(&exchange->loop->receiver, &exchange->message.super);
}

/* ---- the clock ---- */

static void tick_one(struct websocket *ws, int64_t now)
{
    bool is_stuck = ws->is_writing && now - ws->progress_mono_ns >= ws->loop->server->config.write_timeout_ns;
    if (is_stuck || (ws->end_mono_ns != 0 && now >= ws->end_mono_ns)) {
        destroy(ws);
        return;
    }
    if (ws->is_told_closing)
        return;
    if (now - ws->ping_mono_ns >= PING_NS) {
        ws->ping_mono_ns = now;
        if (websocket_is_idle(ws)) // else it is told alive by what it takes
            websocket_session_ping(ws->session);
    }
    ws->handler->tick(ws->self, ws);
    write_some(ws);
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct websocket_loop *all = H2O_STRUCT_FROM_MEMBER(struct websocket_loop, tick, entry);
    struct http_loop *loop = H2O_STRUCT_FROM_MEMBER(struct http_loop, websockets, all);
    int64_t now = now_of(loop);
    for (h2o_linklist_t *link = all->open.next, *next; link != &all->open; link = next) {
        next = link->next;
        tick_one(H2O_STRUCT_FROM_MEMBER(struct websocket, link, link), now);
    }
    if (!h2o_linklist_is_empty(&all->open))
        h2o_timeout_link(loop->context.loop, &all->timeout, &all->tick);
}

void websocket_loop_init(struct http_loop *loop)
{
    h2o_linklist_init_anchor(&loop->websockets.open);
    h2o_timeout_init(loop->context.loop, &loop->websockets.timeout, WEBSOCKET_TICK_MS);
    loop->websockets.tick.cb = on_tick;
}

void websocket_loop_stop(struct http_loop *loop)
{
    struct websocket_loop *all = &loop->websockets;
    all->is_stopping = true;
    for (h2o_linklist_t *link = all->open.next; link != &all->open; link = link->next)
        websocket_close(H2O_STRUCT_FROM_MEMBER(struct websocket, link, link), WEBSOCKET_GOING_AWAY, SLICE("server is shutting down"));
}
