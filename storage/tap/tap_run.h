/* tap_run.h: entries of one stream on their way to the taps that want them: copied once, whatever the number of taps, in the form that a pipeline reads.
 *
 * A run is made by a shard's worker, never changed, and freed with its last reference.
 */
#pragma once

#include "core/base/queue.h"
#include "core/ingest/push.h"
#include "core/plan/source.h"

#define TAP_RUN_ENTRIES_MAX ((size_t)4096)
#define TAP_RUN_TEXT_MAX ((size_t)256 << 10) /* a run ends with the line that passes it */

struct tap_run;

struct tap_item { /* a run in one tap's queue */
    struct queue_node node; /* first */
    struct tap_run *run;
};

struct tap_run {
    _Atomic uint32_t refs;
    uint32_t item_count;
    _Atomic size_t *counter; /* bytes are taken off there at the end */
    size_t bytes;            /* all that it takes */
    int64_t arrived_mono_ns;
    struct hash128 stream;
    struct slice labels;      /* label_set encoding */
    struct entry_batch batch; /* in order of arrival; stream is 0 */
    struct tap_item items[];  /* one for each tap */
};

/* The entries from `first` on that make one run: the first after them is returned; *out_bytes is what tap_run_create takes for them. */
size_t tap_run_cut(const struct push_run *from, size_t first, size_t taps, size_t *out_bytes);

/* Copies entries [first, end); `bytes` as tap_run_cut said. It has one reference a tap, which are the caller's. */
struct tap_run *tap_run_create(const struct push_run *from, size_t first, size_t end, size_t taps, size_t bytes, int64_t now_mono_ns,
                               _Atomic size_t *counter) MUST_CHECK;

/* Thread: any. */
void tap_run_unref(struct tap_run *run);

/* What tells an entry of a run from all others: of stream, timestamp, line and metadata. Thread: any. */
uint64_t tap_entry_hash(struct hash128 stream, int64_t ts_ns, struct slice line, struct slice metadata);
