#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "core/base/mem.h"
#include "core/base/queue.h"

#define PRODUCERS 4
#define ITEMS 20000

struct item {
    struct queue_node node;
    unsigned producer;
    unsigned number;
};

struct producer {
    struct queue *queue;
    unsigned id;
    uint64_t refused;
};

static void *produce(void *arg)
{
    struct producer *producer = arg;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = mem_zero(sizeof(*item));
        item->producer = producer->id;
        item->number = i;
        while (!queue_push(producer->queue, &item->node, 10)) {
            producer->refused++;
            (void)sched_yield();
        }
    }
    return NULL;
}

static void each_item_of_each_producer_comes_once_and_in_its_order(void **state)
{
    (void)state;
    struct queue *queue = queue_create(1000);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){queue, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    unsigned next[PRODUCERS] = {0};
    for (unsigned got = 0; got < PRODUCERS * ITEMS;) {
        struct queue_node *node = queue_pop(queue);
        if (node == NULL) {
            queue_wait(queue, -1);
            continue;
        }
        struct item *item = (struct item *)node;
        assert_int_equal(item->number, next[item->producer]);
        next[item->producer]++;
        queue_paid(queue, node->bytes);
        mem_free(item);
        got++;
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_null(queue_pop(queue));
    assert_int_equal(queue_bytes(queue), 0);
    assert_int_equal(queue_items(queue), 0);
    queue_destroy(queue);
}

static void the_budget_refuses_but_never_the_only_item(void **state)
{
    (void)state;
    struct queue *queue = queue_create(100);
    struct queue_node nodes[3];
    assert_true(queue_push(queue, &nodes[0], 500));
    assert_false(queue_push(queue, &nodes[1], 1));
    queue_push_always(queue, &nodes[1], 1);
    assert_int_equal(queue_items(queue), 2);
    assert_ptr_equal(queue_pop(queue), &nodes[0]);
    assert_false(queue_push(queue, &nodes[2], 1)); // still charged
    queue_paid(queue, 500);
    assert_true(queue_push(queue, &nodes[2], 99));
    queue_destroy(queue);
}

static void a_wait_ends_at_its_time_and_at_once_when_there_is_an_item(void **state)
{
    (void)state;
    struct queue *queue = queue_create(100);
    queue_wait(queue, 1000000);
    struct queue_node node;
    assert_true(queue_push(queue, &node, 1));
    queue_wait(queue, -1);
    assert_ptr_equal(queue_pop(queue), &node);
    queue_destroy(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_of_each_producer_comes_once_and_in_its_order),
        cmocka_unit_test(the_budget_refuses_but_never_the_only_item),
        cmocka_unit_test(a_wait_ends_at_its_time_and_at_once_when_there_is_an_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
