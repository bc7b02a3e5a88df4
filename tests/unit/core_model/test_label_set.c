#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/model/label_set.h"

static void sets_encode_and_decode_to_the_same(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    char big[20000];
    memset(big, 'x', sizeof(big));
    const struct label labels[] = {{SLICE("a"), SLICE("1")}, {SLICE("b"), slice_of(big, sizeof(big))}, {SLICE("c"), SLICE("\0\xff")}};
    for (size_t count = 0; count <= LENGTH(labels); count++) {
        struct label_set set = {labels, count};
        struct label_set back;
        struct err err;
        struct buf out = BUF_INIT;
        struct slice encoded = label_set_encode_in(&arena, &set);
        label_set_encode(&set, &out);
        assert_true(slice_eq(buf_slice(&out), encoded));
        assert_true(label_set_decode(encoded, &arena, &back, &err));
        assert_int_equal(back.count, count);
        for (size_t i = 0; i < count; i++) {
            struct slice value;
            assert_true(slice_eq(back.labels[i].name, labels[i].name) && slice_eq(back.labels[i].value, labels[i].value));
            assert_true(label_encoded_get(encoded, labels[i].name, &value) && slice_eq(value, labels[i].value));
            assert_true(label_set_get(&set, labels[i].name, &value) && slice_eq(value, labels[i].value));
        }
        buf_fini(&out);
    }
    arena_fini(&arena);
}

static void damaged_encodings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct slice bytes;
    } cases[] = {
        {"cut", SLICE("\1a\2x")},          {"a name alone", SLICE("\1a")},      {"out of order", SLICE("\1b\1x\1a\1x")},
        {"twice", SLICE("\1a\1x\1a\1x")}, {"an empty value", SLICE("\1a\0")}, {"an endless length", SLICE("\xff\xff\xff")},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct label_set set;
        struct err err = {.code = ERR_NONE};
        if (label_set_decode(cases[i].bytes, &arena, &set, &err) || err.code != ERR_CORRUPT)
            fail_msg("%s: taken", cases[i].name);
        arena_fini(&arena);
    }
}

static void sorting_is_stable_and_the_last_of_equal_names_wins_if_asked(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 24, 25, 49, 1000};
    for (size_t c = 0; c < LENGTH(counts); c++) {
        for (int last_wins = 0; last_wins < 2; last_wins++) {
            char names[1000];
            char values[1000][24];
            struct label labels[1000];
            for (size_t i = 0; i < counts[c]; i++) {
                names[i] = (char)('a' + i * 7 % 23);
                (void)snprintf(values[i], sizeof(values[i]), "%03zu", i);
                labels[i] = (struct label){slice_of(&names[i], 1), slice_of(values[i], 3)};
            }
            size_t left = label_sort(labels, counts[c], last_wins == 1);
            assert_int_equal(left, last_wins == 1 && counts[c] > 23 ? 23 : counts[c]);
            for (size_t i = 1; i < left; i++) {
                int order = slice_cmp(labels[i - 1].name, labels[i].name);
                assert_true(order < 0 || (order == 0 && slice_cmp(labels[i - 1].value, labels[i].value) < 0));
            }
            if (last_wins == 1 && counts[c] == 1000)
                assert_true(slice_eq(labels[0].name, SLICE("a")) && slice_eq(labels[0].value, SLICE("989")));
        }
    }
    struct label empty[] = {{SLICE("a"), SLICE("1")}, {SLICE("a"), SLICE("")}, {SLICE("b"), SLICE("2")}};
    assert_int_equal(label_sort(empty, 3, true), 1);
    assert_true(slice_eq(empty[0].name, SLICE("b")));
}

static void a_stream_is_known_by_tenant_and_labels(void **state)
{
    (void)state;
    struct hash128 id = stream_id(SLICE("t"), SLICE("\1a\1x"));
    assert_true(hash128_eq(id, hash128(SLICE("t\0\1a\1x"))));
    assert_false(hash128_eq(id, stream_id(SLICE("u"), SLICE("\1a\1x"))));
    char big[5000];
    memset(big, 1, sizeof(big));
    assert_false(hash128_eq(stream_id(SLICE("t"), slice_of(big, 5000)), stream_id(SLICE("t"), slice_of(big, 4999))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_encode_and_decode_to_the_same),
        cmocka_unit_test(damaged_encodings_are_refused),
        cmocka_unit_test(sorting_is_stable_and_the_last_of_equal_names_wins_if_asked),
        cmocka_unit_test(a_stream_is_known_by_tenant_and_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
