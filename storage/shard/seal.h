/* seal.h: a frozen generation to segments in force: rows by UTC day, similar streams beside each other, each entry once.
 *
 * Thread: one at a time for one generation.
 */
#pragma once

#include "storage/day/index_feed.h"
#include "storage/day/view.h"

struct seal_context { /* the same for all shards; outlives them */
    struct view_board *board;
    struct day_set *days;
    struct index_feed *feed;
    const struct clock *clock;
    _Atomic uint64_t *segment_ids;
    unsigned shard_count;
    size_t block_bytes;
    int zstd_level;
    _Atomic size_t *retired_bytes; /* generations that only scans still hold */
    const atomic_bool *at_once;    /* while it says so, all sealers work at once; else they take turns */
};

/* What is done of a generation so far: a seal that fails half-way goes on with the days that are left. */
struct seal_progress {
    struct view_day_change *days; /* done ones, ascending */
    size_t count;
    size_t tries;
    /* Written and synced, but the manifest did not take them: a record that failed may be on the disk all the same, so the files stay, and the
     * next try lists these and no others. day NULL: none. */
    struct view_day_change unlisted;
};

/* Writes what is left to write, publishes when all is done: then true, and the generation is out of the view. False: call again later; readers see
 * the generation meanwhile. */
bool seal_generation(const struct seal_context *context, struct generation *generation, struct seal_progress *progress,
                     struct err *err) MUST_CHECK;
void seal_progress_fini(struct seal_progress *progress);
