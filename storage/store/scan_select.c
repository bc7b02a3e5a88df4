/* scan_select.c: which streams a scan is of. The days' indexes know; but where a needle is looked for in very many streams, what the signatures leave, and what is in
 * memory, is less, and holds the labels too. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan_plan.h"

/* With so many streams at most the index is asked in any case: that takes about a millisecond. */
#define STREAMS_FEW ((uint64_t)1024)
#define CHECK_EVERY ((size_t)4096) /* streams between two looks at the clock */

bool scan_days(struct store *store, int64_t start_ns, int64_t end_ns, struct day ***out, size_t *out_count, struct err *err)
{
    if (!index_feed_barrier(store->feed, err))
        return false;
    *out = day_set_range(store->days, day_of_ns(start_ns), day_of_ns(end_ns), out_count);
    return true;
}

/* ---- by the indexes ---- */

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

/* By the indexes of the days. */
static bool select_by_index(struct scan_plan *plan, struct err *err)
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

/* ---- by the parts ---- */

void scan_blocks_in_range(const struct scan_request *request, const struct segment *segment, struct block_set *out)
{
    *out = (struct block_set){{0}};
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        const struct segment_block *block = segment_block_at(segment, i);
        if (block->first_ns <= request->end_ns && block->last_ns >= request->start_ns)
            blocks_add(out, i);
    }
}

void scan_view_days(const struct scan_request *request, const struct view *view, size_t *first, size_t *end)
{
    *first = 0;
    while (*first < view->day_count && view->days[*first]->day->number < day_of_ns(request->start_ns))
        ++*first;
    *end = *first;
    while (*end < view->day_count && view->days[*end]->day->number <= day_of_ns(request->end_ns))
        ++*end;
}

struct part_walk { // over the streams of what may hold the needles
    struct scan_plan *plan;
    bool only_counts;             // runs and lists, whoever's
    struct index_stream *streams; // malloc'd; those that the matchers accept
    size_t count, cap;
    struct err *err;
    bool ok;
};

static void take_stream(struct part_walk *walk, struct slice tenant, struct hash128 id, struct slice encoded)
{
    const struct scan_request *request = walk->plan->request;
    if (!walk->ok || !slice_eq(tenant, request->tenant) || !matchers_accept(request->matchers, request->matcher_count, encoded))
        return;
    if (walk->count == walk->cap) { // a generation has been given more lists since they were counted
        walk->cap *= 2;
        walk->streams = mem_grow(walk->streams, walk->cap, sizeof(*walk->streams));
    }
    // They live with the view.
    walk->streams[walk->count++] = (struct index_stream){id, encoded};
    if (walk->count % CHECK_EVERY == 0)
        walk->ok = query_control_check(walk->plan->state->control, walk->err);
}

static void take_list(void *self, struct chunk_list *list)
{
    const struct stream_record *stream = list->stream;
    take_stream(self, tenant_streams_name(stream->tenant), stream->id, stream_labels(stream));
}

static void walk_segment(struct part_walk *walk, const struct segment *segment)
{
    const struct scan_request *request = walk->plan->request;
    const struct segment_stats *stats = segment_stats(segment);
    struct block_set blocks;
    if (stats->first_ns > request->end_ns || stats->last_ns < request->start_ns)
        return;
    scan_blocks_in_range(request, segment, &blocks);
    for (size_t i = 0; i < request->needle_count; i++)
        segment_probe(segment, &request->needles[i], blocks.bits);
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        if (!blocks_have(&blocks, i))
            continue;
        const struct segment_block *block = segment_block_at(segment, i);
        const struct segment_run *runs = segment_block_runs(segment, block);
        walk->count += walk->only_counts ? block->run_count : 0;
        for (uint32_t r = 0; !walk->only_counts && r < block->run_count; r++) {
            const struct segment_stream *stream = segment_stream_at(segment, runs[r].stream);
            take_stream(walk, stream->tenant, stream->id, stream->encoded_labels);
        }
    }
}

static bool walk_segments(struct part_walk *walk)
{
    const struct view *view = walk->plan->state->view;
    size_t first, end;
    scan_view_days(walk->plan->request, view, &first, &end);
    for (size_t i = first; i < end; i++) {
        walk->ok = walk->ok && query_control_check(walk->plan->state->control, walk->err);
        for (size_t k = 0; walk->ok && k < view->days[i]->segment_count; k++)
            walk_segment(walk, view->days[i]->segments[k]);
    }
    return walk->ok;
}

static void keep_unique(struct scan_plan *plan, const struct part_walk *walk)
{
    struct index_stream *streams = walk->streams;
    if (walk->count > 0)
        qsort(streams, walk->count, sizeof(*streams), by_id);
    plan->selected = ARENA_ARRAY(&plan->state->arena, struct index_stream, walk->count + 1);
    for (size_t i = 0; i < walk->count; i++)
        if (i == 0 || !hash128_eq(streams[i].id, streams[i - 1].id))
            plan->selected[plan->selected_count++] = streams[i];
}

/* Selects from the view, if it has no more than `most` runs and lists to look at. */
static bool select_by_parts(struct scan_plan *plan, uint64_t most, bool *out_selected, struct err *err)
{
    struct scan_state *state = plan->state;
    struct part_walk walk = {.plan = plan, .only_counts = true, .err = err, .ok = true};
    *out_selected = false;
    if (!walk_segments(&walk))
        return false;
    for (size_t i = 0; i < state->view->generation_count; i++)
        walk.count += generation_list_count(state->view->generations[i]);
    if (walk.count > most)
        return true;
    size_t bytes = walk.count * sizeof(struct index_stream);
    if (!query_control_charge(state->control, bytes, err))
        return false;
    walk.cap = walk.count + 1;
    walk.streams = mem_array(walk.cap, sizeof(*walk.streams));
    walk.only_counts = false;
    walk.count = 0;
    bool ok = walk_segments(&walk);
    for (size_t i = 0; ok && i < state->view->generation_count; i++) {
        generation_each(state->view->generations[i], take_list, &walk);
        ok = walk.ok;
    }
    if (ok)
        keep_unique(plan, &walk);
    mem_free(walk.streams);
    query_control_refund(state->control, bytes);
    *out_selected = ok;
    return ok;
}

/* At most so many streams the indexes would select: by what they know without reading lists of streams. */
static bool estimate_streams(struct scan_plan *plan, uint64_t *out, struct err *err)
{
    struct store *store = plan->state->store;
    struct day **days = NULL;
    size_t count = 0;
    bool ok = scan_days(store, plan->request->start_ns, plan->request->end_ns, &days, &count, err);
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        struct day_index *index;
        uint64_t streams = 0;
        ok = ok && day_index_hold(days[i], &store->index_streams, clock_mono_ns(store->config.clock), &index, err);
        if (ok) {
            ok = day_index_estimate(index, plan->request->tenant, plan->request->matchers, plan->request->matcher_count, &streams, err);
            day_index_release(days[i], !ok && (err->code == ERR_CORRUPT || err->code == ERR_IO));
            *out += streams;
        }
        day_unref(days[i]);
    }
    mem_free(days);
    return ok;
}

bool scan_select(struct scan_plan *plan, struct err *err)
{
    struct scan_state *state = plan->state;
    uint64_t streams = 0;
    bool is_selected = false;
    if (plan->request->needle_count == 0)
        return select_by_index(plan, err);
    if (!estimate_streams(plan, &streams, err))
        return false;
    if (streams <= STREAMS_FEW)
        return select_by_index(plan, err);
    state->view = view_take(state->store->board);
    if (!select_by_parts(plan, streams / 2, &is_selected, err) || is_selected)
        return is_selected;
    view_drop(state->view);
    state->view = NULL;
    return select_by_index(plan, err);
}
