#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/store/scan_plan.h"

/* Whether anything of the stream is wanted still: of plan->only_streams, one piece is enough. */
static bool wants_more(const struct scan_plan *plan, size_t stream_index)
{
    return !plan->only_streams || !plan->is_found[stream_index];
}

static bool is_hidden(struct scan_plan *plan, size_t stream_index, int64_t first_ns, int64_t last_ns)
{
    if (plan->state->deletes == NULL)
        return false;
    struct delete_choice *choice = &plan->hides[stream_index];
    if (!plan->is_chosen[stream_index])
        *choice = scan_hides(plan->state, plan->selected[stream_index].encoded);
    plan->is_chosen[stream_index] = true;
    return delete_choice_covers(choice, first_ns, last_ns);
}

/* A part of a stream that is in the range; unless delete requests hide it whole. */
static void add_piece(struct scan_plan *plan, size_t stream_index, struct merge_piece piece)
{
    if (is_hidden(plan, stream_index, piece.first_ns, piece.last_ns))
        return;
    if (plan->only_streams)
        plan->is_found[stream_index] = true;
    if (plan->count == plan->cap) {
        plan->cap = plan->cap == 0 ? 256 : plan->cap * 2;
        plan->pieces = mem_grow(plan->pieces, plan->cap, sizeof(struct scan_piece));
    }
    plan->pieces[plan->count++] = (struct scan_piece){.stream = (uint32_t)stream_index, .merge = piece};
}

static bool run_is_in_range(const struct scan_plan *plan, const struct segment_run *run)
{
    return run->first_ns <= plan->request->end_ns && run->last_ns >= plan->request->start_ns;
}

static void add_run(struct scan_plan *plan, size_t stream_index, struct segment *segment, const struct segment_run *run)
{
    add_piece(plan, stream_index,
              (struct merge_piece){.first_ns = run->first_ns, .last_ns = run->last_ns, .age = plan->age, .segment = segment, .run = run});
}

/* Runs of one stream in one segment that lie in these blocks. */
static void add_runs(struct scan_plan *plan, size_t stream_index, struct segment *segment, const struct segment_stream *stream,
                     const struct block_set *blocks)
{
    if (stream->first_ns > plan->request->end_ns || stream->last_ns < plan->request->start_ns)
        return;
    const struct segment_run *runs = segment_stream_runs(segment, stream);
    for (uint32_t i = 0; i < stream->run_count && wants_more(plan, stream_index); i++)
        if (run_is_in_range(plan, &runs[i]) && blocks_have(blocks, runs[i].block))
            add_run(plan, stream_index, segment, &runs[i]);
}

/* The selected stream with this id; SIZE_MAX: it is not selected. */
static size_t find_selected(const struct scan_plan *plan, struct hash128 id)
{
    size_t low = 0, high = plan->selected_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = hash128_cmp(plan->selected[middle].id, id);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

/* Few of the segment's streams are selected: each is looked up, rather than all of both gone through. */
static bool is_narrow(const struct scan_plan *plan, const struct segment *segment)
{
    return plan->selected_count * 8 < segment_stream_count(segment);
}

/* The blocks that would be read if there were no signature; where many streams are selected, all of the range, whoever's they are. */
static void want_blocks(const struct scan_plan *plan, const struct segment *segment, struct block_set *out)
{
    *out = (struct block_set){{0}};
    if (!is_narrow(plan, segment)) {
        scan_blocks_in_range(plan->request, segment, out);
        return;
    }
    for (size_t i = 0; i < plan->selected_count; i++) {
        const struct segment_stream *stream = segment_stream_find(segment, plan->selected[i].id);
        const struct segment_run *runs = stream == NULL ? NULL : segment_stream_runs(segment, stream);
        for (uint32_t r = 0; stream != NULL && r < stream->run_count; r++)
            if (run_is_in_range(plan, &runs[r]))
                blocks_add(out, runs[r].block);
    }
}

/* The blocks that must be read for the needles; the others of those wanted count as skipped. Returns the runs in them. */
static size_t probe_blocks(struct scan_plan *plan, const struct segment *segment, struct block_set *out)
{
    const struct scan_request *request = plan->request;
    struct scan *scan = &plan->state->scan;
    struct block_set wanted;
    size_t runs = 0;
    want_blocks(plan, segment, &wanted);
    *out = wanted;
    for (size_t i = 0; i < request->needle_count; i++)
        segment_probe(segment, &request->needles[i], out->bits);
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        const struct segment_block *block = segment_block_at(segment, i);
        if (blocks_have(out, i)) {
            runs += block->run_count;
        } else if (blocks_have(&wanted, i)) {
            scan->skipped_units++;
            scan->skipped_bytes += block->line_bytes;
        }
    }
    return runs;
}

/* The runs in these blocks whose streams are selected. */
static void add_blocks(struct scan_plan *plan, struct segment *segment, const struct block_set *blocks)
{
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        if (!blocks_have(blocks, i))
            continue;
        const struct segment_block *block = segment_block_at(segment, i);
        const struct segment_run *runs = segment_block_runs(segment, block);
        for (uint32_t r = 0; r < block->run_count; r++) {
            if (!run_is_in_range(plan, &runs[r]))
                continue;
            size_t stream_index = find_selected(plan, segment_stream_at(segment, runs[r].stream)->id);
            if (stream_index != SIZE_MAX)
                add_run(plan, stream_index, segment, &runs[r]);
        }
    }
}

/* The selected streams' runs in these blocks. False: it has no such stream. */
static bool add_streams(struct scan_plan *plan, struct segment *segment, const struct block_set *blocks)
{
    bool is_touched = false;
    if (is_narrow(plan, segment)) {
        for (size_t i = 0; i < plan->selected_count; i++) {
            const struct segment_stream *stream = wants_more(plan, i) ? segment_stream_find(segment, plan->selected[i].id) : NULL;
            is_touched |= stream != NULL;
            if (stream != NULL)
                add_runs(plan, i, segment, stream, blocks);
        }
        return is_touched;
    }
    size_t have = segment_stream_count(segment);
    for (size_t i = 0, k = 0; i < plan->selected_count && k < have;) { // both are sorted by id
        const struct segment_stream *stream = segment_stream_at(segment, k);
        int order = hash128_cmp(plan->selected[i].id, stream->id);
        is_touched |= order == 0;
        if (order == 0)
            add_runs(plan, i, segment, stream, blocks);
        i += order <= 0;
        k += order >= 0;
    }
    return is_touched;
}

static void add_segment(struct scan_plan *plan, struct segment *segment)
{
    const struct scan_request *request = plan->request;
    const struct segment_stats *stats = segment_stats(segment);
    struct query_stats *figures = &plan->state->control->stats;
    if (stats->first_ns > request->end_ns || stats->last_ns < request->start_ns) {
        atomic_fetch_add_explicit(&figures->blocks_out_of_time, stats->blocks, memory_order_relaxed); // figures, both
        return;
    }
    struct block_set blocks;
    memset(&blocks, 0xff, sizeof(blocks));
    if (request->needle_count == 0) {
        if (!add_streams(plan, segment, &blocks))
            atomic_fetch_add_explicit(&figures->blocks_of_others, stats->blocks, memory_order_relaxed);
        return;
    }
    // Mostly next to nothing is left: that is gone through then, and not the streams, of which there may be many.
    size_t runs = probe_blocks(plan, segment, &blocks);
    if (runs < plan->selected_count)
        add_blocks(plan, segment, &blocks);
    else
        (void)add_streams(plan, segment, &blocks);
}

static void add_generation(struct scan_plan *plan, struct generation *generation)
{
    if (generation_list_count(generation) == 0)
        return;
    const struct scan_request *request = plan->request;
    unsigned shards = plan->state->store->shard_count;
    for (size_t i = 0; i < plan->selected_count; i++) {
        if (plan->selected[i].id.low % shards != generation_shard(generation) || !wants_more(plan, i))
            continue;
        const struct chunk_list *list = generation_find(generation, plan->selected[i].id);
        struct chunk_list_view view;
        if (list == NULL)
            continue;
        chunk_list_see(list, &view);
        if (view.entries == 0 || view.first_ns > request->end_ns || view.last_ns < request->start_ns)
            continue;
        struct chunk_list_view *kept = ARENA_NEW(&plan->state->arena, struct chunk_list_view);
        *kept = view;
        add_piece(plan, i,
                  (struct merge_piece){.first_ns = view.first_ns,
                                       .last_ns = view.last_ns,
                                       .age = plan->age,
                                       .generation = generation,
                                       .list = list,
                                       .view = kept});
    }
}

static bool gather_pieces(struct scan_plan *plan, struct err *err)
{
    struct scan_state *state = plan->state;
    struct view *view = state->view;
    size_t first, end;
    scan_view_days(plan->request, view, &first, &end);
    for (size_t i = first; i < end; i++) {
        if (!query_control_check(state->control, err))
            return false;
        for (size_t k = 0; k < view->days[i]->segment_count; k++, plan->age++)
            add_segment(plan, view->days[i]->segments[k]);
    }
    for (size_t i = 0; i < view->generation_count; i++, plan->age++)
        add_generation(plan, view->generations[i]);
    return query_control_check(state->control, err);
}

static int piece_cmp(const void *a, const void *b)
{
    return merge_piece_cmp(&((const struct scan_piece *)a)->merge, &((const struct scan_piece *)b)->merge);
}

/* By stream (counting sort), each stream's in the order of merge_piece_cmp. */
static void sort_pieces(struct scan_plan *plan)
{
    uint32_t *starts = mem_array(plan->selected_count + 1, sizeof(*starts));
    for (size_t i = 0; i < plan->count; i++)
        starts[plan->pieces[i].stream + 1]++;
    for (size_t i = 0; i < plan->selected_count; i++)
        starts[i + 1] += starts[i];
    struct scan_piece *sorted = mem_array(plan->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < plan->count; i++)
        sorted[starts[plan->pieces[i].stream]++] = plan->pieces[i];
    mem_free(plan->pieces);
    plan->pieces = sorted;
    for (size_t i = 0; i < plan->count;) {
        size_t end = i + 1;
        bool in_order = true;
        for (; end < plan->count && sorted[end].stream == sorted[i].stream; end++)
            in_order = in_order && piece_cmp(&sorted[end - 1], &sorted[end]) <= 0;
        if (!in_order)
            qsort(&sorted[i], end - i, sizeof(sorted[0]), piece_cmp);
        i = end;
    }
    mem_free(starts);
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

static bool name_streams(struct scan_plan *plan, struct err *err)
{
    struct scan_state *state = plan->state;
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += i == 0 || plan->pieces[i].stream != plan->pieces[i - 1].stream;
    struct named_stream *named = mem_array(count + 1, sizeof(*named));
    size_t n = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < plan->count; i++) {
        if (i > 0 && plan->pieces[i].stream == plan->pieces[i - 1].stream)
            continue;
        named[n].selected = plan->pieces[i].stream;
        ok = label_set_decode(plan->selected[named[n].selected].encoded, &state->arena, &named[n].labels, err);
        n++;
    }
    if (ok) {
        qsort(named, n, sizeof(*named), by_text);
        state->scan.streams = ARENA_ARRAY(&state->arena, struct scan_stream, n);
        state->scan.stream_count = n;
        plan->stream_of = mem_array(plan->selected_count + 1, sizeof(uint32_t));
        state->hides = plan->hides == NULL ? NULL : ARENA_ARRAY(&state->arena, struct delete_choice, n);
        for (size_t i = 0; i < n; i++) {
            const struct index_stream *stream = &plan->selected[named[i].selected];
            state->scan.streams[i] = (struct scan_stream){stream->id, stream->encoded, named[i].labels};
            plan->stream_of[named[i].selected] = (uint32_t)i + 1;
            if (plan->hides != NULL)
                state->hides[i] = plan->hides[named[i].selected];
        }
    }
    mem_free(named);
    return ok;
}

/* ---- the whole ---- */

/* What the scan holds in memory by now, against the query's budget. */
static bool charge(struct scan_plan *plan, struct err *err)
{
    struct scan_state *state = plan->state;
    size_t bytes = state->arena.bytes + plan->cap * sizeof(struct scan_piece);
    if (bytes <= state->charged)
        return true;
    if (!query_control_charge(state->control, bytes - state->charged, err))
        return false;
    state->charged = bytes;
    return true;
}

bool scan_build(struct store *store, const struct scan_request *request, bool only_streams, struct query_control *control,
                struct scan_state **out, struct err *err)
{
    struct scan_state *state = mem_zero(sizeof(*state));
    *state = (struct scan_state){.scan = {.source = &store->source, .state = state},
                                 .store = store,
                                 .control = control,
                                 .arena = ARENA_INIT,
                                 .columns = request->columns,
                                 .start_ns = request->start_ns,
                                 .end_ns = request->end_ns,
                                 .newest_first = request->newest_first,
                                 .bound_ns = request->bound_ns,
                                 .bound_self = request->bound_self,
                                 .cache_allowance = (int64_t)(store->config.block_cache_bytes / 2)}; // no scan drives out what all others read
    struct scan_plan plan = {.state = state, .request = request, .only_streams = only_streams};
    // The requests, then the view: a request that is processed meanwhile is not needed for a view that is taken after.
    state->deletes = store_deletes_take(store, request->tenant, request->start_ns, request->end_ns);
    bool ok = request->start_ns > request->end_ns || (scan_select(&plan, err) && charge(&plan, err));
    // After the streams: what is sealed between the two is in the view all the same. It is there when it has told which streams there are.
    if (state->view == NULL)
        state->view = view_take(store->board);
    if (ok && plan.selected_count > 0) {
        plan.is_found = mem_array(plan.selected_count, sizeof(*plan.is_found));
        if (state->deletes != NULL) {
            plan.hides = mem_array(plan.selected_count, sizeof(*plan.hides));
            plan.is_chosen = mem_array(plan.selected_count, sizeof(*plan.is_chosen));
        }
        ok = gather_pieces(&plan, err) && charge(&plan, err);
        if (ok) {
            sort_pieces(&plan);
            ok = name_streams(&plan, err);
        }
        if (ok && !only_streams)
            scan_plan_units(&plan);
        if (ok && state->deletes != NULL)
            scan_mark_sieved(state);
        ok = ok && charge(&plan, err);
    }
    mem_free(plan.pieces);
    mem_free(plan.units);
    mem_free(plan.singles);
    mem_free(plan.groups);
    mem_free(plan.stream_of);
    mem_free(plan.hides);
    mem_free(plan.is_chosen);
    mem_free(plan.is_found);
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
