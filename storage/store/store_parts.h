/* store_parts.h: the store's inside, for the files of this folder only.
 *
 * Locks, in this order: hold_lock; a shard's; the board's. trim_lock, marker_lock and idle_lock alone.
 */
#pragma once

#include <pthread.h>

#include "storage/day/index_feed.h"
#include "storage/day/view.h"
#include "storage/deletion/delete_book.h"
#include "storage/pool/worker_pool.h"
#include "storage/shard/sealer.h"
#include "storage/shard/shard.h"
#include "storage/store/known_pairs.h"
#include "storage/store/store.h"

struct store {
    struct store_config config;
    char *folder;
    int lock_fd;
    struct log log;
    bool log_is_open;
    struct day_set *days;
    struct view_board *board;
    struct delete_book *deletes;
    struct index_feed *feed;
    struct day_streams index_streams; /* fills an index that begins anew */
    struct tenant_table *tenants;
    struct page_pool *pages;
    struct block_cache *block_cache;
    struct known_pairs *known_pairs;
    struct tap_board *taps;
    struct shard_group group;
    struct sealer *sealer;
    struct shard **shards;
    unsigned shard_count;
    unsigned cores;
    struct worker_pool *pool;
    struct executor executor;
    struct source source;
    _Atomic uint64_t segment_ids;

    /* ---- pushes ---- */
    atomic_bool takes_pushes;
    atomic_bool is_read_only;        /* the disk is nearly full */
    _Atomic size_t inflight_bytes;   /* of jobs that are not done */
    size_t inflight_bytes_max;
    _Atomic size_t inflight_jobs;
    _Atomic uint64_t handed_sequence; /* all parts up to it have been pushed to the shards */
    pthread_mutex_t idle_lock;
    pthread_cond_t idle; /* a job ended; signalled while someone waits */
    _Atomic unsigned idle_waiters;

    /* ---- replay ---- */
    pthread_t replay_thread;
    pthread_mutex_t hold_lock;
    bool is_replaying;               /* under hold_lock: durable pushes are not applied, the replay reads them from the log */
    bool holds;                      /* under hold_lock, while is_replaying: ... but wait in held, since the replay is about to end */
    uint64_t passed_sequence;        /* under hold_lock: up to it the replay has to read; those pushes are acknowledged */
    size_t passed_bytes;             /* under hold_lock: of pushes since the replay looked last */
    bool is_replay_broken;           /* under hold_lock: it did not reach the end: what is durable is acknowledged, and not applied */
    atomic_bool is_replay_failing;   /* set under hold_lock: the log cannot be read for now, so nothing is held: pushes are refused */
    struct push_job *held_first, *held_last;
    atomic_bool is_ready;
    atomic_bool is_shutdown_prepared; /* the marker is on disk */
    atomic_bool stops;               /* replay and maintenance end soon */
    _Atomic uint64_t replay_bytes;
    _Atomic uint64_t damages;        /* records and files that did not hold */

    /* ---- maintenance ---- */
    pthread_t maintenance_thread, templates_thread;
    bool has_templates_thread;
    bool has_threads;
    pthread_mutex_t maintain_lock; /* one round at a time */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    pthread_mutex_t trim_lock;
    pthread_mutex_t marker_lock; /* of the file behind is_shutdown_prepared */
    uint64_t weighed_bytes;      /* under wake_lock: what had been logged when it was last asked how much comes in, and when that was */
    int64_t weighed_mono_ns;
    atomic_bool is_pressed;      /* so much that merges are quick rather than tight */
    int64_t erase_after_mono_ns; /* the thread's: a round that failed is tried again then */
    _Atomic uint64_t disk_free_bytes, disk_size_bytes;
    uint64_t unclean_starts; /* set at the opening */
    _Atomic size_t index_bytes; /* as of the last store_stats */
};

/* store_days.c: opens what is on the disk into days, view and segment_ids. */
bool store_days_load(struct store *store, struct err *err) MUST_CHECK;
/* ... what index_streams calls. */
bool store_days_streams(void *self, struct day *day, struct err *err,
                        bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err),
                        void *add_self);

/* store_push.c */
void store_push_durable(struct log_append *append, bool ok, const struct err *err);
/* Pushes the parts of a job whose sequence is set. Thread: one at a time, in sequence order. */
void store_push_hand_over(struct store *store, struct push_job *job);
/* Acknowledges a durable job that is not applied in this life of the store. */
void store_push_end(struct push_job *job);
/* Refuses one that is in the log, whose replay fails: sent again, it is stored once. */
void store_push_refuse(struct push_job *job);
/* Prepares parts for the shards that have runs. */
void store_push_parts(struct store *store, struct push_job *job);
void store_push_charge(struct store *store, size_t bytes);
/* Waits until fewer than `bytes` are in flight, or until the store stops. */
void store_push_wait_below(struct store *store, size_t bytes);

/* store_replay.c: the replay thread. */
void *store_replay_run(void *self);

/* store_shutdown.c */
void store_shutdown_load(struct store *store);
/* Counts a start that follows a run which did not end in order, and says that this one has begun. What cannot be written is logged, and no more. */
void store_run_begin(struct store *store);
void store_run_end(struct store *store); /* everything is closed in order */
void store_shutdown_done(struct store *store); /* at the end of a store whose shards are sealed */

/* store_deletes.c */
bool store_deletes_open(struct store *store, struct err *err) MUST_CHECK;
/* Erases what is due. Under maintain_lock. */
bool store_erase(struct store *store, struct err *err) MUST_CHECK;
/* After retention took the day: what shards told its index goes for nothing. */
void store_day_dropped(void *self, int64_t number);
/* The filters that hide lines of the tenant in the range; NULL: none. The caller unrefs. */
struct delete_set *store_deletes_take(struct store *store, struct slice tenant, int64_t start_ns, int64_t end_ns);

/* store_maintain.c: the maintenance thread; trims the log (also the sealer's `after`). */
void *store_maintain_run(void *self);
void store_trim(void *self);
void store_check_disk(struct store *store);
struct day_merge_context;
void store_merge_context(struct store *store, struct day_merge_context *out);
/* Sleeps, or less when the store stops. */
void store_wait(struct store *store, int64_t ns);

/* store_templates.c: the thread that makes segments' templates. */
void *store_templates_run(void *self);

/* store_source.c */
void store_source_init(struct store *store);
