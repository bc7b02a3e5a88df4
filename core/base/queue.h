/* queue.h: liburcu's wait-free concurrent queue with a byte budget and a sleeping consumer.
 *
 *               push   pop
 *     push       -      -      -  never in each other's way
 *     pop        -      X      X  never at once: one consumer
 *
 * A queue owns nothing: nodes are members of what the callers queue.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/slice.h"

struct queue_node {
    void *opaque[1];
    size_t bytes; /* charged to the budget while queued */
};

struct queue;

/* budget_bytes: what may wait at once. */
struct queue *queue_create(size_t budget_bytes) MUST_CHECK;
void queue_destroy(struct queue *queue); /* NULL is fine; what is still in it is the caller's to know of */

/* False if the budget has no room, unless the queue is empty (so that one large item always passes).
 * Wakes the consumer. Thread: any. */
bool queue_push(struct queue *queue, struct queue_node *node, size_t bytes) MUST_CHECK;

/* The same without a budget: for what has been paid for already, and for control messages. */
void queue_push_always(struct queue *queue, struct queue_node *node, size_t bytes);

/* The oldest, or NULL. The bytes stay charged until queue_paid. Thread: the consumer. */
struct queue_node *queue_pop(struct queue *queue);

/* Gives the node's bytes back to the budget. Thread: any. */
void queue_paid(struct queue *queue, size_t bytes);

/* Sleeps until something may be there or timeout_ns has passed; negative: for ever. Thread: the consumer. */
void queue_wait(struct queue *queue, int64_t timeout_ns);

/* Wakes the consumer without an item. Thread: any. */
void queue_wake(struct queue *queue);

size_t queue_bytes(const struct queue *queue); /* charged now */
size_t queue_items(const struct queue *queue); /* pushed and not popped */
