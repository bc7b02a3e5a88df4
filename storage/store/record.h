/* record.h: the payload of one record of the log: a push as it was received, and what was accepted of it.
 *
 * Format: docs/formats/record.md.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

struct record {
    struct slice tenant;
    bool adds_labels; /* ingest_replay's */
    uint32_t *refused; /* ordinals of entries that are not in it, ascending; in the arena */
    size_t refused_count;
    struct slice body; /* snappy block of a PushRequest */
};

/* Appends all but the body, which follows it in the log as it is. */
void record_encode_head(const struct record *record, struct buf *out);

/* Slices of payload. ERR_CORRUPT: not a record, or of a version that is not known. */
struct arena;
bool record_decode(struct slice payload, struct arena *arena, struct record *out, struct err *err) MUST_CHECK;
