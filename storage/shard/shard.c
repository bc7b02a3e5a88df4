#include "storage/shard/shard.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/mem.h"
#include "storage/shard/sealer.h"

#define IDLE_WAIT_NS (100 * NS_PER_MS)         /* the worker looks at ages and memory this often when nothing comes */
#define FORGET_INTERVAL_NS (10 * NS_PER_S)     /* idle streams are looked for this often */
#define PRESSURE_PART ((size_t)16)             /* under memory pressure a head over max / this is sealed */
#define POSTS_MAX ((size_t)256)                /* new streams told to the index feed at once */

/* A generation on its way to segments. */
struct frozen {
    struct generation *generation; // a reference
    enum seal_reason reason;
};

struct shard {
    struct shard_group *group;
    unsigned index;
    struct queue *queue;
    struct stream_table *streams;
    pthread_t thread;
    atomic_bool stops;
    _Atomic size_t pending;
    _Atomic uint64_t last_applied, last_pushed;

    pthread_mutex_t lock; // what follows
    pthread_cond_t changed;
    struct generation *active; // a reference; only the worker replaces it
    struct frozen *frozen;     // in order; the sealer has the first, or will have it
    size_t frozen_count;
    bool is_sealing;
    bool has_stopped;          // the worker has ended: nothing is frozen any more, nor given to the sealer
    uint64_t sealed_number;    // all generations up to it are segments
    uint64_t failures;         // of seals
    struct err failure;        // the last one's
    uint64_t flush_number;     // generations up to it are wanted as segments soon

    // The worker's own.
    uint64_t next_number;
    _Atomic int64_t active_since_mono_ns; // first entry of active; 0: empty
    int64_t forgot_mono_ns;
    struct index_feed_item posts[POSTS_MAX];
    size_t post_count;
};

/* ---- freezing ---- */

static struct generation *begin_generation(struct shard *shard)
{
    struct generation *generation = generation_create(shard->group->pages, shard->index, shard->next_number++,
                                                      clock_mono_ns(shard->group->clock), &shard->group->room.head_bytes);
    view_publish(shard->group->seal.board, &(struct view_change){.add = generation});
    return generation;
}

/* The worker. Gives the oldest frozen generation to the sealer, unless that can wait or it has one: marks are in order. */
static void seal_first(struct shard *shard)
{
    const struct head_room *room = &shard->group->room;
    pthread_mutex_lock(&shard->lock);
    bool waits = shard->is_sealing || shard->frozen_count == 0 ||
                 (head_room_defers(room) && generation_number(shard->frozen[0].generation) > shard->flush_number);
    struct frozen first = waits ? (struct frozen){0} : shard->frozen[0];
    shard->is_sealing = shard->is_sealing || !waits;
    pthread_mutex_unlock(&shard->lock);
    if (!waits)
        sealer_put(shard->group->sealer, shard, first.generation, first.reason);
}

/* The worker. Active has entries. */
static void freeze(struct shard *shard, enum seal_reason reason)
{
    struct generation *full = shard->active;
    struct generation *fresh = begin_generation(shard);
    generation_freeze(full);
    head_room_spill(&shard->group->room, full);
    pthread_mutex_lock(&shard->lock);
    shard->frozen = mem_grow(shard->frozen, shard->frozen_count + 1, sizeof(shard->frozen[0]));
    shard->frozen[shard->frozen_count++] = (struct frozen){full, reason};
    shard->active = fresh;
    atomic_store(&shard->active_since_mono_ns, 0);
    pthread_mutex_unlock(&shard->lock);
    seal_first(shard);
}

/* Whether the active generation should be sealed now. */
static bool is_due(struct shard *shard, int64_t now, enum seal_reason *out_reason)
{
    const struct shard_group *group = shard->group;
    struct generation *active = shard->active;
    if (generation_entries(active) == 0)
        return false;
    size_t bytes = generation_bytes(active);
    pthread_mutex_lock(&shard->lock);
    bool wanted = generation_number(active) <= shard->flush_number;
    pthread_mutex_unlock(&shard->lock);
    bool is_old = now - RELAXED(&shard->active_since_mono_ns) >= group->seal_age_ns;
    bool is_large = bytes >= group->room.head_bytes_max / PRESSURE_PART;
    *out_reason = wanted ? SEAL_FORCED : is_old ? SEAL_AGE : SEAL_FULL;
    if (wanted || is_old || bytes >= head_room_seal_bytes(&group->room) || (is_large && head_room_is_over(&group->room)))
        return true;
    if (!is_large || memory_budget_look(group->memory, now) < PRESSURE_FLUSH)
        return false;
    memory_budget_note_shed(group->memory, SHED_FLUSH);
    return true;
}

/* One at a time is frozen, as a rule; any number while they go to files. */
static bool can_freeze(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    bool is_first = shard->frozen_count == 0;
    pthread_mutex_unlock(&shard->lock);
    return is_first || RELAXED(&shard->group->room.spills);
}

static void housekeep(struct shard *shard, int64_t now)
{
    enum seal_reason reason;
    head_room_settle(&shard->group->room);
    seal_first(shard);
    if (can_freeze(shard) && is_due(shard, now, &reason))
        freeze(shard, reason);
    if (now - shard->forgot_mono_ns < FORGET_INTERVAL_NS)
        return;
    shard->forgot_mono_ns = now;
    (void)stream_table_forget(shard->streams, now - shard->group->stream_idle_ns, generation_number(shard->active));
}

static void wait_changed(struct shard *shard, int64_t ns)
{
    struct timespec until = clock_mono_after(ns);
    pthread_mutex_lock(&shard->lock);
    (void)pthread_cond_clockwait(&shard->changed, &shard->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&shard->lock);
}

/* Sealing frees memory; until it has, nothing more is taken in, the queues fill, and store_push refuses. */
static void wait_for_memory(struct shard *shard)
{
    while (head_room_is_over(&shard->group->room) && !atomic_load(&shard->group->is_closing)) {
        enum seal_reason reason;
        seal_first(shard);
        if (can_freeze(shard) && is_due(shard, clock_mono_ns(shard->group->clock), &reason))
            freeze(shard, reason);
        else
            wait_changed(shard, 5 * NS_PER_MS);
    }
}

/* ---- applying ---- */

static void flush_posts(struct shard *shard)
{
    index_feed_post(shard->group->seal.feed, shard->posts, shard->post_count);
    shard->post_count = 0;
}

/* Tells the index feed once that the stream has entries of the day. */
static void note_day(struct shard *shard, struct stream_record *stream, int64_t number)
{
    int32_t day = (int32_t)number; // int64 ns reach +-106,752 days
    if (stream->days[0] == day || stream->days[1] == day)
        return;
    stream->days[1] = stream->days[0];
    stream->days[0] = day;
    if (shard->post_count == POSTS_MAX)
        flush_posts(shard);
    shard->posts[shard->post_count++] = (struct index_feed_item){number, stream_ref(stream)};
}

/* After the entries are visible: whoever raised the epoch and then waited for what was pushed sees them, or they are told of anew. */
static void forget_days(struct shard *shard, struct stream_record *stream)
{
    uint32_t epoch = atomic_load(&shard->group->index_epoch);
    if (stream->index_epoch == epoch)
        return;
    stream->index_epoch = epoch;
    stream->days[0] = stream->days[1] = INT32_MIN;
}

/* Entries that are older than what their stream had before the run; those that are older than others of the run are not looked for. */
static void note_unordered(struct store_tenant *tenant, const struct push_run *run, int64_t newest)
{
    uint64_t older = 0;
    for (size_t i = 0; i < run->count; i++)
        older += run->entries[i].ts_ns < newest;
    figure_unordered_lines(tenant_streams_figures(tenant), older);
}

/* feed: NULL when nobody listens. */
static void apply_run(struct shard *shard, struct store_tenant *tenant, const struct push_run *run, struct tap_feed *feed, int64_t now)
{
    struct stream_record *stream = stream_table_find_or_add(shard->streams, tenant, run->stream, run->labels);
    if (feed != NULL) { // before a scan can see them: what a scan shows of the time since a tap was opened is in the tap as well
        struct push_run named = *run;
        named.labels = stream_labels(stream);
        tap_feed_run(feed, shard->group->taps, shard->index, &named, now);
    }
    stream->used_mono_ns = now;
    struct chunk_list *list = generation_list(shard->active, stream);
    int64_t newest = RELAXED(&stream->newest_ns);
    if (run->first_ns < newest)
        note_unordered(tenant, run, newest);
    generation_append(shard->active, list, run);
    if (run->last_ns > RELAXED(&stream->newest_ns))
        atomic_store_explicit(&stream->newest_ns, run->last_ns, memory_order_relaxed); // a rule's input, not a guard
    int64_t day = day_of_ns(run->first_ns);
    forget_days(shard, stream);
    note_day(shard, stream, day);
    if (day_of_ns(run->last_ns) != day)
        for (size_t i = 0; i < run->count; i++)
            note_day(shard, stream, day_of_ns(run->entries[i].ts_ns));
}

static void apply(struct shard *shard, struct push_job_part *part)
{
    int64_t now = clock_mono_ns(shard->group->clock);
    figure_queue_wait(now - part->pushed_mono_ns);
    generation_note_sequence(shard->active, part->sequence);
    if (RELAXED(&shard->active_since_mono_ns) == 0)
        atomic_store(&shard->active_since_mono_ns, now);
    struct tap_feed feed;
    bool is_tapped = tap_feed_begin(shard->group->taps, part->batch->tenant, &feed);
    for (size_t i = 0; i < part->batch->run_count; i++) {
        const struct push_run *run = &part->batch->runs[i];
        if (run->shard == shard->index && run->count > 0)
            apply_run(shard, part->tenant, run, is_tapped ? &feed : NULL, now);
    }
    if (is_tapped)
        tap_feed_end(&feed);
    flush_posts(shard); // before done, so that a query after the acknowledgement can wait for the index
    atomic_store(&shard->last_applied, part->sequence);
    atomic_fetch_sub(&shard->pending, 1); // after the sequence was noted: see shard_unsealed_from
    size_t bytes = part->node.bytes;
    part->done(part);
    queue_paid(shard->queue, bytes);
}

static void *run_worker(void *self)
{
    struct shard *shard = self;
    char name[16];
    (void)snprintf(name, sizeof(name), "shard %u", shard->index);
    (void)pthread_setname_np(pthread_self(), name);
    rcu_thread_join();
    for (;;) {
        bool stops = atomic_load(&shard->stops);
        housekeep(shard, clock_mono_ns(shard->group->clock));
        struct push_job_part *part = (struct push_job_part *)queue_pop(shard->queue);
        if (part != NULL) {
            wait_for_memory(shard);
            apply(shard, part);
        } else if (stops) {
            break;
        } else {
            queue_wait(shard->queue, IDLE_WAIT_NS);
        }
    }
    rcu_thread_part();
    return NULL;
}

/* ---- the others' ---- */

struct shard *shard_create(struct shard_group *group, unsigned index)
{
    struct shard *shard = mem_zero(sizeof(*shard));
    shard->group = group;
    shard->index = index;
    shard->queue = queue_create(SIZE_MAX); // the store's budget bounds what is in it
    shard->streams = stream_table_create();
    shard->next_number = 1;
    pthread_mutex_init(&shard->lock, NULL);
    pthread_cond_init(&shard->changed, NULL);
    shard->active = begin_generation(shard);
    if (pthread_create(&shard->thread, NULL, run_worker, shard) != 0)
        abort();
    return shard;
}

void shard_stop(struct shard *shard)
{
    atomic_store(&shard->stops, true);
    queue_wake(shard->queue);
    (void)pthread_join(shard->thread, NULL);
    pthread_mutex_lock(&shard->lock);
    shard->has_stopped = true;
    pthread_cond_broadcast(&shard->changed);
    pthread_mutex_unlock(&shard->lock);
}

void shard_destroy(struct shard *shard)
{
    if (shard == NULL)
        return;
    generation_unref(shard->active);
    for (size_t i = 0; i < shard->frozen_count; i++)
        generation_unref(shard->frozen[i].generation);
    mem_free(shard->frozen);
    stream_table_destroy(shard->streams);
    queue_destroy(shard->queue);
    pthread_mutex_destroy(&shard->lock);
    pthread_cond_destroy(&shard->changed);
    mem_free(shard);
}

void shard_push(struct shard *shard, struct push_job_part *part, size_t bytes)
{
    part->pushed_mono_ns = clock_mono_ns(shard->group->clock);
    atomic_fetch_add(&shard->pending, 1);
    atomic_store(&shard->last_pushed, part->sequence);
    queue_push_always(shard->queue, &part->node, bytes);
}

void shard_wait_applied(struct shard *shard)
{
    uint64_t wanted = atomic_load(&shard->last_pushed);
    while (atomic_load(&shard->last_applied) < wanted)
        wait_changed(shard, 2 * NS_PER_MS);
}

/* Under lock: all that is there now is wanted as segments; returns the newest generation of it. */
static uint64_t want_all(struct shard *shard)
{
    uint64_t wanted = generation_number(shard->active);
    if (generation_entries(shard->active) == 0)
        wanted--;
    if (wanted > shard->flush_number)
        shard->flush_number = wanted;
    return wanted;
}

void shard_seal_soon(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    (void)want_all(shard);
    pthread_mutex_unlock(&shard->lock);
    queue_wake(shard->queue);
}

bool shard_flush(struct shard *shard, struct err *err)
{
    pthread_mutex_lock(&shard->lock);
    uint64_t wanted = want_all(shard);
    uint64_t failures = shard->failures;
    queue_wake(shard->queue);
    if (shard->frozen_count > 0)
        sealer_retry(shard->group->sealer);
    while (shard->sealed_number < wanted && shard->failures == failures && !shard->has_stopped)
        pthread_cond_wait(&shard->changed, &shard->lock);
    bool ok = shard->sealed_number >= wanted;
    if (!ok && shard->failures == failures)
        err_fill(err, ERR_UNAVAILABLE, "the store is shutting down");
    else if (!ok)
        *err = shard->failure;
    pthread_mutex_unlock(&shard->lock);
    return ok;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t shard_unsealed_from(struct shard *shard, uint64_t handed)
{
    uint64_t from = handed + 1;
    // Read first: when it is 0, every part pushed before has noted its sequence in a generation.
    if (atomic_load(&shard->pending) > 0)
        from = least(from, atomic_load(&shard->last_applied) + 1);
    pthread_mutex_lock(&shard->lock);
    const struct generation *oldest = shard->frozen_count > 0 ? shard->frozen[0].generation : shard->active;
    if (generation_first_sequence(oldest) != 0)
        from = least(from, generation_first_sequence(oldest));
    pthread_mutex_unlock(&shard->lock);
    return from;
}

struct stream_record *shard_find(struct shard *shard, struct hash128 id)
{
    return stream_table_find(shard->streams, id);
}

size_t shard_stream_bytes(const struct shard *shard)
{
    return stream_table_bytes(shard->streams);
}

void shard_stats(struct shard *shard, struct shard_stats *out)
{
    *out = (struct shard_stats){.streams = stream_table_count(shard->streams),
                                .label_bytes = stream_table_label_bytes(shard->streams),
                                .stream_bytes = stream_table_bytes(shard->streams),
                                .queue_bytes = queue_bytes(shard->queue),
                                .pending = atomic_load(&shard->pending),
                                .active_since_mono_ns = atomic_load(&shard->active_since_mono_ns)};
    pthread_mutex_lock(&shard->lock);
    out->lists = generation_list_count(shard->active);
    out->entries = generation_entries(shard->active);
    out->open_bytes = generation_bytes(shard->active);
    for (size_t i = 0; i < shard->frozen_count; i++) {
        const struct generation *frozen = shard->frozen[i].generation;
        out->lists += generation_list_count(frozen);
        out->entries += generation_entries(frozen);
        out->frozen_bytes += generation_bytes(frozen);
        out->frozen_lists += generation_list_count(frozen);
    }
    pthread_mutex_unlock(&shard->lock);
}

void shard_sealed(struct shard *shard, struct generation *generation, const struct err *err)
{
    pthread_mutex_lock(&shard->lock);
    assert(shard->is_sealing && shard->frozen[0].generation == generation);
    if (err == NULL) {
        shard->sealed_number = generation_number(generation);
        shard->frozen_count--;
        memmove(shard->frozen, shard->frozen + 1, shard->frozen_count * sizeof(shard->frozen[0]));
        shard->is_sealing = false;
    } else {
        shard->failures++;
        shard->failure = *err;
    }
    pthread_cond_broadcast(&shard->changed);
    pthread_mutex_unlock(&shard->lock);
    if (err == NULL)
        generation_unref(generation);
    queue_wake(shard->queue);
}
