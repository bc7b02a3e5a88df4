/* server.h: HTTP/1.1 by libh2o's event loop, tamed (spec/reliability.md 4): one loop a thread, each with its own listening sockets (SO_REUSEPORT); HTTP/2
 * off; strict head check; budgets for bodies and connections; a sweeper for slow clients.
 *
 * Thread: start and stop from main. Handlers run on a loop, or on the pool when their route says so.
 */
#pragma once

#include "core/base/clock.h"
#include "net/http/router.h"

struct http_server;

struct http_listener {
    const char *address;         /* "127.0.0.1:3100", "[::1]:3100", ":3100" */
    const struct router *router; /* what is served there; outlives the server */
    void *tls;                   /* SSL_CTX * of tls.h, or NULL: clear text; the server takes references of its own */
    bool is_optional;            /* when its address is in use, the server goes on without it: http_server_port is 0 then */
};

#define HTTP_LISTENERS_MAX 4

struct http_server_config {
    struct http_listener listeners[HTTP_LISTENERS_MAX];
    size_t listener_count;
    unsigned loops;               /* 0: one a core */
    const char *body_folder;      /* for bodies over body_mmap_bytes; exists */
    size_t body_bytes_max;        /* of one body: 413 */
    size_t body_mmap_bytes;       /* bodies over it are kept in a file of body_folder while they arrive */
    size_t body_budget_bytes;     /* of all bodies under way: the largest connections are closed over it */
    size_t connections_max;       /* of all listeners */
    int64_t head_timeout_ns;      /* for a whole head */
    int64_t idle_timeout_ns;      /* keep-alive, and for a whole request */
    int64_t body_rate_window_ns;  /* a body must bring body_rate_bytes in each */
    size_t body_rate_bytes;
    int64_t write_timeout_ns;     /* a reply that makes no progress */
    const struct clock *clock;
    void *app;
    /* Before the handler, on the loop: tenant, credentials, readiness. True: go on. False: it has replied, or has taken the request and will reply or
     * call http_request_go_on. May be NULL. */
    bool (*admit)(struct http_request *request);
    /* Runs task(request) on the pool, in its turn. False: too much waits, 429 is sent. */
    bool (*run)(struct http_request *request, void (*task)(void *self));
    /* After each reply, for metrics and logs. On the loop. May be NULL. */
    void (*observe)(const struct http_request *request, int status, size_t reply_bytes, int64_t duration_ns);
    /* A request was refused before routing: reason is one of metrics.md's logi_http_rejected_total. May be NULL. */
    void (*rejected)(void *app, const char *reason);
    /* A timer of a loop ran late by so much, asked ten times a second: what the loop was busy with. On the loop. May be NULL. */
    void (*lagged)(void *app, int64_t late_ns);
};

void http_server_config_defaults(struct http_server_config *out);

/* Binds and starts the loops. ERR_UNAVAILABLE names the address that is in use. */
bool http_server_start(const struct http_server_config *config, struct http_server **out, struct err *err) MUST_CHECK;

/* Stops accepting; connections end when their request has been answered. */
void http_server_stop_accepting(struct http_server *server);

/* Waits for requests under way, at most timeout_ns; tells those that are not answered then to end, and waits for their handlers, at most 10 s; then ends loops
 * and memory. NULL is fine. */
void http_server_stop(struct http_server *server, int64_t timeout_ns);

/* New TLS contexts for the listeners, in their order; from the next connection on, those that are open keep theirs. The server takes references of its own. A
 * listener cannot change between clear text and TLS. */
void http_server_set_tls(struct http_server *server, void *const *tls);

size_t http_server_body_bytes(const struct http_server *server); /* bodies that handlers hold, and what has come of others, as of the last 100 ms */
size_t http_server_connections(const struct http_server *server);
size_t http_server_websockets(const struct http_server *server); /* of the connections */
size_t http_server_connections_max(const struct http_server *server);
/* Port of the i-th listener, for address ":0". */
unsigned http_server_port(const struct http_server *server, size_t listener);

/* Runs the handler of a request that admit has held back. Thread: its loop. */
void http_request_go_on(struct http_request *request);
/* Calls fn(self) on the loop that owns the request. Thread: any. The request must not have been replied to. */
void http_request_post(struct http_request *request, void (*fn)(void *self), void *self);

/* ---- for what goes on after a request: websocket.h ---- */
struct http_loop;
/* Calls fn(self) on the loop's thread. Thread: any, while the server runs. */
void http_loop_post(struct http_loop *loop, void (*fn)(void *self), void *self);
