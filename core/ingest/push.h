/* push.h: what a push asks to store, as its decoder found it, and the batch that is left of it after the rules.
 *
 * decoder (push_wire, or net/codec for JSON and OTLP) -> struct push_request -> ingest_apply -> struct push_batch -> storage
 *
 * All slices point into the bytes that the decoder was given or into the push's arena: nothing is copied on the way.
 */
#pragma once

#include "core/base/arena.h"
#include "core/model/label_set.h"

struct push_entry {
    int64_t ts_ns;
    struct slice line;
    struct slice metadata; /* from the decoder: its raw form, see push_stream.metadata_form; in a batch: label_set encoding, or empty */
};

enum push_metadata_form {
    PUSH_METADATA_ENCODED, /* label_set encoding of pairs as sent: not sorted, not normalised */
    PUSH_METADATA_WIRE,    /* protobuf: the bytes of the Entry message, to be searched for field 3 */
};

struct push_stream {
    struct slice label_text;       /* Prometheus text form, or ... */
    const struct label_set *labels; /* ... pairs as sent, when not NULL: may be unsorted, with duplicates and empty values */
    size_t first_entry;            /* its entries are request->entries[first_entry, first_entry + entry_count) */
    size_t entry_count;
    enum push_metadata_form metadata_form;
};

/* A timestamp that int64 ns cannot hold, or that was missing: year 1 and such. Refused as too old. */
#define PUSH_TS_INVALID INT64_MIN

struct push_request {
    struct push_stream *streams;
    size_t stream_count;
    struct push_entry *entries; /* of all streams, in order */
    size_t entry_count;
};

/* ---- what is left ---- */

struct push_run { /* accepted entries of one stream */
    struct hash128 stream;    /* stream_id(tenant, labels) */
    uint32_t shard;           /* stream.low mod shard count: set by storage */
    struct slice labels;      /* label_set encoding; never empty text when the shard may not know the stream */
    struct push_entry *entries;
    size_t count;
    int64_t first_ns, last_ns; /* smallest and largest timestamp */
    size_t line_bytes;
    size_t metadata_bytes; /* names and values as stored, without detected_level */
};

struct push_batch {
    struct slice tenant;
    struct push_run *runs;
    size_t run_count;
    size_t entry_count;
    size_t line_bytes;
    size_t metadata_bytes;
};
