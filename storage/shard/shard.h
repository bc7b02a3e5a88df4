/* shard.h: one shard: a queue of push parts, the one worker that applies them to the shard's head, and the freezing of what it holds.
 *
 *   part -> queue -> worker: stream_table -> generation (active) -> freeze -> sealer -> segments
 *
 * Thread: as each function says. Parts come in sequence order, and are applied in it: that is what makes a mark (segment.h) say all about the log.
 */
#pragma once

#include "core/base/memory_budget.h"
#include "core/base/queue.h"
#include "storage/shard/head_room.h"
#include "storage/shard/seal.h"
#include "storage/tap/tap.h"

struct shard;
struct sealer;

/* Common to all shards of a store. */
struct shard_group {
    const struct clock *clock;
    struct page_pool *pages;
    struct sealer *sealer;
    struct seal_context seal;
    struct tap_board *taps;       /* live tails */
    struct head_room room;
    int64_t seal_age_ns, stream_idle_ns;
    struct memory_budget *memory; /* the node's; NULL: none */
    atomic_bool is_closing;       /* memory is no reason to wait any more */
    _Atomic uint32_t index_epoch; /* rises when streams are taken out of an index: what it was told of before does not count any more */
};

/* One shard's part of a push. The owner keeps it and the batch until done. */
struct push_job_part {
    struct queue_node node;
    const struct push_batch *batch; /* the runs with run->shard == the shard's */
    struct store_tenant *tenant;
    uint64_t sequence;
    void (*done)(struct push_job_part *part); /* on the worker: the entries are visible */
    void *owner;
    int64_t pushed_mono_ns; /* the shard's */
};

struct shard *shard_create(struct shard_group *group, unsigned index) MUST_CHECK;
/* Applies what is queued, ends the worker. Thread: when nobody pushes any more. */
void shard_stop(struct shard *shard);
void shard_destroy(struct shard *shard); /* after shard_stop and the sealer's end; NULL is fine */

/* Thread: one at a time, in sequence order. */
void shard_push(struct shard *shard, struct push_job_part *part, size_t bytes);

/* Returns when what was pushed before the call is applied. Thread: any but the worker's. */
void shard_wait_applied(struct shard *shard);

/* Everything applied before the call is in segments when it returns true. False: a seal failed, or the shard was stopped. Thread: any but the worker's. */
bool shard_flush(struct shard *shard, struct err *err) MUST_CHECK;

/* Asks for the same, and does not wait. */
void shard_seal_soon(struct shard *shard);

/* The smallest sequence that may have entries in this shard which are in no segment yet; handed: the last sequence whose parts were all
 * pushed before the call. */
uint64_t shard_unsealed_from(struct shard *shard, uint64_t handed);

/* Inside rcu_enter/rcu_leave. Thread: any. */
struct stream_record *shard_find(struct shard *shard, struct hash128 id);

/* Of the label sets and records of its streams. Thread: any. */
size_t shard_stream_bytes(const struct shard *shard);

struct shard_stats {
    uint64_t streams, lists, entries, label_bytes, open_bytes, frozen_bytes, frozen_lists, stream_bytes;
    size_t queue_bytes;
    size_t pending; /* parts queued or being applied */
    int64_t active_since_mono_ns; /* 0: nothing in memory */
};
void shard_stats(struct shard *shard, struct shard_stats *out);

/* The sealer's: the frozen generation is in force as segments, or (err not NULL) a try has failed. */
void shard_sealed(struct shard *shard, struct generation *generation, const struct err *err);
