/* client.h: an HTTP/1.1 client on one kept connection, just enough to push and to ask. Thread: one at a time. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

struct client {
    char host[128], port[16];
    int fd; /* -1: not connected */
    struct buf in;
};

/* url: http://HOST:PORT */
bool client_init(struct client *client, const char *url, struct err *err);
void client_fini(struct client *client);

/* Sends and reads the whole answer. headers: lines ending with CR LF, or "". */
bool client_request(struct client *client, const char *method, const char *target, const char *headers, struct slice body, int *status,
                    struct buf *answer, struct err *err);

/* Appends text percent-encoded for a query string. */
void client_encode(struct buf *out, const char *text);
