#include "net/codec/push_builder.h"

static void *grown(struct arena *arena, void *old, size_t count, size_t *capacity, size_t size, size_t align)
{
    if (count < *capacity)
        return old;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *bigger = arena_array(arena, *capacity, size, align);
    if (count > 0)
        memcpy(bigger, old, count * size);
    return bigger;
}

struct push_stream *push_builder_stream(struct push_builder *builder, struct err *err)
{
    if (builder->stream_count == PUSH_STREAMS_MAX) {
        err_fill(err, ERR_LIMIT, "a push may hold %zu streams", PUSH_STREAMS_MAX);
        return NULL;
    }
    builder->streams = grown(builder->arena, builder->streams, builder->stream_count, &builder->stream_capacity,
                             sizeof(struct push_stream), _Alignof(struct push_stream));
    struct push_stream *stream = &builder->streams[builder->stream_count++];
    *stream = (struct push_stream){.first_entry = builder->entry_count};
    return stream;
}

bool push_builder_entry(struct push_builder *builder, const struct push_entry *entry, struct err *err)
{
    if (builder->entry_count == PUSH_ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "a push may hold %zu entries", PUSH_ENTRIES_MAX);
    builder->entries = grown(builder->arena, builder->entries, builder->entry_count, &builder->entry_capacity,
                             sizeof(struct push_entry), _Alignof(struct push_entry));
    builder->entries[builder->entry_count++] = *entry;
    builder->streams[builder->stream_count - 1].entry_count++;
    return true;
}

void push_builder_finish(const struct push_builder *builder, struct push_request *out)
{
    *out = (struct push_request){builder->streams, builder->stream_count, builder->entries, builder->entry_count};
}
