/* listener.h: inside net/http: listening sockets. */
#pragma once

#include "core/base/err.h"

/* Binds and listens with SO_REUSEPORT, SO_REUSEADDR, TCP_USER_TIMEOUT. *port is filled (for ":0"; then later binds of the same listener must use it:
 * pass it in as not 0). Returns the descriptor, or -1 with *err. */
int listener_open(const char *address, unsigned *port, int64_t write_timeout_ns, struct err *err);
