#include "net/ruler/notifier.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/ruler/http_sender.h"

#define BATCH_MAX 64
#define URLS_MAX 16
#define QUEUE_BYTES_MAX ((size_t)64 << 20)

struct waiting {
    struct waiting *next;
    char *tenant;
    char *alert;
    size_t alert_bytes;
};

struct notifier {
    struct notifier_config config;
    struct arena arena;
    const char *urls[URLS_MAX], *shown[URLS_MAX]; /* in messages: without a password */
    size_t url_count;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t ended;
    struct waiting *first, **last; /* under the lock, as all below */
    size_t count, bytes;
    bool is_stopping;
    bool has_ended; /* the thread */
    atomic_bool is_late; /* the drain took too long: transfers end */
};

static void waiting_free(struct waiting *waiting)
{
    mem_free(waiting->tenant);
    mem_free(waiting->alert);
    mem_free(waiting);
}

static struct metric *metric_of(size_t family, const char *tenant)
{
    return metric_get1(family, slice_str(tenant));
}

/* Off the queue; the lock is held. */
static struct waiting *take(struct notifier *notifier)
{
    struct waiting *waiting = notifier->first;
    notifier->first = waiting->next;
    if (notifier->first == NULL)
        notifier->last = &notifier->first;
    notifier->count--;
    notifier->bytes -= waiting->alert_bytes;
    metric_move(metric_of(METRIC_loki_prometheus_notifications_queue_length, waiting->tenant), -1);
    waiting->next = NULL;
    return waiting;
}

/* The oldest and those of the same tenant right behind it. The lock is held. */
static struct waiting *batch_take(struct notifier *notifier)
{
    struct waiting *batch = take(notifier);
    struct waiting **end = &batch->next;
    for (size_t n = 1; n < BATCH_MAX && notifier->first != NULL && strcmp(notifier->first->tenant, batch->tenant) == 0; n++) {
        *end = take(notifier);
        end = &(*end)->next;
    }
    return batch;
}

static bool batch_post(struct notifier *notifier, struct http_sender *sender, const char *tenant, struct slice body)
{
    struct err err = {.code = ERR_NONE};
    struct arena arena = ARENA_INIT;
    const char *const headers[] = {"Content-Type: application/json", arena_printf(&arena, "X-Scope-OrgID: %s", tenant).ptr};
    bool is_sent = false;
    for (size_t i = 0; i < notifier->url_count; i++) {
        if (http_sender_post(sender, notifier->urls[i], headers, LENGTH(headers), body, notifier->config.timeout_ns, &err) == SEND_OK)
            is_sent = true;
        else
            log_warn("ruler", "alerts were not taken", "url", notifier->shown[i], "tenant", tenant, "err", err.text);
    }
    arena_fini(&arena);
    return is_sent;
}

static void batch_send(struct notifier *notifier, struct http_sender *sender, struct waiting *batch)
{
    struct buf body = BUF_INIT;
    size_t count = 0;
    buf_byte(&body, '[');
    for (const struct waiting *one = batch; one != NULL; one = one->next) {
        buf_str(&body, count++ > 0 ? "," : "");
        buf_put(&body, slice_of(one->alert, one->alert_bytes));
    }
    buf_byte(&body, ']');
    bool is_sent = batch_post(notifier, sender, batch->tenant, buf_slice(&body));
    metric_add(metric_of(is_sent ? METRIC_loki_prometheus_notifications_sent_total : METRIC_loki_prometheus_notifications_dropped_total, batch->tenant),
               count);
    buf_fini(&body);
    while (batch != NULL) {
        struct waiting *next = batch->next;
        waiting_free(batch);
        batch = next;
    }
}

static void *run(void *self)
{
    struct notifier *notifier = self;
    struct http_sender *sender = http_sender_create(&notifier->is_late);
    (void)pthread_mutex_lock(&notifier->lock);
    while (!notifier->is_stopping || (notifier->first != NULL && !atomic_load(&notifier->is_late))) {
        if (notifier->first == NULL) {
            (void)pthread_cond_wait(&notifier->wake, &notifier->lock);
            continue;
        }
        struct waiting *batch = batch_take(notifier);
        (void)pthread_mutex_unlock(&notifier->lock);
        batch_send(notifier, sender, batch);
        (void)pthread_mutex_lock(&notifier->lock);
    }
    notifier->has_ended = true;
    (void)pthread_cond_signal(&notifier->ended);
    (void)pthread_mutex_unlock(&notifier->lock);
    http_sender_destroy(sender);
    return NULL;
}

static void urls_split(struct notifier *notifier, struct slice urls)
{
    while (urls.len > 0 && notifier->url_count < URLS_MAX) {
        size_t end = slice_find_byte(urls, ',');
        struct slice url = slice_trim(slice_of(urls.ptr, end));
        while (url.len > 0 && url.ptr[url.len - 1] == '/')
            url.len--;
        if (url.len > 0) {
            notifier->shown[notifier->url_count] = url_without_password(url, &notifier->arena);
            notifier->urls[notifier->url_count++] = arena_printf(&notifier->arena, "%.*s/api/v2/alerts", SLICE_ARG(url)).ptr;
        }
        urls = slice_from(urls, end < urls.len ? end + 1 : end);
    }
}

struct notifier *notifier_create(const struct notifier_config *config)
{
    struct notifier *notifier = mem_zero(sizeof(*notifier));
    notifier->config = *config;
    notifier->last = &notifier->first;
    urls_split(notifier, config->urls);
    (void)pthread_mutex_init(&notifier->lock, NULL);
    (void)pthread_cond_init(&notifier->wake, NULL);
    (void)pthread_cond_init(&notifier->ended, NULL);
    if (notifier->url_count > 0 && pthread_create(&notifier->thread, NULL, run, notifier) != 0) {
        log_error("ruler", "no thread for notifications: alerts are not sent");
        notifier->url_count = 0;
    }
    return notifier;
}

/* Waits for the thread, and gives its transfers up when the time for it is over. */
static void join(struct notifier *notifier)
{
    struct timespec until = clock_mono_after(NOTIFIER_DRAIN_NS);
    (void)pthread_mutex_lock(&notifier->lock);
    for (int waited = 0; !notifier->has_ended && waited == 0;)
        waited = pthread_cond_clockwait(&notifier->ended, &notifier->lock, CLOCK_MONOTONIC, &until);
    atomic_store(&notifier->is_late, !notifier->has_ended);
    (void)pthread_mutex_unlock(&notifier->lock);
    (void)pthread_join(notifier->thread, NULL);
}

void notifier_destroy(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    (void)pthread_mutex_lock(&notifier->lock);
    notifier->is_stopping = true;
    (void)pthread_cond_signal(&notifier->wake);
    (void)pthread_mutex_unlock(&notifier->lock);
    if (notifier->url_count > 0)
        join(notifier);
    while (notifier->first != NULL)
        waiting_free(take(notifier));
    (void)pthread_cond_destroy(&notifier->wake);
    (void)pthread_cond_destroy(&notifier->ended);
    (void)pthread_mutex_destroy(&notifier->lock);
    arena_fini(&notifier->arena);
    mem_free(notifier);
}

void notifier_send(struct notifier *notifier, struct slice tenant, struct slice alert)
{
    if (notifier->url_count == 0)
        return;
    struct waiting *waiting = mem_zero(sizeof(*waiting));
    *waiting = (struct waiting){.tenant = mem_strdup(tenant), .alert = mem_strdup(alert), .alert_bytes = alert.len};
    (void)pthread_mutex_lock(&notifier->lock);
    while (notifier->count > 0 && (notifier->count >= notifier->config.queue_max || notifier->bytes + alert.len > QUEUE_BYTES_MAX)) {
        struct waiting *oldest = take(notifier);
        metric_add(metric_of(METRIC_loki_prometheus_notifications_dropped_total, oldest->tenant), 1);
        waiting_free(oldest);
    }
    *notifier->last = waiting;
    notifier->last = &waiting->next;
    notifier->count++;
    notifier->bytes += alert.len;
    metric_move(metric_of(METRIC_loki_prometheus_notifications_queue_length, waiting->tenant), 1);
    (void)pthread_cond_signal(&notifier->wake);
    (void)pthread_mutex_unlock(&notifier->lock);
}
