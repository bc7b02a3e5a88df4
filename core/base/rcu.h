/* rcu.h: liburcu (memb flavour), the only file with queue.h that includes it. Readers see each published object whole or
 * not at all, and keep what they have seen until rcu_leave; writers unlink, then rcu_free_later.
 *
 * Inside a read section: no lock, no system call, no waiting, no long scan (it holds up all freeing). Copy out, leave, work.
 * Debian's liburcu 0.13 is invisible to ThreadSanitizer, so these functions tell it what happens before what.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/slice.h"

/* A store that readers of the same word see only together with all that was written before it, and its counterpart. */
#define PUBLISH(place, value) atomic_store_explicit((place), (value), memory_order_release)
#define OBSERVE(place) atomic_load_explicit((place), memory_order_acquire)
/* Counters and hints, where nothing else hangs on the value. */
#define RELAXED(place) atomic_load_explicit((place), memory_order_relaxed)

struct rcu_node {
    void *opaque[3];
    void (*free_fn)(struct rcu_node *node);
};

/* Each thread that calls anything below does so between these two; they nest. */
void rcu_thread_join(void);
void rcu_thread_part(void);

void rcu_enter(void);
void rcu_leave(void);
bool rcu_inside(void); /* for asserts: this thread is between enter and leave */

/* Calls free_fn(node) after every read section of now has ended, on liburcu's own thread. */
void rcu_free_later(struct rcu_node *node, void (*free_fn)(struct rcu_node *node));

/* Waits until every read section of now has ended: 14 to 32 ms. Never on a request's path. */
void rcu_wait_readers(void);

/* Waits until all rcu_free_later of before have run: shutdown and tests. */
void rcu_wait_frees(void);

/* fn(waited_ns) is told how long a rcu_free_later waited, for one at a time: the next one is that which is asked for after it. For metrics; set once. */
void rcu_on_freed(void (*fn)(int64_t waited_ns));

/* Callbacks not yet run: a metric. */
size_t rcu_frees_pending(void);
