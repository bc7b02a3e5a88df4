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

/* Adds a piece's counts to a run of its stream. */
static void run_take(struct scan_run *run, const struct merge_piece *piece, bool is_first)
{
    uint32_t entries = piece->segment != NULL ? piece->run->entries : piece->view->entries;
    uint32_t sum;
    run->entries = __builtin_add_overflow(run->entries, entries, &sum) ? UINT32_MAX : sum;
    run->line_bytes += piece->segment != NULL ? piece->run->line_bytes_low : piece->view->line_bytes;
    run->metadata_bytes += piece->segment != NULL ? piece->run->metadata_bytes : piece->view->metadata_bytes;
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
    return (kx > ky) - (kx < ky);
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
        bytes += plan->singles[end]->merge.view->line_bytes;
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

struct group { /* pieces of one stream that overlap */
    size_t first, count;
    uint64_t line_bytes;
    const struct merge_piece *pieces; /* copied to the arena */
    uint32_t stream;
};

struct groups {
    struct group *groups;
    size_t count, cap;
};

static void group_add(struct scan_plan *plan, struct groups *groups, size_t first, size_t end)
{
    if (groups->count == groups->cap) {
        groups->cap = groups->cap == 0 ? 64 : groups->cap * 2;
        groups->groups = mem_grow(groups->groups, groups->cap, sizeof(struct group));
    }
    struct merge_piece *pieces = ARENA_ARRAY(&plan->state->arena, struct merge_piece, end - first);
    struct group *group = &groups->groups[groups->count++];
    *group = (struct group){.first = first, .count = end - first, .pieces = pieces, .stream = plan->stream_of[plan->pieces[first].stream] - 1};
    for (size_t i = first; i < end; i++) {
        pieces[i - first] = plan->pieces[i].merge;
        group->line_bytes += pieces[i - first].segment != NULL ? pieces[i - first].run->line_bytes_low : pieces[i - first].view->line_bytes;
    }
}

static void single_add(struct scan_plan *plan, struct scan_piece *piece)
{
    if (plan->single_count == plan->single_cap) {
        plan->single_cap = plan->single_cap == 0 ? 256 : plan->single_cap * 2;
        plan->singles = mem_grow(plan->singles, plan->single_cap, sizeof(struct scan_piece *));
    }
    plan->singles[plan->single_count++] = piece;
}

/* Parts the pieces into those that stand alone and groups that overlap. Runs of one segment never overlap each other, even if they meet at an instant. */
static void split_pieces(struct scan_plan *plan, struct groups *groups)
{
    for (size_t i = 0; i < plan->count;) {
        const struct scan_piece *piece = &plan->pieces[i];
        int64_t last = piece->merge.last_ns;
        uint32_t age = piece->merge.age; // of all so far, while is_one
        bool is_one = true;
        size_t end = i + 1;
        for (; end < plan->count && plan->pieces[end].stream == piece->stream; end++) {
            const struct merge_piece *next = &plan->pieces[end].merge;
            if (next->first_ns > last || (is_one && next->age == age && next->first_ns >= last))
                break;
            is_one = is_one && next->age == age;
            last = next->last_ns > last ? next->last_ns : last;
        }
        if (end == i + 1)
            single_add(plan, &plan->pieces[i]);
        else
            group_add(plan, groups, i, end);
        i = end;
    }
}

static int group_by_block(const void *a, const void *b)
{
    const struct merge_piece *x = ((const struct group *)a)->pieces, *y = ((const struct group *)b)->pieces;
    if (x->age != y->age)
        return x->age < y->age ? -1 : 1;
    uint64_t kx = x->segment == NULL ? 0 : (uint64_t)x->run->block << 32 | x->run->first_row;
    uint64_t ky = y->segment == NULL ? 0 : (uint64_t)y->run->block << 32 | y->run->first_row;
    return (kx > ky) - (kx < ky);
}

/* Groups whose first pieces lie beside each other share units, and so the blocks that the reader keeps. */
static void merged_units(struct scan_plan *plan, struct groups *groups)
{
    if (groups->count > 0)
        qsort(groups->groups, groups->count, sizeof(struct group), group_by_block);
    struct arena *arena = &plan->state->arena;
    for (size_t i = 0; i < groups->count;) {
        size_t end = i;
        uint64_t bytes = 0;
        while (end < groups->count && (end == i || bytes + groups->groups[end].line_bytes <= MERGED_BYTES))
            bytes += groups->groups[end++].line_bytes;
        struct scan_run *runs;
        struct scan_part *part;
        struct scan_unit *unit = unit_add(plan, end - i, SCAN_PART_MERGED, &runs, &part);
        const struct merge_piece **firsts = ARENA_ARRAY(arena, const struct merge_piece *, end - i);
        uint32_t *counts = ARENA_ARRAY(arena, uint32_t, end - i);
        for (size_t k = i; k < end; k++) {
            const struct group *group = &groups->groups[k];
            firsts[k - i] = group->pieces;
            counts[k - i] = (uint32_t)group->count;
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
    struct groups groups = {0};
    split_pieces(plan, &groups);
    // Units of lists point to pieces, which are moved to where the scan keeps them.
    for (size_t i = 0; i < plan->single_count; i++) {
        if (plan->singles[i]->merge.segment != NULL)
            continue;
        struct scan_piece *kept = ARENA_NEW(&plan->state->arena, struct scan_piece);
        *kept = *plan->singles[i];
        plan->singles[i] = kept;
    }
    single_units(plan);
    merged_units(plan, &groups);
    mem_free(groups.groups);
    struct scan *scan = &plan->state->scan;
    scan->units = ARENA_ARRAY(&plan->state->arena, struct scan_unit, plan->unit_count);
    scan->unit_count = plan->unit_count;
    if (plan->unit_count > 0)
        memcpy(scan->units, plan->units, plan->unit_count * sizeof(struct scan_unit));
}
