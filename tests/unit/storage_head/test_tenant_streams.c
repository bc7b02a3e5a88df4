/* Promised streams: the limit holds, promises end when the stream is there or the minute is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "storage/head/tenant_streams.h"

static struct hash128 id_of(uint64_t n)
{
    return (struct hash128){n, n * UINT64_C(0x9e3779b97f4a7c15)};
}

static void the_limit_counts_streams_and_promises(void **state)
{
    (void)state;
    struct tenant_table *table = tenant_table_create();
    struct store_tenant *tenant = tenant_table_get(table, SLICE("a"));
    assert_ptr_equal(tenant_table_get(table, SLICE("a")), tenant);
    assert_ptr_not_equal(tenant_table_get(table, SLICE("b")), tenant);
    for (uint64_t n = 0; n < 1000; n++)
        assert_true(tenant_streams_promise(tenant, id_of(n), 1000, 5));
    assert_false(tenant_streams_promise(tenant, id_of(5000), 1000, 5));
    assert_true(tenant_streams_promise(tenant, id_of(7), 1000, 5)); // promised already
    for (uint64_t n = 0; n < 500; n++)
        tenant_streams_created(tenant, id_of(n));
    assert_false(tenant_streams_promise(tenant, id_of(5000), 1000, 5));
    tenant_streams_forgotten(tenant);
    assert_true(tenant_streams_promise(tenant, id_of(5000), 1000, 5));
    assert_false(tenant_streams_promise(tenant, id_of(5001), 1000, 5));
    assert_true(tenant_streams_promise(tenant, id_of(600), 1000, 5)); // still found after removals around it
    tenant_table_destroy(table);
}

static void promises_end_with_time(void **state)
{
    (void)state;
    struct tenant_table *table = tenant_table_create();
    struct store_tenant *tenant = tenant_table_get(table, SLICE("a"));
    assert_true(tenant_streams_promise(tenant, id_of(1), 1, 5));
    assert_false(tenant_streams_promise(tenant, id_of(2), 1, 6));
    assert_true(tenant_streams_promise(tenant, id_of(2), 1, 5 + TENANT_PROMISE_NS));
    assert_true(tenant_streams_promise(tenant, id_of(3), 0, 5)); // no limit
    tenant_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_counts_streams_and_promises),
        cmocka_unit_test(promises_end_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
