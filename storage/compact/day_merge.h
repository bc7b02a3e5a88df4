/* day_merge.h: small segments of a day into larger ones: fewer files, larger blocks, duplicates gone, what retention has ended left out.
 *
 * A shard's segments of one level are merged when there are MERGE_SEGMENTS_MIN; of a quiet day, all that are not nearly full.
 * Thread: maintenance, one round at a time. Memory: a block an input, and the list of streams.
 */
#pragma once

#include "storage/day/day_set.h"
#include "storage/day/view.h"
#include "storage/deletion/delete_book.h"

#define MERGE_SEGMENTS_MIN ((size_t)8)
#define MERGE_SEGMENTS_MAX ((size_t)16)    /* inputs of one merge */
#define MERGE_QUIET_NS NS_PER_HOUR         /* nothing was sealed into the day for so long */
#define MERGE_FULL_BLOCKS ((size_t)384)    /* a segment with so many is left alone */
#define RETENTION_CONFIRM_NS NS_PER_MIN    /* a day must be over for so long by the clock that never jumps */
#define RETENTION_INTERVAL_NS (10 * NS_PER_MIN)

struct day_merge_context {
    struct view_board *board;
    struct day_set *days;
    const struct day_streams *index_streams;
    const struct clock *clock;
    _Atomic uint64_t *segment_ids;
    size_t block_bytes, part_bytes; /* as segment_writer_config */
    int zstd_level;
    bool merges;
    int64_t (*retention_ns)(void *self, struct slice tenant); /* may be NULL */
    void *retention_self;
    struct delete_book *deletes;     /* may be NULL */
    enum deletion_mode (*deletion_mode)(void *self, struct slice tenant); /* NULL: DELETION_ERASE */
    void *deletion_self;
    int64_t delete_delay_ns;         /* a request younger than this only hides */
    bool (*flush)(void *self, struct err *err);           /* all that is visible now is in segments when it returns */
    void (*streams_lost)(void *self, struct day *day);    /* the day's index has streams that the day has not */
    void (*day_dropped)(void *self, int64_t number);      /* a day of this number begins anew, should something come */
    bool (*is_busy)(void *self);     /* merging waits */
    bool (*is_stopping)(void *self); /* ... and ends */
    void *self;
};

/* One round: retention, then every merge that is due. False: something failed; what is in force is whole all the same. */
bool day_merge_round(const struct day_merge_context *context, struct err *err) MUST_CHECK;

/* What a merge leaves out. */
struct merge_omission {
    void *self;
    bool (*drops)(void *self, struct slice tenant); /* all of a tenant; NULL: of none */
    /* What delete requests take of one stream; NULL: nothing. Its filters live as long as the merge. */
    struct delete_choice (*deletes)(void *self, struct slice tenant, struct slice encoded_labels);
    void (*left_out)(void *self, struct slice tenant, uint64_t lines, bool is_all); /* by delete requests, of one stream */
    void (*wrote)(void *self, struct segment *const *segments, size_t count);       /* before they are in force; NULL: nobody asks */
};

/* Merges these segments of the view's day into new ones, and puts them in force. omission: NULL: nothing is left out. */
bool day_merge_segments(const struct day_merge_context *context, const struct view_day *day, struct segment *const *inputs, size_t count,
                        const struct merge_omission *omission, struct err *err) MUST_CHECK;

/* day_retention.c: drops days that every tenant's retention has passed, and rewrites segments with streams of some such tenants. */
bool day_retention_round(const struct day_merge_context *context, struct err *err) MUST_CHECK;

/* day_erase.c: writes segments anew without what delete requests have taken away, and marks those requests processed. *out_worked: there was something
 * to do. False: a part failed; what is not erased stays hidden, and the next round goes on. */
bool day_erase_round(const struct day_merge_context *context, bool *out_worked, struct err *err) MUST_CHECK;
