#include "storage/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/segment/segment_templates.h"
#include "storage/store/store_parts.h"

#define FORMAT_TEXT "logi 1\n"
#define REPLAY_LOOK_NS (5 * NS_PER_MS)
#define REPLAY_FAILS_NS (3 * NS_PER_S / 2)
#define QUERY_TASKS_MAX ((size_t)4096) /* that wait for a thread of the query pool */

void store_config_defaults(struct store_config *out)
{
    *out = (struct store_config){
        .disk = &system_disk,
        .clock = &system_clock,
        .folder = "data",
        .durability = LOG_SYNC,
        .log_file_bytes = (size_t)64 << 20,
        .log_queue_bytes = (size_t)64 << 20,
        .shard_queue_bytes = (size_t)16 << 20,
        .head_bytes_max = (size_t)64 << 20,
        .seal_bytes = (size_t)16 << 20,
        .seal_age_ns = 5 * NS_PER_MIN,
        .stream_idle_ns = NS_PER_HOUR,
        .seal_block_bytes = (size_t)512 << 10,
        .merge_block_bytes = (size_t)1 << 20,
        .merge_part_bytes = (size_t)256 << 10,
        .parts_apart_max = 16,
        .zstd_level_seal = 1,
        .zstd_level_merge = 6,
        .compaction = true,
        .compaction_interval_ns = 10 * NS_PER_S,
        .disk_free_reserve = (uint64_t)256 << 20,
        .delete_delay_ns = NS_PER_MIN,
        .block_cache_bytes = (size_t)32 << 20,
        .tap_bytes_max = (size_t)64 << 20,
    };
}

/* ---- opening ---- */

static bool take_lock(struct store *store, struct err *err)
{
    const struct disk *disk = store->config.disk;
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/LOCK", store->folder);
    store->lock_fd = disk->open(disk, path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (store->lock_fd < 0)
        return err_errno(err, "open %s", path);
    if (disk->lock(disk, store->lock_fd) != 0)
        return errno == EWOULDBLOCK ? err_set(err, ERR_UNAVAILABLE, "%s is in use by another process", store->folder)
                                    : err_errno(err, "lock %s", path);
    return true;
}

static bool check_format(struct store *store, struct err *err)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/FORMAT", store->folder);
    struct buf text = BUF_INIT;
    struct err read_err = {.code = ERR_NONE};
    bool ok = disk_read_file(store->config.disk, path, 4096, &text, &read_err);
    if (ok && !slice_eq(buf_slice(&text), SLICE(FORMAT_TEXT)))
        ok = err_set(err, ERR_CORRUPT, "%s: \"%.*s\" is not a format that this version knows", path, SLICE_ARG(slice_trim(buf_slice(&text))));
    else if (!ok && read_err.code == ERR_NOT_FOUND)
        ok = disk_replace_file(store->config.disk, path, SLICE(FORMAT_TEXT), err);
    else if (!ok)
        *err = read_err;
    buf_fini(&text);
    return ok;
}

static bool open_log(struct store *store, struct err *err)
{
    const struct store_config *c = &store->config;
    char folder[4096];
    (void)snprintf(folder, sizeof(folder), "%s/log", store->folder);
    store->log_is_open = log_files_open(&(struct log_files_config){.disk = c->disk,
                                                                    .clock = c->clock,
                                                                    .folder = folder,
                                                                    .durability = c->durability,
                                                                    .file_bytes = c->log_file_bytes,
                                                                    .queue_bytes = c->log_queue_bytes,
                                                                    .batch_bytes = (size_t)4 << 20,
                                                                    .record_bytes_max = (size_t)1 << 30,
                                                                    .sync_interval_ns = NS_PER_S,
                                                                    .free_bytes_reserve = c->disk_free_reserve,
                                                                    .observe = figure_log_commit},
                                        &store->log, err);
    return store->log_is_open;
}

static void init_locks(struct store *store)
{
    pthread_mutex_t *const locks[] = {&store->idle_lock,     &store->hold_lock, &store->maintain_lock,
                                      &store->wake_lock,     &store->trim_lock, &store->marker_lock};
    for (size_t i = 0; i < LENGTH(locks); i++)
        pthread_mutex_init(locks[i], NULL);
    pthread_cond_init(&store->idle, NULL);
    pthread_cond_init(&store->wake, NULL);
}

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

static void init_group(struct store *store)
{
    const struct store_config *c = &store->config;
    struct shard_group *group = &store->group;
    *group = (struct shard_group){
        .clock = c->clock,
        .pages = store->pages,
        .taps = store->taps,
        .seal = {.board = store->board,
                 .days = store->days,
                 .feed = store->feed,
                 .clock = c->clock,
                 .segment_ids = &store->segment_ids,
                 .shard_count = store->shard_count,
                 .block_bytes = c->seal_block_bytes,
                 .zstd_level = c->zstd_level_seal,
                 .retired_bytes = &group->room.retired_bytes,
                 .at_once = &group->room.is_replaying},
        .room = {.disk = c->disk,
                 .clock = c->clock,
                 .disk_free_reserve = c->disk_free_reserve,
                 .head_bytes_max = c->head_bytes_max,
                 .seal_bytes = c->seal_bytes},
        .seal_age_ns = c->seal_age_ns,
        .stream_idle_ns = c->stream_idle_ns,
        .memory = c->memory,
    };
    head_room_init(&group->room, store->folder, store->shard_count);
}

static size_t head_bytes(void *self)
{
    struct store *store = self;
    size_t sum = RELAXED(&store->group.room.head_bytes) + RELAXED(&store->group.room.retired_bytes);
    for (unsigned i = 0; i < store->shard_count; i++)
        sum += shard_stream_bytes(store->shards[i]);
    return sum;
}

static size_t inflight_bytes(void *self)
{
    return RELAXED(&((struct store *)self)->inflight_bytes);
}

static size_t tap_bytes(void *self)
{
    return store_tap_bytes(self);
}

static size_t index_bytes(void *self)
{
    return RELAXED(&((struct store *)self)->index_bytes);
}

static size_t cache_bytes(void *self)
{
    return block_cache_bytes(((struct store *)self)->block_cache);
}

static void tell_memory(struct store *store)
{
    struct memory_budget *memory = store->config.memory;
    if (memory == NULL)
        return;
    memory_budget_source(memory, MEMORY_HEAD, head_bytes, store);
    memory_budget_source(memory, MEMORY_WAL, inflight_bytes, store);
    memory_budget_source(memory, MEMORY_TAIL, tap_bytes, store);
    memory_budget_source(memory, MEMORY_CACHE, cache_bytes, store);
    memory_budget_source(memory, MEMORY_INDEX_MAP, index_bytes, store);
}

static void start_threads(struct store *store)
{
    init_group(store);
    store->sealer = sealer_create(&store->group.seal, store->shard_count < store->cores ? store->shard_count : store->cores, store_trim, store);
    store->group.sealer = store->sealer;
    store->shards = mem_array(store->shard_count, sizeof(struct shard *));
    for (unsigned i = 0; i < store->shard_count; i++)
        store->shards[i] = shard_create(&store->group, i);
    tell_memory(store);
    atomic_store(&store->takes_pushes, true);
    store->is_replaying = true;
    if (pthread_create(&store->replay_thread, NULL, store_replay_run, store) != 0 ||
        pthread_create(&store->maintenance_thread, NULL, store_maintain_run, store) != 0)
        abort();
    store->has_threads = true;
    if (store->config.keeps_templates && pthread_create(&store->templates_thread, NULL, store_templates_run, store) != 0)
        abort();
    store->has_templates_thread = store->config.keeps_templates;
}

static bool open_all(struct store *store, struct err *err)
{
    char days[4096];
    (void)snprintf(days, sizeof(days), "%s/days", store->folder);
    if (!disk_make_folders(store->config.disk, store->folder, err) || !take_lock(store, err) || !check_format(store, err) ||
        !day_set_open(store->config.disk, days, &store->days, err))
        return false;
    store->board = view_board_create();
    if (!store_days_load(store, err) || !store_deletes_open(store, err) || !open_log(store, err))
        return false;
    store->index_streams = (struct day_streams){.self = store, .each = store_days_streams};
    store->feed = index_feed_create(store->days, store->config.clock, &store->index_streams);
    store->tenants = tenant_table_create();
    store->pages = page_pool_create();
    store->block_cache = block_cache_create(store->config.block_cache_bytes);
    store->known_pairs = known_pairs_create();
    store->taps = tap_board_create(store->shard_count, store->config.tap_bytes_max);
    if (!worker_pool_create(&(struct worker_pool_config){.name = "query",
                                                         .threads = store->config.query_threads == 0 ? store->cores : store->config.query_threads,
                                                         .tasks_max = QUERY_TASKS_MAX},
                            &store->pool, err))
        return false;
    store->executor = worker_pool_executor(store->pool);
    store_source_init(store);
    store_check_disk(store);
    store_shutdown_load(store);
    store_run_begin(store);
    start_threads(store);
    return true;
}

bool store_open(const struct store_config *config, struct store **out, struct err *err)
{
    struct store *store = mem_zero(sizeof(*store));
    store_figures_init();
    rcu_thread_join();
    store->config = *config;
    store->lock_fd = -1;
    store->folder = mem_strdup(slice_str(config->folder));
    store->cores = cores();
    store->shard_count = config->shards == 0 ? store->cores : config->shards;
    figure_shards(store->shard_count);
    store->inflight_bytes_max = config->shard_queue_bytes * store->shard_count;
    store->segment_ids = 1;
    init_locks(store);
    bool ok = open_all(store, err);
    rcu_thread_part();
    if (!ok) {
        store_close(store);
        return err_wrap(err, "store %s", config->folder);
    }
    *out = store;
    return true;
}

/* ---- closing ---- */

static void stop_pushes(struct store *store)
{
    atomic_store(&store->takes_pushes, false);
    atomic_store(&store->group.is_closing, true);
    atomic_store(&store->stops, true);
    pthread_mutex_lock(&store->wake_lock);
    pthread_cond_broadcast(&store->wake);
    pthread_mutex_unlock(&store->wake_lock);
    (void)pthread_join(store->replay_thread, NULL);
    (void)pthread_join(store->maintenance_thread, NULL);
    if (store->has_templates_thread)
        (void)pthread_join(store->templates_thread, NULL);
    store_push_wait_below(store, 0); // every job is answered
}

static void stop_shards(struct store *store)
{
    // What a replay left in files is not sealed in a hurry: the log has it, and the next start is as quick as this one was.
    bool is_cheap = atomic_load(&store->group.room.spilled_bytes) == 0;
    for (unsigned i = 0; is_cheap && i < store->shard_count; i++) {
        struct err err;
        if (!shard_flush(store->shards[i], &err)) // the log has it: the next start replays it
            log_warn("store", "a shard could not be sealed at the end", "err", err.text);
    }
    store_trim(store);
    for (unsigned i = 0; i < store->shard_count; i++)
        shard_stop(store->shards[i]);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    rcu_thread_join();
    if (store->has_threads) {
        stop_pushes(store);
        stop_shards(store);
        store_shutdown_done(store);
    }
    worker_pool_destroy(store->pool);
    sealer_destroy(store->sealer); // it trims the log after a seal
    if (store->log_is_open)
        store->log.close(store->log.self);
    for (unsigned i = 0; store->shards != NULL && i < store->shard_count; i++)
        shard_destroy(store->shards[i]);
    mem_free(store->shards);
    head_room_fini(&store->group.room);
    index_feed_destroy(store->feed);
    view_board_destroy(store->board);
    day_set_close(store->days);
    delete_book_close(store->deletes);
    rcu_wait_frees();
    tap_board_destroy(store->taps);
    tenant_table_destroy(store->tenants);
    page_pool_destroy(store->pages);
    block_cache_destroy(store->block_cache);
    known_pairs_destroy(store->known_pairs);
    if (store->has_threads)
        store_run_end(store);
    if (store->lock_fd >= 0)
        (void)store->config.disk->close(store->config.disk, store->lock_fd);
    mem_free(store->folder);
    mem_free(store);
    rcu_thread_part();
}

/* ---- the rest ---- */

bool store_ready(struct store *store, struct err *err)
{
    if (!atomic_load(&store->is_ready))
        return err_set(err, ERR_UNAVAILABLE, "the log is being replayed");
    if (!atomic_load(&store->takes_pushes))
        return err_set(err, ERR_UNAVAILABLE, "the store is shutting down");
    if (atomic_load(&store->is_read_only))
        return err_set(err, ERR_DISK_FULL, "the disk is nearly full: no pushes are taken");
    struct log_stats stats;
    store->log.stats(store->log.self, &stats);
    if (stats.is_failed)
        return err_set(err, ERR_UNAVAILABLE, "the log has failed: no pushes are taken");
    return true;
}

const struct source *store_source(struct store *store)
{
    return &store->source;
}

const struct executor *store_executor(struct store *store)
{
    return &store->executor;
}

bool store_run(struct store *store, void (*task)(void *self), void *self)
{
    struct err err;
    return worker_pool_submit(store->pool, task, self, &err);
}

/* What was acknowledged during a replay is applied by it. A log that cannot be read is waited for, for a while. */
static bool wait_replayed(struct store *store, struct err *err)
{
    for (int64_t waited_ns = 0; !atomic_load(&store->is_ready); waited_ns += REPLAY_LOOK_NS) {
        if (atomic_load(&store->stops) || (atomic_load(&store->is_replay_failing) && waited_ns > REPLAY_FAILS_NS))
            return err_set(err, ERR_UNAVAILABLE, "the log is being replayed");
        store_wait(store, REPLAY_LOOK_NS);
    }
    return true;
}

bool store_flush(struct store *store, struct err *err)
{
    bool ok = true;
    if (!wait_replayed(store, err))
        return false;
    for (unsigned i = 0; i < store->shard_count; i++)
        shard_wait_applied(store->shards[i]);
    for (unsigned i = 0; i < store->shard_count; i++)
        ok = shard_flush(store->shards[i], err) && ok;
    store_trim(store);
    return ok;
}

static void add_segment(struct store_stats *out, const struct segment *segment)
{
    const struct segment_stats *stats = segment_stats(segment);
    const struct template_file *templates = segment_templates_known(segment);
    out->templates += templates == NULL ? 0 : template_file_count(templates);
    out->template_bytes += templates == NULL ? 0 : template_file_bytes(templates);
    size_t level = stats->level >= LENGTH(out->segments) ? LENGTH(out->segments) - 1 : stats->level;
    out->segments[level]++;
    out->segment_bytes += stats->file_bytes;
    out->signature_bytes += stats->signature_bytes;
    out->raw_bytes += stats->line_bytes;
    out->entries += stats->entries;
    if (stats->first_ns < out->oldest_ns)
        out->oldest_ns = stats->first_ns;
}

static void add_indexes(struct store *store, struct store_stats *out)
{
    size_t count;
    struct day **days = day_set_range(store->days, INT64_MIN, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        struct day_index_stats stats; // without waiting: an index may be filled anew just now, and figures are asked for on loops
        day_index_figures(days[i], &stats);
        out->index_bytes += stats.used_bytes;
        out->index_mapped_bytes += stats.mapped_bytes;
        out->index_streams += stats.streams;
        out->index_pairs += stats.pairs;
        out->index_postings += stats.postings;
        out->index_free_pages += stats.free_pages;
        out->index_readers += stats.readers;
        day_unref(days[i]);
    }
    mem_free(days);
}

void store_stats(struct store *store, struct store_stats *out)
{
    *out = (struct store_stats){.oldest_ns = INT64_MAX, .head_oldest_ns = INT64_MAX, .shards = store->shard_count};
    int64_t wall = clock_wall_ns(store->config.clock), mono = clock_mono_ns(store->config.clock);
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard_stats shard;
        shard_stats(store->shards[i], &shard);
        out->head_streams += shard.streams;
        out->head_chunks += shard.lists;
        out->head_entries += shard.entries;
        out->head_open_bytes += shard.open_bytes;
        out->head_sealed_bytes += shard.frozen_bytes;
        out->head_sealed_chunks += shard.frozen_lists;
        if (i < LENGTH(out->shard_pending))
            out->shard_pending[i] = shard.pending;
        out->stream_label_bytes += shard.label_bytes;
        int64_t since = shard.active_since_mono_ns == 0 ? INT64_MAX : wall - (mono - shard.active_since_mono_ns);
        out->head_oldest_ns = since < out->head_oldest_ns ? since : out->head_oldest_ns;
    }
    out->head_spilled_bytes = atomic_load(&store->group.room.spilled_bytes);
    struct view *view = view_take(store->board);
    for (size_t i = 0; i < view->day_count; i++)
        for (size_t k = 0; k < view->days[i]->segment_count; k++)
            add_segment(out, view->days[i]->segments[k]);
    view_drop(view);
    out->index_oldest_read_ns = day_index_oldest_read_ns();
    add_indexes(store, out);
    atomic_store_explicit(&store->index_bytes, out->index_bytes, memory_order_relaxed); // a figure
    out->disk_free_bytes = atomic_load(&store->disk_free_bytes);
    out->disk_size_bytes = atomic_load(&store->disk_size_bytes);
    out->is_read_only = atomic_load(&store->is_read_only);
    store->log.stats(store->log.self, &out->log);
    delete_book_stats(store->deletes, &out->deletes);
    block_cache_stats(store->block_cache, &out->block_cache);
    if (!atomic_load(&store->is_ready)) {
        uint64_t done = atomic_load(&store->replay_bytes);
        out->replay_bytes_left = out->log.bytes_on_disk > done ? out->log.bytes_on_disk - done : 0;
    }
}
