/* store.h: the store as net and cmd see it: push a batch, scan it back, flush, retain, tell how it is.
 *
 * What is behind: the log (storage/log), N shards each with one worker that owns its head (storage/shard, storage/head), segments (storage/segment), a
 * day's manifest and index (storage/day, storage/index), sealing, compaction and retention (storage/compact), the thread pool (storage/pool).
 */
#pragma once

#include "core/ingest/ingest.h"
#include "core/plan/executor.h"
#include "core/plan/source.h"
#include "storage/deletion/delete_book.h"
#include "storage/disk/disk.h"
#include "storage/log/log.h"
#include "storage/log/log_files.h"
#include "storage/segment/block_cache.h"
#include "storage/tap/tap.h"

struct store;

struct store_config {
    const struct disk *disk;
    const struct clock *clock;
    const char *folder;             /* data */
    unsigned shards;                /* 0: one a core; may change between starts */
    unsigned query_threads;         /* 0: one a core */
    enum log_durability durability;
    size_t log_file_bytes;          /* 64 MiB */
    size_t log_queue_bytes;         /* 64 MiB */
    size_t shard_queue_bytes;       /* 16 MiB, each: what pushes may hold between their arrival and the head */
    size_t head_bytes_max;          /* of all shards: past it a push waits for sealing, then is refused with 503 */
    size_t seal_bytes;              /* a shard's head of this size is sealed */
    int64_t seal_age_ns;            /* ... or of this age */
    int64_t stream_idle_ns;         /* a stream without data in memory is forgotten after this */
    size_t seal_block_bytes;        /* 512 KiB */
    size_t merge_block_bytes;       /* 1 MiB */
    size_t merge_part_bytes;        /* 256 KiB: of a merged block, what is read alone */
    unsigned parts_apart_max;       /* 16: so many parts of a stream over one instant are read each for itself; where there are more, they are merged */
    int zstd_level_seal, zstd_level_merge;
    bool keeps_templates;           /* makes the templates of segments' lines in the background; false: queries of them read lines */
    bool compaction;
    int64_t compaction_interval_ns;
    uint64_t disk_free_reserve;     /* read-only below this many free bytes */
    size_t block_cache_bytes;       /* decompressed blocks kept for queries that read them again; 0: none */
    struct memory_budget *memory;   /* the node's, which outlives the store; NULL: none */
    size_t tap_bytes_max;           /* entries that wait in the taps of live tails, all together */
    /* Retention of a tenant, ns; 0: keep. Asked by maintenance. May be NULL. */
    int64_t (*retention_ns)(void *self, struct slice tenant);
    void *retention_self;
    int64_t delete_delay_ns;        /* a delete request only hides lines for so long, then they are erased: until then it can be taken back whole */
    /* What delete requests of a tenant do. Asked by maintenance and by scans. NULL: DELETION_ERASE. */
    enum deletion_mode (*deletion_mode)(void *self, struct slice tenant);
    void *deletion_self;
};

void store_config_defaults(struct store_config *out);

/* Takes the lock on the folder (ERR_UNAVAILABLE "... is in use by another process"), opens everything, starts the threads and the replay. Returns
 * before the replay has ended: pushes are accepted, and acknowledged when they are durable; the replay applies them. Queries answer from what is there
 * (store_ready tells). */
bool store_open(const struct store_config *config, struct store **out, struct err *err) MUST_CHECK;

/* Stops taking pushes, answers those that wait, seals what is cheap, syncs, ends the threads. NULL is fine. */
void store_close(struct store *store);

/* True: pushes are taken and all that was ever acknowledged is visible. Else *err says why not yet, or why not any more. */
bool store_ready(struct store *store, struct err *err) MUST_CHECK;

/* ---- push ---- */

/* One push on its way. The caller fills the first part; from store_push(true) on it belongs to the store until done is called, exactly once, on
 * a thread of the store. */
struct push_job {
    struct push_batch batch;
    struct slice record_body;       /* snappy block of the PushRequest that the batch came from, or NULL: the store encodes the batch itself */
    const uint32_t *refused;        /* as ingest_outcome: what of record_body is not in the batch */
    size_t refused_count;
    bool adds_labels;               /* as ingest_context: what replay must add to record_body */
    size_t memory_bytes;            /* that the job keeps alive: charged to the queues */
    void (*done)(struct push_job *job, bool ok, const struct err *err);
    void *owner; /* the caller's */

    /* ---- the store's ---- */
    struct log_append append;
    struct store *store;
    struct buf record;
    _Atomic uint32_t shards_left;
    uint64_t sequence;
    struct push_job_part *parts;
};

/* False: refused at once (ERR_UNAVAILABLE: queue full, stopping, log failed; ERR_DISK_FULL), done is never called. A batch of no runs is done at once. */
bool store_push(struct store *store, struct push_job *job, struct err *err) MUST_CHECK;

/* What ingest asks about streams, for one tenant; valid while the store is open. max_streams: the tenant's limit, 0: none. A stream that was admitted but
 * not pushed in the end is forgotten after a minute. Thread: any. */
struct store_tenant;
struct store_tenant *store_tenant(struct store *store, struct slice name);
bool store_stream_admit(struct store *store, struct store_tenant *tenant, struct hash128 stream, int64_t max_streams);
int64_t store_stream_newest_ns(struct store *store, struct hash128 stream); /* in memory; INT64_MIN: none */
unsigned store_shard_count(const struct store *store);

/* ---- queries ---- */
const struct source *store_source(struct store *store);
const struct executor *store_executor(struct store *store); /* the query pool; callers on its threads or on others */
/* Runs task on the query pool, in the order given. False if the queue of tasks is full. */
bool store_run(struct store *store, void (*task)(void *self), void *self) MUST_CHECK;

/* ---- live tails ---- */
/* A tap (storage/tap/tap.h) such that each entry is in it, or in every scan that is opened after this call, or in both. ERR_UNAVAILABLE while the log is
 * still being replayed. Waits for the shards' queues: call from a pool thread. */
bool store_tap_open(struct store *store, const struct tap_config *config, struct tap **out, struct err *err) MUST_CHECK;
size_t store_tap_bytes(const struct store *store); /* entries that wait in taps */

/* ---- operations ---- */
/* Everything acknowledged before the call is in segments when it returns; waits for the replay to end. Blocks: call from a pool thread. */
bool store_flush(struct store *store, struct err *err) MUST_CHECK;
/* One round of maintenance now: the log's repair and trimming, retention, compaction. */
bool store_maintain(struct store *store, struct err *err) MUST_CHECK;

/* ---- delete requests ---- */
/* In force for every query that begins after the return, and durable. request: query, start_ms, end_ms, max_interval_ns. Errors: delete_book_add's. */
bool store_delete_add(struct store *store, struct slice tenant, const struct delete_request *request, uint32_t *out_id,
                      struct err *err) MUST_CHECK;
/* Errors: delete_book_cancel's. */
bool store_delete_cancel(struct store *store, struct slice tenant, uint32_t id, bool force, struct err *err) MUST_CHECK;
/* By creation; in the arena. */
size_t store_delete_list(struct store *store, struct slice tenant, struct arena *arena, struct delete_request **out);
uint64_t store_delete_generation(struct store *store, struct slice tenant); /* 0: there never was one */

#define DELETE_CANCEL_PERIOD_NS NS_PER_DAY /* older requests are taken back with force only */

/* ---- leaving ---- */
/* Sets or takes back the marker of a node that is about to leave; it survives kill -9, and ends with the next end in order. */
bool store_prepare_shutdown(struct store *store, bool is_set, struct err *err) MUST_CHECK;
bool store_shutdown_is_prepared(struct store *store);
/* From now on pushes are refused, and store_ready says so; queries go on. */
void store_refuse_pushes(struct store *store);

struct store_stats {
    uint64_t head_streams, head_chunks, head_entries, head_open_bytes, head_sealed_bytes, head_sealed_chunks, head_spilled_bytes, stream_label_bytes;
    int64_t head_oldest_ns;
    uint64_t segments[4], segment_bytes, signature_bytes, template_bytes, templates, index_bytes, index_mapped_bytes, raw_bytes, entries; /* by level */
    uint64_t index_streams, index_pairs, index_postings, index_free_pages, index_readers; /* of the indexes that are open */
    int64_t index_oldest_read_ns; /* its age */
    unsigned shards;
    uint64_t shard_pending[64]; /* parts of pushes that wait for the shard */
    int64_t oldest_ns;
    uint64_t disk_free_bytes, disk_size_bytes;
    bool is_read_only;
    struct log_stats log;
    uint64_t replay_bytes_left;
    struct delete_book_stats deletes;
    struct block_cache_stats block_cache;
};
void store_stats(struct store *store, struct store_stats *out);
