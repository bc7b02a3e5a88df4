/* push_builder.h: a push_request that grows as a decoder finds streams and entries. Limits on their numbers are those of push_wire. */
#pragma once

#include "core/base/err.h"
#include "core/ingest/push.h"

#define PUSH_STREAMS_MAX ((size_t)100000)
#define PUSH_ENTRIES_MAX ((size_t)1000000)

struct push_builder {
    struct arena *arena;
    struct push_stream *streams;
    size_t stream_count, stream_capacity;
    struct push_entry *entries;
    size_t entry_count, entry_capacity;
};

/* The stream that the entries which follow belong to; its label_text may be filled later. NULL with ERR_LIMIT: too many. */
struct push_stream *push_builder_stream(struct push_builder *builder, struct err *err);
bool push_builder_entry(struct push_builder *builder, const struct push_entry *entry, struct err *err) MUST_CHECK;
void push_builder_finish(const struct push_builder *builder, struct push_request *out);
