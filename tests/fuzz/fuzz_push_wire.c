/* Any bytes: what both we and protobuf-c accept has the same content, and what we accept survives encoding and decoding. */
#include <stdint.h>
#include <stdlib.h>

#include "core/ingest/push_wire.h"
#include "push.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct push_wire_limits wire_limits = {1000, 10000};

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct pairs {
    struct label items[64];
    size_t count;
};

static bool keep_pair(void *self, struct slice name, struct slice value)
{
    struct pairs *pairs = self;
    if (pairs->count < 64)
        pairs->items[pairs->count] = (struct label){name, value};
    pairs->count++;
    return true;
}

static struct pairs pairs_of(const struct push_entry *entry)
{
    struct pairs pairs = {.count = 0};
    must(push_wire_metadata(entry->metadata, keep_pair, &pairs));
    return pairs;
}

static bool data_eq(struct slice ours, ProtobufCBinaryData theirs)
{
    return slice_eq(ours, slice_of(theirs.data, theirs.len));
}

static void entry_compare(const struct push_entry *ours, const Logi__PushEntry *theirs)
{
    must(data_eq(ours->line, theirs->line));
    must((ours->ts_ns == PUSH_TS_INVALID) || theirs->timestamp != NULL);
    // Of two timestamps of one entry protobuf-c merges the fields, where for us the last alone counts: times are compared by the unit test.
    struct pairs pairs = pairs_of(ours);
    must(pairs.count == theirs->n_structured_metadata);
    for (size_t i = 0; i < pairs.count && i < 64; i++) {
        must(data_eq(pairs.items[i].name, theirs->structured_metadata[i]->name));
        must(data_eq(pairs.items[i].value, theirs->structured_metadata[i]->value));
    }
}

static void compare(const struct push_request *ours, const Logi__PushRequest *theirs)
{
    must(ours->stream_count == theirs->n_streams);
    for (size_t i = 0; i < ours->stream_count; i++) {
        const struct push_stream *stream = &ours->streams[i];
        must(data_eq(stream->label_text, theirs->streams[i]->labels));
        must(stream->entry_count == theirs->streams[i]->n_entries);
        for (size_t j = 0; j < stream->entry_count; j++)
            entry_compare(&ours->entries[stream->first_entry + j], theirs->streams[i]->entries[j]);
    }
}

static void survives_encoding(const struct push_request *request)
{
    struct buf bytes = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct push_request again;
    struct err err;
    push_wire_encode(request, &bytes);
    must(push_wire_decode(buf_slice(&bytes), &wire_limits, &arena, &again, &err));
    must(again.stream_count == request->stream_count && again.entry_count == request->entry_count);
    for (size_t i = 0; i < request->stream_count; i++)
        must(slice_eq(request->streams[i].label_text, again.streams[i].label_text) &&
             request->streams[i].entry_count == again.streams[i].entry_count);
    for (size_t i = 0; i < request->entry_count; i++) {
        must(request->entries[i].ts_ns == again.entries[i].ts_ns && slice_eq(request->entries[i].line, again.entries[i].line));
        struct pairs a = pairs_of(&request->entries[i]);
        struct pairs b = pairs_of(&again.entries[i]);
        must(a.count == b.count);
        for (size_t p = 0; p < a.count && p < 64; p++)
            must(slice_eq(a.items[p].name, b.items[p].name) && slice_eq(a.items[p].value, b.items[p].value));
    }
    buf_fini(&bytes);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct push_request request;
    struct err err;
    if (push_wire_decode(slice_of(data, size), &wire_limits, &arena, &request, &err)) {
        Logi__PushRequest *theirs = logi__push_request__unpack(NULL, size, data);
        if (theirs != NULL) {
            compare(&request, theirs);
            logi__push_request__free_unpacked(theirs, NULL);
        }
        survives_encoding(&request);
    }
    arena_fini(&arena);
    return 0;
}
