/* Replay: the log's records to the shards in order, less what is in segments; what is logged meanwhile too, until little is left. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/replay_ahead.h"
#include "storage/store/replay_marks.h"
#include "storage/store/store_parts.h"

#define RETRY_NS_MIN (10 * NS_PER_MS)
#define RETRY_NS_MAX NS_PER_S
#define QUEUE_BYTES_MAX ((size_t)16 << 20) /* decoded entries that wait for the shards */
#define TAIL_BYTES ((size_t)4 << 20)       /* of pushes: as little as this is left, and those that come wait for it */
#define TAIL_ROUNDS 16                     /* ... or after so many rounds, each of what was logged during the one before */

struct replay {
    struct store *store;
    struct replay_marks marks;
    struct replay_ahead *ahead;
    uint64_t records, entries, skipped;
    uint64_t put; // the sequence that was put last
};

static void record_decoded(void *self, uint64_t sequence, struct replayed *record)
{
    struct replay *replay = self;
    struct store *store = replay->store;
    struct push_job *job = &record->job;
    replay->records++;
    for (size_t i = 0; i < job->batch.run_count; i++) {
        struct push_run *run = &job->batch.runs[i];
        size_t before = run->count;
        replay_marks_filter(&replay->marks, run, sequence);
        replay->skipped += before - run->count;
        replay->entries += run->count;
    }
    size_t half = store->inflight_bytes_max / 2;
    store_push_wait_below(store, half < QUEUE_BYTES_MAX ? half : QUEUE_BYTES_MAX);
    job->store = store;
    store_push_charge(store, job->append.charge_bytes);
    store_push_parts(store, job);
    store_push_hand_over(store, job);
}

static void record_damaged(void *self, uint64_t sequence, const struct err *err)
{
    struct replay *replay = self;
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRIu64, sequence);
    figure_damage(DAMAGE_LOG);
    log_error("replay", "a record of the log cannot be read and is left out", "sequence", text, "err", err->text);
    atomic_fetch_add(&replay->store->damages, 1);
}

static bool replay_record(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    struct replay *replay = self;
    if (atomic_load(&replay->store->stops))
        return err_set(err, ERR_CANCELLED, "stopped");
    if (sequence <= replay->put) // of the try before
        return true;
    replay->put = sequence;
    atomic_fetch_add(&replay->store->replay_bytes, payload.len);
    replay_ahead_put(replay->ahead, sequence, payload);
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

/* The log from what was put last on; upto 0: what there was at the start. A file that cannot be read is tried again until it can: to go on without it
 * would be to lose it. False: the store stops. */
static bool read_log(struct replay *replay, uint64_t upto)
{
    struct store *store = replay->store;
    for (int64_t wait_ns = RETRY_NS_MIN;; wait_ns = wait_ns < RETRY_NS_MAX ? wait_ns * 2 : RETRY_NS_MAX) {
        struct err err;
        struct log_span range = {replay->put + 1, upto};
        bool ok = store->log.replay(store->log.self, range, replay_record, replay_damaged, replay, &err);
        if (ok || atomic_load(&store->stops)) {
            note_failing(store, false);
            if (ok)
                replay_ahead_finish(replay->ahead);
            return ok;
        }
        note_failing(store, true);
        log_error("replay", "the log could not be read; it is tried again, and the node is not ready until then", "err", err.text);
        store_wait(store, wait_ns);
    }
}

/* What was logged and acknowledged since the last call: up to which sequence. is_last: what becomes durable from now on is held. */
static uint64_t take_passed(struct store *store, bool is_late, bool *is_last)
{
    pthread_mutex_lock(&store->hold_lock);
    uint64_t upto = store->passed_sequence;
    *is_last = is_late || store->passed_bytes <= TAIL_BYTES;
    store->passed_bytes = 0;
    store->holds = *is_last;
    pthread_mutex_unlock(&store->hold_lock);
    return upto;
}

/* The log as it was at the start, then what was acknowledged meanwhile: each round leaves less, as replay is faster than pushes are. */
static bool replay_all(struct replay *replay)
{
    bool ok = read_log(replay, 0);
    bool is_last = false;
    for (unsigned round = 0; ok && !is_last; round++) {
        uint64_t upto = take_passed(replay->store, round >= TAIL_ROUNDS, &is_last);
        if (upto > replay->put)
            ok = read_log(replay, upto);
    }
    return ok;
}

static bool replay_begin(struct replay *replay)
{
    struct store *store = replay->store;
    struct err err;
    struct replay_ahead_config config = {
        .threads = store->cores, .self = replay, .decoded = record_decoded, .damaged = record_damaged};
    while (!replay_ahead_create(&config, &replay->ahead, &err)) {
        log_error("replay", "no threads to decode the log; it is tried again", "err", err.text);
        store_wait(store, RETRY_NS_MAX);
        if (atomic_load(&store->stops))
            return false;
    }
    return true;
}

static void replay_tell(const struct replay *replay)
{
    char records[32], entries[32], skipped[32];
    (void)snprintf(records, sizeof(records), "%" PRIu64, replay->records);
    (void)snprintf(entries, sizeof(entries), "%" PRIu64, replay->entries);
    (void)snprintf(skipped, sizeof(skipped), "%" PRIu64, replay->skipped);
    log_info("replay", "the log has been replayed", "records", records, "entries", entries, "entries_in_segments", skipped);
}

void *store_replay_run(void *self)
{
    struct store *store = self;
    (void)pthread_setname_np(pthread_self(), "replay");
    struct replay replay = {.store = store};
    int64_t start = clock_mono_ns(store->config.clock);
    rcu_thread_join();
    replay_marks_load(&replay.marks, store->days);
    bool ok = replay_begin(&replay) && replay_all(&replay);
    replay_ahead_destroy(replay.ahead);
    replay_marks_fini(&replay.marks);
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
    head_room_end_replay(&store->group.room);
    replay_tell(&replay);
    rcu_thread_part();
    return NULL;
}
