#include "net/http/handshakes.h"

#include <sys/socket.h>

#include "core/base/mem.h"

/* Of one TLS connection, until it closes. */
struct handshake {
    struct http_loop *loop;
    h2o_socket_t *socket;
    void *accepting; /* what libh2o keeps at the socket until the handshake is done */
    int64_t start_ns;
    h2o_linklist_t link;
    bool is_waiting; /* in the loop's list */
    bool is_cut;
};

static void reject(const struct http_loop *loop, const char *reason)
{
    const struct http_server_config *config = &loop->server->config;
    if (config->rejected != NULL)
        config->rejected(config->app, reason);
}

static void stop_waiting(struct handshake *handshake)
{
    if (handshake->is_waiting)
        h2o_linklist_unlink(&handshake->link);
    handshake->is_waiting = false;
}

static void on_closed(void *self)
{
    struct handshake *handshake = self;
    struct http_loop *loop = handshake->loop;
    if (handshake->is_waiting && !handshake->is_cut)
        reject(loop, "tls"); // no agreement, no TLS at all, or gone before the first request
    stop_waiting(handshake);
    mem_free(handshake);
    loop_connection_closed(loop);
}

void handshake_accept(struct loop_listener *from, h2o_socket_t *socket)
{
    struct handshake *handshake = mem_zero(sizeof(*handshake));
    handshake->loop = from->loop;
    handshake->socket = socket;
    handshake->start_ns = clock_mono_ns(from->loop->server->config.clock);
    socket->on_close.cb = on_closed;
    socket->on_close.data = handshake;
    h2o_linklist_insert(&from->loop->handshakes, &handshake->link);
    handshake->is_waiting = true;
    h2o_accept(&from->accept, socket); // reads later: the socket is still there
    handshake->accepting = socket->data;
}

void handshake_served(h2o_socket_t *socket)
{
    if (socket->on_close.cb == on_closed)
        stop_waiting(socket->on_close.data);
}

void handshakes_sweep(struct http_loop *loop, int64_t now_ns)
{
    h2o_linklist_t *next = NULL;
    for (h2o_linklist_t *at = loop->handshakes.next; at != &loop->handshakes; at = next) {
        struct handshake *handshake = H2O_STRUCT_FROM_MEMBER(struct handshake, link, at);
        next = at->next;
        if (handshake->socket->data != handshake->accepting) {
            stop_waiting(handshake);
        } else if (!handshake->is_cut && now_ns - handshake->start_ns > loop->server->config.head_timeout_ns) {
            handshake->is_cut = true;
            reject(loop, "slow_client");
            (void)shutdown(h2o_socket_get_fd(handshake->socket), SHUT_RDWR); // libh2o then sees the end and closes
        }
    }
}
