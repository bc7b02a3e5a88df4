/* memory_source.h: a source for tests: streams and entries in arrays, cut into units of a chosen number of entries. */
#pragma once

#include "core/plan/source.h"

struct memory_stream {
    struct label label;  /* of the stream: one */
    struct label second; /* and maybe another; no name: none */
};

struct memory_entry { /* in order of arrival and, within a stream, of time */
    uint32_t stream;
    int64_t ts_ns;
    struct slice line;
    struct label metadata; /* no name: none */
};

struct memory_source {
    struct source source;
    const struct memory_stream *streams; /* sorted by label text */
    size_t stream_count;
    struct memory_entry *entries;
    size_t entry_count;
    size_t unit_entries;
    atomic_size_t units_read;
    atomic_size_t scans_open;
};

/* Sorts the entries by time (stable). The arrays are borrowed. */
void memory_source_init(struct memory_source *memory, const struct memory_stream *streams, size_t stream_count, struct memory_entry *entries,
                        size_t entry_count, size_t unit_entries);
