#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "net/tail/tail_parts.h"

#define THREADS ((size_t)2)
#define TASKS_MAX ((size_t)65536) /* at most one for each tail waits, and tails are bounded by connections */

bool tails_create(const struct tails_config *config, struct tails **out, struct err *err)
{
    struct tails *tails = mem_zero(sizeof(*tails));
    tails->config = *config;
    pthread_mutex_init(&tails->lock, NULL);
    pthread_cond_init(&tails->ended, NULL);
    if (!worker_pool_create(&(struct worker_pool_config){.name = "tail", .threads = THREADS, .tasks_max = TASKS_MAX}, &tails->pool, err)) {
        mem_free(tails);
        return false;
    }
    *out = tails;
    return true;
}

void tails_destroy(struct tails *tails)
{
    if (tails == NULL)
        return;
    // Websockets that did not end in time, be it that they were closing: their loops are gone, nobody else will tell these tails.
    pthread_mutex_lock(&tails->lock);
    struct tail *left[64];
    size_t count;
    do {
        count = 0;
        for (struct tail *tail = tails->first; tail != NULL && count < LENGTH(left); tail = tail->next)
            if (!tail->is_closed)
                left[count++] = tail;
        pthread_mutex_unlock(&tails->lock);
        for (size_t i = 0; i < count; i++)
            tail_handler.closed(left[i]);
        pthread_mutex_lock(&tails->lock);
    } while (count > 0);
    while (tails->count > 0) // steps under way end at their next look; the last references end with liburcu's thread
        pthread_cond_wait(&tails->ended, &tails->lock);
    pthread_mutex_unlock(&tails->lock);
    worker_pool_destroy(tails->pool);
    pthread_cond_destroy(&tails->ended);
    pthread_mutex_destroy(&tails->lock);
    mem_free(tails);
}

size_t tails_bytes(const struct tails *tails)
{
    return RELAXED(&tails->bytes);
}
