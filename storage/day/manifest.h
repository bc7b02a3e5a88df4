/* manifest.h: what is in force in one day's folder: which segments, and up to which sequence the log is not needed for it.
 * Append-only; each record is one change, all of it or none; rewritten when it has grown long.
 *
 * Format: docs/formats/manifest.md.
 * Thread: one at a time (the day's lock).
 */
#pragma once

#include "storage/segment/segment.h"

struct manifest {
    const struct disk *disk;
    char *path;
    char **names; /* of the segments in force, without .seg; order of adding */
    size_t name_count;
    struct segment_mark *marks; /* the largest sequence of each (shard_count, shard) */
    size_t mark_count;
    uint64_t size;   /* of the file, as far as it is good */
    size_t records;  /* since it was last rewritten */
    bool must_rewrite; /* the tail may be torn, or it does not exist yet */
    bool is_unsure;    /* a change that failed may be on the disk all the same */
};

struct manifest_change {
    const char *const *add;
    size_t add_count;
    const char *const *remove;
    size_t remove_count;
    const struct segment_mark *marks;
    size_t mark_count;
};

/* Reads the folder's MANIFEST; none is an empty one. *out_damaged: a record that is not the torn tail did not hold, so names may be missing: the
 * caller takes what segments the folder has (a doubled entry is dropped when read). The torn tail of a crash is no damage. */
bool manifest_open(const struct disk *disk, const char *folder, struct manifest *out, bool *out_damaged, struct err *err) MUST_CHECK;
void manifest_close(struct manifest *manifest);

/* Makes the change durable, then takes it over. False: it is not in force. */
bool manifest_change(struct manifest *manifest, const struct manifest_change *change, struct err *err) MUST_CHECK;

/* The log's record `sequence` is not needed for the entries of this day of that stream. */
bool manifest_covers(const struct manifest *manifest, uint64_t stream_low, uint64_t sequence);
