#include "net/http/loop.h"

#include <errno.h>
#include <h2o/http1.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "net/http/handshakes.h"
#include "net/http/sweeper.h"

static _Thread_local struct http_loop *current;

struct http_loop *loop_current(void)
{
    return current;
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct loop_message *message = H2O_STRUCT_FROM_MEMBER(struct loop_message, super.link, messages->next);
        h2o_linklist_unlink(&message->super.link);
        bool is_owned = message->is_owned;
        message->fn(message->self); // may free it unless it is ours
        if (is_owned)
            mem_free(message);
    }
}

void loop_connection_closed(struct http_loop *loop)
{
    atomic_fetch_sub(&loop->server->connections, 1);
    loop_accept_again(loop);
}

static void on_closed(void *data)
{
    loop_connection_closed(data);
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct loop_listener *from = listener->data;
    struct http_loop *loop = from->loop;
    if (error != NULL)
        return;
    for (int i = 0; i < 16; i++) { // a few at a time, so that accepting never starves those that are in
        if (atomic_fetch_add(&loop->server->connections, 1) >= loop->server->config.connections_max) {
            atomic_fetch_sub(&loop->server->connections, 1);
            if (loop->is_accepting) {
                for (size_t k = 0; k < loop->server->config.listener_count; k++) {
                    if (loop->listeners[k].socket != NULL)
                        h2o_socket_read_stop(loop->listeners[k].socket);
                }
                loop->is_accepting = false;
                if (loop->server->config.rejected != NULL)
                    loop->server->config.rejected(loop->server->config.app, "overload");
            }
            return;
        }
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket == NULL) {
            atomic_fetch_sub(&loop->server->connections, 1);
            return;
        }
        if (from->accept.ssl_ctx != NULL) {
            handshake_accept(from, socket);
            continue;
        }
        socket->on_close.cb = on_closed;
        socket->on_close.data = loop;
        h2o_accept(&from->accept, socket);
    }
}

void loop_accept_again(struct http_loop *loop)
{
    struct http_server *server = loop->server;
    if (loop->is_accepting || atomic_load(&loop->is_stopping) ||
        atomic_load(&server->connections) >= server->config.connections_max)
        return;
    loop->is_accepting = true;
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (loop->listeners[i].socket != NULL)
            h2o_socket_read_start(loop->listeners[i].socket, on_accept);
    }
}

/* Another loop's connections may have been what kept this one from accepting, so it asks now and then. */
#define ACCEPT_RETRY_MS 100

/* On the loop's own thread, for what libh2o makes here it keeps with the thread: buffers of its sockets come from a pool of the thread that made the socket,
 * and two threads in one pool end in memory that both have. */
static void loop_open(struct http_loop *loop)
{
    struct http_server *server = loop->server;
    h2o_linklist_init_anchor(&loop->under_way);
    h2o_linklist_init_anchor(&loop->handshakes);
    h2o_context_init(&loop->context, h2o_evloop_create(), &server->global);
    h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, on_messages);
    loop->sweeper = sweeper_create(loop);
    websocket_loop_init(loop);
    for (size_t i = 0; i < server->config.listener_count; i++) {
        struct loop_listener *listener = &loop->listeners[i];
        listener->loop = loop;
        listener->index = i;
        listener->hosts[0] = server->global.hosts[i];
        listener->hosts[1] = NULL;
        if (server->config.listeners[i].tls != NULL)
            (void)SSL_CTX_up_ref(server->config.listeners[i].tls); // each loop holds one, so that each can change it
        listener->accept = (h2o_accept_ctx_t){
            .ctx = &loop->context, .hosts = listener->hosts, .ssl_ctx = server->config.listeners[i].tls};
        if (listener->fd < 0)
            continue; // optional, and its address was in use
        listener->socket = h2o_evloop_socket_create(loop->context.loop, listener->fd, H2O_SOCKET_FLAG_DONT_READ);
        listener->socket->data = listener;
    }
}

static void *loop_main(void *self)
{
    struct http_loop *loop = self;
    current = loop;
    rcu_thread_join();
    char name[16];
    (void)snprintf(name, sizeof(name), "http-%zu", (size_t)(loop - loop->server->loops));
    (void)pthread_setname_np(pthread_self(), name);
    loop_open(loop);
    (void)sem_post(&loop->is_open);
    loop_accept_again(loop);
    while (!atomic_load(&loop->is_stopping)) {
        (void)h2o_evloop_run(loop->context.loop, loop->is_accepting ? INT32_MAX : ACCEPT_RETRY_MS);
        loop_accept_again(loop);
    }
    rcu_thread_part();
    return NULL;
}

bool loop_start(struct http_loop *loop, struct err *err)
{
    (void)sem_init(&loop->is_open, 0, 0);
    int code = pthread_create(&loop->thread, NULL, loop_main, loop);
    if (code != 0) {
        errno = code;
        return err_errno(err, "start an HTTP thread");
    }
    loop->has_thread = true;
    while (sem_wait(&loop->is_open) != 0) // EINTR
        ;
    return true;
}

void http_loop_post(struct http_loop *loop, void (*fn)(void *self), void *self)
{
    struct loop_message *message = mem_zero(sizeof(*message));
    message->fn = fn;
    message->self = self;
    message->is_owned = true;
    h2o_multithread_send_message(&loop->receiver, &message->super);
}
