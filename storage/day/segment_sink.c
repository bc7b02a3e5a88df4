#include "storage/day/segment_sink.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/mem.h"

void segment_sink_init(struct segment_sink *sink, const struct segment_sink_config *config)
{
    *sink = (struct segment_sink){.config = *config};
}

void segment_sink_stream(struct segment_sink *sink, struct slice tenant, struct hash128 id, struct slice labels)
{
    sink->tenant = tenant;
    sink->id = id;
    sink->labels = labels;
    sink->stream_is_new = true;
}

static bool writer_begin(struct segment_sink *sink, struct err *err)
{
    const struct segment_sink_config *c = &sink->config;
    uint64_t id = atomic_fetch_add(c->ids, 1);
    (void)snprintf(sink->name, sizeof(sink->name), "%u-%016" PRIx64, c->shard, id);
    sink->stream_is_new = true;
    return segment_writer_open(&(struct segment_writer_config){.disk = c->day->disk,
                                                                .folder = c->day->folder,
                                                                .name = sink->name,
                                                                .zstd_level = c->zstd_level,
                                                                .block_bytes = c->block_bytes,
                                                                .part_bytes = c->part_bytes,
                                                                .level = c->level,
                                                                .mark = c->mark,
                                                                .created_ns = c->created_ns},
                               &sink->writer, err);
}

static bool writer_end(struct segment_sink *sink, struct err *err)
{
    struct segment_stats stats;
    struct segment_writer *writer = sink->writer;
    sink->writer = NULL; // finish ends it in any case
    if (writer == NULL)
        return true;
    if (!segment_writer_finish(writer, &stats, err))
        return false;
    struct segment *segment = NULL;
    if (!segment_open(sink->config.day->disk, sink->config.day->folder, sink->name, &segment, err))
        return false; // the file that was just written does not read back: it stays unlisted, and the next start removes it
    sink->segments = mem_grow(sink->segments, sink->count + 1, sizeof(struct segment *));
    sink->segments[sink->count++] = segment;
    return true;
}

bool segment_sink_entry(struct segment_sink *sink, int64_t ts_ns, struct slice line, struct slice metadata, struct err *err)
{
    if (sink->writer != NULL && segment_writer_blocks_left(sink->writer) == 0 && !writer_end(sink, err))
        return false;
    if (sink->writer == NULL && !writer_begin(sink, err))
        return false;
    if (sink->stream_is_new && !segment_writer_stream(sink->writer, sink->tenant, sink->id, sink->labels, err))
        return false;
    sink->stream_is_new = false;
    return segment_writer_entry(sink->writer, ts_ns, line, metadata, err);
}

bool segment_sink_finish(struct segment_sink *sink, struct err *err)
{
    return writer_end(sink, err);
}

void segment_sink_fini(struct segment_sink *sink)
{
    segment_writer_abandon(sink->writer);
    // Else the next start removes them, or finds them listed.
    bool unlinks = sink->count > 0 && day_is_settled(sink->config.day);
    for (size_t i = 0; i < sink->count; i++) {
        if (unlinks)
            segment_unlink_on_close(sink->segments[i]);
        segment_unref(sink->segments[i]);
    }
    mem_free(sink->segments);
    *sink = (struct segment_sink){0};
}
