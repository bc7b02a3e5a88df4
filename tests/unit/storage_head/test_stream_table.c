/* The shard's streams: found, grown, forgotten, while others look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>

#include "storage/head/stream_table.h"

#define STREAMS 20000

struct look {
    struct stream_table *table;
    atomic_bool is_done;
};

static struct hash128 id_of(uint64_t n)
{
    return (struct hash128){n * 2, n * UINT64_C(0x9e3779b97f4a7c15)};
}

static void *look(void *self)
{
    struct look *looked = self;
    rcu_thread_join();
    while (!atomic_load(&looked->is_done)) {
        for (uint64_t n = 0; n < STREAMS; n += 97) {
            rcu_enter();
            const struct stream_record *record = stream_table_find(looked->table, id_of(n));
            if (record != NULL)
                assert_true(hash128_eq(record->id, id_of(n)) && stream_labels(record).len == 3);
            rcu_leave();
        }
    }
    rcu_thread_part();
    return NULL;
}

static void streams_are_found_until_they_are_forgotten(void **state)
{
    (void)state;
    rcu_thread_join();
    struct tenant_table *tenants = tenant_table_create();
    struct store_tenant *tenant = tenant_table_get(tenants, SLICE("t"));
    struct look looked = {.table = stream_table_create()};
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, look, &looked), 0);
    for (uint64_t n = 0; n < STREAMS; n++) {
        struct stream_record *record = stream_table_find_or_add(looked.table, tenant, id_of(n), SLICE("abc"));
        record->used_mono_ns = (int64_t)n;
        assert_ptr_equal(stream_table_find_or_add(looked.table, tenant, id_of(n), SLICE("abc")), record);
    }
    assert_int_equal(stream_table_count(looked.table), STREAMS);
    assert_int_equal(tenant_streams_count(tenant), STREAMS);
    assert_int_equal(stream_table_forget(looked.table, 10, 1), 0); // too few to be worth it
    assert_int_equal(stream_table_forget(looked.table, STREAMS / 2, 1), STREAMS / 2);
    assert_int_equal(tenant_streams_count(tenant), STREAMS / 2);
    rcu_enter();
    assert_null(stream_table_find(looked.table, id_of(3)));
    assert_non_null(stream_table_find(looked.table, id_of(STREAMS - 1)));
    rcu_leave();
    atomic_store(&looked.is_done, true);
    (void)pthread_join(reader, NULL);
    stream_table_destroy(looked.table);
    assert_int_equal(tenant_streams_count(tenant), 0);
    rcu_wait_frees();
    tenant_table_destroy(tenants);
    rcu_thread_part();
}

static void streams_of_the_active_generation_stay(void **state)
{
    (void)state;
    rcu_thread_join();
    struct tenant_table *tenants = tenant_table_create();
    struct stream_table *table = stream_table_create();
    struct stream_record *record = stream_table_find_or_add(table, tenant_table_get(tenants, SLICE("t")), id_of(1), SLICE(""));
    record->list_generation = 7;
    assert_int_equal(stream_table_forget(table, 100, 7), 0);
    assert_int_equal(stream_table_forget(table, 100, 8), 1);
    assert_int_equal(stream_table_count(table), 0);
    stream_table_destroy(table);
    rcu_wait_frees();
    tenant_table_destroy(tenants);
    rcu_thread_part();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_found_until_they_are_forgotten),
        cmocka_unit_test(streams_of_the_active_generation_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
