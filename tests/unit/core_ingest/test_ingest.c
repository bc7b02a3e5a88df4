#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/ingest/ingest.h"
#include "core/ingest/stream_cache.h"
#include "core/ingest/push_wire.h"

#define NOW (INT64_C(1767225600) * NS_PER_S) // 2026-01-01T00:00:00Z
#define META_MAX 4

struct case_entry {
    int64_t ts_ns; // after NOW
    const char *line;
    const char *metadata[2 * META_MAX];
};

static struct limits limits_of_test(void)
{
    struct limits limits;
    limits_defaults(&limits);
    limits.reject_old_samples = false;
    limits.creation_grace_period = 0;
    return limits;
}

struct push {
    struct arena arena;
    struct push_request request;
};

static void push_stream_add(struct push *push, const char *labels, const struct case_entry *entries, size_t count)
{
    struct push_request *r = &push->request;
    if (r->streams == NULL) {
        r->streams = ARENA_ARRAY(&push->arena, struct push_stream, 1000);
        r->entries = ARENA_ARRAY(&push->arena, struct push_entry, 10000);
    }
    r->streams[r->stream_count++] = (struct push_stream){
        .label_text = slice_str(labels), .first_entry = r->entry_count, .entry_count = count, .metadata_form = PUSH_METADATA_ENCODED};
    for (size_t i = 0; i < count; i++) {
        struct buf metadata = BUF_INIT;
        for (size_t m = 0; m < META_MAX && entries[i].metadata[2 * m] != NULL; m++) {
            for (size_t j = 0; j < 2; j++) {
                struct slice text = slice_str(entries[i].metadata[2 * m + j]);
                buf_byte(&metadata, (char)text.len);
                buf_put(&metadata, text);
            }
        }
        r->entries[r->entry_count++] = (struct push_entry){
            NOW + entries[i].ts_ns, slice_str(entries[i].line), arena_copy(&push->arena, buf_slice(&metadata))};
        buf_fini(&metadata);
    }
}

static struct ingest_context context_of(const struct limits *limits)
{
    return (struct ingest_context){.tenant = SLICE("t"), .limits = limits, .limits_version = 1, .now_ns = NOW, .adds_labels = true};
}

static void assert_slice(struct slice got, const char *want)
{
    if (!slice_eq_str(got, want))
        fail_msg("got  %.*s\nwant %s", SLICE_ARG(got), want);
}

static void assert_same(const struct push_batch *a, const struct push_batch *b)
{
    assert_int_equal(a->run_count, b->run_count);
    assert_int_equal(a->entry_count, b->entry_count);
    assert_int_equal(a->line_bytes, b->line_bytes);
    assert_int_equal(a->metadata_bytes, b->metadata_bytes);
    for (size_t i = 0; i < a->run_count; i++) {
        const struct push_run *x = &a->runs[i];
        const struct push_run *y = &b->runs[i];
        assert_true(hash128_eq(x->stream, y->stream) && slice_eq(x->labels, y->labels));
        assert_int_equal(x->count, y->count);
        assert_true(x->first_ns == y->first_ns && x->last_ns == y->last_ns);
        assert_int_equal(x->line_bytes, y->line_bytes);
        assert_int_equal(x->metadata_bytes, y->metadata_bytes);
        for (size_t j = 0; j < x->count; j++) {
            assert_true(x->entries[j].ts_ns == y->entries[j].ts_ns);
            assert_true(slice_eq(x->entries[j].line, y->entries[j].line));
            assert_true(slice_eq(x->entries[j].metadata, y->entries[j].metadata));
        }
    }
}

// What is applied or replayed takes the entries, and the caller's are asked for again.
static struct push_request request_copy(const struct push_request *from, struct arena *arena)
{
    struct push_request copy = *from;
    copy.entries = arena_alloc(arena, (copy.entry_count + 1) * sizeof(*copy.entries), _Alignof(struct push_entry));
    if (copy.entry_count > 0)
        memcpy(copy.entries, from->entries, copy.entry_count * sizeof(*copy.entries));
    return copy;
}

// What every accepted push must hold: its log record gives the same batch, and so does the batch encoded.
static void assert_replays(const struct push *push, const struct ingest_outcome *out)
{
    struct arena arena = ARENA_INIT;
    struct push_batch again;
    struct err err = {.code = ERR_NONE};
    if (!out->needs_own_record) {
        struct push_request request = request_copy(&push->request, &arena);
        if (!ingest_replay(SLICE("t"), true, &request, out->refused, out->refused_count, &arena, &again, &err))
            fail_msg("replay: %s", err.text);
        assert_same(&out->batch, &again);
    }
    struct buf bytes = BUF_INIT;
    ingest_batch_encode(&out->batch, &bytes);
    struct push_request decoded;
    const struct push_wire_limits wire = {1000, 100000};
    if (!push_wire_decode(buf_slice(&bytes), &wire, &arena, &decoded, &err) ||
        !ingest_replay(SLICE("t"), false, &decoded, NULL, 0, &arena, &again, &err))
        fail_msg("own record: %s", err.text);
    assert_same(&out->batch, &again);
    buf_fini(&bytes);
    arena_fini(&arena);
}

static struct ingest_outcome apply(struct push *push, const struct ingest_context *context)
{
    struct ingest_outcome out;
    struct err err = {.code = ERR_NONE};
    struct push_request request = request_copy(&push->request, &push->arena);
    if (!ingest_apply(context, &request, &push->arena, &out, &err))
        fail_msg("refused: %s", err.text);
    assert_replays(push, &out);
    return out;
}

#define X20 "xxxxxxxxxxxxxxxxxxxx"

static void a_refusal_has_lokis_words(void **state)
{
    (void)state;
    static const struct {
        const char *name, *limit, *value, *labels;
        struct case_entry entry;
        int status;
        const char *text;
        enum discard_reason reason;
    } cases[] = {
        {"long line", "max_line_size", "20", "{app=\"a\"}", {0, X20 "x", {0}}, 400,
         "max entry size '20' bytes exceeded for stream '{app=\"a\", service_name=\"a\"}' while adding an entry with length '21' bytes",
         DISCARD_line_too_long},
        {"names", "max_label_names_per_series", "3", "{a=\"1\",b=\"2\",c=\"3\",d=\"4\"}", {0, "x", {0}}, 400,
         "entry for stream '{a=\"1\", b=\"2\", c=\"3\", d=\"4\", service_name=\"unknown_service\"}' has 4 label names; limit 3",
         DISCARD_max_label_names_per_series},
        {"value", "max_label_value_length", "15", "{app=\"0123456789abcdef\"}", {0, "x", {0}}, 400,
         "stream '{app=\"0123456789abcdef\", service_name=\"0123456789abcdef\"}' has label value too long: '0123456789abcdef'",
         DISCARD_label_value_too_long},
        {"duplicate", "max_line_size", "20", "{a=\"1\",a=\"2\"}", {0, "x", {0}}, 400,
         "stream '{a=\"1\", a=\"2\", service_name=\"unknown_service\"}' has duplicate label name: 'a'", DISCARD_duplicate_label_names},
        {"metadata size", "max_structured_metadata_size", "3", "{app=\"a\"}", {0, "x", {"k", "vvv"}}, 400,
         "stream '{app=\"a\", service_name=\"a\"}' has structured metadata too large: '4' bytes, limit: '3' bytes. Please see "
         "`limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it",
         DISCARD_structured_metadata_too_large},
        {"metadata count", "max_structured_metadata_entries_count", "2", "{app=\"a\"}", {0, "x", {"a", "1", "b", "2", "c", "3"}}, 400,
         "stream '{app=\"a\", service_name=\"a\"}' has too many structured metadata labels: '3', limit: '2'. Please see "
         "`limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it",
         DISCARD_structured_metadata_too_many},
        {"metadata name", "max_line_size", "20", "{app=\"a\"}", {0, "x", {"\xc3\xbc", "1"}}, 400,
         "normalization for label name \"\xc3\xbc\" resulted in invalid name \"_\"", DISCARD_invalid_labels},
        {"metadata off", "allow_structured_metadata", "false", "{app=\"a\"}", {0, "x", {"k", "v"}}, 400,
         "stream '{app=\"a\", service_name=\"a\"}' includes structured metadata, but this feature is disallowed. Please see "
         "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it",
         DISCARD_disallowed_structured_metadata},
        {"enforced", "enforced_labels", "env,zone", "{app=\"a\"}", {0, "x", {0}}, 400,
         "missing required labels 'env,zone' for user 't' for stream '{app=\"a\", service_name=\"a\"}' (policy: '')",
         DISCARD_missing_enforced_labels},
        {"blocked", "block_ingestion_until", "2100-01-01T00:00:00Z", "{app=\"a\"}", {0, "x", {0}}, 260,
         "ingestion blocked for user 't' until '2100-01-01T00:00:00Z' with status code '260'", DISCARD_blocked_ingestion},
        {"too old", "reject_old_samples", "true", "{app=\"a\"}", {-8 * NS_PER_DAY, "x", {0}}, 400,
         "entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too old: 2025-12-24T00:00:00Z, oldest acceptable timestamp is: "
         "2025-12-25T00:00:00Z",
         DISCARD_greater_than_max_sample_age},
        {"too new", "creation_grace_period", "10m", "{app=\"a\"}", {11 * NS_PER_MIN, "x", {0}}, 400,
         "entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too new: 2026-01-01T00:11:00Z", DISCARD_too_far_in_future},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct push push = {.arena = ARENA_INIT};
        struct limits limits = limits_of_test();
        struct err err;
        print_message("%s\n", cases[i].name);
        assert_true(limits_set(&limits, slice_str(cases[i].limit), slice_str(cases[i].value), &push.arena, &err));
        push_stream_add(&push, cases[i].labels, &cases[i].entry, 1);
        struct ingest_context context = context_of(&limits);
        struct ingest_outcome out = apply(&push, &context);
        assert_slice(out.text, cases[i].text);
        assert_int_equal(cases[i].status, out.status);
        assert_int_equal(0, out.batch.run_count);
        assert_int_equal(1, out.refused_count);
        assert_int_equal(1, out.discarded[cases[i].reason].lines);
        arena_fini(&push.arena);
    }
}

static void equal_errors_are_counted_and_the_rest_is_kept(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    limits.max_line_size = 5;
    const struct case_entry entries[] = {{1, "123456", {0}}, {2, "fine", {0}}, {3, "123456", {0}}, {4, "1234567", {0}}};
    push_stream_add(&push, "{service_name=\"a\"}", entries, LENGTH(entries));
    struct ingest_context context = context_of(&limits);
    struct ingest_outcome out = apply(&push, &context);
    assert_slice(out.text, "2 errors like: max entry size '5' bytes exceeded for stream '{service_name=\"a\"}' while adding an entry with "
                           "length '6' bytes; 1 errors like: max entry size '5' bytes exceeded for stream '{service_name=\"a\"}' while adding "
                           "an entry with length '7' bytes");
    assert_int_equal(1, out.batch.entry_count);
    assert_slice(out.batch.runs[0].entries[0].line, "fine");
    assert_int_equal(3, out.refused_count);
    assert_int_equal(0, out.refused[0]);
    assert_int_equal(2, out.refused[1]);
    assert_int_equal(3, out.refused[2]);
    arena_fini(&push.arena);
}

static void malformed_labels_and_no_streams_refuse_the_request(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    struct ingest_context context = context_of(&limits);
    struct ingest_outcome out;
    struct err err;
    assert_false(ingest_apply(&context, &push.request, &push.arena, &out, &err));
    assert_int_equal(ERR_UNPROCESSED, err.code);
    assert_string_equal("error at least one valid stream is required for ingestion", err.text);
    push_stream_add(&push, "{a=\"1\"}", (struct case_entry[]){{0, "x", {0}}}, 1);
    push_stream_add(&push, "{bad-name=\"x\"}", (struct case_entry[]){{0, "x", {0}}}, 1);
    assert_false(ingest_apply(&context, &push.request, &push.arena, &out, &err));
    assert_int_equal(ERR_INVALID, err.code);
    assert_string_equal("couldn't parse labels: 1:5: parse error: unexpected character inside braces: '-'", err.text);
    arena_fini(&push.arena);
}

static void metadata_and_levels_become_what_the_rules_say(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        struct case_entry entry;
        const char *want;
    } cases[] = {
        {"{a=\"1\"}", {0, "an error", {0}}, "{detected_level=\"error\"}"},
        {"{a=\"1\"}", {0, "x", {0}}, "{detected_level=\"unknown\"}"},
        {"{level=\"WARNING\"}", {0, "error", {"severity", "info"}}, "{detected_level=\"warn\", severity=\"info\"}"},
        {"{level=\"odd\"}", {0, "error", {0}}, "{detected_level=\"odd\"}"},
        {"{a=\"1\"}", {0, "error", {"lvl", "DBG"}}, "{detected_level=\"debug\", lvl=\"DBG\"}"},
        {"{a=\"1\"}", {0, "error", {"detected_level", "Warning"}}, "{detected_level=\"warn\"}"},
        {"{a=\"1\"}", {0, "error", {"severity_number", "14"}}, "{detected_level=\"warn\", severity_number=\"14\"}"},
        {"{a=\"1\"}", {0, "error", {"severity_number", "x"}}, "{detected_level=\"info\", severity_number=\"x\"}"},
        {"{a=\"1\"}", {0, "x", {"b.c-d", "2", "a", "1"}}, "{a=\"1\", b_c_d=\"2\", detected_level=\"unknown\"}"},
        {"{a=\"1\"}", {0, "x", {"9x", "1", "__y..z__", "2", "q__q", "3"}},
         "{__y_z__=\"2\", detected_level=\"unknown\", key_9x=\"1\", q_q=\"3\"}"},
        {"{a=\"1\"}", {0, "x", {"k", "1", "k", "2", "e", ""}}, "{detected_level=\"unknown\", k=\"2\"}"},
        {"{a=\"1\"}", {0, "x", {"k", "a\xff\xef\xbf\xbd" "b"}}, "{detected_level=\"unknown\", k=\"a  b\"}"},
    };
    struct limits limits = limits_of_test();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct push push = {.arena = ARENA_INIT};
        push_stream_add(&push, cases[i].labels, &cases[i].entry, 1);
        struct ingest_context context = context_of(&limits);
        struct ingest_outcome out = apply(&push, &context);
        assert_int_equal(204, out.status);
        struct buf text = BUF_INIT;
        label_encoded_print(out.batch.runs[0].entries[0].metadata, &text);
        assert_slice(buf_slice(&text), cases[i].want);
        buf_fini(&text);
        arena_fini(&push.arena);
    }
}

static void a_cache_that_is_too_small_keeps_a_share_of_what_comes(void **state)
{
    (void)state;
    struct stream_cache *cache = stream_cache_create(64);
    unsigned found_in_last = 0;
    for (unsigned round = 0; round < 100; round++) { // in turn: whatever keeps the latest would never find one
        found_in_last = 0;
        for (unsigned i = 0; i < 1000; i++) {
            struct slice text = slice_of((const char *)&i, sizeof(i));
            struct hash128 key = stream_cache_key(1, text);
            struct stream_facts facts = {.stream = {i, i}, .labels = text};
            struct stream_facts got;
            if (!stream_cache_get(cache, key, &got)) {
                stream_cache_put(cache, key, &facts);
                continue;
            }
            found_in_last++;
            assert_true(hash128_eq(got.stream, facts.stream));
            assert_true(slice_eq(got.labels, text));
        }
    }
    assert_in_range(found_in_last, 8, 64);
    for (unsigned round = 0; round < 2000; round++) { // few come from now on: all of them are kept again
        found_in_last = 0;
        for (unsigned i = 0; i < 20; i++) {
            struct slice text = slice_of((const char *)&i, sizeof(i));
            struct hash128 key = stream_cache_key(2, text);
            struct stream_facts facts = {.stream = {i, i}, .labels = text};
            struct stream_facts got;
            if (stream_cache_get(cache, key, &got))
                found_in_last++;
            else
                stream_cache_put(cache, key, &facts);
        }
    }
    assert_int_equal(found_in_last, 20);
    stream_cache_destroy(cache);
}

static void the_cache_changes_nothing(void **state)
{
    (void)state;
    struct limits limits = limits_of_test();
    struct ingest_context context = context_of(&limits);
    struct stream_cache *cache = stream_cache_create(20);
    for (int round = 0; round < 300; round++) {
        struct push push = {.arena = ARENA_INIT};
        char labels[4][64];
        for (int i = 0; i < 4; i++) {
            (void)snprintf(labels[i], sizeof(labels[i]), "{ app=\"a%d\", level=\"warn\"}", (round * 3 + i * 7) % 50);
            push_stream_add(&push, labels[i], (struct case_entry[]){{round, "x", {0}}, {round, "y", {"k", "v"}}}, 2);
        }
        context.cache = NULL;
        struct ingest_outcome want = apply(&push, &context);
        context.cache = cache;
        struct ingest_outcome first = apply(&push, &context);
        struct ingest_outcome second = apply(&push, &context);
        assert_same(&want.batch, &first.batch);
        assert_same(&want.batch, &second.batch);
        arena_fini(&push.arena);
    }
    stream_cache_destroy(cache);
}

static int64_t newest_at_two_hours(void *self, struct hash128 stream)
{
    (void)self;
    (void)stream;
    return NOW + 2 * NS_PER_HOUR;
}

static void entries_too_far_behind_are_told_one_by_one(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    limits.out_of_order_window = NS_PER_HOUR;
    const struct case_entry entries[] = {{50 * NS_PER_MIN, "behind", {0}}, {NS_PER_HOUR + NS_PER_S, "fine", {0}}, {NS_PER_HOUR - 1, "behind", {0}}};
    push_stream_add(&push, "{case=\"p19\"}", entries, LENGTH(entries));
    push_stream_add(&push, "{case=\"ok\"}", entries + 1, 1);
    struct ingest_context context = context_of(&limits);
    context.streams.newest_ns = newest_at_two_hours;
    struct ingest_outcome out = apply(&push, &context);
    assert_int_equal(400, out.status);
    assert_slice(out.text,
                 "entry with timestamp 2026-01-01 00:50:00 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: "
                 "2026-01-01T00:50:00Z, oldest acceptable timestamp is: 2026-01-01T01:00:00Z',\nentry with timestamp 2026-01-01 "
                 "00:59:59.999999999 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2026-01-01T00:59:59Z, oldest "
                 "acceptable timestamp is: 2026-01-01T01:00:00Z',\nuser 't', total ignored: 2 out of 3 for stream: {case=\"p19\", "
                 "service_name=\"unknown_service\"}");
    assert_int_equal(2, out.batch.run_count);
    assert_int_equal(2, out.refused_count);
    arena_fini(&push.arena);
}

static bool admit_none(void *self, struct hash128 stream)
{
    (void)self;
    (void)stream;
    return false;
}
static bool take_none(void *self, size_t bytes)
{
    *(size_t *)self = bytes;
    return false;
}
static bool take_stream_none(void *self, struct hash128 stream, size_t bytes)
{
    (void)stream;
    return take_none(self, bytes);
}

static void rates_and_the_stream_limit_are_429(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    limits.ingestion_rate_mb = 0.0001;
    limits.per_stream_rate_limit = 3 << 20;
    push_stream_add(&push, "{app=\"s\"}", (struct case_entry[]){{0, X20, {"k", "v"}}, {1, "y", {0}}}, 2);
    struct ingest_context context = context_of(&limits);
    size_t asked = 0;
    context.rate_self = &asked;
    context.take_rate = take_none;
    struct ingest_outcome out = apply(&push, &context);
    assert_slice(out.text, "ingestion rate limit exceeded for user t (limit: 104 bytes/sec) while attempting to ingest '2' lines totaling '23' "
                           "bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased");
    assert_int_equal(429, out.status);
    assert_int_equal(23, asked);
    assert_int_equal(0, out.batch.entry_count);
    assert_int_equal(2, out.discarded[DISCARD_rate_limited].lines);
    context.take_rate = NULL;
    context.take_stream_rate = take_stream_none;
    out = apply(&push, &context);
    assert_int_equal(429, out.status);
    assert_true(memmem(out.text.ptr, out.text.len, "(limit: 3MB/sec)", 16) != NULL);
    assert_true(memmem(out.text.ptr, out.text.len, "totaling 22B, consider", 22) != NULL && memmem(out.text.ptr, out.text.len, "totaling 1B, consider", 21) != NULL);
    assert_int_equal(0, out.batch.run_count);
    context.streams.admit = admit_none;
    out = apply(&push, &context);
    assert_slice(out.text, "maximum active stream limit exceeded when trying to create stream {app=\"s\", service_name=\"s\"}, reduce the number "
                           "of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit "
                           "can be increased, user: 't'");
    assert_int_equal(429, out.status);
    arena_fini(&push.arena);
}

static void lines_are_cut_and_equal_times_counted_up(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    limits.max_line_size = 20;
    limits.max_line_size_truncate = true;
    limits.max_line_size_truncate_identifier = SLICE("...");
    limits.increment_duplicate_timestamp = true;
    const struct case_entry entries[] = {{0, "abcdefghijklmnopqrstuvwxyz", {0}}, {0, "y", {0}}, {0, "z", {0}}, {4, "z", {0}}, {4, "z", {0}}};
    push_stream_add(&push, "{a=\"1\"}", entries, LENGTH(entries));
    struct ingest_context context = context_of(&limits);
    struct ingest_outcome out = apply(&push, &context);
    const struct push_entry *got = out.batch.runs[0].entries;
    assert_true(out.needs_own_record);
    assert_int_equal(1, out.truncated_lines);
    assert_slice(got[0].line, "abcdefghijklmnopq...");
    const int64_t want[] = {0, 1, 2, 4, 4};
    for (size_t i = 0; i < LENGTH(want); i++)
        assert_true(got[i].ts_ns == NOW + want[i]);
    arena_fini(&push.arena);
}

static void pairs_as_sent_give_the_stream_that_their_text_gives(void **state)
{
    (void)state;
    struct push push = {.arena = ARENA_INIT};
    struct limits limits = limits_of_test();
    const struct label labels[] = {{SLICE("z"), SLICE("q\"\n")}, {SLICE("a"), SLICE("old")}, {SLICE("a"), SLICE("1")}, {SLICE("e"), SLICE("")}};
    const struct label_set set = {labels, LENGTH(labels)};
    push_stream_add(&push, "", (struct case_entry[]){{0, "x", {0}}}, 1);
    push.request.streams[0].labels = &set;
    push_stream_add(&push, "{z=\"q\\\"\\n\", a=\"1\"}", (struct case_entry[]){{0, "x", {0}}}, 1);
    struct ingest_context context = context_of(&limits);
    struct ingest_outcome out = apply(&push, &context);
    assert_int_equal(2, out.batch.run_count);
    assert_true(hash128_eq(out.batch.runs[0].stream, out.batch.runs[1].stream));
    arena_fini(&push.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_has_lokis_words),
        cmocka_unit_test(equal_errors_are_counted_and_the_rest_is_kept),
        cmocka_unit_test(malformed_labels_and_no_streams_refuse_the_request),
        cmocka_unit_test(metadata_and_levels_become_what_the_rules_say),
        cmocka_unit_test(a_cache_that_is_too_small_keeps_a_share_of_what_comes),
        cmocka_unit_test(the_cache_changes_nothing),
        cmocka_unit_test(entries_too_far_behind_are_told_one_by_one),
        cmocka_unit_test(rates_and_the_stream_limit_are_429),
        cmocka_unit_test(lines_are_cut_and_equal_times_counted_up),
        cmocka_unit_test(pairs_as_sent_give_the_stream_that_their_text_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
