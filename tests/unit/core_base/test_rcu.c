#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

#define READERS 3
#define VERSIONS 2000

struct version {
    struct rcu_node rcu;
    uint64_t number;
    uint64_t twice; // 2 * number as long as it lives
};

static _Atomic(struct version *) current;
static _Atomic bool is_over;
static _Atomic uint64_t freed;
static _Atomic uint64_t torn;

static void version_free(struct rcu_node *node)
{
    struct version *version = (struct version *)node;
    version->twice = 1; // a reader that still looks would see it
    mem_free(version);
    atomic_fetch_add(&freed, 1);
}

static void *read_on(void *arg)
{
    (void)arg;
    rcu_thread_join();
    uint64_t last = 0;
    while (!atomic_load(&is_over)) {
        rcu_enter();
        const struct version *version = OBSERVE(&current);
        if (version->twice != 2 * version->number || version->number < last)
            atomic_fetch_add(&torn, 1);
        last = version->number;
        rcu_leave();
    }
    rcu_thread_part();
    return NULL;
}

static struct version *version_new(uint64_t number)
{
    struct version *version = mem_zero(sizeof(*version));
    version->number = number;
    version->twice = 2 * number;
    return version;
}

static void readers_see_each_version_whole_and_all_are_freed(void **state)
{
    (void)state;
    rcu_thread_join();
    PUBLISH(&current, version_new(0));
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    for (uint64_t i = 1; i <= VERSIONS; i++) {
        struct version *old = RELAXED(&current); // this thread is the only writer
        PUBLISH(&current, version_new(i));
        rcu_free_later(&old->rcu, version_free);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rcu_wait_frees();
    assert_int_equal(atomic_load(&freed), VERSIONS);
    assert_int_equal(rcu_frees_pending(), 0);
    assert_int_equal(atomic_load(&torn), 0);
    mem_free(RELAXED(&current));
    rcu_thread_part();
}

static void a_thread_knows_whether_it_is_inside(void **state)
{
    (void)state;
    rcu_thread_join();
    rcu_thread_join(); // they nest
    assert_false(rcu_inside());
    rcu_enter();
    rcu_enter();
    rcu_leave();
    assert_true(rcu_inside());
    rcu_leave();
    assert_false(rcu_inside());
    rcu_wait_readers();
    rcu_thread_part();
    rcu_thread_part();
}

static _Atomic int64_t waited_most_ns;
static _Atomic unsigned waited_count;

static void note_wait(int64_t waited_ns)
{
    atomic_fetch_add(&waited_count, 1);
    if (waited_ns > atomic_load(&waited_most_ns))
        atomic_store(&waited_most_ns, waited_ns);
}

static void the_wait_of_one_free_at_a_time_is_told(void **state)
{
    (void)state;
    rcu_thread_join();
    rcu_on_freed(note_wait);
    uint64_t before = atomic_load(&freed);
    for (uint64_t i = 0; i < 100; i++)
        rcu_free_later(&version_new(i)->rcu, version_free);
    rcu_wait_frees();
    assert_int_equal(atomic_load(&freed), before + 100);
    assert_in_range(atomic_load(&waited_count), 1, 100);
    assert_true(atomic_load(&waited_most_ns) > 0);
    rcu_on_freed(NULL);
    rcu_thread_part();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_each_version_whole_and_all_are_freed),
        cmocka_unit_test(a_thread_knows_whether_it_is_inside),
        cmocka_unit_test(the_wait_of_one_free_at_a_time_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
