/* run_rules.h: the rules that ask storage, stream by stream, and the texts of refused entries: http-api.md 5.5. */
#pragma once

#include "core/ingest/refusals.h"

/* What the text of a refused entry tells. */
struct refused_entry {
    struct slice labels; /* encoding */
    const struct limits *limits;
    int64_t ts_ns, oldest_ns;
    size_t line_bytes, metadata_bytes, metadata_count;
};

struct slice refused_entry_text(const struct refused_entry *entry, enum discard_reason reason, struct arena *arena);

/* Takes out of the batch what the stream limit, the out-of-order window or a stream's rate refuse. ordinals: of the batch's entries in
 * the request, in order. */
void run_rules_apply(const struct ingest_context *context, struct refusals *refusals, const uint32_t *ordinals,
                     struct push_batch *batch);
