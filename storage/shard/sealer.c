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

struct seal_thread {
    struct sealer *sealer;
    struct queue *queue;
    atomic_bool retries_now;
    pthread_t thread;
    struct seal_task *failed; // the thread's own
};

struct sealer {
    const struct seal_context *context;
    void (*after)(void *self);
    void *after_self;
    atomic_bool stops;
    pthread_mutex_t turn; // held by who seals, unless all may at once
    unsigned thread_count;
    struct seal_thread threads[];
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
    bool takes_turn = !atomic_load(sealer->context->at_once);
    if (takes_turn)
        pthread_mutex_lock(&sealer->turn);
    bool ok = seal_generation(sealer->context, task->generation, &task->progress, &err);
    if (takes_turn)
        pthread_mutex_unlock(&sealer->turn);
    if (!ok) {
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

static void retry_failed(struct seal_thread *thread)
{
    struct seal_task *task = thread->failed;
    thread->failed = NULL;
    while (task != NULL) {
        struct seal_task *next = task->next;
        if (!try_task(thread->sealer, task)) {
            task->next = thread->failed;
            thread->failed = task;
        }
        task = next;
    }
}

static void *run(void *self)
{
    struct seal_thread *thread = self;
    struct sealer *sealer = thread->sealer;
    (void)pthread_setname_np(pthread_self(), "sealer");
    rcu_thread_join();
    int64_t retry_at = 0;
    for (;;) {
        bool stops = atomic_load(&sealer->stops);
        struct seal_task *task = (struct seal_task *)queue_pop(thread->queue);
        int64_t now = clock_mono_ns(sealer->context->clock);
        if (task != NULL) {
            queue_paid(thread->queue, task->node.bytes);
            if (!try_task(sealer, task)) {
                task->next = thread->failed;
                thread->failed = task;
                retry_at = now + RETRY_NS;
            }
            continue;
        }
        if (stops)
            break;
        if (atomic_exchange(&thread->retries_now, false))
            retry_at = now;
        if (thread->failed != NULL && now >= retry_at) {
            retry_failed(thread);
            retry_at = now + RETRY_NS;
        }
        queue_wait(thread->queue, thread->failed != NULL ? RETRY_NS : -1);
    }
    while (thread->failed != NULL) { // the log has them still
        struct seal_task *task = thread->failed;
        thread->failed = task->next;
        task_end(task);
    }
    rcu_thread_part();
    return NULL;
}

struct sealer *sealer_create(const struct seal_context *context, unsigned threads, void (*after)(void *self), void *after_self)
{
    struct sealer *sealer = mem_zero(sizeof(*sealer) + threads * sizeof(sealer->threads[0]));
    sealer->context = context;
    sealer->after = after;
    sealer->after_self = after_self;
    pthread_mutex_init(&sealer->turn, NULL);
    sealer->thread_count = threads;
    for (unsigned i = 0; i < threads; i++) {
        struct seal_thread *thread = &sealer->threads[i];
        thread->sealer = sealer;
        thread->queue = queue_create(SIZE_MAX);
        if (pthread_create(&thread->thread, NULL, run, thread) != 0)
            abort();
    }
    return sealer;
}

void sealer_destroy(struct sealer *sealer)
{
    if (sealer == NULL)
        return;
    atomic_store(&sealer->stops, true);
    for (unsigned i = 0; i < sealer->thread_count; i++) {
        queue_wake(sealer->threads[i].queue);
        (void)pthread_join(sealer->threads[i].thread, NULL);
        queue_destroy(sealer->threads[i].queue);
    }
    pthread_mutex_destroy(&sealer->turn);
    mem_free(sealer);
}

void sealer_retry(struct sealer *sealer)
{
    for (unsigned i = 0; i < sealer->thread_count; i++) {
        atomic_store(&sealer->threads[i].retries_now, true);
        queue_wake(sealer->threads[i].queue);
    }
}

void sealer_put(struct sealer *sealer, struct shard *shard, struct generation *generation, enum seal_reason reason)
{
    struct seal_task *task = mem_zero(sizeof(*task));
    task->shard = shard;
    task->reason = reason;
    task->generation = generation_ref(generation);
    // A thread that never seals never has a seal's memory.
    unsigned at = atomic_load(sealer->context->at_once) ? generation_shard(generation) % sealer->thread_count : 0;
    queue_push_always(sealer->threads[at].queue, &task->node, 0);
}
