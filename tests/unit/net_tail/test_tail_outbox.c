#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/tail/tail_outbox.h"

#define LABELS SLICE("{\"a\":\"b\"}")

static _Atomic size_t total;

static struct tail_outbox outbox_of(size_t bytes_max)
{
    return (struct tail_outbox){.bytes_max = bytes_max, .total = &total, .total_max = (size_t)1 << 30};
}

static void add(struct tail_outbox *outbox, int64_t ts_ns, struct slice line)
{
    tail_outbox_add(outbox, &(struct result_entry){.ts_ns = ts_ns, .line = line}, LABELS, 0);
}

static void expect_message(struct tail_outbox *outbox, const char *want)
{
    struct buf text;
    if (!tail_outbox_take(outbox, &text))
        fail_msg("no message, want %s", want);
    if (!slice_eq_str(buf_slice(&text), want))
        fail_msg("%.*s, want %s", SLICE_ARG(buf_slice(&text)), want);
    buf_fini(&text);
}

static void what_is_due_goes_out_in_time_order(void **state)
{
    (void)state;
    struct tail_outbox outbox = outbox_of(1 << 20);
    tail_outbox_init(&outbox);
    struct buf none;
    assert_int_equal(tail_outbox_next_ns(&outbox), INT64_MAX);
    add(&outbox, 30, SLICE("c"));
    add(&outbox, 10, SLICE("a"));
    add(&outbox, 10, SLICE("a2"));
    add(&outbox, 99, SLICE("later"));
    add(&outbox, 20, SLICE("b"));
    tail_outbox_flush(&outbox, 30, 0);
    expect_message(&outbox, "{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"10\",\"a\"]]},{\"stream\":{\"a\":\"b\"},\"values\":[[\"10\",\"a2\"]]},"
                            "{\"stream\":{\"a\":\"b\"},\"values\":[[\"20\",\"b\"]]},{\"stream\":{\"a\":\"b\"},\"values\":[[\"30\",\"c\"]]}]}");
    assert_false(tail_outbox_take(&outbox, &none));
    assert_int_equal(tail_outbox_next_ns(&outbox), 99);
    tail_outbox_flush(&outbox, 98, 0);
    assert_false(tail_outbox_take(&outbox, &none));
    tail_outbox_fini(&outbox);
    assert_int_equal(atomic_load(&total), 0);
}

static void losses_are_told_in_the_next_message(void **state)
{
    (void)state;
    struct tail_outbox outbox = outbox_of(1 << 20);
    tail_outbox_init(&outbox);
    tail_outbox_lost(&outbox, 5, LABELS);
    tail_outbox_lost_unnamed(&outbox, 7);
    assert_int_equal(tail_outbox_next_ns(&outbox), INT64_MIN);
    tail_outbox_flush(&outbox, 0, 0);
    expect_message(&outbox, "{\"streams\":[],\"dropped_entries\":[{\"timestamp\":\"5\",\"labels\":{\"a\":\"b\"}}]}");
    assert_int_equal(outbox.dropped_count, 8);
    for (size_t i = 0; i < 5 * TAIL_DROPPED_MAX; i++)
        tail_outbox_lost(&outbox, 1, LABELS);
    assert_int_equal(outbox.dropped_named, TAIL_DROPPED_MAX);
    tail_outbox_fini(&outbox);
}

static void legacy_has_its_own_form(void **state)
{
    (void)state;
    struct tail_outbox outbox = outbox_of(1 << 20);
    outbox.form.is_legacy = true;
    tail_outbox_init(&outbox);
    tail_outbox_add(&outbox, &(struct result_entry){.ts_ns = 1500000000, .line = SLICE("x")}, SLICE("\"{a=\\\"b\\\"}\""), 0);
    tail_outbox_flush(&outbox, INT64_MAX, 0);
    expect_message(&outbox, "{\"streams\":[{\"labels\":\"{a=\\\"b\\\"}\",\"entries\":[{\"ts\":\"1970-01-01T00:00:01.5Z\",\"line\":\"x\"}]}],\"dropped_entries\":null}\n");
    tail_outbox_fini(&outbox);
}

/* A client that reads nothing: memory stays bounded, the newest are kept, all others are told. */
static void a_full_outbox_drops_the_oldest(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct tail_outbox outbox = outbox_of(100000);
    tail_outbox_init(&outbox);
    static char line[1000];
    memset(line, 'x', sizeof(line));
    size_t most = 0;
    for (int64_t i = 0; i < COUNT; i++) {
        add(&outbox, i, slice_of(line, sizeof(line)));
        tail_outbox_flush(&outbox, INT64_MAX - 1, 0);
        most = atomic_load(&total) > most ? atomic_load(&total) : most;
    }
    assert_true(most < TAIL_MESSAGES_BYTES_MAX * 2 + 100000 + 4096);
    assert_true(outbox.dropped_count > 0);
    size_t sent = 0;
    struct buf text;
    bool told = false;
    for (int rounds = 0; rounds < 100; rounds++) {
        while (tail_outbox_take(&outbox, &text)) {
            buf_byte(&text, '\0');
            for (const char *at = text.ptr; (at = strstr(at, "\"values\"")) != NULL; at++)
                sent++;
            told = told || strstr(text.ptr, "\"dropped_entries\"") != NULL;
            buf_fini(&text);
        }
        tail_outbox_flush(&outbox, INT64_MAX - 1, 0);
    }
    assert_int_equal(sent + outbox.dropped_count, COUNT);
    assert_true(told);
    tail_outbox_fini(&outbox);
    assert_int_equal(atomic_load(&total), 0);
}

static void entries_of_the_future_go_early_rather_than_be_lost(void **state)
{
    (void)state;
    struct tail_outbox outbox = outbox_of(1000);
    tail_outbox_init(&outbox);
    for (int64_t i = 0; i < 100; i++) {
        add(&outbox, 1000000 + i, SLICE("a line of the future"));
        tail_outbox_flush(&outbox, 0, 0);
    }
    struct buf text;
    assert_true(tail_outbox_take(&outbox, &text));
    buf_fini(&text);
    tail_outbox_fini(&outbox);
}

int main(void)
{
    metric_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_goes_out_in_time_order),
        cmocka_unit_test(losses_are_told_in_the_next_message),
        cmocka_unit_test(legacy_has_its_own_form),
        cmocka_unit_test(a_full_outbox_drops_the_oldest),
        cmocka_unit_test(entries_of_the_future_go_early_rather_than_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
