/* Replay: the log's records to the shards in order, less what is in segments; then the pushes that came meanwhile. */
#include <inttypes.h>
#include <snappy-c.h>
#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/ingest/push_wire.h"
#include "storage/figures/store_figures.h"
#include "storage/store/record.h"
#include "storage/store/store_parts.h"

#define RETRY_NS_MIN (10 * NS_PER_MS)
#define RETRY_NS_MAX NS_PER_S
#define REPLAY_BODY_MAX ((size_t)1 << 30) /* decompressed; far above what any push may hold */

/* The marks of one day as they were at the start: later ones cover only what this replay applied. */
struct replay_day {
    int64_t number;
    struct segment_mark *marks;
    size_t count;
};

struct replay {
    struct store *store;
    struct replay_day *days; // ascending
    size_t day_count;
    size_t last; // the day that was asked for last
    uint64_t records, entries, skipped;
    uint64_t done; // the sequence that was handed over last
};

struct replay_job {
    struct push_job job;
    struct arena arena;
    char *message;
};

static void replay_job_done(struct push_job *job, bool ok, const struct err *err)
{
    (void)ok;
    (void)err;
    struct replay_job *replayed = job->owner;
    arena_fini(&replayed->arena);
    mem_free(replayed->message);
    mem_free(replayed);
}

static void marks_load(struct replay *replay)
{
    struct day **days = day_set_range(replay->store->days, INT64_MIN, INT64_MAX, &replay->day_count);
    replay->days = mem_array(replay->day_count + 1, sizeof(*replay->days));
    for (size_t i = 0; i < replay->day_count; i++) {
        struct replay_day *day = &replay->days[i];
        pthread_mutex_lock(&days[i]->manifest_lock);
        *day = (struct replay_day){.number = days[i]->number, .count = days[i]->manifest.mark_count};
        day->marks = mem_array(day->count + 1, sizeof(*day->marks));
        if (day->count > 0)
            memcpy(day->marks, days[i]->manifest.marks, day->count * sizeof(*day->marks));
        pthread_mutex_unlock(&days[i]->manifest_lock);
        day_unref(days[i]);
    }
    mem_free(days);
}

static const struct replay_day *find_day(struct replay *replay, int64_t number)
{
    if (replay->last < replay->day_count && replay->days[replay->last].number == number)
        return &replay->days[replay->last];
    for (size_t i = 0; i < replay->day_count; i++) {
        if (replay->days[i].number == number) {
            replay->last = i;
            return &replay->days[i];
        }
    }
    return NULL;
}

static bool is_covered(struct replay *replay, int64_t day_number, uint64_t stream_low, uint64_t sequence)
{
    const struct replay_day *day = find_day(replay, day_number);
    for (size_t i = 0; day != NULL && i < day->count; i++)
        if (sequence <= day->marks[i].sequence && stream_low % day->marks[i].shard_count == day->marks[i].shard)
            return true;
    return false;
}

/* Takes the entries that are in segments out of the run. */
static void run_filter(struct replay *replay, struct push_run *run, uint64_t sequence)
{
    if (day_of_ns(run->first_ns) == day_of_ns(run->last_ns)) {
        if (is_covered(replay, day_of_ns(run->first_ns), run->stream.low, sequence))
            run->count = 0;
        return;
    }
    size_t kept = 0;
    size_t line_bytes = 0;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < run->count; i++) {
        const struct push_entry *entry = &run->entries[i];
        if (is_covered(replay, day_of_ns(entry->ts_ns), run->stream.low, sequence))
            continue;
        line_bytes += entry->line.len;
        first = entry->ts_ns < first ? entry->ts_ns : first;
        last = entry->ts_ns > last ? entry->ts_ns : last;
        run->entries[kept++] = *entry;
    }
    run->count = kept;
    run->line_bytes = line_bytes;
    run->first_ns = first;
    run->last_ns = last;
}

static bool decode(struct replay_job *replayed, struct slice payload, struct err *err)
{
    struct record record;
    if (!record_decode(payload, &replayed->arena, &record, err))
        return false;
    size_t len = 0;
    if (snappy_uncompressed_length(record.body.ptr, record.body.len, &len) != SNAPPY_OK || len > REPLAY_BODY_MAX)
        return err_set(err, ERR_CORRUPT, "record: body has no snappy length");
    replayed->message = mem_alloc(len + 1);
    if (snappy_uncompress(record.body.ptr, record.body.len, replayed->message, &len) != SNAPPY_OK)
        return err_set(err, ERR_CORRUPT, "record: body is not snappy");
    struct push_request request;
    struct push_batch *batch = &replayed->job.batch;
    if (!push_wire_decode(slice_of(replayed->message, len), &(struct push_wire_limits){UINT32_MAX, UINT32_MAX},
                          &replayed->arena, &request, err))
        return false;
    // The payload is the log's: what outlives this call is copied.
    return ingest_replay(arena_copy(&replayed->arena, record.tenant), record.adds_labels, &request, record.refused,
                         record.refused_count, &replayed->arena, batch, err);
}

static bool replay_record(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    struct replay *replay = self;
    struct store *store = replay->store;
    if (atomic_load(&store->stops))
        return err_set(err, ERR_CANCELLED, "stopped");
    if (sequence <= replay->done) // of the try before
        return true;
    replay->done = sequence;
    atomic_fetch_add(&store->replay_bytes, payload.len);
    struct replay_job *replayed = mem_zero(sizeof(*replayed));
    replayed->arena = ARENA_INIT;
    struct push_job *job = &replayed->job;
    *job = (struct push_job){.done = replay_job_done, .owner = replayed, .store = store, .record = BUF_INIT, .sequence = sequence};
    struct err bad;
    if (!decode(replayed, payload, &bad)) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%" PRIu64, sequence);
        figure_damage(DAMAGE_LOG);
        log_error("replay", "a record of the log cannot be read and is left out", "sequence", text, "err", bad.text);
        atomic_fetch_add(&store->damages, 1);
        replay_job_done(job, true, NULL);
        return true;
    }
    replay->records++;
    size_t left = 0;
    for (size_t i = 0; i < job->batch.run_count; i++) {
        struct push_run *run = &job->batch.runs[i];
        size_t before = run->count;
        run_filter(replay, run, sequence);
        replay->skipped += before - run->count;
        left += run->count;
    }
    replay->entries += left;
    job->append.charge_bytes = replayed->arena.bytes + job->batch.line_bytes;
    store_push_wait_below(store, store->inflight_bytes_max / 2);
    store_push_charge(store, job->append.charge_bytes);
    store_push_parts(store, job);
    store_push_hand_over(store, job);
    return true;
}

static void replay_damaged(void *self, const char *what)
{
    struct replay *replay = self;
    atomic_fetch_add(&replay->store->damages, 1);
    figure_damage(DAMAGE_LOG);
    log_error("replay", "the log is damaged", "what", what);
}

/* Hands over what became durable meanwhile, in order, and ends the holding. After a replay that did not reach the end nothing later may be applied, or
 * a mark would say that what was not replayed is in segments: those pushes are acknowledged, and wait in the log for the next start. */
static void release_held(struct store *store, bool is_whole)
{
    pthread_mutex_lock(&store->hold_lock);
    store->is_replay_broken = !is_whole;
    if (!is_whole)
        atomic_store(&store->takes_pushes, false);
    struct push_job *job = store->held_first;
    while (job != NULL) {
        struct push_job *next = *(struct push_job **)job->append.node.opaque;
        if (is_whole)
            store_push_hand_over(store, job);
        else
            store_push_end(job);
        job = next;
    }
    store->held_first = store->held_last = NULL;
    store->is_replaying = !is_whole;
    pthread_mutex_unlock(&store->hold_lock);
}

/* Refuses what is held, and what comes, until the log can be read. */
static void note_failing(struct store *store, bool fails)
{
    pthread_mutex_lock(&store->hold_lock);
    atomic_store(&store->is_replay_failing, fails);
    struct push_job *job = store->held_first;
    if (fails)
        store->held_first = store->held_last = NULL;
    pthread_mutex_unlock(&store->hold_lock);
    while (fails && job != NULL) {
        struct push_job *next = *(struct push_job **)job->append.node.opaque;
        store_push_refuse(job);
        job = next;
    }
}

/* All of the log. A file that cannot be read is tried again until it can: to go on without it would be to lose it. False: the store stops. */
static bool read_log(struct replay *replay)
{
    struct store *store = replay->store;
    for (int64_t wait_ns = RETRY_NS_MIN;; wait_ns = wait_ns < RETRY_NS_MAX ? wait_ns * 2 : RETRY_NS_MAX) {
        struct err err;
        bool ok = store->log.replay(store->log.self, replay_record, replay_damaged, replay, &err);
        if (ok || atomic_load(&store->stops)) {
            note_failing(store, false);
            return ok;
        }
        note_failing(store, true);
        log_error("replay", "the log could not be read; it is tried again, and the node is not ready until then", "err", err.text);
        store_wait(store, wait_ns);
    }
}

void *store_replay_run(void *self)
{
    struct store *store = self;
    (void)pthread_setname_np(pthread_self(), "replay");
    struct replay replay = {.store = store};
    int64_t start = clock_mono_ns(store->config.clock);
    rcu_thread_join();
    marks_load(&replay);
    bool ok = read_log(&replay);
    release_held(store, ok);
    // Visible before ready: wait for the shards to take what was handed over.
    for (unsigned i = 0; ok && i < store->shard_count; i++)
        shard_wait_applied(store->shards[i]);
    uint64_t streams = 0; // of this start: what came in beside the replay is among them
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard_stats stats;
        shard_stats(store->shards[i], &stats);
        streams += stats.streams;
    }
    figure_replayed(atomic_load(&store->replay_bytes), replay.entries, streams, clock_mono_ns(store->config.clock) - start);
    atomic_store(&store->is_ready, ok);
    for (size_t i = 0; i < replay.day_count; i++)
        mem_free(replay.days[i].marks);
    mem_free(replay.days);
    char records[32], entries[32], skipped[32];
    (void)snprintf(records, sizeof(records), "%" PRIu64, replay.records);
    (void)snprintf(entries, sizeof(entries), "%" PRIu64, replay.entries);
    (void)snprintf(skipped, sizeof(skipped), "%" PRIu64, replay.skipped);
    log_info("replay", "the log has been replayed", "records", records, "entries", entries, "entries_in_segments", skipped);
    rcu_thread_part();
    return NULL;
}
