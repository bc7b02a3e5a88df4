#include "net/ruler/remote_write.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/ruler/http_sender.h"
#include "net/ruler/remote_batch.h"

#define QUEUE_BYTES_MAX ((size_t)64 << 20) /* labels of one tenant's samples that wait */
#define BATCH_MAX 10000

struct waiting {
    struct waiting *next;
    struct remote_point point; /* labels right behind */
};

struct queue { /* of a tenant; lives as long as the remote_write */
    struct queue *next;
    char *tenant;
    struct waiting *first, **last;
    size_t count, bytes;
    struct metric *offered, *pending, *highest_sent, *highest;
};

struct remote_write {
    struct remote_write_config config;
    char *url;
    struct arena arena;
    const char *shown; /* the URL in messages: without a password */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t ended;
    struct queue *queues; /* under the lock, as all below */
    struct queue *turn;   /* served last */
    bool is_stopping;
    bool has_ended; /* the thread */
    atomic_bool is_late; /* the drain took too long: transfers end */
};

double remote_write_stale(void)
{
    static const uint64_t bits = UINT64_C(0x7ff0000000000002);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool remote_write_is_on(const struct remote_write *remote)
{
    return remote->has_thread;
}

/* The next tenant that has samples, behind the one served last; NULL: none has. The lock is held. */
static struct queue *queue_next(struct remote_write *remote)
{
    struct queue *begin = remote->turn != NULL && remote->turn->next != NULL ? remote->turn->next : remote->queues;
    struct queue *queue = begin;
    while (queue != NULL) {
        if (queue->count > 0) {
            remote->turn = queue;
            return queue;
        }
        queue = queue->next != NULL ? queue->next : remote->queues;
        if (queue == begin)
            break;
    }
    return NULL;
}

/* The lock is held. */
static struct waiting *batch_take(struct queue *queue, size_t max, size_t *out_count)
{
    struct waiting *batch = queue->first;
    struct waiting *last = batch;
    *out_count = 1;
    queue->bytes -= batch->point.labels.len;
    for (; *out_count < max && last->next != NULL; (*out_count)++) {
        last = last->next;
        queue->bytes -= last->point.labels.len;
    }
    queue->first = last->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    last->next = NULL;
    queue->count -= *out_count;
    metric_set(queue->pending, (double)queue->count);
    return batch;
}

static void batch_free(struct waiting *batch)
{
    while (batch != NULL) {
        struct waiting *next = batch->next;
        mem_free(batch);
        batch = next;
    }
}

/* Waits, but not when the end has come. */
static void pause_ns(struct remote_write *remote, int64_t ns)
{
    struct timespec until = clock_mono_after(ns);
    (void)pthread_mutex_lock(&remote->lock);
    int waited = 0;
    while (!remote->is_stopping && waited == 0)
        waited = pthread_cond_clockwait(&remote->wake, &remote->lock, CLOCK_MONOTONIC, &until);
    (void)pthread_mutex_unlock(&remote->lock);
}

static bool is_stopping(struct remote_write *remote)
{
    (void)pthread_mutex_lock(&remote->lock);
    bool stopping = remote->is_stopping;
    (void)pthread_mutex_unlock(&remote->lock);
    return stopping;
}

/* Until it is taken, refused, or the end has come: then it has one try. */
static bool batch_post(struct remote_write *remote, struct http_sender *sender, const char *tenant, struct slice body)
{
    struct arena arena = ARENA_INIT;
    const char *const headers[] = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0",
                                   arena_printf(&arena, "X-Scope-OrgID: %s", tenant).ptr};
    size_t count = LENGTH(headers) - (remote->config.adds_tenant ? 0 : 1);
    int64_t backoff_ns = remote->config.backoff_min_ns;
    enum send_outcome outcome = SEND_RETRY;
    struct err err = {.code = ERR_NONE};
    for (bool is_last = false; outcome == SEND_RETRY && !is_last;) {
        is_last = is_stopping(remote);
        outcome = http_sender_post(sender, remote->url, headers, count, body, remote->config.timeout_ns, &err);
        if (outcome == SEND_OK)
            break;
        log_warn("ruler", outcome == SEND_RETRY ? "recorded samples were not taken, and are sent again" : "recorded samples were refused", "url", remote->shown,
                 "tenant", tenant, "err", err.text);
        if (outcome == SEND_RETRY && !is_last)
            pause_ns(remote, backoff_ns);
        backoff_ns = backoff_ns * 2 < remote->config.backoff_max_ns ? backoff_ns * 2 : remote->config.backoff_max_ns;
    }
    arena_fini(&arena);
    return outcome == SEND_OK;
}

static void batch_send(struct remote_write *remote, struct http_sender *sender, struct queue *queue, const struct waiting *batch, size_t count)
{
    struct remote_point *points = mem_array(count, sizeof(*points));
    struct buf body = BUF_INIT;
    size_t n = 0;
    for (const struct waiting *one = batch; one != NULL; one = one->next)
        points[n++] = one->point;
    remote_batch_put(&body, points, n);
    if (batch_post(remote, sender, queue->tenant, buf_slice(&body)))
        metric_set(queue->highest_sent, (double)points[n - 1].ts_ms / 1000);
    buf_fini(&body);
    mem_free(points);
}

static void *run(void *self)
{
    struct remote_write *remote = self;
    struct http_sender *sender = http_sender_create(&remote->is_late);
    (void)pthread_mutex_lock(&remote->lock);
    for (;;) {
        struct queue *queue = queue_next(remote);
        size_t count = 0;
        if (queue == NULL || atomic_load(&remote->is_late)) {
            if (remote->is_stopping)
                break;
            (void)pthread_cond_wait(&remote->wake, &remote->lock);
            continue;
        }
        struct waiting *batch = batch_take(queue, remote->config.batch_max, &count);
        (void)pthread_mutex_unlock(&remote->lock);
        batch_send(remote, sender, queue, batch, count);
        batch_free(batch);
        (void)pthread_mutex_lock(&remote->lock);
    }
    remote->has_ended = true;
    (void)pthread_cond_signal(&remote->ended);
    (void)pthread_mutex_unlock(&remote->lock);
    http_sender_destroy(sender);
    return NULL;
}

struct remote_write *remote_write_create(const struct remote_write_config *config)
{
    struct remote_write *remote = mem_zero(sizeof(*remote));
    remote->config = *config;
    remote->url = mem_strdup(config->url);
    remote->shown = url_without_password(config->url, &remote->arena);
    if (remote->config.batch_max == 0 || remote->config.batch_max > BATCH_MAX)
        remote->config.batch_max = BATCH_MAX;
    (void)pthread_mutex_init(&remote->lock, NULL);
    (void)pthread_cond_init(&remote->wake, NULL);
    (void)pthread_cond_init(&remote->ended, NULL);
    if (config->url.len > 0) {
        remote->has_thread = pthread_create(&remote->thread, NULL, run, remote) == 0;
        if (!remote->has_thread)
            log_error("ruler", "no thread for remote write: recorded samples are not sent");
    }
    return remote;
}

static void join(struct remote_write *remote)
{
    struct timespec until = clock_mono_after(REMOTE_WRITE_DRAIN_NS);
    (void)pthread_mutex_lock(&remote->lock);
    for (int waited = 0; !remote->has_ended && waited == 0;)
        waited = pthread_cond_clockwait(&remote->ended, &remote->lock, CLOCK_MONOTONIC, &until);
    atomic_store(&remote->is_late, !remote->has_ended);
    (void)pthread_mutex_unlock(&remote->lock);
    (void)pthread_join(remote->thread, NULL);
}

void remote_write_destroy(struct remote_write *remote)
{
    if (remote == NULL)
        return;
    (void)pthread_mutex_lock(&remote->lock);
    remote->is_stopping = true;
    (void)pthread_cond_signal(&remote->wake);
    (void)pthread_mutex_unlock(&remote->lock);
    if (remote->has_thread)
        join(remote);
    while (remote->queues != NULL) {
        struct queue *next = remote->queues->next;
        batch_free(remote->queues->first);
        mem_free(remote->queues->tenant);
        mem_free(remote->queues);
        remote->queues = next;
    }
    (void)pthread_cond_destroy(&remote->wake);
    (void)pthread_cond_destroy(&remote->ended);
    (void)pthread_mutex_destroy(&remote->lock);
    mem_free(remote->url);
    arena_fini(&remote->arena);
    mem_free(remote);
}

/* The lock is held. */
static struct queue *queue_of(struct remote_write *remote, struct slice tenant)
{
    for (struct queue *queue = remote->queues; queue != NULL; queue = queue->next) {
        if (slice_eq(slice_str(queue->tenant), tenant))
            return queue;
    }
    struct queue *queue = mem_zero(sizeof(*queue));
    queue->tenant = mem_strdup(tenant);
    queue->last = &queue->first;
    queue->offered = metric_get1(METRIC_loki_ruler_wal_prometheus_remote_storage_samples_total, tenant);
    queue->pending = metric_get1(METRIC_loki_ruler_wal_prometheus_remote_storage_samples_pending, tenant);
    queue->highest = metric_get1(METRIC_loki_ruler_wal_prometheus_remote_storage_highest_timestamp_in_seconds, tenant);
    queue->highest_sent = metric_get1(METRIC_loki_ruler_wal_prometheus_remote_storage_queue_highest_sent_timestamp_seconds, tenant);
    metric_set(metric_get1(METRIC_loki_ruler_wal_appender_ready, tenant), 1);
    metric_set(metric_get1(METRIC_loki_ruler_wal_disk_size, tenant), 0); // all that waits is in memory
    queue->next = remote->queues;
    remote->queues = queue;
    return queue;
}

void remote_write_put(struct remote_write *remote, struct slice tenant, const struct remote_sample *samples, size_t count, int64_t ts_ms)
{
    size_t taken = 0;
    if (!remote->has_thread || count == 0)
        return;
    (void)pthread_mutex_lock(&remote->lock);
    struct queue *queue = queue_of(remote, tenant);
    for (; taken < count && queue->count < remote->config.capacity && queue->bytes + samples[taken].labels.len <= QUEUE_BYTES_MAX; taken++) {
        struct slice labels = samples[taken].labels;
        struct waiting *waiting = mem_alloc(sizeof(*waiting) + labels.len);
        if (labels.len > 0)
            memcpy(waiting + 1, labels.ptr, labels.len);
        *waiting = (struct waiting){.point = {slice_of(waiting + 1, labels.len), samples[taken].value, ts_ms}};
        *queue->last = waiting;
        queue->last = &waiting->next;
        queue->count++;
        queue->bytes += labels.len;
    }
    metric_add(queue->offered, taken);
    metric_set(queue->pending, (double)queue->count);
    metric_set(queue->highest, (double)ts_ms / 1000);
    (void)pthread_cond_signal(&remote->wake);
    (void)pthread_mutex_unlock(&remote->lock);
    if (taken < count)
        log_warn("ruler", "recorded samples are dropped: the queue is full (ruler.remote_write.client.queue_config.capacity)");
}
