#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan.h"

#define LISTS_ENTRIES ((uint32_t)8192)       /* a unit of lists ends after these entries */
#define LISTS_BYTES ((uint64_t)1 << 20)      /* ... or bytes of lines */
#define MERGED_BYTES ((uint64_t)1 << 20)     /* ... and one of merged streams after these */

struct piece {
    uint32_t stream; /* index of the selected streams */
    struct merge_piece merge;
};

struct build {
    struct scan_state *state;
    const struct scan_request *request;
    struct index_stream *selected; /* sorted by id */
    size_t selected_count;
    struct piece *pieces; /* by stream, then as merge_piece_cmp */
    size_t count, cap;
    uint32_t age; /* of the part that is being looked at */
    struct delete_choice *hides; /* by selected; NULL without delete requests */
    uint32_t *stream_of; /* selected -> scan->streams, plus one; 0: has no piece */
    struct scan_unit *units;
    size_t unit_count, unit_cap;
    struct piece **singles; /* runs that stand alone */
    size_t single_count, single_cap;
};

bool scan_days(struct store *store, int64_t start_ns, int64_t end_ns, struct day ***out, size_t *out_count, struct err *err)
{
    if (!index_feed_barrier(store->feed, err))
        return false;
    *out = day_set_range(store->days, day_of_ns(start_ns), day_of_ns(end_ns), out_count);
    return true;
}

/* ---- which streams ---- */

static int by_id(const void *a, const void *b)
{
    return hash128_cmp(((const struct index_stream *)a)->id, ((const struct index_stream *)b)->id);
}

static bool select_day(struct build *build, struct day *day, struct err *err)
{
    struct scan_state *state = build->state;
    struct store *store = state->store;
    struct day_index *index;
    if (!day_index_hold(day, &store->index_streams, clock_mono_ns(store->config.clock), &index, err))
        return false;
    struct index_stream *found = NULL;
    size_t count = 0;
    int64_t start = clock_mono_ns(store->config.clock);
    bool ok = day_index_select(index, build->request->tenant, build->request->matchers, build->request->matcher_count, &state->arena,
                               state->control, &found, &count, err);
    day_index_release(day, !ok && (err->code == ERR_CORRUPT || err->code == ERR_IO));
    figure_index_request(INDEX_SELECT, ok, clock_mono_ns(store->config.clock) - start);
    if (!ok)
        return false;
    figure_streams_matched(count);
    state->charged += count * sizeof(*found); // by day_index_select, and left to the arena's owner to give back
    for (size_t i = 0; i < count; i++)
        state->charged += found[i].encoded.len;
    if (build->selected_count == 0) {
        build->selected = found;
        build->selected_count = count;
        return true;
    }
    if (count == 0)
        return true;
    struct index_stream *both = ARENA_ARRAY(&state->arena, struct index_stream, build->selected_count + count);
    size_t i = 0, k = 0, n = 0;
    while (i < build->selected_count || k < count) {
        int order = i == build->selected_count ? 1 : k == count ? -1 : by_id(&build->selected[i], &found[k]);
        both[n++] = order <= 0 ? build->selected[i] : found[k];
        i += order <= 0;
        k += order >= 0;
    }
    build->selected = both;
    build->selected_count = n;
    return true;
}

static bool select_streams(struct build *build, struct err *err)
{
    struct day **days = NULL;
    size_t count = 0;
    if (!scan_days(build->state->store, build->request->start_ns, build->request->end_ns, &days, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = ok && query_control_check(build->state->control, err) && select_day(build, days[i], err);
        day_unref(days[i]);
    }
    mem_free(days);
    return ok;
}

/* ---- which parts of them ---- */

static struct piece *piece_add(struct build *build)
{
    if (build->count == build->cap) {
        build->cap = build->cap == 0 ? 256 : build->cap * 2;
        build->pieces = mem_grow(build->pieces, build->cap, sizeof(struct piece));
    }
    return &build->pieces[build->count++];
}

/* Runs of one stream in one segment. */
static void add_runs(struct build *build, uint32_t stream_index, struct segment *segment, const struct segment_stream *stream,
                     const uint64_t *blocks, uint64_t *skipped)
{
    const struct scan_request *request = build->request;
    if (stream->first_ns > request->end_ns || stream->last_ns < request->start_ns)
        return;
    const struct segment_run *runs = segment_stream_runs(segment, stream);
    for (uint32_t i = 0; i < stream->run_count; i++) {
        const struct segment_run *run = &runs[i];
        if (run->first_ns > request->end_ns || run->last_ns < request->start_ns)
            continue;
        if ((blocks[run->block / 64] >> (run->block % 64) & 1) == 0) {
            skipped[run->block / 64] |= UINT64_C(1) << (run->block % 64);
            continue;
        }
        *piece_add(build) = (struct piece){
            .stream = stream_index,
            .merge = {.first_ns = run->first_ns, .last_ns = run->last_ns, .age = build->age, .segment = segment, .run = run}};
    }
}

static void count_skipped(struct build *build, const struct segment *segment, const uint64_t *skipped)
{
    struct scan *scan = &build->state->scan;
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        if ((skipped[i / 64] >> (i % 64) & 1) == 0)
            continue;
        scan->skipped_units++;
        scan->skipped_bytes += segment_block_at(segment, i)->line_bytes;
    }
}

static void add_segment(struct build *build, struct segment *segment)
{
    const struct scan_request *request = build->request;
    const struct segment_stats *stats = segment_stats(segment);
    if (stats->first_ns > request->end_ns || stats->last_ns < request->start_ns)
        return;
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64], skipped[SEGMENT_BLOCKS_MAX / 64] = {0};
    memset(blocks, 0xff, sizeof(blocks));
    for (size_t i = 0; i < request->needle_count; i++)
        segment_probe(segment, &request->needles[i], blocks);
    size_t have = segment_stream_count(segment);
    if (build->selected_count * 8 < have) { // few are wanted: look each up
        for (size_t i = 0; i < build->selected_count; i++) {
            const struct segment_stream *stream = segment_stream_find(segment, build->selected[i].id);
            if (stream != NULL)
                add_runs(build, (uint32_t)i, segment, stream, blocks, skipped);
        }
    } else { // both are sorted by id
        for (size_t i = 0, k = 0; i < build->selected_count && k < have;) {
            const struct segment_stream *stream = segment_stream_at(segment, k);
            int order = hash128_cmp(build->selected[i].id, stream->id);
            if (order == 0)
                add_runs(build, (uint32_t)i, segment, stream, blocks, skipped);
            i += order <= 0;
            k += order >= 0;
        }
    }
    if (request->needle_count > 0)
        count_skipped(build, segment, skipped);
}

static void add_generation(struct build *build, struct generation *generation)
{
    if (generation_list_count(generation) == 0)
        return;
    const struct scan_request *request = build->request;
    unsigned shards = build->state->store->shard_count;
    for (size_t i = 0; i < build->selected_count; i++) {
        if (build->selected[i].id.low % shards != generation_shard(generation))
            continue;
        const struct chunk_list *list = generation_find(generation, build->selected[i].id);
        struct chunk_list_view view;
        if (list == NULL)
            continue;
        chunk_list_see(list, &view);
        if (view.entries == 0 || view.first_ns > request->end_ns || view.last_ns < request->start_ns)
            continue;
        struct chunk_list_view *kept = ARENA_NEW(&build->state->arena, struct chunk_list_view);
        *kept = view;
        *piece_add(build) = (struct piece){.stream = (uint32_t)i,
                                           .merge = {.first_ns = view.first_ns,
                                                     .last_ns = view.last_ns,
                                                     .age = build->age,
                                                     .generation = generation,
                                                     .list = list,
                                                     .view = kept}};
    }
}

static bool gather_pieces(struct build *build, struct err *err)
{
    struct scan_state *state = build->state;
    struct view *view = state->view;
    int64_t first = day_of_ns(build->request->start_ns), last = day_of_ns(build->request->end_ns);
    for (size_t i = 0; i < view->day_count; i++) {
        if (view->days[i]->day->number < first || view->days[i]->day->number > last)
            continue;
        if (!query_control_check(state->control, err))
            return false;
        for (size_t k = 0; k < view->days[i]->segment_count; k++, build->age++)
            add_segment(build, view->days[i]->segments[k]);
    }
    for (size_t i = 0; i < view->generation_count; i++, build->age++)
        add_generation(build, view->generations[i]);
    return query_control_check(state->control, err);
}

static int piece_cmp(const void *a, const void *b)
{
    return merge_piece_cmp(&((const struct piece *)a)->merge, &((const struct piece *)b)->merge);
}

/* By stream (counting sort), each stream's in the order of merge_piece_cmp. */
static void sort_pieces(struct build *build)
{
    uint32_t *starts = mem_array(build->selected_count + 1, sizeof(*starts));
    for (size_t i = 0; i < build->count; i++)
        starts[build->pieces[i].stream + 1]++;
    for (size_t i = 0; i < build->selected_count; i++)
        starts[i + 1] += starts[i];
    struct piece *sorted = mem_array(build->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < build->count; i++)
        sorted[starts[build->pieces[i].stream]++] = build->pieces[i];
    mem_free(build->pieces);
    build->pieces = sorted;
    for (size_t i = 0; i < build->count;) {
        size_t end = i + 1;
        bool in_order = true;
        for (; end < build->count && sorted[end].stream == sorted[i].stream; end++)
            in_order = in_order && piece_cmp(&sorted[end - 1], &sorted[end]) <= 0;
        if (!in_order)
            qsort(&sorted[i], end - i, sizeof(sorted[0]), piece_cmp);
        i = end;
    }
    mem_free(starts);
}

/* Leaves out the pieces that delete requests hide whole, and with their last piece the streams. */
static void hide_pieces(struct build *build)
{
    struct scan_state *state = build->state;
    build->hides = mem_array(build->selected_count + 1, sizeof(*build->hides));
    size_t kept = 0;
    for (size_t i = 0; i < build->count; i++) {
        const struct piece *piece = &build->pieces[i];
        struct delete_choice *choice = &build->hides[piece->stream];
        if (i == 0 || piece->stream != build->pieces[i - 1].stream)
            *choice = scan_hides(state, build->selected[piece->stream].encoded);
        if (!delete_choice_covers(choice, piece->merge.first_ns, piece->merge.last_ns))
            build->pieces[kept++] = *piece;
    }
    build->count = kept;
}

/* ---- the scan's streams ---- */

struct named_stream {
    struct label_set labels;
    uint32_t selected;
};

static int by_text(const void *a, const void *b)
{
    const struct named_stream *x = a, *y = b;
    return label_set_cmp_text(&x->labels, &y->labels);
}

static bool name_streams(struct build *build, struct err *err)
{
    struct scan_state *state = build->state;
    size_t count = 0;
    for (size_t i = 0; i < build->count; i++)
        count += i == 0 || build->pieces[i].stream != build->pieces[i - 1].stream;
    struct named_stream *named = mem_array(count + 1, sizeof(*named));
    size_t n = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < build->count; i++) {
        if (i > 0 && build->pieces[i].stream == build->pieces[i - 1].stream)
            continue;
        named[n].selected = build->pieces[i].stream;
        ok = label_set_decode(build->selected[named[n].selected].encoded, &state->arena, &named[n].labels, err);
        n++;
    }
    if (ok) {
        qsort(named, n, sizeof(*named), by_text);
        state->scan.streams = ARENA_ARRAY(&state->arena, struct scan_stream, n);
        state->scan.stream_count = n;
        build->stream_of = mem_array(build->selected_count + 1, sizeof(uint32_t));
        state->hides = build->hides == NULL ? NULL : ARENA_ARRAY(&state->arena, struct delete_choice, n);
        for (size_t i = 0; i < n; i++) {
            const struct index_stream *stream = &build->selected[named[i].selected];
            state->scan.streams[i] = (struct scan_stream){stream->id, stream->encoded, named[i].labels};
            build->stream_of[named[i].selected] = (uint32_t)i + 1;
            if (build->hides != NULL)
                state->hides[i] = build->hides[named[i].selected];
        }
    }
    mem_free(named);
    return ok;
}

/* ---- units ---- */

static struct scan_unit *unit_add(struct build *build, size_t run_count, enum scan_part_kind kind, struct scan_run **out_runs,
                                  struct scan_part **out_part)
{
    if (build->unit_count == build->unit_cap) {
        build->unit_cap = build->unit_cap == 0 ? 64 : build->unit_cap * 2;
        build->units = mem_grow(build->units, build->unit_cap, sizeof(*build->units));
    }
    struct arena *arena = &build->state->arena;
    struct scan_unit *unit = &build->units[build->unit_count++];
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
    const struct merge_piece *x = &(*(struct piece *const *)a)->merge, *y = &(*(struct piece *const *)b)->merge;
    if (x->age != y->age)
        return x->age < y->age ? -1 : 1;
    const uint64_t kx = x->segment == NULL ? 0 : (uint64_t)x->run->block << 32 | x->run->first_row;
    const uint64_t ky = y->segment == NULL ? 0 : (uint64_t)y->run->block << 32 | y->run->first_row;
    return (kx > ky) - (kx < ky);
}

/* One unit: the runs [i, end) of one block. */
static void block_unit(struct build *build, size_t i, size_t end)
{
    struct scan_run *runs;
    struct scan_part *part;
    struct scan_unit *unit = unit_add(build, end - i, SCAN_PART_BLOCK, &runs, &part);
    const struct segment_run **rows = ARENA_ARRAY(&build->state->arena, const struct segment_run *, end - i);
    part->segment = build->singles[i]->merge.segment;
    part->block = build->singles[i]->merge.run->block;
    part->rows = rows;
    for (size_t k = i; k < end; k++) {
        const struct piece *piece = build->singles[k];
        runs[k - i].stream = build->stream_of[piece->stream] - 1;
        run_take(&runs[k - i], &piece->merge, true);
        unit_take(unit, &runs[k - i]);
        rows[k - i] = piece->merge.run;
    }
    unit->line_bytes = segment_block_at(part->segment, part->block)->line_bytes;
    build->state->scan.chunk_count++;
}

/* One unit: some chunk lists from i on, of one generation; returns where the next begins. */
static size_t lists_unit(struct build *build, size_t i)
{
    const struct merge_piece *first = &build->singles[i]->merge;
    size_t end = i;
    uint32_t entries = 0;
    uint64_t bytes = 0;
    do {
        entries += build->singles[end]->merge.view->entries;
        bytes += build->singles[end]->merge.view->line_bytes;
        end++;
    } while (end < build->single_count && build->singles[end]->merge.generation == first->generation && entries < LISTS_ENTRIES && bytes < LISTS_BYTES);
    struct scan_run *runs;
    struct scan_part *part;
    struct scan_unit *unit = unit_add(build, end - i, SCAN_PART_LISTS, &runs, &part);
    const struct merge_piece **lists = ARENA_ARRAY(&build->state->arena, const struct merge_piece *, end - i);
    part->generation = first->generation;
    part->lists = lists;
    for (size_t k = i; k < end; k++) {
        const struct merge_piece *piece = &build->singles[k]->merge;
        runs[k - i].stream = build->stream_of[build->singles[k]->stream] - 1;
        run_take(&runs[k - i], piece, true);
        unit_take(unit, &runs[k - i]);
        unit->is_exact = unit->is_exact && piece->view->is_sorted && !piece->view->has_ties;
        lists[k - i] = piece;
    }
    unit->line_bytes = bytes;
    build->state->scan.chunk_count += end - i;
    return end;
}

static void single_units(struct build *build)
{
    if (build->single_count > 0)
        qsort(build->singles, build->single_count, sizeof(build->singles[0]), by_block);
    for (size_t i = 0; i < build->single_count;) {
        const struct merge_piece *piece = &build->singles[i]->merge;
        if (piece->segment == NULL) {
            i = lists_unit(build, i);
            continue;
        }
        size_t end = i + 1;
        while (end < build->single_count && build->singles[end]->merge.segment == piece->segment &&
               build->singles[end]->merge.run->block == piece->run->block)
            end++;
        block_unit(build, i, end);
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

static void group_add(struct build *build, struct groups *groups, size_t first, size_t end)
{
    if (groups->count == groups->cap) {
        groups->cap = groups->cap == 0 ? 64 : groups->cap * 2;
        groups->groups = mem_grow(groups->groups, groups->cap, sizeof(struct group));
    }
    struct merge_piece *pieces = ARENA_ARRAY(&build->state->arena, struct merge_piece, end - first);
    struct group *group = &groups->groups[groups->count++];
    *group = (struct group){.first = first, .count = end - first, .pieces = pieces, .stream = build->stream_of[build->pieces[first].stream] - 1};
    for (size_t i = first; i < end; i++) {
        pieces[i - first] = build->pieces[i].merge;
        group->line_bytes += pieces[i - first].segment != NULL ? pieces[i - first].run->line_bytes_low : pieces[i - first].view->line_bytes;
    }
}

static void single_add(struct build *build, struct piece *piece)
{
    if (build->single_count == build->single_cap) {
        build->single_cap = build->single_cap == 0 ? 256 : build->single_cap * 2;
        build->singles = mem_grow(build->singles, build->single_cap, sizeof(struct piece *));
    }
    build->singles[build->single_count++] = piece;
}

/* Parts the pieces into those that stand alone and groups that overlap. Runs of one segment never overlap each other, even if they meet at an instant. */
static void split_pieces(struct build *build, struct groups *groups)
{
    for (size_t i = 0; i < build->count;) {
        const struct piece *piece = &build->pieces[i];
        int64_t last = piece->merge.last_ns;
        uint32_t age = piece->merge.age; // of all so far, while is_one
        bool is_one = true;
        size_t end = i + 1;
        for (; end < build->count && build->pieces[end].stream == piece->stream; end++) {
            const struct merge_piece *next = &build->pieces[end].merge;
            if (next->first_ns > last || (is_one && next->age == age && next->first_ns >= last))
                break;
            is_one = is_one && next->age == age;
            last = next->last_ns > last ? next->last_ns : last;
        }
        if (end == i + 1)
            single_add(build, &build->pieces[i]);
        else
            group_add(build, groups, i, end);
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
static void merged_units(struct build *build, struct groups *groups)
{
    if (groups->count > 0)
        qsort(groups->groups, groups->count, sizeof(struct group), group_by_block);
    struct arena *arena = &build->state->arena;
    for (size_t i = 0; i < groups->count;) {
        size_t end = i;
        uint64_t bytes = 0;
        while (end < groups->count && (end == i || bytes + groups->groups[end].line_bytes <= MERGED_BYTES))
            bytes += groups->groups[end++].line_bytes;
        struct scan_run *runs;
        struct scan_part *part;
        struct scan_unit *unit = unit_add(build, end - i, SCAN_PART_MERGED, &runs, &part);
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
            build->state->scan.chunk_count += group->count;
        }
        part->groups = firsts;
        part->group_counts = counts;
        unit->line_bytes = bytes;
        unit->is_exact = false;
        i = end;
    }
}

static void make_units(struct build *build)
{
    struct groups groups = {0};
    split_pieces(build, &groups);
    // Units of lists point to pieces, which are moved to where the scan keeps them.
    for (size_t i = 0; i < build->single_count; i++) {
        if (build->singles[i]->merge.segment != NULL)
            continue;
        struct piece *kept = ARENA_NEW(&build->state->arena, struct piece);
        *kept = *build->singles[i];
        build->singles[i] = kept;
    }
    single_units(build);
    merged_units(build, &groups);
    mem_free(groups.groups);
    struct scan *scan = &build->state->scan;
    scan->units = ARENA_ARRAY(&build->state->arena, struct scan_unit, build->unit_count);
    scan->unit_count = build->unit_count;
    if (build->unit_count > 0)
        memcpy(scan->units, build->units, build->unit_count * sizeof(struct scan_unit));
}

/* ---- the whole ---- */

/* What the scan holds in memory by now, against the query's budget. */
static bool charge(struct build *build, struct err *err)
{
    struct scan_state *state = build->state;
    size_t bytes = state->arena.bytes + build->cap * sizeof(struct piece);
    if (bytes <= state->charged)
        return true;
    if (!query_control_charge(state->control, bytes - state->charged, err))
        return false;
    state->charged = bytes;
    return true;
}

bool scan_build(struct store *store, const struct scan_request *request, struct query_control *control, struct scan_state **out,
                struct err *err)
{
    struct scan_state *state = mem_zero(sizeof(*state));
    *state = (struct scan_state){.scan = {.source = &store->source, .state = state},
                                 .store = store,
                                 .control = control,
                                 .arena = ARENA_INIT,
                                 .columns = request->columns,
                                 .start_ns = request->start_ns,
                                 .end_ns = request->end_ns};
    struct build build = {.state = state, .request = request};
    // Streams first, then the view: what is sealed between the two is in the view all the same.
    // The requests, then the view: a request that is processed meanwhile is not needed for a view that is taken after.
    state->deletes = store_deletes_take(store, request->tenant, request->start_ns, request->end_ns);
    bool ok = request->start_ns > request->end_ns || (select_streams(&build, err) && charge(&build, err));
    state->view = view_take(store->board);
    if (ok && build.selected_count > 0) {
        ok = gather_pieces(&build, err) && charge(&build, err);
        if (ok) {
            sort_pieces(&build);
            if (state->deletes != NULL)
                hide_pieces(&build);
            ok = name_streams(&build, err);
        }
        if (ok)
            make_units(&build);
        if (ok && state->deletes != NULL)
            scan_mark_sieved(state);
        ok = ok && charge(&build, err);
    }
    mem_free(build.pieces);
    mem_free(build.units);
    mem_free(build.singles);
    mem_free(build.stream_of);
    mem_free(build.hides);
    if (!ok) {
        scan_end(state);
        return false;
    }
    *out = state;
    return true;
}

void scan_end(struct scan_state *state)
{
    if (state == NULL)
        return;
    query_control_refund(state->control, state->charged);
    view_drop(state->view);
    delete_set_unref(state->deletes);
    arena_fini(&state->arena);
    mem_free(state);
}
