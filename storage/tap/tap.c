#include "storage/tap/tap.h"

#include <assert.h>
#include <pthread.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

#define VERDICTS ((size_t)1024) /* streams of a shard whose match with a tap is remembered; a power of two */
#define WANTING_MAX ((size_t)64) /* taps that share one copy */

struct verdict {
    struct hash128 stream;
    bool is_known, is_wanted;
};

struct tap {
    struct tap_board *board;
    struct tap_config config;
    _Atomic uint32_t refs; // of the sets that it is in, and its opener's
    struct queue *queue;
    _Atomic uint64_t lost;
    _Atomic uint32_t named;
    _Atomic(struct tap_loss *) losses; // newest first
    struct verdict *verdicts[]; // by shard; each its worker's alone, made at the first run that it sees
};

/* The taps of one moment: never changed once published. */
struct tap_set {
    struct rcu_node rcu;
    struct tap_board *board;
    _Atomic uint32_t refs; // the board's, and those of workers that are feeding
    size_t count;
    struct tap *taps[];
};

struct tap_board {
    unsigned shards;
    size_t bytes_max;
    _Atomic size_t bytes;
    _Atomic size_t set_count; // that are not freed yet
    _Atomic(struct tap_set *) set; // NULL: none open
    pthread_mutex_t lock;          // writers of set
};

struct tap_board *tap_board_create(unsigned shards, size_t bytes_max)
{
    struct tap_board *board = mem_zero(sizeof(*board));
    board->shards = shards;
    board->bytes_max = bytes_max;
    pthread_mutex_init(&board->lock, NULL);
    return board;
}

void tap_board_destroy(struct tap_board *board)
{
    if (board == NULL)
        return;
    assert(atomic_load(&board->set) == NULL);
    while (atomic_load(&board->set_count) > 0)
        rcu_wait_frees();
    pthread_mutex_destroy(&board->lock);
    mem_free(board);
}

size_t tap_board_bytes(const struct tap_board *board)
{
    return RELAXED(&board->bytes);
}

/* ---- ends ---- */

void tap_loss_destroy(struct tap_loss *losses)
{
    while (losses != NULL) {
        struct tap_loss *next = losses->next;
        mem_free(losses);
        losses = next;
    }
}

static void tap_unref(struct tap *tap)
{
    if (atomic_fetch_sub(&tap->refs, 1) != 1)
        return;
    for (struct tap_run *run = tap_take(tap); run != NULL; run = tap_take(tap))
        tap_run_unref(run);
    queue_destroy(tap->queue);
    tap_loss_destroy(atomic_load(&tap->losses));
    for (unsigned i = 0; i < tap->board->shards; i++)
        mem_free(tap->verdicts[i]);
    if (tap->config.released != NULL)
        tap->config.released(tap->config.self);
    mem_free(tap);
}

static void set_unref(struct tap_set *set)
{
    if (atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        tap_unref(set->taps[i]);
    struct tap_board *board = set->board;
    mem_free(set);
    atomic_fetch_sub(&board->set_count, 1); // the board may be gone now
}

static void set_retired(struct rcu_node *node)
{
    set_unref((struct tap_set *)((char *)node - offsetof(struct tap_set, rcu)));
}

/* ---- open and close ---- */

/* Publishes the taps of now with one more, or without one. */
static void set_change(struct tap_board *board, struct tap *with, const struct tap *without)
{
    pthread_mutex_lock(&board->lock);
    struct tap_set *old = atomic_load(&board->set);
    size_t old_count = old == NULL ? 0 : old->count;
    struct tap_set *fresh = mem_zero(sizeof(*fresh) + (old_count + 1) * sizeof(struct tap *));
    for (size_t i = 0; i < old_count; i++)
        if (old->taps[i] != without)
            fresh->taps[fresh->count++] = old->taps[i];
    if (with != NULL)
        fresh->taps[fresh->count++] = with;
    for (size_t i = 0; i < fresh->count; i++)
        atomic_fetch_add(&fresh->taps[i]->refs, 1);
    fresh->board = board;
    fresh->refs = 1;
    bool is_empty = fresh->count == 0;
    if (!is_empty)
        atomic_fetch_add(&board->set_count, 1);
    atomic_store(&board->set, is_empty ? NULL : fresh); // seq_cst: see store_tap_open
    pthread_mutex_unlock(&board->lock);
    if (is_empty)
        mem_free(fresh);
    if (old != NULL) // a worker that has just loaded it may be about to take a reference
        rcu_free_later(&old->rcu, set_retired);
}

struct tap *tap_open(struct tap_board *board, const struct tap_config *config)
{
    struct tap *tap = mem_zero(sizeof(*tap) + board->shards * sizeof(struct verdict *));
    tap->board = board;
    tap->config = *config;
    tap->refs = 1;
    tap->queue = queue_create(config->bytes_max);
    set_change(board, tap, NULL);
    return tap;
}

void tap_close(struct tap *tap)
{
    set_change(tap->board, NULL, tap);
    tap_unref(tap);
}

/* ---- the taker's ---- */

struct tap_run *tap_take(struct tap *tap)
{
    struct tap_item *item = (struct tap_item *)queue_pop(tap->queue);
    if (item == NULL)
        return NULL;
    queue_paid(tap->queue, item->node.bytes);
    return item->run;
}

bool tap_has_news(const struct tap *tap)
{
    return queue_items(tap->queue) > 0 || RELAXED(&tap->lost) > 0;
}

uint64_t tap_take_losses(struct tap *tap, struct tap_loss **out_named)
{
    struct tap_loss *newest = atomic_exchange(&tap->losses, NULL);
    uint64_t lost = atomic_exchange(&tap->lost, 0);
    *out_named = NULL;
    while (newest != NULL) { // oldest first
        struct tap_loss *next = newest->next;
        atomic_fetch_sub_explicit(&tap->named, (uint32_t)newest->count, memory_order_relaxed); // a bound alone
        newest->next = *out_named;
        *out_named = newest;
        newest = next;
    }
    return lost;
}

/* ---- the worker's ---- */

bool tap_feed_begin(struct tap_board *board, struct slice tenant, struct tap_feed *out)
{
    if (atomic_load(&board->set) == NULL)
        return false;
    rcu_enter();
    struct tap_set *set = atomic_load(&board->set);
    if (set != NULL)
        atomic_fetch_add(&set->refs, 1);
    rcu_leave();
    if (set == NULL)
        return false;
    bool is_wanted = false;
    for (size_t i = 0; i < set->count && !is_wanted; i++)
        is_wanted = slice_eq(set->taps[i]->config.tenant, tenant);
    if (!is_wanted) {
        set_unref(set);
        return false;
    }
    *out = (struct tap_feed){set, tenant};
    return true;
}

void tap_feed_end(struct tap_feed *feed)
{
    set_unref(feed->set);
}

static bool wants(struct tap *tap, unsigned shard, const struct push_run *run)
{
    if (tap->verdicts[shard] == NULL)
        tap->verdicts[shard] = mem_array(VERDICTS, sizeof(struct verdict));
    struct verdict *verdict = &tap->verdicts[shard][run->stream.high & (VERDICTS - 1)];
    if (!verdict->is_known || !hash128_eq(verdict->stream, run->stream))
        *verdict = (struct verdict){run->stream, true, matchers_accept(tap->config.matchers, tap->config.matcher_count, run->labels)};
    return verdict->is_wanted;
}

static void lose(struct tap *tap, const struct push_run *run, size_t first, size_t end)
{
    atomic_fetch_add(&tap->lost, end - first);
    uint32_t named = RELAXED(&tap->named); // may be passed by what other workers lose in the same moment: a bound on memory, not an exact one
    if (named >= TAP_LOSSES_MAX)
        return;
    size_t count = end - first < TAP_LOSSES_MAX - named ? end - first : TAP_LOSSES_MAX - named;
    struct tap_loss *loss = mem_alloc(sizeof(*loss) + count * sizeof(int64_t) + run->labels.len);
    char *labels = (char *)&loss->ts_ns[count];
    memcpy(labels, run->labels.ptr, run->labels.len);
    loss->labels = slice_of(labels, run->labels.len);
    loss->count = count;
    for (size_t i = 0; i < count; i++)
        loss->ts_ns[i] = run->entries[first + i].ts_ns;
    atomic_fetch_add_explicit(&tap->named, (uint32_t)count, memory_order_relaxed); // as above
    loss->next = atomic_load(&tap->losses);
    while (!atomic_compare_exchange_weak(&tap->losses, &loss->next, loss))
        ;
}

/* One copy for all of them. */
static void put(struct tap_board *board, struct tap *const *taps, size_t count, const struct push_run *run, int64_t now_mono_ns)
{
    for (size_t first = 0, end = 0; first < run->count; first = end) {
        size_t bytes = 0;
        end = tap_run_cut(run, first, count, &bytes);
        size_t waiting = RELAXED(&board->bytes);
        if (waiting > 0 && waiting + bytes > board->bytes_max) {
            for (size_t i = 0; i < count; i++)
                lose(taps[i], run, first, end);
            continue;
        }
        struct tap_run *copy = tap_run_create(run, first, end, count, bytes, now_mono_ns, &board->bytes);
        size_t refused = 0;
        for (size_t i = 0; i < count; i++) {
            if (queue_push(taps[i]->queue, &copy->items[i].node, bytes))
                continue;
            lose(taps[i], run, first, end);
            refused++;
        }
        for (size_t i = 0; i < refused; i++)
            tap_run_unref(copy);
    }
}

void tap_feed_run(struct tap_feed *feed, struct tap_board *board, unsigned shard, const struct push_run *run, int64_t now_mono_ns)
{
    struct tap *wanting[WANTING_MAX];
    size_t count = 0;
    for (size_t i = 0; i < feed->set->count; i++) {
        struct tap *tap = feed->set->taps[i];
        if (!slice_eq(tap->config.tenant, feed->tenant) || !wants(tap, shard, run))
            continue;
        wanting[count++] = tap;
        if (count == WANTING_MAX) {
            put(board, wanting, count, run, now_mono_ns);
            count = 0;
        }
    }
    if (count > 0)
        put(board, wanting, count, run, now_mono_ns);
}
