#include "net/api/query_scheduler.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/metrics/metric_table.h"

struct waiting {
    struct waiting *next;
    struct query_scheduler *scheduler;
    void (*task)(void *self);
    void *self;
    int64_t since_mono_ns;
};

struct tenant_queue { /* in a ring; gone when empty */
    struct tenant_queue *next;
    char *tenant;
    struct waiting *first, **last;
    size_t count;
    struct metric *length; /* count, for /metrics */
};

struct query_scheduler {
    struct store *store;
    const struct clock *clock;
    size_t running_max, queued_max;
    pthread_mutex_t lock;
    size_t running, queued;
    struct tenant_queue *turn; /* the queue served last; NULL: none waits */
    struct metric *wait_seconds, *wait_seconds_fine;
};

struct query_scheduler *query_scheduler_create(struct store *store, const struct clock *clock, size_t running_max, size_t queued_max)
{
    struct query_scheduler *scheduler = mem_zero(sizeof(*scheduler));
    scheduler->store = store;
    scheduler->clock = clock;
    scheduler->running_max = running_max;
    scheduler->queued_max = queued_max;
    (void)pthread_mutex_init(&scheduler->lock, NULL);
    scheduler->wait_seconds = metric_get0(METRIC_loki_query_scheduler_queue_duration_seconds);
    scheduler->wait_seconds_fine = metric_get0(METRIC_logi_query_queue_wait_seconds);
    return scheduler;
}

void query_scheduler_destroy(struct query_scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    (void)pthread_mutex_destroy(&scheduler->lock);
    mem_free(scheduler);
}

static struct tenant_queue *queue_of(struct query_scheduler *scheduler, struct slice tenant)
{
    struct tenant_queue *queue = scheduler->turn;
    if (queue != NULL) {
        do {
            if (slice_eq(slice_str(queue->tenant), tenant))
                return queue;
            queue = queue->next;
        } while (queue != scheduler->turn);
    }
    queue = mem_zero(sizeof(*queue));
    queue->tenant = mem_strdup(tenant);
    queue->last = &queue->first;
    queue->length = metric_get1(METRIC_loki_query_scheduler_queue_length, tenant);
    if (scheduler->turn == NULL) {
        queue->next = queue;
        scheduler->turn = queue;
    } else { // behind all that wait: just before the one whose turn comes next
        queue->next = scheduler->turn->next;
        scheduler->turn->next = queue;
        scheduler->turn = queue;
    }
    return queue;
}

/* The first of the next tenant; an emptied queue leaves the ring. The lock is held. */
static struct waiting *take(struct query_scheduler *scheduler)
{
    if (scheduler->turn == NULL)
        return NULL;
    struct tenant_queue *before = scheduler->turn;
    struct tenant_queue *queue = before->next;
    struct waiting *waiting = queue->first;
    queue->first = waiting->next;
    queue->count--;
    metric_move(queue->length, -1);
    scheduler->queued--;
    if (queue->first == NULL) {
        before->next = queue->next;
        if (queue == before)
            scheduler->turn = NULL;
        mem_free(queue->tenant);
        mem_free(queue);
    } else {
        scheduler->turn = queue;
    }
    return waiting;
}

static void run_here(struct waiting *waiting)
{
    struct query_scheduler *scheduler = waiting->scheduler;
    double waited = (double)(clock_mono_ns(scheduler->clock) - waiting->since_mono_ns) / (double)NS_PER_S;
    metric_observe(scheduler->wait_seconds, waited);
    metric_observe(scheduler->wait_seconds_fine, waited);
    waiting->task(waiting->self);
    mem_free(waiting);
    (void)pthread_mutex_lock(&scheduler->lock);
    scheduler->running--;
    (void)pthread_mutex_unlock(&scheduler->lock);
}

static void run_one(void *self);

/* Starts what may run now. */
static void start(struct query_scheduler *scheduler)
{
    for (;;) {
        (void)pthread_mutex_lock(&scheduler->lock);
        struct waiting *waiting = scheduler->running < scheduler->running_max ? take(scheduler) : NULL;
        scheduler->running += waiting != NULL;
        (void)pthread_mutex_unlock(&scheduler->lock);
        if (waiting == NULL)
            return;
        if (!store_run(scheduler->store, run_one, waiting))
            run_here(waiting); // the pool's queue is full of other work: here, rather than never; one after the other, not one inside the other
    }
}

static void run_one(void *self)
{
    struct waiting *waiting = self;
    struct query_scheduler *scheduler = waiting->scheduler;
    run_here(waiting);
    start(scheduler);
}

bool query_scheduler_submit(struct query_scheduler *scheduler, struct slice tenant, void (*task)(void *self), void *self)
{
    struct waiting *waiting = mem_zero(sizeof(*waiting));
    *waiting = (struct waiting){NULL, scheduler, task, self, clock_mono_ns(scheduler->clock)};
    (void)pthread_mutex_lock(&scheduler->lock);
    struct tenant_queue *queue = queue_of(scheduler, tenant);
    bool ok = queue->count < scheduler->queued_max;
    if (ok) {
        *queue->last = waiting;
        queue->last = &waiting->next;
        queue->count++;
        metric_move(queue->length, 1);
        scheduler->queued++;
    }
    (void)pthread_mutex_unlock(&scheduler->lock);
    if (!ok) {
        mem_free(waiting);
        metric_add(metric_get1(METRIC_logi_query_rejected_total, SLICE("queue_full")), 1);
        return false;
    }
    start(scheduler);
    return true;
}

size_t query_scheduler_queued(struct query_scheduler *scheduler)
{
    (void)pthread_mutex_lock(&scheduler->lock);
    size_t queued = scheduler->queued;
    (void)pthread_mutex_unlock(&scheduler->lock);
    return queued;
}

size_t query_scheduler_running(struct query_scheduler *scheduler)
{
    (void)pthread_mutex_lock(&scheduler->lock);
    size_t running = scheduler->running;
    (void)pthread_mutex_unlock(&scheduler->lock);
    return running;
}
