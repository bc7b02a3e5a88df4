/* exchange.h: inside net/http: what joins libh2o's request, which lives on its loop and ends when the client leaves, with ours, which lives until it
 * is answered. Thread: the loop, but for what is atomic. */
#pragma once

#include <h2o.h>

#include "net/http/loop.h"
#include "net/http/server.h"

struct http_exchange {
    struct http_request request; /* first: freed together */
    struct http_loop *loop;
    h2o_req_t *h2o;              /* NULL once libh2o has ended it */
    atomic_bool is_gone;
    atomic_int refs;             /* libh2o's side and the handler's */
    int64_t start_mono_ns;
    struct http_reply reply;
    struct websocket *websocket; /* that it becomes; NULL: none */
    struct loop_message message; /* carries the reply home */
    h2o_linklist_t link;         /* of the loop's requests under way */
    bool is_open;                /* in that list */
};

/* Makes the exchange for a request that passed the head check, with copies of all that handlers see. */
struct http_exchange *exchange_create(struct http_loop *loop, h2o_req_t *req);
void exchange_unref(struct http_exchange *exchange);
/* Its client has left before it is answered, or the server has no time left for it: tells the handler, once. */
void exchange_leave(struct http_exchange *exchange);
/* Sends exchange->reply on its loop, and gives the handler's reference back. */
void exchange_send(struct http_exchange *exchange);
/* Ends it without a reply, and gives the handler's reference back: the connection becomes something else. */
void exchange_detach(struct http_exchange *exchange);
