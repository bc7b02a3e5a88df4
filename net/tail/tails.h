/* tails.h: the live tails of a node: who may open one, the threads that work for them, their end.
 *
 *   push -> shard's worker -> tap -> tail_step (this pool) -> tail_outbox -> websocket (loop) -> client
 *
 * A tail is driven by its websocket's clock: a tick that finds news runs one step of it on the pool, one at a time; nothing ever waits for a client.
 */
#pragma once

#include "net/http/websocket.h"
#include "net/tenancy/limits_book.h"
#include "storage/store/store.h"

struct tails;
struct tail;

struct tails_config {
    struct store *store;
    const struct clock *clock;
    struct memory_budget *memory; /* the node's; NULL: none */
    /* Runs task(task_self) as a query of the tenant, in its turn. False: too many wait. */
    bool (*run_query)(void *self, struct slice tenant, void (*task)(void *task_self), void *task_self);
    void *run_self;
    size_t tail_bytes;       /* what one tail may hold: half in its tap, half in its outbox */
    size_t bytes_max;        /* what all outboxes may hold together */
    int64_t duration_ns_max; /* 0: no end */
};

bool tails_create(const struct tails_config *config, struct tails **out, struct err *err) MUST_CHECK;
/* Ends what is open, waits for it, ends the pool. Thread: main, when the HTTP server has stopped and before the store closes. NULL is fine. */
void tails_destroy(struct tails *tails);
size_t tails_bytes(const struct tails *tails);

#define TAIL_FLAGS_MAX 8

struct tail_request { /* copied */
    struct slice tenant;
    struct limits_book *book; /* a reference is taken */
    const struct limits *limits; /* of the book, or tightened by the request */
    struct slice query; /* parses */
    int64_t start_ns, limit, delay_ns;
    bool is_legacy, categorize;
    struct slice flags[TAIL_FLAGS_MAX];
    size_t flag_count;
};

/* A tail for tail_handler: `self` of websocket_accept, which takes it. One that is refused (too many, no log query) says why when its websocket opens, as Loki's do.
 * Thread: any. */
struct tail *tail_create(struct tails *tails, const struct tail_request *request) MUST_CHECK;
extern const struct websocket_handler tail_handler;
