/* segment_sink.h: writes streams into as many segments of one day as they need, and opens them for reading: what sealing and merging share.
 *
 * Thread: one.
 */
#pragma once

#include "storage/day/day.h"

struct segment_sink_config {
    struct day *day;             /* held by the caller */
    unsigned shard;              /* the first part of the names */
    _Atomic uint64_t *ids;       /* the next segment's number, of the whole store */
    int zstd_level;
    size_t block_bytes, part_bytes;
    uint32_t level;
    struct segment_mark mark;
    int64_t created_ns;
};

struct segment_sink {
    struct segment_sink_config config;
    struct segment_writer *writer; /* NULL: none begun */
    char name[64];
    bool stream_is_new; /* the writer was not told of the stream yet */
    struct slice tenant, labels;
    struct hash128 id;
    struct segment **segments; /* finished ones, a reference each */
    size_t count;
};

void segment_sink_init(struct segment_sink *sink, const struct segment_sink_config *config);
/* As segment_writer_stream; the slices stay readable until the next stream or the end. A stream without entries leaves no trace. */
void segment_sink_stream(struct segment_sink *sink, struct slice tenant, struct hash128 id, struct slice labels);
bool segment_sink_entry(struct segment_sink *sink, int64_t ts_ns, struct slice line, struct slice metadata, struct err *err) MUST_CHECK;

/* Ends the last file; the segments are then in sink->segments: on disk, not yet in force. */
bool segment_sink_finish(struct segment_sink *sink, struct err *err) MUST_CHECK;

/* Ends it. Segments still in it are unlinked: take them out (count = 0) to keep them. */
void segment_sink_fini(struct segment_sink *sink);
