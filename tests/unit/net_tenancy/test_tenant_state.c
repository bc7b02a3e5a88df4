#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "net/tenancy/limits_book.h"
#include "net/tenancy/tenant_state.h"

static int64_t now_ns = NS_PER_S;

static int64_t fake_ns(const struct clock *clock)
{
    (void)clock;
    return now_ns;
}

static const struct clock fake_clock = {fake_ns, fake_ns};

static void a_bucket_gives_its_burst_then_its_rate(void **state)
{
    (void)state;
    struct tenant_states *states = tenant_states_create(&fake_clock);
    struct tenant_state *tenant = NULL;
    struct limits limits;
    struct err err;
    limits_defaults(&limits);
    assert_true(tenant_state_get(states, SLICE("t"), &tenant, &err));
    limits.ingestion_rate_mb = 0;
    assert_true(tenant_take_rate(tenant, &limits, SIZE_MAX / 2)); // no limit
    limits.ingestion_rate_mb = 1;
    limits.ingestion_burst_size_mb = 2;
    assert_true(tenant_take_rate(tenant, &limits, 2 << 20));
    assert_false(tenant_take_rate(tenant, &limits, 1));
    now_ns += NS_PER_S / 2;
    assert_false(tenant_take_rate(tenant, &limits, (1 << 19) + 1)); // all or nothing
    assert_true(tenant_take_rate(tenant, &limits, 1 << 19));
    now_ns += 100 * NS_PER_S;
    assert_false(tenant_take_rate(tenant, &limits, (2 << 20) + 1)); // never more than the burst
    assert_true(tenant_take_rate(tenant, &limits, 2 << 20));

    limits.per_stream_rate_limit = 10;
    limits.per_stream_rate_limit_burst = 10;
    struct hash128 one = {1, 1};
    struct hash128 two = {2, 2};
    assert_true(tenant_take_stream_rate(tenant, &limits, one, 10));
    assert_false(tenant_take_stream_rate(tenant, &limits, one, 1));
    assert_true(tenant_take_stream_rate(tenant, &limits, two, 10));
    tenant_states_destroy(states);
}

static void a_tenant_has_one_state_and_others_have_others(void **state)
{
    (void)state;
    struct tenant_states *states = tenant_states_create(&fake_clock);
    struct tenant_state *a = NULL;
    struct tenant_state *b = NULL;
    struct tenant_state *again = NULL;
    struct err err;
    assert_true(tenant_state_get(states, SLICE("a"), &a, &err));
    assert_true(tenant_state_get(states, SLICE("b"), &b, &err));
    assert_true(tenant_state_get(states, SLICE("a"), &again, &err));
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    assert_true(slice_eq(tenant_state_name(b), SLICE("b")));
    tenant_states_destroy(states);
}

static void the_strictest_of_several_limits_is_the_smallest_that_is_set(void **state)
{
    (void)state;
    struct limits a;
    struct limits b;
    struct limits out;
    limits_defaults(&a);
    limits_defaults(&b);
    a.max_query_series = 0;
    b.max_query_series = 7;
    a.max_query_length = 5;
    b.max_query_length = 3;
    const struct limits *both[] = {&a, &b};
    struct arena arena = ARENA_INIT;
    struct err err;
    assert_true(limits_set(&a, SLICE("required_labels"), SLICE("app,env"), &arena, &err));
    assert_true(limits_set(&b, SLICE("required_labels"), SLICE("env,team"), &arena, &err));
    assert_true(limits_set(&b, SLICE("volume_enabled"), SLICE("false"), &arena, &err));
    limits_strictest(both, 2, &arena, &out);
    assert_int_equal(out.max_query_series, 7);
    assert_int_equal(out.max_query_length, 3);
    assert_int_equal(out.required_labels.count, 3);
    assert_true(slice_eq(out.required_labels.items[2], SLICE("team")));
    assert_false(out.volume_enabled);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_then_its_rate),
        cmocka_unit_test(a_tenant_has_one_state_and_others_have_others),
        cmocka_unit_test(the_strictest_of_several_limits_is_the_smallest_that_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
