/* chunk_list.h: the entries of one stream in one generation: chunks in order of arrival.
 *
 *               append   read
 *     append      X        -     the shard's worker; a reader sees whole runs only, and keeps what it has seen as long as it
 *     read        -        -     holds the generation
 *
 * An entry in a chunk: i64 timestamp, u32 line length, u32 metadata reference, line; unaligned.
 */
#pragma once

#include "core/base/rcu.h"
#include "core/ingest/push.h"

#define CHUNK_ENTRY_HEAD ((size_t)16)
#define CHUNK_BYTES_MIN ((size_t)256)
#define CHUNK_BYTES_MAX ((size_t)32 << 10)

struct generation;
struct stream_record;

struct chunk {
    _Atomic(struct chunk *) next; /* newer; PUBLISH */
    _Atomic uint32_t len;         /* bytes written */
    uint32_t cap;
    char bytes[];
};

/* What a list holds, seen at one moment. */
struct chunk_list_view {
    uint32_t entries;
    bool is_sorted; /* timestamps never go back */
    bool has_ties;  /* is_sorted, and some neighbours have the same timestamp */
    int64_t first_ns, last_ns; /* smallest and largest */
    uint64_t line_bytes, metadata_bytes;
};

struct chunk_list {
    struct stream_record *stream;
    _Atomic(struct chunk_list *) next_list; /* of its generation, in the order of creation; PUBLISH */
    _Atomic(struct chunk *) oldest; /* PUBLISH */
    struct chunk *newest;           /* the worker's */
    int64_t tail_ns;                /* the worker's: timestamp of the last entry */
    /* Of what follows a reader takes a consistent copy: version is odd while it is written. */
    _Atomic uint32_t version;
    _Atomic uint32_t entries;
    _Atomic uint32_t flags;
    uint32_t next_cap; /* the worker's: size of the next chunk */
    _Atomic int64_t first_ns, last_ns;
    _Atomic uint64_t line_bytes, metadata_bytes;
};

/* Appends a run; its lines and metadata are copied into the generation. Thread: the worker. */
void chunk_list_append(struct chunk_list *list, struct generation *generation, const struct push_run *run);

void chunk_list_see(const struct chunk_list *list, struct chunk_list_view *out);

struct chunk_entry {
    int64_t ts_ns;
    uint32_t metadata; /* reference in the generation's pool */
    struct slice line; /* lives with the generation */
};

/* Walks the first `left` entries in order of arrival. */
struct chunk_cursor {
    const struct chunk *chunk;
    size_t at;
    uint32_t left;
};
struct chunk_cursor chunk_list_begin(const struct chunk_list *list, const struct chunk_list_view *view);
bool chunk_cursor_next(struct chunk_cursor *cursor, struct chunk_entry *out);
