/* The maintenance thread: room on the disk, the log's trimming and repair, merging and retention. */
#include <sys/resource.h>
#include <time.h>

#include "core/base/logger.h"
#include "storage/compact/day_merge.h"
#include "storage/store/store_parts.h"

#define ROUND_NS NS_PER_S
#define ERASE_RETRY_NS (30 * NS_PER_S)
#define CALM_BYTES_A_S ((uint64_t)8 << 20) /* of log: while less comes in, merges take the time to pack well (decisions/0019) */
#define MAINTENANCE_NICE 5                 /* queries and pushes go first; a quarter of a core is left to it when they want all */
#define LOG_FILES_MAX ((size_t)6) /* of log: past it, shards that hold up its trimming are sealed; so a restart reads no more than about that */

void store_trim(void *self)
{
    struct store *store = self;
    if (!atomic_load(&store->is_ready)) // the log is still being read
        return;
    pthread_mutex_lock(&store->trim_lock);
    uint64_t handed = atomic_load(&store->handed_sequence);
    uint64_t from = handed + 1;
    for (unsigned i = 0; i < store->shard_count; i++) {
        uint64_t shard_from = shard_unsealed_from(store->shards[i], handed);
        from = shard_from < from ? shard_from : from;
    }
    if (from > 1)
        store->log.trim(store->log.self, from - 1);
    pthread_mutex_unlock(&store->trim_lock);
}

void store_check_disk(struct store *store)
{
    const struct disk *disk = store->config.disk;
    uint64_t free_bytes = 0, size = 0;
    if (disk->free_bytes(disk, store->folder, &free_bytes, &size) != 0)
        return;
    atomic_store(&store->disk_free_bytes, free_bytes);
    atomic_store(&store->disk_size_bytes, size);
    bool full = free_bytes < store->config.disk_free_reserve;
    if (atomic_exchange(&store->is_read_only, full) != full) {
        if (full)
            log_warn("store", "the disk is nearly full: pushes are refused");
        else
            log_info("store", "the disk has room again: pushes are taken");
    }
}

static void check_log(struct store *store)
{
    struct log_stats stats;
    struct err err;
    store->log.stats(store->log.self, &stats);
    if (!stats.is_failed || atomic_load(&store->is_read_only))
        return;
    if (store->log.repair(store->log.self, &err))
        log_info("log", "the log takes pushes again");
    else
        log_error("log", "the log could not be repaired", "err", err.text);
}

/* A shard that takes in little is sealed by age only, and until then keeps the log of all the others. Those whose oldest entry lies in the log's older
 * half are sealed when it has become long. */
static void shorten_log(struct store *store)
{
    struct log_stats stats;
    store->log.stats(store->log.self, &stats);
    if (stats.bytes_on_disk <= LOG_FILES_MAX * store->config.log_file_bytes || !atomic_load(&store->is_ready))
        return;
    uint64_t handed = atomic_load(&store->handed_sequence);
    uint64_t middle = stats.first_sequence + (stats.last_sequence - stats.first_sequence) / 2;
    for (unsigned i = 0; i < store->shard_count; i++)
        if (shard_unsealed_from(store->shards[i], handed) <= middle)
            shard_seal_soon(store->shards[i]);
}

/* Packing well costs four times what packing fast does: not while pushes need the machine. */
static void weigh_pushes(struct store *store)
{
    struct log_stats stats;
    int64_t now = clock_mono_ns(store->config.clock);
    pthread_mutex_lock(&store->wake_lock);
    int64_t elapsed_ns = now - store->weighed_mono_ns;
    if (elapsed_ns >= ROUND_NS / 2) { // a round that was asked for may come right after one of the thread's own
        store->log.stats(store->log.self, &stats);
        double bytes = (double)(stats.bytes_logged - store->weighed_bytes);
        atomic_store_explicit(&store->is_pressed, bytes * (double)NS_PER_S > (double)CALM_BYTES_A_S * (double)elapsed_ns, memory_order_relaxed);
        store->weighed_bytes = stats.bytes_logged;
        store->weighed_mono_ns = now;
    }
    pthread_mutex_unlock(&store->wake_lock);
}

/* Under pressure blocks that are only kept for later go first. */
static void empty_cache(struct store *store)
{
    if (store->config.memory == NULL || memory_budget_level(store->config.memory) == PRESSURE_NONE || block_cache_bytes(store->block_cache) == 0)
        return;
    block_cache_shrink(store->block_cache, 0);
    memory_budget_note_shed(store->config.memory, SHED_EVICT);
}

/* The small things of a round: room on the disk and in memory, the log's health and its length, how much comes in. */
static void look_after(struct store *store)
{
    empty_cache(store);
    weigh_pushes(store);
    store_check_disk(store);
    check_log(store);
    store_trim(store);
    shorten_log(store);
}

static bool is_busy(void *self)
{
    struct store *store = self;
    return atomic_load(&store->inflight_bytes) > store->inflight_bytes_max / 8 && !atomic_load(&store->stops);
}

static bool is_stopping(void *self)
{
    return atomic_load(&((struct store *)self)->stops);
}

void store_merge_context(struct store *store, struct day_merge_context *out)
{
    const struct store_config *config = &store->config;
    *out = (struct day_merge_context){
        .board = store->board,
        .days = store->days,
        .index_streams = &store->index_streams,
        .clock = config->clock,
        .segment_ids = &store->segment_ids,
        .block_bytes = config->merge_block_bytes,
        .part_bytes = config->merge_part_bytes,
        .zstd_level = RELAXED(&store->is_pressed) ? config->zstd_level_seal : config->zstd_level_merge,
        .merges = config->compaction,
        .retention_ns = config->retention_ns,
        .retention_self = config->retention_self,
        .day_dropped = store_day_dropped,
        .is_busy = is_busy,
        .is_stopping = is_stopping,
        .self = store,
    };
}

bool store_maintain(struct store *store, struct err *err)
{
    struct day_merge_context context;
    store_merge_context(store, &context);
    look_after(store);
    pthread_mutex_lock(&store->maintain_lock);
    struct err erase_err;
    bool erased = store_erase(store, &erase_err); // what keeps it from erasing keeps nobody from merging
    bool ok = day_merge_round(&context, err);
    pthread_mutex_unlock(&store->maintain_lock);
    if (ok && !erased)
        *err = erase_err;
    return ok && erased;
}

/* Delete requests do not wait for the round of merging. */
static void erase_soon(struct store *store)
{
    struct err err;
    if (clock_mono_ns(store->config.clock) < store->erase_after_mono_ns)
        return;
    pthread_mutex_lock(&store->maintain_lock);
    bool ok = store_erase(store, &err);
    pthread_mutex_unlock(&store->maintain_lock);
    if (ok)
        return;
    log_error("compactor", "delete requests could not be processed and will be tried again", "err", err.text);
    store->erase_after_mono_ns = clock_mono_ns(store->config.clock) + ERASE_RETRY_NS;
}

void store_wait(struct store *store, int64_t ns)
{
    struct timespec until = clock_mono_after(ns);
    pthread_mutex_lock(&store->wake_lock);
    if (!atomic_load(&store->stops))
        (void)pthread_cond_clockwait(&store->wake, &store->wake_lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&store->wake_lock);
}

void *store_maintain_run(void *self)
{
    struct store *store = self;
    (void)pthread_setname_np(pthread_self(), "maintenance");
    (void)setpriority(PRIO_PROCESS, 0, MAINTENANCE_NICE); // of this thread alone, on Linux
    rcu_thread_join();
    int64_t merged_at = clock_mono_ns(store->config.clock);
    while (!atomic_load(&store->stops)) {
        look_after(store);
        erase_soon(store);
        int64_t now = clock_mono_ns(store->config.clock);
        if (now - merged_at >= store->config.compaction_interval_ns) {
            struct err err;
            if (!store_maintain(store, &err))
                log_error("compact", "a round of merging failed and will be tried again", "err", err.text);
            merged_at = clock_mono_ns(store->config.clock);
        }
        store_wait(store, ROUND_NS);
    }
    rcu_thread_part();
    return NULL;
}
