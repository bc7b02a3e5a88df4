/* bench_queue: the wait-free queue between threads: one push and pop alone, and from several producers to one consumer that sleeps when there is nothing. */
#include <pthread.h>

#include "bench/bench.h"
#include "core/base/queue.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"

#define PRODUCERS 4

static uint64_t run_alone(void *state, size_t n)
{
    struct queue *queue = state;
    struct queue_node node;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        queue_push_always(queue, &node, 1);
        sum += queue_pop(queue)->bytes;
        queue_paid(queue, 1);
    }
    return sum;
}

struct producer {
    pthread_t thread;
    struct queue *queue;
    struct queue_node *nodes;
    size_t count;
};

static void *produce(void *self)
{
    struct producer *producer = self;
    for (size_t i = 0; i < producer->count; i++)
        queue_push_always(producer->queue, &producer->nodes[i], 1);
    return NULL;
}

/* Wall time of n items through the queue, all threads together. */
static void run_crowd(size_t n)
{
    struct queue *queue = queue_create(SIZE_MAX / 2);
    struct producer producers[PRODUCERS];
    struct timespec start;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = queue, .count = n / PRODUCERS, .nodes = mem_array(n / PRODUCERS, sizeof(struct queue_node))};
        (void)pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
    }
    for (size_t taken = 0; taken < n / PRODUCERS * PRODUCERS;) {
        struct queue_node *node = queue_pop(queue);
        if (node == NULL)
            queue_wait(queue, 1000000);
        else
            taken++;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    printf("%-44s %12.1f ns/op (wall, %d producers)\n", "queue: crowd", ns / (double)n, PRODUCERS);
    for (size_t i = 0; i < PRODUCERS; i++) {
        (void)pthread_join(producers[i].thread, NULL);
        mem_free(producers[i].nodes);
    }
    queue_destroy(queue);
}

int main(void)
{
    struct queue *queue = queue_create((size_t)1 << 20);
    bench("queue: push and pop, one thread", 0, run_alone, queue);
    queue_destroy(queue);
    run_crowd(4000000);
    return 0;
}
