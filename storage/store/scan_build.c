#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan_plan.h"

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

static bool select_day(struct scan_plan *plan, struct day *day, struct err *err)
{
    struct scan_state *state = plan->state;
    struct store *store = state->store;
    struct day_index *index;
    if (!day_index_hold(day, &store->index_streams, clock_mono_ns(store->config.clock), &index, err))
        return false;
    struct index_stream *found = NULL;
    size_t count = 0;
    int64_t start = clock_mono_ns(store->config.clock);
    bool ok = day_index_select(index, plan->request->tenant, plan->request->matchers, plan->request->matcher_count, &state->arena,
                               state->control, &found, &count, err);
    day_index_release(day, !ok && (err->code == ERR_CORRUPT || err->code == ERR_IO));
    figure_index_request(INDEX_SELECT, ok, clock_mono_ns(store->config.clock) - start);
    if (!ok)
        return false;
    figure_streams_matched(count);
    state->charged += count * sizeof(*found); // by day_index_select, and left to the arena's owner to give back
    for (size_t i = 0; i < count; i++)
        state->charged += found[i].encoded.len;
    if (plan->selected_count == 0) {
        plan->selected = found;
        plan->selected_count = count;
        return true;
    }
    if (count == 0)
        return true;
    struct index_stream *both = ARENA_ARRAY(&state->arena, struct index_stream, plan->selected_count + count);
    size_t i = 0, k = 0, n = 0;
    while (i < plan->selected_count || k < count) {
        int order = i == plan->selected_count ? 1 : k == count ? -1 : by_id(&plan->selected[i], &found[k]);
        both[n++] = order <= 0 ? plan->selected[i] : found[k];
        i += order <= 0;
        k += order >= 0;
    }
    plan->selected = both;
    plan->selected_count = n;
    return true;
}

static bool select_streams(struct scan_plan *plan, struct err *err)
{
    struct day **days = NULL;
    size_t count = 0;
    if (!scan_days(plan->state->store, plan->request->start_ns, plan->request->end_ns, &days, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = ok && query_control_check(plan->state->control, err) && select_day(plan, days[i], err);
        day_unref(days[i]);
    }
    mem_free(days);
    return ok;
}

/* ---- which parts of them ---- */

static struct scan_piece *piece_add(struct scan_plan *plan)
{
    if (plan->count == plan->cap) {
        plan->cap = plan->cap == 0 ? 256 : plan->cap * 2;
        plan->pieces = mem_grow(plan->pieces, plan->cap, sizeof(struct scan_piece));
    }
    return &plan->pieces[plan->count++];
}

/* Runs of one stream in one segment. */
static void add_runs(struct scan_plan *plan, uint32_t stream_index, struct segment *segment, const struct segment_stream *stream,
                     const uint64_t *blocks, uint64_t *skipped)
{
    const struct scan_request *request = plan->request;
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
        *piece_add(plan) = (struct scan_piece){
            .stream = stream_index,
            .merge = {.first_ns = run->first_ns, .last_ns = run->last_ns, .age = plan->age, .segment = segment, .run = run}};
    }
}

static void count_skipped(struct scan_plan *plan, const struct segment *segment, const uint64_t *skipped)
{
    struct scan *scan = &plan->state->scan;
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        if ((skipped[i / 64] >> (i % 64) & 1) == 0)
            continue;
        scan->skipped_units++;
        scan->skipped_bytes += segment_block_at(segment, i)->line_bytes;
    }
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
    bool is_touched = false;
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64], skipped[SEGMENT_BLOCKS_MAX / 64] = {0};
    memset(blocks, 0xff, sizeof(blocks));
    for (size_t i = 0; i < request->needle_count; i++)
        segment_probe(segment, &request->needles[i], blocks);
    size_t have = segment_stream_count(segment);
    if (plan->selected_count * 8 < have) { // few are wanted: look each up
        for (size_t i = 0; i < plan->selected_count; i++) {
            const struct segment_stream *stream = segment_stream_find(segment, plan->selected[i].id);
            is_touched |= stream != NULL;
            if (stream != NULL)
                add_runs(plan, (uint32_t)i, segment, stream, blocks, skipped);
        }
    } else { // both are sorted by id
        for (size_t i = 0, k = 0; i < plan->selected_count && k < have;) {
            const struct segment_stream *stream = segment_stream_at(segment, k);
            int order = hash128_cmp(plan->selected[i].id, stream->id);
            is_touched |= order == 0;
            if (order == 0)
                add_runs(plan, (uint32_t)i, segment, stream, blocks, skipped);
            i += order <= 0;
            k += order >= 0;
        }
    }
    if (!is_touched)
        atomic_fetch_add_explicit(&figures->blocks_of_others, stats->blocks, memory_order_relaxed);
    if (request->needle_count > 0)
        count_skipped(plan, segment, skipped);
}

static void add_generation(struct scan_plan *plan, struct generation *generation)
{
    if (generation_list_count(generation) == 0)
        return;
    const struct scan_request *request = plan->request;
    unsigned shards = plan->state->store->shard_count;
    for (size_t i = 0; i < plan->selected_count; i++) {
        if (plan->selected[i].id.low % shards != generation_shard(generation))
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
        *piece_add(plan) = (struct scan_piece){.stream = (uint32_t)i,
                                           .merge = {.first_ns = view.first_ns,
                                                     .last_ns = view.last_ns,
                                                     .age = plan->age,
                                                     .generation = generation,
                                                     .list = list,
                                                     .view = kept}};
    }
}

static bool gather_pieces(struct scan_plan *plan, struct err *err)
{
    struct scan_state *state = plan->state;
    struct view *view = state->view;
    int64_t first = day_of_ns(plan->request->start_ns), last = day_of_ns(plan->request->end_ns);
    for (size_t i = 0; i < view->day_count; i++) {
        if (view->days[i]->day->number < first || view->days[i]->day->number > last)
            continue;
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

/* Leaves out the pieces that delete requests hide whole, and with their last piece the streams. */
static void hide_pieces(struct scan_plan *plan)
{
    struct scan_state *state = plan->state;
    plan->hides = mem_array(plan->selected_count + 1, sizeof(*plan->hides));
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct scan_piece *piece = &plan->pieces[i];
        struct delete_choice *choice = &plan->hides[piece->stream];
        if (i == 0 || piece->stream != plan->pieces[i - 1].stream)
            *choice = scan_hides(state, plan->selected[piece->stream].encoded);
        if (!delete_choice_covers(choice, piece->merge.first_ns, piece->merge.last_ns))
            plan->pieces[kept++] = *piece;
    }
    plan->count = kept;
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
    struct scan_plan plan = {.state = state, .request = request};
    // Streams first, then the view: what is sealed between the two is in the view all the same.
    // The requests, then the view: a request that is processed meanwhile is not needed for a view that is taken after.
    state->deletes = store_deletes_take(store, request->tenant, request->start_ns, request->end_ns);
    bool ok = request->start_ns > request->end_ns || (select_streams(&plan, err) && charge(&plan, err));
    state->view = view_take(store->board);
    if (ok && plan.selected_count > 0) {
        ok = gather_pieces(&plan, err) && charge(&plan, err);
        if (ok) {
            sort_pieces(&plan);
            if (state->deletes != NULL)
                hide_pieces(&plan);
            ok = name_streams(&plan, err);
        }
        if (ok)
            scan_plan_units(&plan);
        if (ok && state->deletes != NULL)
            scan_mark_sieved(state);
        ok = ok && charge(&plan, err);
    }
    mem_free(plan.pieces);
    mem_free(plan.units);
    mem_free(plan.singles);
    mem_free(plan.stream_of);
    mem_free(plan.hides);
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
