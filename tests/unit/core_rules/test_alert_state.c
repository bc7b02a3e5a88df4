/* Alerts as bytes: what is written is read, every damage is found, and the bytes of version 1 stay what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rules/alert_state.h"

/* The worked bytes of docs/formats/alert_state.md. */
#define WORKED                                                                                                                             \
    "LOGIALRT\x01\x00\x00\x00" CRC "\x3c\x00\x00\x00\x00\x00\x00\x00"                                                                      \
    "\x02ns\x01g\x01" "A\x00\x01"                                                                                                          \
    "\x04\x01" "a\x01" "1\x04\x01s\x01t\x02\x00\x00\x00\x00\x00\x00\xf8\x3f"                                                               \
    "\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define CRC "\x3a\x30\x32\xba"

static const struct alert_state_key key = {{"ns", 2}, {"g", 1}, {"A", 1}, {"", 0}};

static void worked_put(struct buf *out)
{
    struct alert_set set = {0};
    const struct alert alert = {.labels = SLICE("\x01" "a\x01" "1"), .annotations = SLICE("\x01s\x01t"), .state = ALERT_FIRING, .value = 1.5,
                                .active_ns = 1, .fired_ns = 2};
    assert_true(alert_set_append(&set, &alert));
    alert_state_begin(out);
    alert_state_put(out, &key, &set);
    alert_state_end(out);
    alert_set_fini(&set);
}

static void count_one(void *self, const struct alert_state_key *read, struct alert_set *set)
{
    size_t *count = self;
    assert_true(slice_eq(read->rule_namespace, key.rule_namespace) && slice_eq(read->group, key.group) && slice_eq(read->alert, key.alert));
    assert_int_equal(set->count, 1);
    assert_int_equal(set->alerts[0].state, ALERT_FIRING);
    assert_int_equal(set->alerts[0].fired_ns, 2);
    assert_true(slice_eq(set->alerts[0].annotations, SLICE("\x01s\x01t")));
    alert_set_fini(set);
    (*count)++;
}

static void the_worked_bytes_are_written_and_read(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct err err = {.text = ""};
    size_t count = 0;
    worked_put(&bytes);
    assert_int_equal(bytes.len, sizeof(WORKED) - 1);
    assert_memory_equal(bytes.ptr, WORKED, bytes.len);
    assert_true(alert_state_read(buf_slice(&bytes), count_one, &count, &err));
    assert_int_equal(count, 1);
    buf_fini(&bytes);
}

static void drop(void *self, const struct alert_state_key *read, struct alert_set *set)
{
    (void)self;
    (void)read;
    alert_set_fini(set);
}

static void every_cut_and_every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct err err;
    worked_put(&bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(alert_state_read(slice_of(bytes.ptr, len), drop, NULL, &err));
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << bit % 8));
        if (alert_state_read(buf_slice(&bytes), drop, NULL, &err))
            fail_msg("bit %zu was not missed", bit);
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << bit % 8));
    }
    buf_fini(&bytes);
}

static void another_version_is_named(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct err err;
    worked_put(&bytes);
    bytes.ptr[8] = 2;
    assert_false(alert_state_read(buf_slice(&bytes), drop, NULL, &err));
    assert_string_equal(err.text, "alert state of version 2, this program reads 1");
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_bytes_are_written_and_read),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_found),
        cmocka_unit_test(another_version_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
