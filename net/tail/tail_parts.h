/* tail_parts.h: a tail's inside, for the files of this folder only. */
#pragma once

#include <pthread.h>

#include "core/logql/ast.h"
#include "core/pipeline/pipeline.h"
#include "core/plan/query.h"
#include "net/tail/seen_set.h"
#include "net/tail/tail_outbox.h"
#include "net/tail/tails.h"
#include "storage/pool/worker_pool.h"

struct tails {
    struct tails_config config;
    struct worker_pool *pool;
    _Atomic size_t bytes; /* of all outboxes */
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t ended;
    struct tail *first;
    size_t count;
};

enum tail_phase { TAIL_NEW, TAIL_LIVE };

struct tail {
    struct tails *tails;
    struct tail *previous, *next; /* of tails, under its lock */
    _Atomic uint32_t refs;        /* the websocket's, the tap's, that of a step under way */
    bool is_counted;              /* among the tenant's tails; under the lock */
    bool is_closed;               /* the websocket has given its reference back; under the lock */

    /* ---- set by tail_create ---- */
    struct arena arena; /* of the request and its expression */
    struct tail_request request;
    struct expr *expr;
    struct log_expr log; /* line filters first */
    int64_t created_mono_ns;

    /* ---- shared ---- */
    atomic_bool is_busy;            /* a step has the part below, or is queued; at the end for ever */
    atomic_bool is_over;            /* the websocket is gone or going */
    _Atomic int phase;              /* enum tail_phase */
    _Atomic int64_t next_ns;        /* tail_outbox_next_ns after the last step */
    _Atomic(struct tap *) tap;      /* while not is_busy for ever: valid */
    _Atomic(const char *) refusal;  /* close with 1011 and these words; in the tail's memory */
    struct tail_outbox outbox;

    /* ---- the step's ---- */
    struct query_control control; /* of the history */
    struct pipeline *pipeline;
    struct pipeline_worker *worker;
    struct tap_run **pending; /* taken from the tap while the history's scan was opened */
    size_t pending_count, pending_cap;
    struct seen_recent recent;
    struct seen_set streams; /* that it got something of */
    struct arena scratch;    /* of one run */
    struct buf labels;       /* JSON of the row's labels */
};

/* tail_step.c: one step of a tail that is_busy; on the query pool (the first) or the tails' pool. */
void tail_step_first(void *self);
void tail_step_live(void *self);

/* tail.c */
void tail_unref(struct tail *tail);
void tail_refuse(struct tail *tail, struct slice words); /* the step's */
/* Ends a step: whoever finds it over and not busy ends the tail. */
void tail_step_ended(struct tail *tail);
