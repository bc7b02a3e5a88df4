/* tap.h: new entries for those who ask: a live tail opens a tap; from then on each shard's worker puts what it applies, of the tap's tenant and matchers,
 * into the tap's queue, before a query can see it.
 *
 *               feed   open, close   take
 *     feed       -          -         -    a shard's worker; never waits: what has no room is dropped and told
 *     open...    -          X         -    any thread
 *     take       -          -         X    one thread at a time for a tap
 *
 * With no tap open a push costs one load. With some, a run that any of them wants is copied once (tap_run.h) and its address is queued in each.
 */
#pragma once

#include "core/base/clock.h"
#include "core/model/matcher.h"
#include "storage/tap/tap_run.h"

#define TAP_LOSSES_MAX ((uint32_t)1000) /* dropped entries of a tap that are named, until they are taken */

struct tap_board; /* all taps of a store */
struct tap;

struct tap_board *tap_board_create(unsigned shards, size_t bytes_max) MUST_CHECK; /* bytes_max: of all runs that wait */
/* Thread: when no worker runs and all taps are closed; waits for what liburcu still has to free. NULL is fine. */
void tap_board_destroy(struct tap_board *board);
size_t tap_board_bytes(const struct tap_board *board);

struct tap_config {
    struct slice tenant;
    const struct matcher *matchers;
    size_t matcher_count;
    size_t bytes_max; /* of runs that wait in this tap; one always fits */
    void (*released)(void *self); /* no thread will look at tenant and matchers any more; on any thread */
    void *self;
};

/* In force for all that a worker begins to apply afterwards. What config points to stays until `released`. */
struct tap *tap_open(struct tap_board *board, const struct tap_config *config) MUST_CHECK;
/* The tap must not be used any more. */
void tap_close(struct tap *tap);

/* The oldest run, in order of arrival for each shard, or NULL. The caller ends it with tap_run_unref. */
struct tap_run *tap_take(struct tap *tap) MUST_CHECK;
bool tap_has_news(const struct tap *tap); /* something to take, or losses. Thread: any */

/* Entries of one stream that found no room. */
struct tap_loss {
    struct tap_loss *next;
    struct slice labels; /* label_set encoding */
    size_t count;
    int64_t ts_ns[];
};
/* What was dropped since the last call: all are counted, the first TAP_LOSSES_MAX are named. Thread: as tap_take. */
uint64_t tap_take_losses(struct tap *tap, struct tap_loss **out_named);
void tap_loss_destroy(struct tap_loss *losses); /* the whole list */

/* ---- the worker's ---- */

struct tap_set;
struct tap_feed {
    struct tap_set *set;
    struct slice tenant;
};

/* Around one part of a push. False: nobody listens; then nothing is to be ended. */
bool tap_feed_begin(struct tap_board *board, struct slice tenant, struct tap_feed *out) MUST_CHECK;
void tap_feed_run(struct tap_feed *feed, struct tap_board *board, unsigned shard, const struct push_run *run, int64_t now_mono_ns);
void tap_feed_end(struct tap_feed *feed);
