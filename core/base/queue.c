#include "core/base/queue.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu/wfcqueue.h>

#include "core/base/mem.h"

#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define TSAN_ACQUIRE(addr) __tsan_acquire(addr)
#define TSAN_RELEASE(addr) __tsan_release(addr)
#else
#define TSAN_ACQUIRE(addr) ((void)(addr))
#define TSAN_RELEASE(addr) ((void)(addr))
#endif

_Static_assert(sizeof(struct cds_wfcq_node) <= sizeof(((struct queue_node *)0)->opaque), "queue_node holds a node");

struct queue {
    struct cds_wfcq_tail tail; // producers
    _Atomic size_t bytes;
    _Atomic size_t items;
    size_t budget;
    _Alignas(64) struct cds_wfcq_head head; // consumer
    _Alignas(64) _Atomic uint32_t sleeping; // 1: the consumer sleeps or is about to
    _Atomic uint32_t woken;                 // 1: queue_wake came and no queue_wait has returned for it yet
};

struct queue *queue_create(size_t budget_bytes)
{
    struct queue *queue = mem_aligned(sizeof(*queue), 64);
    memset(queue, 0, sizeof(*queue));
    cds_wfcq_init(&queue->head, &queue->tail);
    queue->budget = budget_bytes;
    return queue;
}

void queue_destroy(struct queue *queue)
{
    mem_free(queue);
}

static void futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    (void)syscall(SYS_futex, (uint32_t *)word, op, value, timeout, NULL, 0);
}

static void wake_sleeper(struct queue *queue)
{
    // seq_cst on both sides: either the consumer sees the item, or the producer sees that it sleeps.
    if (atomic_load(&queue->sleeping) != 0 && atomic_exchange(&queue->sleeping, 0) != 0)
        futex(&queue->sleeping, FUTEX_WAKE_PRIVATE, 1, NULL);
}

void queue_wake(struct queue *queue)
{
    atomic_store(&queue->woken, 1); // not lost on a consumer that has looked around already and does not sleep yet
    wake_sleeper(queue);
}

static void enqueue(struct queue *queue, struct queue_node *node)
{
    struct cds_wfcq_node *item = (struct cds_wfcq_node *)node->opaque;
    cds_wfcq_node_init(item);
    TSAN_RELEASE(node);
    (void)cds_wfcq_enqueue(&queue->head, &queue->tail, item);
    atomic_fetch_add(&queue->items, 1);
    wake_sleeper(queue);
}

bool queue_push(struct queue *queue, struct queue_node *node, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&queue->bytes, bytes, memory_order_relaxed); // a budget, not a guard
    if (before > 0 && before + bytes > queue->budget) {
        atomic_fetch_sub_explicit(&queue->bytes, bytes, memory_order_relaxed); // as above
        return false;
    }
    node->bytes = bytes;
    enqueue(queue, node);
    return true;
}

void queue_push_always(struct queue *queue, struct queue_node *node, size_t bytes)
{
    atomic_fetch_add_explicit(&queue->bytes, bytes, memory_order_relaxed); // a budget, not a guard
    node->bytes = bytes;
    enqueue(queue, node);
}

struct queue_node *queue_pop(struct queue *queue)
{
    struct cds_wfcq_node *item = __cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
    if (item == NULL)
        return NULL;
    atomic_fetch_sub(&queue->items, 1);
    struct queue_node *node = (struct queue_node *)item; // opaque is its first member
    TSAN_ACQUIRE(node);
    return node;
}

void queue_paid(struct queue *queue, size_t bytes)
{
    atomic_fetch_sub_explicit(&queue->bytes, bytes, memory_order_relaxed); // a budget, not a guard
}

void queue_wait(struct queue *queue, int64_t timeout_ns)
{
    atomic_store(&queue->sleeping, 1);
    if (atomic_load(&queue->items) != 0 || atomic_exchange(&queue->woken, 0) != 0) {
        atomic_store(&queue->sleeping, 0);
        return;
    }
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    futex(&queue->sleeping, FUTEX_WAIT_PRIVATE, 1, timeout_ns < 0 ? NULL : &timeout);
    atomic_store(&queue->sleeping, 0);
}

size_t queue_bytes(const struct queue *queue)
{
    return atomic_load_explicit(&queue->bytes, memory_order_relaxed); // a metric
}

size_t queue_items(const struct queue *queue)
{
    return atomic_load_explicit(&queue->items, memory_order_relaxed); // a metric
}
