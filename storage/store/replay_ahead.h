/* replay_ahead.h: decodes records of the log ahead of the replay, on threads of its own, and hands them on in the order in which they came.
 *
 * What is in it at once is bounded: REPLAY_AHEAD_BATCHES batches a thread, each of REPLAY_BATCH_BYTES of the log, or of one larger record.
 *
 * Thread: all calls from one, the replay's. The decoded record's `job.done` may be called on any.
 */
#pragma once

#include "storage/store/store.h"

#define REPLAY_BATCH_BYTES ((size_t)256 << 10)
#define REPLAY_AHEAD_BATCHES ((size_t)3)

/* One record as a push that nobody waits for. job.done ends it: it belongs to who took it, until then. */
struct replayed {
    struct push_job job; /* first; job.batch, and job.append.charge_bytes: the memory that it keeps alive */
    struct arena arena;
};

struct replay_ahead_config {
    unsigned threads;
    void *self;
    /* In order. */
    void (*decoded)(void *self, uint64_t sequence, struct replayed *record);
    /* A record that cannot be decoded: why. */
    void (*damaged)(void *self, uint64_t sequence, const struct err *err);
};

struct replay_ahead;
bool replay_ahead_create(const struct replay_ahead_config *config, struct replay_ahead **out, struct err *err) MUST_CHECK;
/* What was put and not handed on is dropped. NULL is fine. */
void replay_ahead_destroy(struct replay_ahead *ahead);

/* Copies the payload. Hands on what is decoded meanwhile, and waits while too much is not. */
void replay_ahead_put(struct replay_ahead *ahead, uint64_t sequence, struct slice payload);
/* Hands on all that was put. */
void replay_ahead_finish(struct replay_ahead *ahead);
