/* The push path before storage: wire, rules, level. Floor: a copy of the same bytes. Peer of the wire: protobuf-c. */
#include "core/ingest/ingest.h"
#include "core/ingest/level.h"
#include "core/ingest/push_wire.h"

#include "bench/bench.h"
#include "push.pb-c.h"

#define STREAMS 100
#define LINES_A_STREAM 70
#define START (INT64_C(1767225600) * 1000000000)

static struct buf message = BUF_INIT;
static char *copy_to;
static const struct push_wire_limits wire_limits = {100000, 1000000};
static const char *const line_forms[] = {
    "10.0.3.7 - - [01/Jan/2026:00:00:00 +0000] \"GET /api/v1/items/17 HTTP/1.1\" 200 5123 \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Chrome/120\"",
    "ts=2026-01-01T00:00:00Z caller=server.go:88 level=info msg=\"request served\" method=GET path=/items/17 duration=12.5ms traceID=00af",
    "{\"time\":\"2026-01-01T00:00:00Z\",\"pid\":88,\"msg\":\"request served\",\"id\":17,\"path\":\"/items\",\"level\":\"info\",\"trace\":\"00af13\"}",
    "2026-01-01 00:00:00.123 main thread-3 handled the request of item 17 in twelve milliseconds and went back to waiting for the next",
};

static const char *const form_names[] = {"level_of_line/access", "level_of_line/logfmt", "level_of_line/json", "level_of_line/plain"};

static void message_make(void)
{
    struct arena arena = ARENA_INIT;
    struct push_request request = {.streams = ARENA_ARRAY(&arena, struct push_stream, STREAMS),
                                   .entries = ARENA_ARRAY(&arena, struct push_entry, STREAMS * LINES_A_STREAM)};
    for (int i = 0; i < STREAMS; i++) {
        request.streams[request.stream_count++] = (struct push_stream){
            .label_text = arena_printf(&arena, "{app=\"shop\", namespace=\"prod\", pod=\"shop-7d9f-%d\", container=\"web\", level=\"\"}", i),
            .first_entry = request.entry_count,
            .entry_count = LINES_A_STREAM,
            .metadata_form = PUSH_METADATA_WIRE};
        for (int j = 0; j < LINES_A_STREAM; j++)
            request.entries[request.entry_count++] =
                (struct push_entry){START + j, slice_str(line_forms[(i + j) % 4]), SLICE_NONE};
    }
    push_wire_encode(&request, &message);
    arena_fini(&arena);
}

static uint64_t run_copy(void *state, size_t n)
{
    (void)state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(copy_to, message.ptr, message.len);
        sum += (uint8_t)copy_to[i % message.len];
    }
    return sum;
}

static uint64_t run_decode(void *state, size_t n)
{
    struct arena *arena = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct push_request request;
        struct err err;
        arena_reset(arena);
        sum += push_wire_decode(buf_slice(&message), &wire_limits, arena, &request, &err) ? request.entry_count : 0;
    }
    return sum;
}

static uint64_t run_protobuf_c(void *state, size_t n)
{
    (void)state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        Logi__PushRequest *request = logi__push_request__unpack(NULL, message.len, (const uint8_t *)message.ptr);
        sum += request->n_streams;
        logi__push_request__free_unpacked(request, NULL);
    }
    return sum;
}

struct ingest_state {
    struct arena *arena;
    struct ingest_context context;
    struct level_fields level_fields;
    size_t form;
};

static uint64_t run_ingest(void *state, size_t n)
{
    struct ingest_state *ingest = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct push_request request;
        struct ingest_outcome out;
        struct err err;
        arena_reset(ingest->arena);
        if (!push_wire_decode(buf_slice(&message), &wire_limits, ingest->arena, &request, &err) ||
            !ingest_apply(&ingest->context, &request, ingest->arena, &out, &err))
            abort();
        sum += out.batch.entry_count;
    }
    return sum;
}

static uint64_t run_level(void *state, size_t n)
{
    const struct ingest_state *ingest = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += level_of_line(slice_str(line_forms[ingest->form]), &ingest->level_fields);
    return sum;
}

int main(void)
{
    struct limits limits;
    limits_defaults(&limits);
    struct arena arena = ARENA_INIT;
    struct ingest_state state = {.arena = &arena,
                                 .context = {.tenant = SLICE("t"), .limits = &limits, .limits_version = 1, .now_ns = START, .adds_labels = true}};
    level_fields_init(&state.level_fields, &limits.log_level_fields);
    message_make();
    copy_to = malloc(message.len);
    if (copy_to == NULL)
        return 1;
    printf("message of %zu bytes, %d streams, %d lines\n", message.len, STREAMS, STREAMS * LINES_A_STREAM);
    bench("floor: memcpy", message.len, run_copy, NULL);
    bench("push_wire_decode", message.len, run_decode, &arena);
    bench("peer: protobuf-c unpack", message.len, run_protobuf_c, NULL);
    bench("decode + ingest_apply, no stream cache", message.len, run_ingest, &state);
    state.context.cache = stream_cache_create(10000);
    bench("decode + ingest_apply, stream cache", message.len, run_ingest, &state);
    for (state.form = 0; state.form < 4; state.form++)
        bench(form_names[state.form], strlen(line_forms[state.form]), run_level, &state);
    stream_cache_destroy(state.context.cache);
    arena_fini(&arena);
    free(copy_to);
    buf_fini(&message);
    return 0;
}
