#include "storage/day/index_feed.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/queue.h"
#include "core/base/rcu.h"

#define PENDING_MAX ((uint64_t)1 << 20)   /* streams; a post past it waits */
#define COMMIT_AFTER ((size_t)20000)      /* adds */
#define COMMIT_AFTER_BYTES ((size_t)4 << 20) /* ... or label bytes of them: a commit takes several times as much */
#define COMMIT_AFTER_NS (200 * NS_PER_MS) /* ... or this time */
#define HELD_MAX ((size_t)8)              /* indexes that the feed keeps open between commits */

struct feed_message {
    struct queue_node node;
    size_t count;
    struct index_feed_item items[];
};

struct index_feed {
    struct day_set *set;
    const struct clock *clock;
    const struct day_streams *streams;
    struct queue *queue;
    pthread_t thread;
    _Atomic uint64_t posted, committed; // streams
    atomic_bool stops;
    atomic_uint waiters; // barriers that want a commit now
    pthread_mutex_t lock;
    pthread_cond_t settled;
    uint64_t settles; // under lock, as the rest: how often the thread has settled
    bool has_failed;  // the last time it could not, with the error
    struct err failure;
    // The thread's own.
    struct day *held[HELD_MAX];
    size_t held_count;
    int64_t *missed; // days whose index did not take something: they are rebuilt before a barrier lets anyone pass
    size_t missed_count;
    uint64_t added; // streams taken off the queue
    size_t added_bytes; // labels of those that are not committed
    int64_t first_add_mono_ns;
};

static void note_missed(struct index_feed *feed, int64_t number)
{
    for (size_t i = 0; i < feed->missed_count; i++)
        if (feed->missed[i] == number)
            return;
    feed->missed = mem_grow(feed->missed, feed->missed_count + 1, sizeof(*feed->missed));
    feed->missed[feed->missed_count++] = number;
}

/* The bad index is rebuilt from memory and segments when it is opened. False: not yet. */
static bool rebuild_missed(struct index_feed *feed, struct err *err)
{
    while (feed->missed_count > 0) {
        struct day *day = day_set_find(feed->set, feed->missed[feed->missed_count - 1]);
        struct day_index *index;
        bool ok = day == NULL || day_index_hold(day, feed->streams, clock_mono_ns(feed->clock), &index, err);
        if (ok && day != NULL) {
            ok = !day_index_is_spoilt(day) || err_set(err, ERR_UNAVAILABLE, "%s: the index is in use and must be rebuilt", day->folder);
            day_index_release(day, false);
        }
        day_unref(day);
        if (!ok)
            return false;
        feed->missed_count--;
    }
    return true;
}

static void settle(struct index_feed *feed)
{
    struct err err;
    bool ok = true;
    for (size_t i = 0; i < feed->held_count; i++) {
        bool good = day_index_settle(feed->held[i], &err);
        if (!good)
            note_missed(feed, feed->held[i]->number);
        day_index_release(feed->held[i], !good);
        day_unref(feed->held[i]);
    }
    feed->held_count = 0;
    feed->added_bytes = 0;
    ok = rebuild_missed(feed, &err);
    day_set_close_idle(feed->set);
    pthread_mutex_lock(&feed->lock);
    feed->has_failed = !ok;
    if (!ok)
        feed->failure = err;
    atomic_store(&feed->committed, feed->added);
    feed->settles++;
    pthread_cond_broadcast(&feed->settled);
    pthread_mutex_unlock(&feed->lock);
}

/* The day with its index open, from those that the feed holds or new. */
static struct day *hold(struct index_feed *feed, int64_t number, struct err *err)
{
    for (size_t i = 0; i < feed->held_count; i++)
        if (feed->held[i]->number == number && !atomic_load(&feed->held[i]->is_dropped))
            return feed->held[i];
    if (feed->held_count == HELD_MAX)
        settle(feed);
    struct day *day = NULL;
    struct day_index *index;
    if (!day_set_get(feed->set, number, &day, err))
        return NULL;
    if (!day_index_hold(day, feed->streams, clock_mono_ns(feed->clock), &index, err)) {
        day_unref(day);
        return NULL;
    }
    feed->held[feed->held_count++] = day;
    return day;
}

static void take(struct index_feed *feed, struct feed_message *message)
{
    struct err err;
    for (size_t i = 0; i < message->count; i++) {
        struct index_feed_item *item = &message->items[i];
        struct day *day = hold(feed, item->day, &err);
        bool ok = day != NULL && day_index_feed(day, tenant_streams_name(item->stream->tenant), item->stream->id,
                                                stream_labels(item->stream), &err);
        if (!ok) {
            note_missed(feed, item->day);
            if (day != NULL)
                day_index_spoil(day);
        }
        feed->added_bytes += stream_labels(item->stream).len;
        stream_unref(item->stream);
    }
    feed->added += message->count;
    queue_paid(feed->queue, message->node.bytes);
    mem_free(message);
}

static void *run(void *self)
{
    struct index_feed *feed = self;
    (void)pthread_setname_np(pthread_self(), "index feed");
    rcu_thread_join();
    for (;;) {
        struct feed_message *message = (struct feed_message *)queue_pop(feed->queue);
        int64_t now = clock_mono_ns(feed->clock);
        uint64_t committed = atomic_load(&feed->committed);
        if (message != NULL) {
            if (feed->added == committed)
                feed->first_add_mono_ns = now;
            take(feed, message);
            if (feed->added - committed < COMMIT_AFTER && feed->added_bytes < COMMIT_AFTER_BYTES)
                continue;
        }
        bool is_due = (feed->added > committed || feed->missed_count > 0) && (message != NULL || atomic_load(&feed->waiters) > 0 ||
                                                  atomic_load(&feed->stops) || now - feed->first_add_mono_ns > COMMIT_AFTER_NS);
        if (is_due && !(atomic_load(&feed->stops) && feed->added == committed)) {
            settle(feed);
            continue;
        }
        if (atomic_load(&feed->stops) && queue_items(feed->queue) == 0)
            break;
        queue_wait(feed->queue, feed->added > committed ? COMMIT_AFTER_NS : -1);
    }
    rcu_thread_part();
    return NULL;
}

struct index_feed *index_feed_create(struct day_set *set, const struct clock *clock, const struct day_streams *streams)
{
    struct index_feed *feed = mem_zero(sizeof(*feed));
    feed->set = set;
    feed->clock = clock;
    feed->streams = streams;
    feed->queue = queue_create(SIZE_MAX);
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->settled, NULL);
    if (pthread_create(&feed->thread, NULL, run, feed) != 0)
        abort();
    return feed;
}

void index_feed_destroy(struct index_feed *feed)
{
    if (feed == NULL)
        return;
    atomic_store(&feed->stops, true);
    queue_wake(feed->queue);
    (void)pthread_join(feed->thread, NULL);
    queue_destroy(feed->queue);
    mem_free(feed->missed);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->settled);
    mem_free(feed);
}

static void push_message(struct index_feed *feed, const struct index_feed_item *items, size_t count)
{
    size_t bytes = sizeof(struct feed_message) + count * sizeof(items[0]);
    struct feed_message *message = mem_alloc(bytes);
    message->count = count;
    if (count > 0)
        memcpy(message->items, items, count * sizeof(items[0]));
    atomic_fetch_add(&feed->posted, count);
    queue_push_always(feed->queue, &message->node, bytes);
}

void index_feed_post(struct index_feed *feed, const struct index_feed_item *items, size_t count)
{
    if (count == 0)
        return;
    if (atomic_load(&feed->posted) - atomic_load(&feed->committed) > PENDING_MAX) {
        pthread_mutex_lock(&feed->lock);
        while (atomic_load(&feed->posted) - atomic_load(&feed->committed) > PENDING_MAX)
            pthread_cond_wait(&feed->settled, &feed->lock);
        pthread_mutex_unlock(&feed->lock);
    }
    push_message(feed, items, count);
}

bool index_feed_barrier(struct index_feed *feed, struct err *err)
{
    uint64_t wanted = atomic_load(&feed->posted);
    pthread_mutex_lock(&feed->lock);
    if (atomic_load(&feed->committed) < wanted || feed->has_failed) {
        uint64_t settles = feed->settles;
        atomic_fetch_add(&feed->waiters, 1);
        push_message(feed, NULL, 0); // the thread is sure to look again
        while (atomic_load(&feed->committed) < wanted || (feed->has_failed && feed->settles == settles))
            pthread_cond_wait(&feed->settled, &feed->lock);
        atomic_fetch_sub(&feed->waiters, 1);
    }
    bool ok = !feed->has_failed;
    if (!ok)
        *err = feed->failure;
    pthread_mutex_unlock(&feed->lock);
    return ok || err_wrap(err, "index");
}
