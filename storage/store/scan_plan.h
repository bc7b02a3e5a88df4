/* scan_plan.h: inside store: a scan while it is put together. scan_select.c selects streams, scan_build.c the parts that hold them, scan_overlap.c cuts these where they
 * overlap, scan_units.c makes of them what is read at once. Thread: the one that opens the scan. */
#pragma once

#include "storage/store/scan.h"

struct scan_piece {
    uint32_t stream; /* index of the selected streams */
    struct merge_piece merge;
    struct scan_elders elders;
};

struct scan_group { /* pieces of one stream that a unit merges */
    const struct merge_piece *pieces; /* in the arena; by merge_piece_cmp */
    uint32_t count;
    uint32_t stream; /* the scan's */
    uint64_t line_bytes;
};

struct scan_plan {
    struct scan_state *state;
    const struct scan_request *request;
    struct index_stream *selected; /* sorted by id */
    size_t selected_count;
    struct scan_piece *pieces; /* by stream, then as merge_piece_cmp */
    size_t count, cap;
    uint32_t age; /* of the part that is being looked at */
    bool only_streams; /* a piece of each stream is enough */
    bool *is_found;    /* by selected: with only_streams, it has a piece */
    struct delete_choice *hides; /* by selected, where is_chosen; NULL without delete requests */
    bool *is_chosen;
    uint32_t *stream_of; /* selected -> scan->streams, plus one; 0: has no piece */
    struct scan_unit *units;
    size_t unit_count, unit_cap;
    struct scan_piece **singles; /* what is read each for itself */
    size_t single_count, single_cap;
    struct scan_group *groups; /* what is merged */
    size_t group_count, group_cap;
};

struct block_set { /* of a segment */
    uint64_t bits[SEGMENT_BLOCKS_MAX / 64];
};

static inline void blocks_add(struct block_set *blocks, size_t block)
{
    blocks->bits[block / 64] |= UINT64_C(1) << (block % 64);
}

static inline bool blocks_have(const struct block_set *blocks, size_t block)
{
    return (blocks->bits[block / 64] >> (block % 64) & 1) != 0;
}

/* The request's streams, sorted by id, into plan->selected; where the view had to be asked for them, the state has it. */
bool scan_select(struct scan_plan *plan, struct err *err) MUST_CHECK;
/* Blocks that have entries in the request's range. */
void scan_blocks_in_range(const struct scan_request *request, const struct segment *segment, struct block_set *out);
/* The days of the view that the request's range touches are these: [*first, *end). */
void scan_view_days(const struct scan_request *request, const struct view *view, size_t *first, size_t *end);

/* scan_overlap.c: the plan's pieces, cut where they overlap, go to the two below, which keep what they are given. */
void scan_plan_cut(struct scan_plan *plan);
void scan_plan_apart(struct scan_plan *plan, struct scan_piece *piece);
void scan_plan_merged(struct scan_plan *plan, uint32_t stream, const struct merge_piece *pieces, size_t count);

/* What is read apart is read block by block, or several lists at once. */
void scan_plan_units(struct scan_plan *plan);
