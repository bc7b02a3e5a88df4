/* stream_labels.h: from a stream's labels as sent to the stream that they name, with service_name added: http-api.md 5.4 to 5.6.
 *
 * Thread: one at a time. Results live in the arena.
 */
#pragma once

#include "core/ingest/refusals.h"
#include "core/ingest/stream_cache.h"

/* What the labels of a request are read by. */
struct label_rules {
    struct slice tenant;
    const struct limits *limits;
    bool adds_labels;
    struct stream_cache *cache; /* may be NULL */
    uint64_t cache_seed;
    struct arena *arena;
};

enum labels_verdict {
    LABELS_FINE,
    LABELS_REFUSED,   /* by a limit: *reason and *refusal are set */
    LABELS_MALFORMED, /* no label set: the whole request is refused, err is set */
};

/* checks: whether the limits are applied (else only what cannot be stored is refused). */
enum labels_verdict stream_labels_resolve(const struct label_rules *rules, const struct push_stream *stream, bool checks,
                                          struct stream_facts *out, enum discard_reason *reason, struct slice *refusal,
                                          struct err *err);

/* The canonical text, in the arena. */
struct slice stream_labels_text(struct arena *arena, struct slice encoded);

/* The normalised value of the first label of log_level_fields, or empty. */
struct slice stream_labels_level(struct slice encoded, const struct slice_list *fields);
