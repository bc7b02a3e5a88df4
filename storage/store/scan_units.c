#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/store/scan_plan.h"

#define LISTS_ENTRIES ((uint32_t)8192)       /* a unit of lists ends after these entries */
#define LISTS_BYTES ((uint64_t)1 << 20)      /* ... or bytes of lines */
#define MERGED_BYTES ((uint64_t)1 << 20)     /* ... and one of merged streams after these */

static struct scan_unit *unit_add(struct scan_plan *plan, size_t run_count, enum scan_part_kind kind, struct scan_run **out_runs,
                                  struct scan_part **out_part)
{
    if (plan->unit_count == plan->unit_cap) {
        plan->unit_cap = plan->unit_cap == 0 ? 64 : plan->unit_cap * 2;
        plan->units = mem_grow(plan->units, plan->unit_cap, sizeof(*plan->units));
    }
    struct arena *arena = &plan->state->arena;
    struct scan_unit *unit = &plan->units[plan->unit_count++];
    *out_runs = ARENA_ARRAY(arena, struct scan_run, run_count);
    *out_part = ARENA_NEW(arena, struct scan_part);
    (*out_part)->kind = kind;
    *unit = (struct scan_unit){.first_ns = INT64_MAX, .last_ns = INT64_MIN, .is_exact = true, .runs = *out_runs, .run_count = run_count, .part = *out_part};
    return unit;
}

static void unit_take(struct scan_unit *unit, const struct scan_run *run)
{
    unit->first_ns = run->first_ns < unit->first_ns ? run->first_ns : unit->first_ns;
    unit->last_ns = run->last_ns > unit->last_ns ? run->last_ns : unit->last_ns;
    uint32_t sum;
    unit->entries = __builtin_add_overflow(unit->entries, run->entries, &sum) ? UINT32_MAX : sum;
}

static uint64_t piece_line_bytes(const struct merge_piece *piece)
{
    return piece->segment != NULL ? piece->run->line_bytes_low : piece->view->line_bytes;
}

/* Something of the part's is outside of the piece, or may be. */
static bool is_narrowed(const struct merge_piece *piece)
{
    int64_t first_ns = piece->segment != NULL ? piece->run->first_ns : piece->view->first_ns;
    int64_t last_ns = piece->segment != NULL ? piece->run->last_ns : piece->view->last_ns;
    return piece->first_ns != first_ns || piece->last_ns != last_ns;
}

/* About how many of the part's bytes are the piece's, by time. Not 0 unless they are. */
static uint64_t share_of(const struct merge_piece *piece, uint64_t bytes)
{
    if (bytes == 0 || !is_narrowed(piece))
        return bytes;
    int64_t first_ns = piece->segment != NULL ? piece->run->first_ns : piece->view->first_ns;
    int64_t last_ns = piece->segment != NULL ? piece->run->last_ns : piece->view->last_ns;
    double share = ((double)piece->last_ns - (double)piece->first_ns) / ((double)last_ns - (double)first_ns);
    return (uint64_t)(share * (double)(bytes - 1)) + 1;
}

/* Adds a piece's counts to a run of its stream. */
static void run_take(struct scan_run *run, const struct merge_piece *piece, bool is_first)
{
    uint32_t entries = piece->segment != NULL ? piece->run->entries : piece->view->entries;
    uint32_t sum;
    run->entries = __builtin_add_overflow(run->entries, entries, &sum) ? UINT32_MAX : sum;
    run->line_bytes += share_of(piece, piece_line_bytes(piece));
    run->metadata_bytes += share_of(piece, piece->segment != NULL ? piece->run->metadata_bytes : piece->view->metadata_bytes);
    run->first_ns = is_first || piece->first_ns < run->first_ns ? piece->first_ns : run->first_ns;
    run->last_ns = is_first || piece->last_ns > run->last_ns ? piece->last_ns : run->last_ns;
}

static int by_block(const void *a, const void *b)
{
    const struct merge_piece *x = &(*(struct scan_piece *const *)a)->merge, *y = &(*(struct scan_piece *const *)b)->merge;
    if (x->age != y->age)
        return x->age < y->age ? -1 : 1;
    const uint64_t kx = x->segment == NULL ? 0 : (uint64_t)x->run->block << 32 | x->run->first_row;
    const uint64_t ky = y->segment == NULL ? 0 : (uint64_t)y->run->block << 32 | y->run->first_row;
    if (kx != ky || x->segment == NULL)
        return (kx > ky) - (kx < ky);
    return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns); // what merged units leave of one run
}

/* The pieces [i, end) are read as one unit: what stands in the way of counting them unread, and what their readers must know. */
static void unit_take_elders(struct scan_plan *plan, struct scan_unit *unit, struct scan_part *part, size_t i, size_t end)
{
    struct scan_elders *elders = NULL;
    for (size_t k = i; k < end; k++) {
        const struct scan_piece *piece = plan->singles[k];
        if (piece->elders.count > 0 && elders == NULL) {
            elders = ARENA_ARRAY(&plan->state->arena, struct scan_elders, end - i);
            memset(elders, 0, (end - i) * sizeof(*elders));
        }
        if (elders != NULL)
            elders[k - i] = piece->elders;
        unit->is_exact = unit->is_exact && piece->elders.count == 0 && !is_narrowed(&piece->merge);
    }
    part->elders = elders;
}

/* One unit: the runs [i, end) of one block. */
static void block_unit(struct scan_plan *plan, size_t i, size_t end)
{
    struct scan_run *runs;
    struct scan_part *part;
    struct scan_unit *unit = unit_add(plan, end - i, SCAN_PART_BLOCK, &runs, &part);
    const struct segment_run **rows = ARENA_ARRAY(&plan->state->arena, const struct segment_run *, end - i);
    part->segment = plan->singles[i]->merge.segment;
    part->block = plan->singles[i]->merge.run->block;
    part->rows = rows;
    for (size_t k = i; k < end; k++) {
        const struct scan_piece *piece = plan->singles[k];
        runs[k - i].stream = plan->stream_of[piece->stream] - 1;
        run_take(&runs[k - i], &piece->merge, true);
        unit_take(unit, &runs[k - i]);
        rows[k - i] = piece->merge.run;
    }
    unit_take_elders(plan, unit, part, i, end);
    unit->line_bytes = segment_block_at(part->segment, part->block)->line_bytes;
    plan->state->scan.chunk_count++;
}

/* One unit: some chunk lists from i on, of one generation; returns where the next begins. */
static size_t lists_unit(struct scan_plan *plan, size_t i)
{
    const struct merge_piece *first = &plan->singles[i]->merge;
    size_t end = i;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    do {
        entries += plan->singles[end]->merge.view->entries;
        bytes += share_of(&plan->singles[end]->merge, plan->singles[end]->merge.view->line_bytes);
        end++;
    } while (end < plan->single_count && plan->singles[end]->merge.generation == first->generation && entries < LISTS_ENTRIES && bytes < LISTS_BYTES);
    struct scan_run *runs;
    struct scan_part *part;
    struct scan_unit *unit = unit_add(plan, end - i, SCAN_PART_LISTS, &runs, &part);
    const struct merge_piece **lists = ARENA_ARRAY(&plan->state->arena, const struct merge_piece *, end - i);
    part->generation = first->generation;
    part->lists = lists;
    for (size_t k = i; k < end; k++) {
        const struct merge_piece *piece = &plan->singles[k]->merge;
        runs[k - i].stream = plan->stream_of[plan->singles[k]->stream] - 1;
        run_take(&runs[k - i], piece, true);
        unit_take(unit, &runs[k - i]);
        unit->is_exact = unit->is_exact && piece->view->is_sorted && !piece->view->has_ties;
        lists[k - i] = piece;
    }
    unit_take_elders(plan, unit, part, i, end);
    unit->line_bytes = bytes;
    plan->state->scan.chunk_count += end - i;
    return end;
}

static void single_units(struct scan_plan *plan)
{
    if (plan->single_count > 0)
        qsort(plan->singles, plan->single_count, sizeof(plan->singles[0]), by_block);
    for (size_t i = 0; i < plan->single_count;) {
        const struct merge_piece *piece = &plan->singles[i]->merge;
        if (piece->segment == NULL) {
            i = lists_unit(plan, i);
            continue;
        }
        size_t end = i + 1;
        while (end < plan->single_count && plan->singles[end]->merge.segment == piece->segment &&
               plan->singles[end]->merge.run->block == piece->run->block)
            end++;
        block_unit(plan, i, end);
        i = end;
    }
}

void scan_plan_apart(struct scan_plan *plan, struct scan_piece *piece)
{
    if (plan->single_count == plan->single_cap) {
        plan->single_cap = plan->single_cap == 0 ? 256 : plan->single_cap * 2;
        plan->singles = mem_grow(plan->singles, plan->single_cap, sizeof(struct scan_piece *));
    }
    plan->singles[plan->single_count++] = piece;
}

void scan_plan_merged(struct scan_plan *plan, uint32_t stream, const struct merge_piece *pieces, size_t count)
{
    if (plan->group_count == plan->group_cap) {
        plan->group_cap = plan->group_cap == 0 ? 64 : plan->group_cap * 2;
        plan->groups = mem_grow(plan->groups, plan->group_cap, sizeof(struct scan_group));
    }
    struct scan_group *group = &plan->groups[plan->group_count++];
    *group = (struct scan_group){.pieces = pieces, .count = (uint32_t)count, .stream = plan->stream_of[stream] - 1};
    for (size_t i = 0; i < count; i++)
        group->line_bytes += share_of(&pieces[i], piece_line_bytes(&pieces[i]));
}

static int group_by_block(const void *a, const void *b)
{
    const struct merge_piece *x = ((const struct scan_group *)a)->pieces, *y = ((const struct scan_group *)b)->pieces;
    if (x->age != y->age)
        return x->age < y->age ? -1 : 1;
    uint64_t kx = x->segment == NULL ? 0 : (uint64_t)x->run->block << 32 | x->run->first_row;
    uint64_t ky = y->segment == NULL ? 0 : (uint64_t)y->run->block << 32 | y->run->first_row;
    if (kx != ky)
        return kx < ky ? -1 : 1;
    return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns); // windows of one stream
}

/* Groups whose first pieces lie beside each other share units, and so the blocks that the reader keeps. */
static void merged_units(struct scan_plan *plan)
{
    if (plan->group_count > 0)
        qsort(plan->groups, plan->group_count, sizeof(struct scan_group), group_by_block);
    struct arena *arena = &plan->state->arena;
    for (size_t i = 0; i < plan->group_count;) {
        size_t end = i;
        uint64_t bytes = 0;
        while (end < plan->group_count && (end == i || bytes + plan->groups[end].line_bytes <= MERGED_BYTES))
            bytes += plan->groups[end++].line_bytes;
        struct scan_run *runs;
        struct scan_part *part;
        struct scan_unit *unit = unit_add(plan, end - i, SCAN_PART_MERGED, &runs, &part);
        const struct merge_piece **firsts = ARENA_ARRAY(arena, const struct merge_piece *, end - i);
        uint32_t *counts = ARENA_ARRAY(arena, uint32_t, end - i);
        for (size_t k = i; k < end; k++) {
            const struct scan_group *group = &plan->groups[k];
            firsts[k - i] = group->pieces;
            counts[k - i] = group->count;
            runs[k - i].stream = group->stream;
            for (size_t p = 0; p < group->count; p++)
                run_take(&runs[k - i], &group->pieces[p], p == 0);
            unit_take(unit, &runs[k - i]);
            plan->state->scan.chunk_count += group->count;
        }
        part->groups = firsts;
        part->group_counts = counts;
        unit->line_bytes = bytes;
        unit->is_exact = false;
        i = end;
    }
}

void scan_plan_units(struct scan_plan *plan)
{
    scan_plan_cut(plan);
    // Units of lists point to pieces, which are moved to where the scan keeps them.
    for (size_t i = 0; i < plan->single_count; i++) {
        if (plan->singles[i]->merge.segment != NULL)
            continue;
        struct scan_piece *kept = ARENA_NEW(&plan->state->arena, struct scan_piece);
        *kept = *plan->singles[i];
        plan->singles[i] = kept;
    }
    single_units(plan);
    merged_units(plan);
    struct scan *scan = &plan->state->scan;
    scan->units = ARENA_ARRAY(&plan->state->arena, struct scan_unit, plan->unit_count);
    scan->unit_count = plan->unit_count;
    if (plan->unit_count > 0)
        memcpy(scan->units, plan->units, plan->unit_count * sizeof(struct scan_unit));
}
