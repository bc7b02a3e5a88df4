/* scan.h: the store's scan: what selects streams (scan_select.c) and their parts (scan_build.c) and groups these (scan_overlap.c, scan_units.c), and what reads
 * them (scan_read.c, scan_block.c).
 *
 *   matchers -> days' indexes -> streams -> pieces: runs of segments and chunk lists -> units: a block with its runs; some lists; many pieces of one stream
 *   over one time, to be merged
 *
 * Thread: built by one; read by many.
 */
#pragma once

#include "core/base/arena.h"
#include "storage/compact/stream_merge.h"
#include "storage/deletion/delete_sieve.h"
#include "storage/head/batch_builder.h"
#include "storage/head/head_rows.h"
#include "storage/store/store_parts.h"

enum scan_part_kind { SCAN_PART_BLOCK, SCAN_PART_LISTS, SCAN_PART_MERGED };

/* Older parts of the stream over the same time: what one of them has too is not given a second time. */
struct scan_elders {
    const struct merge_piece *const *pieces;
    uint32_t count;
};

/* Of a unit; runs[i] of the unit is at [i] of the arrays. Only the entries between the run's times are read: what is outside, another unit may have. */
struct scan_part {
    enum scan_part_kind kind;
    struct segment *segment;                /* BLOCK */
    uint32_t block;                         /* BLOCK */
    const struct segment_run *const *rows;  /* BLOCK */
    struct generation *generation;          /* LISTS */
    const struct merge_piece *const *lists; /* LISTS */
    const struct scan_elders *elders;       /* BLOCK, LISTS; NULL: none has any */
    const struct merge_piece *const *groups; /* MERGED: the first piece of each */
    const uint32_t *group_counts;           /* MERGED */
    bool is_sieved;                         /* delete requests hide lines of it */
};

struct scan_state {
    struct scan scan; /* first: scan_close gets it */
    struct store *store;
    struct query_control *control;
    struct view *view;
    struct delete_set *deletes;   /* NULL: nothing is hidden */
    struct delete_choice *hides;  /* with deletes: of each of the scan's streams */
    struct arena arena;
    size_t charged;
    unsigned columns;
    int64_t start_ns, end_ns;
    bool newest_first; /* as scan_request, and so the two below */
    int64_t (*bound_ns)(void *self);
    void *bound_self;
    _Atomic int64_t cache_allowance; /* bytes that this scan may still put into the cache of blocks */
};

/* only_streams: its streams are all that is asked for; it has no units then, and looks at no more than says which streams have an entry in the range. */
bool scan_build(struct store *store, const struct scan_request *request, bool only_streams, struct query_control *control,
                struct scan_state **out, struct err *err) MUST_CHECK;
void scan_end(struct scan_state *state); /* NULL is fine */

/* The days that [start_ns, end_ns] touches, each with a reference, after all acknowledged pushes are in the indexes. The caller unrefs and frees. */
bool scan_days(struct store *store, int64_t start_ns, int64_t end_ns, struct day ***out, size_t *out_count, struct err *err) MUST_CHECK;

/* scan_deletes.c; all with state->deletes only. */
struct delete_choice scan_hides(struct scan_state *state, struct slice encoded_labels); /* of one stream */
void scan_mark_sieved(struct scan_state *state);
struct sieve_sink { /* stands before the scan's own */
    struct scan_state *state;
    struct delete_sieve *sieve;
    batch_sink sink;
    void *self;
};
bool sieve_sink_take(void *self, const struct entry_batch *batch);

/* scan_read.c */
struct template_scratch;
struct duplicate_sieve;
struct scan_reader {
    struct block_reader *blocks;
    struct batch_builder builder;
    struct head_rows rows;
    struct stream_merge *merge;
    struct delete_sieve *sieve;         /* NULL: no unit has needed it */
    struct duplicate_sieve *duplicates; /* the same */
    struct template_scratch *templates; /* the same */
};
/* The rows of [*first, *end) inside the range. */
void scan_clip(const int64_t *ts_ns, uint32_t *first, uint32_t *end, int64_t start_ns, int64_t end_ns);
void scan_count_blocks(struct scan_state *state, uint64_t blocks, uint64_t stored_bytes, int64_t decompress_ns);
/* What is read of a part: what was asked for, and what tells which lines are hidden. */
unsigned scan_columns(const struct scan_state *state, const struct scan_part *part);
/* The time that is still wanted of a run. */
void scan_wanted(const struct scan_state *state, const struct scan_run *run, int64_t *start_ns, int64_t *end_ns);
/* The time from the first of the elders to the last. */
void scan_elders_span(const struct scan_elders *elders, int64_t *first_ns, int64_t *last_ns);
struct duplicate_sieve *scan_reader_duplicates(const struct scan_state *state, struct scan_reader *reader);
/* scan_block.c: a unit that is a block. cursor: NULL: all of it at once. */
bool scan_block_read(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                     void *sink_self, struct err *err) MUST_CHECK;
/* scan_read.c: source's functions. */
struct scan_reader *scan_reader_create(void *self);
void scan_reader_destroy(struct scan_reader *reader);
bool scan_unit_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                    struct err *err);
bool scan_unit_read_step(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                         void *sink_self, struct err *err);

/* scan_templates.c: source's function. */
bool scan_unit_templates(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self, bool *out_has,
                         struct err *err);
void template_scratch_destroy(struct template_scratch *scratch); /* NULL is fine */

/* store_labels.c: source's functions. */
bool store_label_names(void *self, const struct scan_request *request, struct query_control *control,
                       void (*each)(void *self, struct slice name), void *each_self, struct err *err);
bool store_label_values(void *self, const struct scan_request *request, struct slice name, struct query_control *control,
                        void (*each)(void *self, struct slice value), void *each_self, struct err *err);
bool store_streams(void *self, const struct scan_request *request, struct query_control *control,
                   void (*each)(void *self, struct slice encoded_labels), void *each_self, struct err *err);
