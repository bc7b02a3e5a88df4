/* Any bytes as a JSON push, of both generations: the decoder ends and stays inside; what it takes, put on protobuf's wire and read back, is the same
 * push: label texts, times, lines. */
#include <stdlib.h>

#include "core/ingest/push_wire.h"
#include "net/codec/push_json.h"

static void abort_unless(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct push_request *request, struct arena *arena)
{
    static const struct push_wire_limits limits = {100000, 1000000};
    struct buf wire = BUF_INIT;
    struct push_request again;
    struct err err;
    for (size_t i = 0; i < request->entry_count; i++) {
        if (request->entries[i].ts_ns == PUSH_TS_INVALID)
            return; // the wire has no form for it but to leave it out
    }
    push_wire_encode(request, &wire);
    abort_unless(push_wire_decode(buf_slice(&wire), &limits, arena, &again, &err));
    abort_unless(again.stream_count == request->stream_count && again.entry_count == request->entry_count);
    for (size_t i = 0; i < request->stream_count; i++) {
        abort_unless(slice_eq(again.streams[i].label_text, request->streams[i].label_text));
        abort_unless(again.streams[i].entry_count == request->streams[i].entry_count);
    }
    for (size_t i = 0; i < request->entry_count; i++) {
        abort_unless(again.entries[i].ts_ns == request->entries[i].ts_ns);
        abort_unless(slice_eq(again.entries[i].line, request->entries[i].line));
    }
    buf_fini(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct push_request request;
    struct err err = {.code = ERR_NONE};
    if (push_json_decode(slice_of(data, size), &arena, &request, &err))
        check(&request, &arena);
    else
        abort_unless(err.code == ERR_INVALID || err.code == ERR_LIMIT);
    if (push_json_legacy_decode(slice_of(data, size), &arena, &request, &err))
        check(&request, &arena);
    arena_fini(&arena);
    return 0;
}
