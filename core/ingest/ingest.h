/* ingest.h: the rules of http-api.md 5.5 and 5.6: which entries of a push are accepted, and what they become.
 *
 * Pure: time, limits and what storage knows of streams come in; the outcome goes out. One bad stream or line never harms its
 * neighbours. The outcome's refused list, put in the log beside the body, makes ingest_replay give the same batch for ever.
 *
 * Thread: any; a stream_cache belongs to one thread at a time.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/ingest/push.h"
#include "core/model/limits.h"

/* From raw label text to the stream that it names, for streams seen before: skips parsing, checking and hashing. Bounded (entries of 48 bytes,
 * and 256 bytes of labels for each; the older half of a full set is dropped); forgets all when the tenant's limits change (limits_version). */
struct stream_cache;
struct stream_cache *stream_cache_create(size_t entries_max) MUST_CHECK;
void stream_cache_destroy(struct stream_cache *cache);
void stream_cache_empty(struct stream_cache *cache); /* gives its memory back */

struct stream_cache_counts {
    uint64_t hits, misses, evictions; /* since it was created */
    size_t bytes;                     /* that it takes now */
};
struct stream_cache_counts stream_cache_counts(const struct stream_cache *cache);

/* What storage is asked about a stream. */
struct ingest_streams {
    void *self;
    /* May this stream take entries? Known or newly reserved: true. Over the tenant's stream limit: false. NULL: always true. */
    bool (*admit)(void *self, struct hash128 stream);
    /* Newest timestamp stored of the stream, INT64_MIN if none. Asked only when limits.out_of_order_window is set. May be NULL. */
    int64_t (*newest_ns)(void *self, struct hash128 stream);
};

struct ingest_context {
    struct slice tenant;
    const struct limits *limits;
    uint64_t limits_version;
    int64_t now_ns;
    bool adds_labels; /* service_name and detected_level as the limits say: Loki's routes and OTLP; not Ochi's */
    struct ingest_streams streams;
    struct stream_cache *cache; /* may be NULL */
    /* Takes bytes from the tenant's rate bucket, all or nothing. NULL: no limit. */
    bool (*take_rate)(void *self, size_t bytes);
    bool (*take_stream_rate)(void *self, struct hash128 stream, size_t bytes); /* NULL: no limit */
    void *rate_self;
};

enum discard_reason { /* the closed list of metrics.md 5 */
#define DISCARD_REASONS(REASON)                                                                                          \
    REASON(request_body_too_large) REASON(invalid_labels) REASON(missing_labels) REASON(rate_limited) REASON(line_too_long)    \
    REASON(stream_limit) REASON(per_stream_rate_limit) REASON(out_of_order) REASON(too_far_behind)                            \
    REASON(greater_than_max_sample_age) REASON(too_far_in_future) REASON(max_label_names_per_series)                          \
    REASON(label_name_too_long) REASON(label_value_too_long) REASON(duplicate_label_names)                                    \
    REASON(disallowed_structured_metadata) REASON(structured_metadata_too_large) REASON(structured_metadata_too_many)         \
    REASON(blocked_ingestion) REASON(blocked_ingestion_policy) REASON(missing_enforced_labels) REASON(memory_limit)           \
    REASON(disk_full) REASON(shutting_down) REASON(outside_retention) REASON(invalid_timestamp) REASON(invalid_utf8_label)
#define DISCARD_ENUM(name) DISCARD_##name,
    DISCARD_REASONS(DISCARD_ENUM)
#undef DISCARD_ENUM
    DISCARD_REASON_COUNT
};
const char *discard_reason_text(enum discard_reason reason);

struct ingest_outcome {
    struct push_batch batch; /* what is to be stored; run_count 0: nothing */
    /* Ordinals of request entries that were refused or dropped, ascending; NULL and 0: all were accepted. In the arena. */
    uint32_t *refused;
    size_t refused_count;
    /* The answer, beside what storage says: 204, or a refusal with Loki's words. */
    int status;
    struct slice text; /* in the arena */
    /* The batch differs from what the body alone would give by more than the refused list (truncated lines, shifted timestamps, names
     * or level lists of a configuration that is not the default): the log must hold the batch itself. */
    bool needs_own_record;
    struct {
        uint64_t lines, bytes;
    } discarded[DISCARD_REASON_COUNT];
    uint64_t truncated_lines;
};

/* ERR_INVALID or ERR_UNPROCESSED (no streams) refuses the whole request, nothing is stored; else true with the outcome. The batch's entries take the place
 * of the request's, whose streams must have theirs one after the other, in order. */
bool ingest_apply(const struct ingest_context *context, const struct push_request *request, struct arena *arena,
                  struct ingest_outcome *out, struct err *err) MUST_CHECK;

/* The batch of a request that was accepted earlier, less `refused`. adds_labels: as then, with the default lists. No rule is applied. The batch's entries
 * take the place of the request's. */
bool ingest_replay(struct slice tenant, bool adds_labels, const struct push_request *request, const uint32_t *refused,
                   size_t refused_count, struct arena *arena, struct push_batch *out, struct err *err) MUST_CHECK;

/* The request that decodes to the batch: for needs_own_record and for pushes that came as JSON or OTLP. */
void ingest_batch_encode(const struct push_batch *batch, struct buf *out);
