#include "storage/pool/worker_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

/* One executor_run. On its caller's stack: linked while it has items left, gone when all have returned. */
struct loop {
    struct loop *before, *after; // ring of the pool's loops
    void (*task)(void *task_self, size_t i, size_t worker);
    void *task_self;
    size_t next, count; // items not yet given out: [next, count)
    size_t running;     // given out and not returned
    size_t *workers;    // indices nobody uses: a stack, the pool's threads + 1 at most are out
    size_t worker_count;
    pthread_cond_t all_returned;
};

struct task {
    void (*run)(void *self);
    void *self;
};

struct worker_pool {
    pthread_mutex_t lock; // of all below; an item is some 100 us of work, so one lock is cheap
    pthread_cond_t work;
    struct loop *loops; // the one whose turn it is; NULL if none has items left
    size_t loop_count;
    struct task *tasks; // ring of tasks_max
    size_t task_first, task_count, tasks_max;
    size_t busy;
    bool is_stopping;
    int nice;
    const char *name;
    size_t started; // threads that run, each with a number
    size_t thread_count;
    pthread_t *threads;
};

static void loop_link(struct worker_pool *pool, struct loop *loop)
{
    if (pool->loops == NULL) {
        loop->before = loop->after = loop;
        pool->loops = loop;
    } else { // behind all others
        loop->after = pool->loops;
        loop->before = pool->loops->before;
        loop->before->after = loop;
        loop->after->before = loop;
    }
    pool->loop_count++;
}

static void loop_unlink(struct worker_pool *pool, struct loop *loop)
{
    if (loop->after == loop) {
        pool->loops = NULL;
    } else {
        loop->before->after = loop->after;
        loop->after->before = loop->before;
        if (pool->loops == loop)
            pool->loops = loop->after;
    }
    pool->loop_count--;
}

/* Runs the loop's next item. The lock is held before and after, not while the item runs. */
static void loop_step(struct worker_pool *pool, struct loop *loop)
{
    size_t i = loop->next++;
    assert(loop->worker_count > 0); // threads + 1 at most run at once
    size_t worker = loop->workers[--loop->worker_count];
    loop->running++;
    if (loop->next == loop->count)
        loop_unlink(pool, loop);
    else if (pool->loops == loop)
        pool->loops = loop->after; // the next thread takes an item of the next loop
    pthread_mutex_unlock(&pool->lock);

    loop->task(loop->task_self, i, worker);

    pthread_mutex_lock(&pool->lock);
    loop->workers[loop->worker_count++] = worker;
    if (--loop->running == 0 && loop->next == loop->count)
        pthread_cond_signal(&loop->all_returned);
}

static void pool_run(void *self, size_t count, void (*task)(void *task_self, size_t i, size_t worker), void *task_self)
{
    struct worker_pool *pool = self;
    if (count <= 1) { // nothing to share
        if (count == 1)
            task(task_self, 0, 0);
        return;
    }
    struct loop loop = {.task = task, .task_self = task_self, .count = count, .worker_count = pool->thread_count + 1};
    loop.workers = mem_array(loop.worker_count, sizeof(size_t));
    for (size_t i = 0; i < loop.worker_count; i++)
        loop.workers[i] = loop.worker_count - 1 - i;
    pthread_cond_init(&loop.all_returned, NULL);
    pthread_mutex_lock(&pool->lock);
    loop_link(pool, &loop);
    if (count - 1 < pool->thread_count) // the caller takes one itself
        for (size_t i = 0; i < count - 1; i++)
            pthread_cond_signal(&pool->work);
    else
        pthread_cond_broadcast(&pool->work);
    while (loop.next < loop.count)
        loop_step(pool, &loop);
    while (loop.running > 0)
        pthread_cond_wait(&loop.all_returned, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&loop.all_returned);
    mem_free(loop.workers);
}

static void task_step(struct worker_pool *pool)
{
    struct task task = pool->tasks[pool->task_first];
    pool->task_first = (pool->task_first + 1) % pool->tasks_max;
    pool->task_count--;
    pthread_mutex_unlock(&pool->lock);
    task.run(task.self);
    pthread_mutex_lock(&pool->lock);
}

static void *run_thread(void *self)
{
    struct worker_pool *pool = self;
    rcu_thread_join();
    if (pool->nice != 0) // of this thread alone, on Linux; not allowed is not worth more than normal priority
        (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), pool->nice);
    pthread_mutex_lock(&pool->lock);
    char name[16];
    (void)snprintf(name, sizeof(name), "%.10s %zu", pool->name, pool->started++ % 10000);
    (void)pthread_setname_np(pthread_self(), name);
    for (;;) {
        bool is_loop = pool->loops != NULL;
        if (!is_loop && pool->task_count == 0) {
            if (pool->is_stopping)
                break;
            pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        pool->busy++;
        if (is_loop)
            loop_step(pool, pool->loops);
        else
            task_step(pool);
        pool->busy--;
    }
    pthread_mutex_unlock(&pool->lock);
    rcu_thread_part();
    return NULL;
}

bool worker_pool_create(const struct worker_pool_config *config, struct worker_pool **out, struct err *err)
{
    assert(config->threads > 0 && config->tasks_max > 0);
    struct worker_pool *pool = mem_zero(sizeof(*pool));
    pool->name = config->name;
    pool->nice = config->nice;
    pool->tasks_max = config->tasks_max;
    pool->tasks = mem_array(config->tasks_max, sizeof(struct task));
    pool->threads = mem_array(config->threads, sizeof(pthread_t));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    for (; pool->thread_count < config->threads; pool->thread_count++) {
        int error = pthread_create(&pool->threads[pool->thread_count], NULL, run_thread, pool);
        if (error != 0) {
            errno = error;
            err_fill_errno(err, "pool %s: start thread %zu", config->name, pool->thread_count);
            worker_pool_destroy(pool);
            return false;
        }
    }
    *out = pool;
    return true;
}

void worker_pool_destroy(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    assert(pool->loops == NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool->threads);
    mem_free(pool->tasks);
    mem_free(pool);
}

bool worker_pool_submit(struct worker_pool *pool, void (*run)(void *self), void *self, struct err *err)
{
    pthread_mutex_lock(&pool->lock);
    bool ok = pool->task_count < pool->tasks_max;
    if (ok) {
        pool->tasks[(pool->task_first + pool->task_count++) % pool->tasks_max] = (struct task){run, self};
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return ok || err_set(err, ERR_UNAVAILABLE, "pool %s: %zu tasks wait already: try again later", pool->name, pool->tasks_max);
}

struct executor worker_pool_executor(struct worker_pool *pool)
{
    return (struct executor){.self = pool, .run = pool_run, .workers = pool->thread_count + 1};
}

void worker_pool_stats(struct worker_pool *pool, struct worker_pool_stats *out)
{
    pthread_mutex_lock(&pool->lock);
    *out = (struct worker_pool_stats){pool->thread_count, pool->busy, pool->task_count, pool->loop_count};
    pthread_mutex_unlock(&pool->lock);
}
