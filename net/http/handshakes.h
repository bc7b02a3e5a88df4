/* handshakes.h: inside net/http: a loop's connections that are still in their TLS handshake, which libh2o's lists do not show: so that the sweeper cuts those
 * that take too long, and those that fail are counted. Thread: the loop. */
#pragma once

#include "net/http/loop.h"

/* Accepts a connection on a TLS listener; the connection has been counted. */
void handshake_accept(struct loop_listener *from, h2o_socket_t *socket);

/* A request has come on this connection: its handshake is over. Fine for clear text. */
void handshake_served(h2o_socket_t *socket);

/* Once a sweep: forgets those that are done, cuts those older than head_timeout_ns. */
void handshakes_sweep(struct http_loop *loop, int64_t now_ns);
