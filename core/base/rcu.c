#include "core/base/rcu.h"

#include <assert.h>

#include "core/base/clock.h"

#define RCU_MEMB
#include <urcu.h>

#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define TSAN_ACQUIRE(addr) __tsan_acquire(addr)
#define TSAN_RELEASE(addr) __tsan_release(addr)
#else
#define TSAN_ACQUIRE(addr) ((void)(addr))
#define TSAN_RELEASE(addr) ((void)(addr))
#endif

_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct rcu_node *)0)->opaque), "rcu_node holds an rcu_head");

static _Thread_local unsigned joined;
static _Thread_local unsigned depth;
static char grace;             // what TSan is told about: all read sections of before have ended
static _Atomic size_t pending; // frees asked for and not yet run

// One free at a time is timed: the one that the sample names.
static _Atomic(struct rcu_node *) sample;
static int64_t sample_since_ns; // written by whoever set sample, read by who takes it back
static void (*_Atomic on_freed)(int64_t waited_ns);

void rcu_on_freed(void (*fn)(int64_t waited_ns))
{
    atomic_store(&on_freed, fn);
}

static void sample_begin(struct rcu_node *node)
{
    static atomic_flag is_taken = ATOMIC_FLAG_INIT; // between the look and the naming
    if (atomic_load_explicit(&on_freed, memory_order_relaxed) == NULL || RELAXED(&sample) != NULL || atomic_flag_test_and_set(&is_taken))
        return;
    if (atomic_load(&sample) == NULL) {
        sample_since_ns = clock_mono_ns(&system_clock);
        PUBLISH(&sample, node);
    }
    atomic_flag_clear(&is_taken);
}

static void sample_end(const struct rcu_node *node)
{
    if (OBSERVE(&sample) != node)
        return;
    int64_t waited_ns = clock_mono_ns(&system_clock) - sample_since_ns;
    PUBLISH(&sample, NULL);
    void (*fn)(int64_t) = atomic_load(&on_freed);
    if (fn != NULL)
        fn(waited_ns);
}

void rcu_thread_join(void)
{
    if (joined++ == 0)
        rcu_register_thread();
}

void rcu_thread_part(void)
{
    assert(joined > 0 && depth == 0);
    if (--joined == 0)
        rcu_unregister_thread();
}

void rcu_enter(void)
{
    assert(joined > 0);
    depth++;
    rcu_read_lock();
}

void rcu_leave(void)
{
    assert(depth > 0);
    depth--;
    TSAN_RELEASE(&grace);
    rcu_read_unlock();
}

bool rcu_inside(void)
{
    return depth > 0;
}

static void run_free(struct rcu_head *head)
{
    struct rcu_node *node = (struct rcu_node *)head;
    TSAN_ACQUIRE(&grace);
    TSAN_ACQUIRE(node);
    atomic_fetch_sub_explicit(&pending, 1, memory_order_relaxed); // a metric only
    sample_end(node);
    node->free_fn(node);
}

void rcu_free_later(struct rcu_node *node, void (*free_fn)(struct rcu_node *node))
{
    node->free_fn = free_fn;
    atomic_fetch_add_explicit(&pending, 1, memory_order_relaxed); // a metric only
    sample_begin(node);
    TSAN_RELEASE(node);
    call_rcu((struct rcu_head *)node, run_free);
}

void rcu_wait_readers(void)
{
    assert(depth == 0);
    synchronize_rcu();
    TSAN_ACQUIRE(&grace);
}

void rcu_wait_frees(void)
{
    assert(depth == 0);
    rcu_barrier();
}

size_t rcu_frees_pending(void)
{
    return RELAXED(&pending);
}
