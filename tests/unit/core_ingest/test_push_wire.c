#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/ingest/push_wire.h"
#include "push.pb-c.h"

static const struct push_wire_limits wire_limits = {100, 1000};

static const struct {
    const char *name;
    struct slice message;
    enum err_code want;
    const char *text;
} cases[] = {
    {"nothing", SLICE(""), ERR_NONE, ""},
    {"cut length", SLICE("\x0a"), ERR_INVALID, "unexpected EOF"},
    {"cut stream", SLICE("\x0a\x05\x0a\x01"), ERR_INVALID, "unexpected EOF"},
    {"streams as a varint", SLICE("\x08\x01"), ERR_INVALID, "proto: wrong wireType = 0 for field Streams"},
    {"unknown fields", SLICE("\x78\x01\x7a\x02zz\x7d" "1234\x79" "12345678\x7b\x08\x01\x7c"), ERR_NONE, ""},
    {"end of no group", SLICE("\x7c"), ERR_INVALID, "wiretype end group for non-group"},
    {"field 0", SLICE("\x00\x00"), ERR_INVALID, "illegal tag 0 (wire type 0)"},
    {"wire type 7", SLICE("\x7f"), ERR_INVALID, "illegal wireType 7"},
    {"nanos under 0", SLICE("\x0a\x13\x12\x11\x0a\x0d\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x00"), ERR_INVALID,
     "timestamp: seconds:1 nanos:-1: nanos not in range [0, 1e9)"},
    {"length of 2^63", SLICE("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), ERR_INVALID, "unexpected EOF"},
};

static void decode_does_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct push_request request;
        struct err err = {.code = ERR_NONE};
        (void)!push_wire_decode(cases[i].message, &wire_limits, &arena, &request, &err);
        if (err.code != cases[i].want || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: code %d, \"%s\"", cases[i].name, err.code, err.text);
        arena_fini(&arena);
    }
}

static ProtobufCBinaryData data_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

// One stream, two entries (the second bare), made by protobuf-c.
static uint8_t *sample(size_t *len)
{
    Logi__PushTimestamp time = LOGI__PUSH_TIMESTAMP__INIT;
    time.seconds = -1;
    time.nanos = 999999999;
    Logi__PushPair pair = LOGI__PUSH_PAIR__INIT;
    pair.name = data_of("k");
    pair.value = data_of("v");
    Logi__PushPair *pairs[] = {&pair, &pair};
    Logi__PushEntry entry = LOGI__PUSH_ENTRY__INIT;
    entry.timestamp = &time;
    entry.line = data_of("a line");
    entry.structured_metadata = pairs;
    entry.n_structured_metadata = 2;
    Logi__PushEntry bare = LOGI__PUSH_ENTRY__INIT;
    Logi__PushEntry *entries[] = {&entry, &bare};
    Logi__PushStream stream = LOGI__PUSH_STREAM__INIT;
    stream.labels = data_of("{a=\"b\"}");
    stream.entries = entries;
    stream.n_entries = 2;
    stream.hash = UINT64_MAX;
    Logi__PushStream *streams[] = {&stream};
    Logi__PushRequest request = LOGI__PUSH_REQUEST__INIT;
    request.streams = streams;
    request.n_streams = 1;
    uint8_t *bytes = malloc(logi__push_request__get_packed_size(&request));
    assert_non_null(bytes);
    *len = logi__push_request__pack(&request, bytes);
    return bytes;
}

static bool count_pair(void *self, struct slice name, struct slice value)
{
    *(size_t *)self += slice_eq_str(name, "k") && slice_eq_str(value, "v");
    return true;
}

static void what_protobuf_c_packs_is_read(void **state)
{
    (void)state;
    size_t len = 0;
    uint8_t *bytes = sample(&len);
    struct arena arena = ARENA_INIT;
    struct push_request request;
    struct err err;
    assert_true(push_wire_decode(slice_of(bytes, len), &wire_limits, &arena, &request, &err));
    assert_int_equal(1, request.stream_count);
    assert_int_equal(2, request.entry_count);
    assert_true(slice_eq_str(request.streams[0].label_text, "{a=\"b\"}"));
    assert_true(request.entries[0].ts_ns == -1);
    assert_true(slice_eq_str(request.entries[0].line, "a line"));
    size_t pairs = 0;
    assert_true(push_wire_metadata(request.entries[0].metadata, count_pair, &pairs));
    assert_int_equal(2, pairs);
    assert_true(request.entries[1].ts_ns == PUSH_TS_INVALID);
    assert_int_equal(0, request.entries[1].metadata.len);
    arena_fini(&arena);
    free(bytes);
}

static void times_at_the_ends_of_int64_come_back_and_times_past_them_are_invalid(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        int64_t want_ns;
    } times[] = {
        {-9223372037, 145224193, INT64_MIN + 1}, // the seconds alone are out of range, the sum is not
        {9223372036, 854775807, INT64_MAX},
        {9223372036, 854775808, PUSH_TS_INVALID},
        {-9223372037, 145224191, PUSH_TS_INVALID},
        {-62135596800, 0, PUSH_TS_INVALID},
    };
    for (size_t i = 0; i < LENGTH(times); i++) {
        Logi__PushTimestamp at = LOGI__PUSH_TIMESTAMP__INIT;
        at.seconds = times[i].seconds;
        at.nanos = times[i].nanos;
        Logi__PushEntry entry = LOGI__PUSH_ENTRY__INIT;
        entry.timestamp = &at;
        Logi__PushEntry *entries[] = {&entry};
        Logi__PushStream stream = LOGI__PUSH_STREAM__INIT;
        stream.entries = entries;
        stream.n_entries = 1;
        Logi__PushStream *streams[] = {&stream};
        Logi__PushRequest request = LOGI__PUSH_REQUEST__INIT;
        request.streams = streams;
        request.n_streams = 1;
        uint8_t bytes[64];
        assert_true(logi__push_request__get_packed_size(&request) <= sizeof(bytes));
        size_t len = logi__push_request__pack(&request, bytes);
        struct arena arena = ARENA_INIT;
        struct push_request read;
        struct err err;
        assert_true(push_wire_decode(slice_of(bytes, len), &wire_limits, &arena, &read, &err));
        assert_true(read.entries[0].ts_ns == times[i].want_ns);
        arena_fini(&arena);
    }
}

// The entry of a push that has one stream with it alone.
static bool entry_decode(struct slice first, struct slice rest, struct arena *arena, struct push_entry *out)
{
    struct buf stream = BUF_INIT;
    struct buf message = BUF_INIT;
    struct push_request request;
    struct err err;
    buf_byte(&stream, 2 << 3 | 2);
    buf_varint(&stream, first.len + rest.len);
    buf_put(&stream, first);
    buf_put(&stream, rest);
    buf_byte(&message, 1 << 3 | 2);
    buf_varint(&message, stream.len);
    buf_put(&message, buf_slice(&stream));
    char *exact = arena_alloc(arena, message.len, 1);
    memcpy(exact, message.ptr, message.len);
    bool ok = push_wire_decode(slice_of(exact, message.len), &wire_limits, arena, &request, &err);
    if (ok)
        *out = request.entries[0];
    buf_fini(&stream);
    buf_fini(&message);
    return ok;
}

// An unknown field before the others keeps an entry off the short way.
static void assert_both_ways_agree(struct slice entry)
{
    struct arena arena = ARENA_INIT;
    struct push_entry a = {0}, b = {0};
    bool short_ok = entry_decode(SLICE(""), entry, &arena, &a);
    bool walk_ok = entry_decode(SLICE("\x78\x01"), entry, &arena, &b);
    if (short_ok != walk_ok || (walk_ok && (a.ts_ns != b.ts_ns || !slice_eq(a.line, b.line) || (a.metadata.len > 0) != (b.metadata.len > 0))))
        fail_msg("%zu bytes, %d and %d, %lld and %lld", entry.len, short_ok, walk_ok, (long long)a.ts_ns, (long long)b.ts_ns);
    arena_fini(&arena);
}

static void plain_entries_and_all_their_neighbours_are_read_as_the_walk_reads_them(void **state)
{
    (void)state;
    static const uint64_t seconds[] = {0, 1, 127, 128, 1795219200, 9223372035, 9223372036, 9223372037, 253402300799, 253402300800, UINT64_MAX};
    static const uint64_t nanos[] = {0, 1, 128, 300000, 123456789, 999999999, 1000000000, UINT64_C(1) << 32, UINT64_MAX};
    static const size_t lines[] = {0, 1, 8, 20, 100, 127, 128, 200};
    char text[200];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < LENGTH(seconds) * LENGTH(nanos) * LENGTH(lines); i++) {
        char time[2 + 2 * VARINT_MAX];
        size_t n = 0;
        time[n++] = 0x08;
        n += varint_put(time + n, seconds[i % LENGTH(seconds)]);
        time[n++] = 0x10;
        n += varint_put(time + n, nanos[i / LENGTH(seconds) % LENGTH(nanos)]);
        struct buf entry = BUF_INIT;
        buf_byte(&entry, 0x0a);
        buf_varint(&entry, n);
        buf_put(&entry, slice_of(time, n));
        buf_byte(&entry, 0x12);
        buf_varint(&entry, lines[i % LENGTH(lines)]);
        size_t head = entry.len;
        buf_put(&entry, slice_of(text, lines[i % LENGTH(lines)]));
        assert_both_ways_agree(buf_slice(&entry));
        for (size_t at = 0; at < head; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                entry.ptr[at] = (char)(entry.ptr[at] ^ 1 << bit);
                assert_both_ways_agree(buf_slice(&entry));
                entry.ptr[at] = (char)(entry.ptr[at] ^ 1 << bit);
            }
        }
        for (size_t cut = 0; cut < entry.len && cut < 40; cut++)
            assert_both_ways_agree(slice_of(entry.ptr, cut));
        buf_fini(&entry);
    }
}

static void every_cut_ends_without_a_read_past_it(void **state)
{
    (void)state;
    size_t len = 0;
    uint8_t *bytes = sample(&len);
    for (size_t keep = 1; keep < len; keep++) {
        uint8_t *exact = malloc(keep);
        assert_non_null(exact);
        memcpy(exact, bytes, keep);
        struct arena arena = ARENA_INIT;
        struct push_request request;
        struct err err;
        assert_false(push_wire_decode(slice_of(exact, keep), &wire_limits, &arena, &request, &err));
        assert_int_equal(ERR_INVALID, err.code);
        arena_fini(&arena);
        free(exact);
    }
    free(bytes);
}

static void more_elements_than_allowed_are_refused(void **state)
{
    (void)state;
    struct buf message = BUF_INIT;
    for (int i = 0; i < 101; i++)
        buf_put(&message, SLICE("\x0a\x00"));
    struct arena arena = ARENA_INIT;
    struct push_request request;
    struct err err;
    assert_false(push_wire_decode(buf_slice(&message), &wire_limits, &arena, &request, &err));
    assert_int_equal(ERR_LIMIT, err.code);
    assert_true(push_wire_decode(slice_of(message.ptr, 200), &wire_limits, &arena, &request, &err));
    assert_int_equal(100, request.stream_count);
    buf_fini(&message);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_does_what_the_table_says),
        cmocka_unit_test(what_protobuf_c_packs_is_read),
        cmocka_unit_test(times_at_the_ends_of_int64_come_back_and_times_past_them_are_invalid),
        cmocka_unit_test(plain_entries_and_all_their_neighbours_are_read_as_the_walk_reads_them),
        cmocka_unit_test(every_cut_ends_without_a_read_past_it),
        cmocka_unit_test(more_elements_than_allowed_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
