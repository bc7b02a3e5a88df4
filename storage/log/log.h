/* log.h: the log that makes a push durable before it is acknowledged. An interface: local files implement it now (log_files.h), a Kafka topic
 * later. Nothing above may know which.
 *
 *               append   trim   replay
 *     append      -        -      X      any thread
 *     trim        -        X      X      the store's maintenance
 *     replay      -        X      X      the store's, at its start
 *
 * Positions are sequence numbers: 1 for the first record ever, then by one; never used twice, also over restarts.
 */
#pragma once

#include "core/base/err.h"
#include "core/base/queue.h"

/* Sequences to replay. */
struct log_span {
    uint64_t first;
    uint64_t last; /* inclusive, of a record that has been acknowledged; 0: all that was there when the log was opened */
};

/* One push on its way to the disk. The caller owns it and all it points to until `done` has been called. */
struct log_append {
    struct queue_node node; /* the log's */
    struct slice pieces[4]; /* the record's payload, in order */
    size_t piece_count;
    size_t charge_bytes; /* against the log's byte budget */

    /* Called once, in sequence order, on the committer's thread: ok: the record is durable (as the mode says). Not ok: it is not in the
     * log and never will be; err says why. Must be short: it hands the job on. */
    void (*done)(struct log_append *append, bool ok, const struct err *err);
    uint64_t sequence; /* set before done(ok) */
    int64_t queued_mono_ns; /* the log's */
};

struct log_stats {
    uint64_t bytes_on_disk, files, bytes_logged, records_logged, syncs, disk_full_failures;
    uint64_t first_sequence, last_sequence; /* kept records; last: durable */
    bool is_failed; /* takes nothing until log_repair */
};

struct log {
    void *self;
    /* False if the byte budget is full (ERR_UNAVAILABLE), the log has failed (ERR_UNAVAILABLE) or the disk is full (ERR_DISK_FULL): then done is
     * never called. */
    bool (*append)(void *self, struct log_append *append, struct err *err);
    /* Records with sequence <= upto are not needed any more. */
    void (*trim)(void *self, uint64_t upto);
    /* Calls back for each kept record of the span in order; some before it may be among them. each: false with *err set stops. Damage is reported through `damaged` (file, offset, what) and
     * skipped; what follows a torn tail does not exist. False: each said so, or a file could not be
     * read: called again, it begins anew. */
    bool (*replay)(void *self, struct log_span span, bool (*each)(void *each_self, uint64_t sequence, struct slice payload, struct err *err),
                   void (*damaged)(void *each_self, const char *what), void *each_self, struct err *err);
    void (*stats)(void *self, struct log_stats *out);
    /* What is trimmed, now or later, of what was logged before the call leaves the disk for good: the next append begins a new file, and the files of
     * before are not used again. */
    void (*renew)(void *self);
    /* Tries to take appends again after a failure: a fresh file. True: it works. */
    bool (*repair)(void *self, struct err *err);
    void (*close)(void *self); /* syncs what waits; after the last append has been answered */
};
