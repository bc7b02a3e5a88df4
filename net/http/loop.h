/* loop.h: inside net/http: one event loop and its thread. */
#pragma once

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "net/http/server.h"
#include "net/http/websocket_loop.h"

struct loop_message {
    h2o_multithread_message_t super; /* first */
    void (*fn)(void *self);
    void *self;
    bool is_owned; /* freed after it ran */
};

struct loop_listener {
    struct http_loop *loop;
    size_t index; /* of config.listeners */
    int fd;
    h2o_socket_t *socket;
    h2o_accept_ctx_t accept;
    h2o_hostconf_t *hosts[2];
};

struct http_loop {
    struct http_server *server;
    pthread_t thread;
    bool has_thread;
    sem_t is_open; /* posted once all below is made */
    h2o_context_t context;
    h2o_multithread_receiver_t receiver;
    struct loop_listener listeners[HTTP_LISTENERS_MAX];
    h2o_linklist_t under_way; /* struct http_exchange.link */
    h2o_linklist_t handshakes; /* of handshakes.c */
    struct sweeper *sweeper;
    _Atomic size_t arriving_bytes; /* of requests that are not whole: the sweeper's sum */
    struct websocket_loop websockets;
    atomic_bool is_stopping;
    bool is_accepting;
};

struct http_server {
    struct http_server_config config;
    h2o_globalconf_t global;
    struct http_loop *loops;
    size_t loop_count;
    _Atomic size_t connections;
    _Atomic size_t requests_under_way;  /* until libh2o, too, is done with them */
    _Atomic size_t requests_unanswered; /* that handlers have */
    atomic_bool gives_up; /* it stops, and has no more time */
    _Atomic size_t websockets; /* from accept to closed */
    _Atomic size_t body_bytes; /* copies that handlers hold */
    unsigned ports[HTTP_LISTENERS_MAX];
};

/* The loop that the calling thread runs, or NULL. */
struct http_loop *loop_current(void);

/* Makes and runs the loop on a thread of its own, and returns when it takes messages; it ends when is_stopping and woken. */
bool loop_start(struct http_loop *loop, struct err *err) MUST_CHECK;
void loop_accept_again(struct http_loop *loop);
/* A connection that was counted is no more. Thread: the loop. */
void loop_connection_closed(struct http_loop *loop);
