#include "storage/compact/stream_merge.h"

#include "core/base/mem.h"
#include "storage/head/head_rows.h"

struct merge_cursor {
    const struct merge_piece *piece; // NULL: free
    struct block_slot *slot;         // of a run
    uint32_t row, end;               // rows of the block, or of rows
    struct head_rows rows;           // of a chunk list
    int64_t ts_ns;                   // of the row
};

/* Identities of the entries of one timestamp: 128-bit hashes, taken as unique. */
struct tie_set {
    struct hash128 *hashes; // open addressing; zero: free
    size_t cap, count;
};

struct stream_merge {
    struct block_slots slots;
    struct merge_cursor *cursors; // those with a piece first: [0, active)
    size_t active, cap;
    const struct merge_piece *pieces;
    size_t piece_count, next_piece;
    int64_t start_ns, end_ns;
    bool must_step; // the row that was last given out is still under its cursor
    size_t given;
    struct tie_set ties;
    int64_t ties_ns;
    uint64_t duplicates;
};

int merge_piece_cmp(const void *a, const void *b)
{
    const struct merge_piece *x = a, *y = b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    if (x->age != y->age)
        return x->age < y->age ? -1 : 1;
    uint32_t bx = x->run == NULL ? 0 : x->run->block, by = y->run == NULL ? 0 : y->run->block;
    return (bx > by) - (bx < by);
}

struct stream_merge *stream_merge_create(void)
{
    return mem_zero(sizeof(struct stream_merge));
}

/* Gives the cursor's part back; the last active one takes its place. */
static void cursor_end(struct stream_merge *merge, size_t i)
{
    struct merge_cursor *cursor = &merge->cursors[i];
    block_slots_release(&merge->slots, cursor->slot);
    cursor->slot = NULL;
    cursor->piece = NULL;
    struct merge_cursor last = merge->cursors[--merge->active];
    merge->cursors[merge->active] = *cursor; // keeps its rows' memory for the next piece
    *cursor = last;
    if (i == merge->active)
        merge->cursors[i].piece = NULL;
}

static void merge_stop(struct stream_merge *merge)
{
    while (merge->active > 0)
        cursor_end(merge, merge->active - 1);
}

void stream_merge_destroy(struct stream_merge *merge)
{
    if (merge == NULL)
        return;
    merge_stop(merge);
    for (size_t i = 0; i < merge->cap; i++)
        head_rows_fini(&merge->cursors[i].rows);
    block_slots_fini(&merge->slots);
    mem_free(merge->cursors);
    mem_free(merge->ties.hashes);
    mem_free(merge);
}

void stream_merge_begin(struct stream_merge *merge, const struct merge_piece *pieces, size_t count, int64_t start_ns, int64_t end_ns)
{
    merge_stop(merge);
    merge->pieces = pieces;
    merge->piece_count = count;
    merge->next_piece = 0;
    merge->start_ns = start_ns;
    merge->end_ns = end_ns;
    merge->must_step = false;
    merge->ties_ns = INT64_MIN;
    merge->duplicates = 0;
    if (merge->ties.count > 0)
        memset(merge->ties.hashes, 0, merge->ties.cap * sizeof(struct hash128));
    merge->ties.count = 0;
}

static int64_t cursor_ts(const struct merge_cursor *cursor)
{
    return cursor->slot != NULL ? cursor->slot->view.ts_ns[cursor->row] : cursor->rows.rows[cursor->row].ts_ns;
}

/* The first row of [row, end) at or after start_ns. */
static uint32_t rows_from(const int64_t *ts_ns, uint32_t row, uint32_t end, int64_t start_ns)
{
    while (row < end) {
        uint32_t middle = row + (end - row) / 2;
        if (ts_ns[middle] < start_ns)
            row = middle + 1;
        else
            end = middle;
    }
    return row;
}

static bool cursor_open(struct stream_merge *merge, const struct merge_piece *piece, struct err *err)
{
    if (merge->active == merge->cap) {
        size_t cap = merge->cap == 0 ? 8 : merge->cap * 2;
        merge->cursors = mem_grow(merge->cursors, cap, sizeof(*merge->cursors));
        memset(merge->cursors + merge->cap, 0, (cap - merge->cap) * sizeof(*merge->cursors));
        merge->cap = cap;
    }
    struct merge_cursor *cursor = &merge->cursors[merge->active];
    if (piece->segment != NULL) {
        if (!block_slots_hold(&merge->slots, piece->segment, piece->run->block, SCAN_LINES | SCAN_METADATA, &cursor->slot, err))
            return false;
        const struct block_view *view = &cursor->slot->view;
        uint32_t first = piece->run->first_row, end = first + piece->run->entries;
        cursor->row = rows_from(view->ts_ns, first, end, merge->start_ns);
        cursor->end = end;
    } else {
        head_rows_collect(&cursor->rows, piece->list, piece->view, merge->start_ns, merge->end_ns);
        merge->duplicates += cursor->rows.duplicates;
        cursor->row = 0;
        cursor->end = (uint32_t)cursor->rows.count;
    }
    cursor->piece = piece;
    merge->active++;
    if (cursor->row == cursor->end || cursor_ts(cursor) > merge->end_ns)
        cursor_end(merge, merge->active - 1);
    else
        cursor->ts_ns = cursor_ts(cursor);
    return true;
}

static void cursor_step(struct stream_merge *merge, size_t i)
{
    struct merge_cursor *cursor = &merge->cursors[i];
    cursor->row++;
    if (cursor->row == cursor->end || cursor_ts(cursor) > merge->end_ns)
        cursor_end(merge, i);
    else
        cursor->ts_ns = cursor_ts(cursor);
}

static bool comes_before(const struct merge_cursor *a, const struct merge_cursor *b)
{
    if (a->ts_ns != b->ts_ns)
        return a->ts_ns < b->ts_ns;
    if (a->piece->age != b->piece->age)
        return a->piece->age < b->piece->age;
    return a->piece < b->piece; // runs of one segment: pieces are in order
}

/* Opens every piece whose turn may have come, and finds the cursor of the next row; merge->active: none is left. */
static bool find_least(struct stream_merge *merge, size_t *out, struct err *err)
{
    size_t least = 0;
    for (;;) {
        least = 0;
        for (size_t i = 1; i < merge->active; i++)
            if (comes_before(&merge->cursors[i], &merge->cursors[least]))
                least = i;
        if (merge->next_piece == merge->piece_count)
            break;
        const struct merge_piece *piece = &merge->pieces[merge->next_piece];
        if (merge->active > 0 && piece->first_ns > merge->cursors[least].ts_ns)
            break;
        merge->next_piece++;
        if (piece->last_ns >= merge->start_ns && piece->first_ns <= merge->end_ns && !cursor_open(merge, piece, err))
            return false;
    }
    *out = least;
    return true;
}

static void row_of(const struct merge_cursor *cursor, struct merged_row *out)
{
    out->ts_ns = cursor->ts_ns;
    if (cursor->slot != NULL) {
        const struct block_view *view = &cursor->slot->view;
        uint32_t r = cursor->row;
        out->line = slice_of(view->text + view->offsets[r], view->offsets[r + 1] - 1 - view->offsets[r]);
        out->metadata = view->metadata_index == NULL ? SLICE_NONE : view->metadata_sets[view->metadata_index[r]];
    } else {
        const struct head_row *row = &cursor->rows.rows[cursor->row];
        out->line = slice_of(row->line, row->line_len);
        out->metadata = row->metadata == METADATA_NONE
                            ? SLICE_NONE
                            : metadata_pool_get(generation_metadata(cursor->piece->generation), row->metadata);
    }
}

/* Whether another row of the same timestamp may follow. */
static bool may_have_ties(const struct stream_merge *merge, size_t least)
{
    const struct merge_cursor *cursor = &merge->cursors[least];
    if (cursor->row + 1 == cursor->end)
        return true; // the stream's next run may go on with it
    int64_t next = cursor->slot != NULL ? cursor->slot->view.ts_ns[cursor->row + 1] : cursor->rows.rows[cursor->row + 1].ts_ns;
    if (next == cursor->ts_ns)
        return true;
    for (size_t i = 0; i < merge->active; i++)
        if (i != least && merge->cursors[i].ts_ns == cursor->ts_ns)
            return true;
    return false;
}

static void tie_put(struct hash128 *hashes, size_t cap, struct hash128 hash)
{
    size_t at = (size_t)hash.high & (cap - 1);
    while (hashes[at].low != 0)
        at = (at + 1) & (cap - 1);
    hashes[at] = hash;
}

struct hash128 entry_hash(struct slice line, struct slice metadata)
{
    return hash128_seeded(line, metadata.len == 0 ? 0 : hash64(metadata));
}

/* False: it is there already. */
static bool tie_add(struct tie_set *set, const struct merged_row *row)
{
    if ((set->count + 1) * 2 > set->cap) {
        size_t cap = set->cap == 0 ? 64 : set->cap * 2;
        struct hash128 *hashes = mem_array(cap, sizeof(*hashes));
        for (size_t i = 0; i < set->cap; i++)
            if (set->hashes[i].low != 0)
                tie_put(hashes, cap, set->hashes[i]);
        mem_free(set->hashes);
        set->hashes = hashes;
        set->cap = cap;
    }
    struct hash128 hash = entry_hash(row->line, row->metadata);
    hash.low |= 1; // never zero
    for (size_t at = (size_t)hash.high & (set->cap - 1); set->hashes[at].low != 0; at = (at + 1) & (set->cap - 1))
        if (hash128_eq(set->hashes[at], hash))
            return false;
    tie_put(set->hashes, set->cap, hash);
    set->count++;
    return true;
}

static void ties_reset(struct stream_merge *merge, int64_t ts_ns)
{
    if (merge->ties.count > 0)
        memset(merge->ties.hashes, 0, merge->ties.cap * sizeof(struct hash128));
    merge->ties.count = 0;
    merge->ties_ns = ts_ns;
}

bool stream_merge_next(struct stream_merge *merge, struct merged_row *out, bool *out_end, struct err *err)
{
    for (;;) {
        if (merge->must_step)
            cursor_step(merge, merge->given);
        merge->must_step = false;
        size_t least = 0;
        if (!find_least(merge, &least, err))
            return false;
        *out_end = merge->active == 0;
        if (*out_end)
            return true;
        row_of(&merge->cursors[least], out);
        merge->given = least;
        merge->must_step = true;
        bool is_tie = merge->ties.count > 0 && merge->ties_ns == out->ts_ns;
        if (!is_tie && !may_have_ties(merge, least))
            return true;
        if (!is_tie)
            ties_reset(merge, out->ts_ns);
        if (tie_add(&merge->ties, out))
            return true;
        merge->duplicates++;
    }
}

uint64_t stream_merge_duplicates(const struct stream_merge *merge)
{
    return merge->duplicates;
}

struct block_slots *stream_merge_slots(struct stream_merge *merge)
{
    return &merge->slots;
}
