#include "storage/shard/sealer.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/logger.h"
#include "core/base/mem.h"

#define RETRY_NS NS_PER_S

struct seal_task {
    struct queue_node node;
    struct seal_task *next; // waiting for another try
    struct shard *shard;
    struct generation *generation;
    enum seal_reason reason;
    struct seal_progress progress;
};

struct sealer {
    const struct seal_context *context;
    void (*after)(void *self);
    void *after_self;
    struct queue *queue;
    atomic_bool stops, retries_now;
    pthread_t thread;
    struct seal_task *failed; // the thread's own
};

static void task_end(struct seal_task *task)
{
    seal_progress_fini(&task->progress);
    generation_unref(task->generation);
    mem_free(task);
}

/* Tries; true: done. */
static bool try_task(struct sealer *sealer, struct seal_task *task)
{
    struct err err = {.code = ERR_NONE};
    figure_seal_tried();
    if (!seal_generation(sealer->context, task->generation, &task->progress, &err)) {
        figure_seal_failed(&err);
        log_error("sealer", "a seal failed and will be tried again", "err", err.text);
        shard_sealed(task->shard, task->generation, &err);
        return false;
    }
    figure_sealed(task->reason, generation_list_count(task->generation));
    shard_sealed(task->shard, task->generation, NULL);
    task_end(task);
    sealer->after(sealer->after_self);
    return true;
}

static void retry_failed(struct sealer *sealer)
{
    struct seal_task *task = sealer->failed;
    sealer->failed = NULL;
    while (task != NULL) {
        struct seal_task *next = task->next;
        if (!try_task(sealer, task)) {
            task->next = sealer->failed;
            sealer->failed = task;
        }
        task = next;
    }
}

static void *run(void *self)
{
    struct sealer *sealer = self;
    (void)pthread_setname_np(pthread_self(), "sealer");
    rcu_thread_join();
    int64_t retry_at = 0;
    for (;;) {
        bool stops = atomic_load(&sealer->stops);
        struct seal_task *task = (struct seal_task *)queue_pop(sealer->queue);
        int64_t now = clock_mono_ns(sealer->context->clock);
        if (task != NULL) {
            queue_paid(sealer->queue, task->node.bytes);
            if (!try_task(sealer, task)) {
                task->next = sealer->failed;
                sealer->failed = task;
                retry_at = now + RETRY_NS;
            }
            continue;
        }
        if (stops)
            break;
        if (atomic_exchange(&sealer->retries_now, false))
            retry_at = now;
        if (sealer->failed != NULL && now >= retry_at) {
            retry_failed(sealer);
            retry_at = now + RETRY_NS;
        }
        queue_wait(sealer->queue, sealer->failed != NULL ? RETRY_NS : -1);
    }
    while (sealer->failed != NULL) { // the log has them still
        struct seal_task *task = sealer->failed;
        sealer->failed = task->next;
        task_end(task);
    }
    rcu_thread_part();
    return NULL;
}

struct sealer *sealer_create(const struct seal_context *context, void (*after)(void *self), void *after_self)
{
    struct sealer *sealer = mem_zero(sizeof(*sealer));
    sealer->context = context;
    sealer->after = after;
    sealer->after_self = after_self;
    sealer->queue = queue_create(SIZE_MAX);
    if (pthread_create(&sealer->thread, NULL, run, sealer) != 0)
        abort();
    return sealer;
}

void sealer_destroy(struct sealer *sealer)
{
    if (sealer == NULL)
        return;
    atomic_store(&sealer->stops, true);
    queue_wake(sealer->queue);
    (void)pthread_join(sealer->thread, NULL);
    queue_destroy(sealer->queue);
    mem_free(sealer);
}

void sealer_retry(struct sealer *sealer)
{
    atomic_store(&sealer->retries_now, true);
    queue_wake(sealer->queue);
}

void sealer_put(struct sealer *sealer, struct shard *shard, struct generation *generation, enum seal_reason reason)
{
    struct seal_task *task = mem_zero(sizeof(*task));
    task->shard = shard;
    task->reason = reason;
    task->generation = generation_ref(generation);
    queue_push_always(sealer->queue, &task->node, 0);
}
