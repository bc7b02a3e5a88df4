/* day_erase.c: delete requests at work on the disk.
 *
 * A pass looks at every segment that a due request may touch, and writes anew those that hold something of it. What memory holds is sealed first. Passes
 * go on until one finds nothing new; then the requests are processed. A crash in between leaves them started: they go on hiding what is
 * left, and the next life begins again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/compact/day_merge.h"
#include "storage/deletion/delete_sieve.h"
#include "storage/figures/store_figures.h"

#define PASSES_MAX 4                    /* of a round: data that keeps coming into the interval leaves the rest to the next one */
#define PROGRESS_INTERVAL_NS NS_PER_S   /* progress is written to disk no more often */

struct erase_tenant {
    struct slice name;
    size_t first, count; // of the filters, and of due
    uint64_t lines;      // erased in this round
    uint64_t lines_now;  // ... by the merge under way
};

struct erase {
    const struct day_merge_context *context;
    struct arena arena; // of the round
    struct delete_due *due;
    size_t due_count;
    bool *is_stuck; // by due: something of it cannot be read now
    struct delete_filter **filters; // by due
    int64_t start_ns, end_ns;       // over all of them
    struct erase_tenant *tenants;
    size_t tenant_count;
    struct arena scratch; // of one segment
    struct delete_sieve *sieve;
    struct block_reader *reader;
    uint64_t *seen; // hashes of the names of segments that hold nothing more; the first seen_sorted in order
    size_t seen_count, seen_cap, seen_sorted;
    size_t looked_at, to_look_at; // segments of the pass
    int64_t told_mono_ns;
    unsigned told_percent;
    bool day_lost; // a stream of the day has no line left in a segment
};

/* ---- what is due ---- */

/* One erase_tenant for each tenant of due, which is sorted by it. */
static void group_tenants(struct erase *erase)
{
    erase->tenants = ARENA_ARRAY(&erase->arena, struct erase_tenant, erase->due_count);
    erase->filters = ARENA_ARRAY(&erase->arena, struct delete_filter *, erase->due_count);
    erase->is_stuck = ARENA_ARRAY(&erase->arena, bool, erase->due_count);
    for (size_t i = 0; i < erase->due_count; i++) {
        if (i == 0 || !slice_eq(erase->due[i].tenant, erase->due[i - 1].tenant))
            erase->tenants[erase->tenant_count++] = (struct erase_tenant){.name = erase->due[i].tenant, .first = i};
        erase->tenants[erase->tenant_count - 1].count++;
        erase->filters[i] = erase->due[i].filter;
        erase->start_ns = i == 0 || erase->filters[i]->start_ns < erase->start_ns ? erase->filters[i]->start_ns : erase->start_ns;
        erase->end_ns = i == 0 || erase->filters[i]->end_ns > erase->end_ns ? erase->filters[i]->end_ns : erase->end_ns;
    }
}

static const struct erase_tenant *find_tenant(const struct erase *erase, struct slice name)
{
    size_t low = 0, high = erase->tenant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_cmp(erase->tenants[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < erase->tenant_count && slice_eq(erase->tenants[low].name, name) ? &erase->tenants[low] : NULL;
}

/* What applies to a stream; its filters live until the scratch arena is reset. */
static struct delete_choice choose(struct erase *erase, struct slice tenant, struct slice labels, int64_t first_ns, int64_t last_ns)
{
    const struct erase_tenant *found = find_tenant(erase, tenant);
    if (found == NULL)
        return (struct delete_choice){0};
    return delete_choose(&erase->filters[found->first], found->count, labels, first_ns, last_ns, &erase->scratch);
}

static bool touches_any(const struct erase *erase, int64_t first_ns, int64_t last_ns)
{
    if (first_ns > erase->end_ns || last_ns < erase->start_ns)
        return false;
    for (size_t i = 0; i < erase->due_count; i++)
        if (delete_filter_touches(erase->filters[i], first_ns, last_ns))
            return true;
    return false;
}

/* Tells the book of all requests, or of those that are not stuck. */
static bool tell(struct erase *erase, enum delete_state state, unsigned percent, bool skips_stuck, struct err *err)
{
    uint32_t *ids = ARENA_ARRAY(&erase->arena, uint32_t, erase->due_count);
    bool ok = true;
    for (size_t t = 0; ok && t < erase->tenant_count; t++) {
        const struct erase_tenant *tenant = &erase->tenants[t];
        size_t count = 0;
        for (size_t i = tenant->first; i < tenant->first + tenant->count; i++)
            if (!skips_stuck || !erase->is_stuck[i])
                ids[count++] = erase->due[i].id;
        ok = count == 0 || delete_book_progress(erase->context->deletes, tenant->name, ids, count, state, percent, err);
    }
    return ok;
}

static void log_request(const char *message, const struct delete_due *due)
{
    char user[256], id[16], query[1024];
    (void)snprintf(user, sizeof(user), "%.*s", SLICE_ARG(due->tenant));
    (void)snprintf(id, sizeof(id), "%08x", due->id);
    (void)snprintf(query, sizeof(query), "%.*s", SLICE_ARG(due->query));
    log_info("compactor", message, "user", user, "delete_request_id", id, "query", query);
}

/* ---- what a segment holds ---- */

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void see(struct erase *erase, const struct segment *segment)
{
    if (erase->seen_count == erase->seen_cap) {
        erase->seen_cap = erase->seen_cap == 0 ? 256 : erase->seen_cap * 2;
        erase->seen = mem_grow(erase->seen, erase->seen_cap, sizeof(*erase->seen));
    }
    erase->seen[erase->seen_count++] = hash64(slice_str(segment_name(segment)));
}

static bool was_seen(const struct erase *erase, const struct segment *segment)
{
    uint64_t hash = hash64(slice_str(segment_name(segment)));
    return erase->seen_sorted > 0 && bsearch(&hash, erase->seen, erase->seen_sorted, sizeof(hash), by_hash) != NULL;
}

static bool is_candidate(const struct erase *erase, const struct segment *segment)
{
    const struct segment_stats *stats = segment_stats(segment);
    return touches_any(erase, stats->first_ns, stats->last_ns) && !was_seen(erase, segment);
}

/* Whether a row of the runs of a block goes. choices: by stream of the segment. */
static bool block_holds(struct erase *erase, struct segment *segment, size_t number, const struct delete_choice *choices, bool *out, struct err *err)
{
    const struct segment_block *block = segment_block_at(segment, number);
    const struct segment_run *runs = segment_block_runs(segment, block);
    struct block_view view;
    bool is_read = false;
    for (uint32_t i = 0; i < block->run_count; i++) {
        const struct segment_run *run = &runs[i];
        const struct delete_choice *choice = &choices[run->stream];
        if (!delete_choice_touches(choice, run->first_ns, run->last_ns))
            continue;
        if (!is_read && !segment_read_block(segment, number, SCAN_LINES | SCAN_METADATA, erase->reader, &view, err))
            return false;
        is_read = true;
        struct arena arena = ARENA_INIT;
        struct label_set labels;
        struct entry_batch rest, batch = {
            .count = run->entries,
            .ts_ns = view.ts_ns + run->first_row,
            .text = view.text,
            .offsets = view.offsets + run->first_row,
            .metadata_index = view.metadata_index == NULL ? NULL : view.metadata_index + run->first_row,
            .metadata_sets = view.metadata_sets,
            .metadata_set_count = view.metadata_set_count,
        };
        bool ok = label_set_decode(segment_stream_at(segment, run->stream)->encoded_labels, &arena, &labels, err);
        *out = ok && delete_sieve_run(erase->sieve, choice, &labels, &batch, &rest) > 0;
        arena_fini(&arena);
        if (!ok || *out)
            return ok;
    }
    return true;
}

/* The blocks that may hold something: those with the needles of some filter. */
static void probe(const struct erase *erase, const struct segment *segment, uint64_t *blocks)
{
    const struct segment_stats *stats = segment_stats(segment);
    memset(blocks, 0, SEGMENT_BLOCKS_MAX / 8);
    for (size_t i = 0; i < erase->due_count; i++) {
        const struct delete_filter *filter = erase->filters[i];
        uint64_t some[SEGMENT_BLOCKS_MAX / 64];
        if (!delete_filter_touches(filter, stats->first_ns, stats->last_ns))
            continue;
        memset(some, 0xff, sizeof(some));
        for (size_t n = 0; n < filter->needle_count; n++)
            segment_probe(segment, &filter->needles[n], some);
        for (size_t w = 0; w < LENGTH(some); w++)
            blocks[w] |= some[w];
    }
}

/* Whether the segment has a line that goes. Reads only if its directory does not tell. */
static bool segment_holds(struct erase *erase, struct segment *segment, bool *out, struct err *err)
{
    size_t count = segment_stream_count(segment);
    *out = false;
    arena_reset(&erase->scratch);
    struct delete_choice *choices = ARENA_ARRAY(&erase->scratch, struct delete_choice, count);
    bool any = false;
    for (size_t i = 0; i < count && !*out; i++) {
        const struct segment_stream *stream = segment_stream_at(segment, i);
        choices[i] = choose(erase, stream->tenant, stream->encoded_labels, stream->first_ns, stream->last_ns);
        any = any || choices[i].count > 0;
        const struct segment_run *runs = segment_stream_runs(segment, stream);
        for (uint32_t r = 0; choices[i].count > 0 && r < stream->run_count && !*out; r++)
            *out = delete_choice_covers(&choices[i], runs[r].first_ns, runs[r].last_ns);
    }
    if (!any || *out)
        return true;
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
    probe(erase, segment, blocks);
    for (size_t b = 0; b < segment_block_count(segment) && !*out; b++)
        if ((blocks[b / 64] >> (b % 64) & 1) != 0 && !block_holds(erase, segment, b, choices, out, err))
            return false;
    return true;
}

/* ---- a segment without it ---- */

static struct delete_choice omit_deletes(void *self, struct slice tenant, struct slice labels)
{
    struct erase *erase = self;
    return choose(erase, tenant, labels, INT64_MIN, INT64_MAX);
}

static void omit_left_out(void *self, struct slice tenant, uint64_t lines, bool is_all)
{
    struct erase *erase = self;
    struct erase_tenant *found = (struct erase_tenant *)find_tenant(erase, tenant);
    found->lines_now += lines;
    erase->day_lost |= is_all;
}

static void omit_wrote(void *self, struct segment *const *segments, size_t count)
{
    for (size_t i = 0; i < count; i++)
        see(self, segments[i]);
}

static bool rewrite(struct erase *erase, const struct view_day *day, struct segment *segment, struct err *err)
{
    const struct merge_omission omission = {.self = erase, .deletes = omit_deletes, .left_out = omit_left_out, .wrote = omit_wrote};
    arena_reset(&erase->scratch);
    for (size_t t = 0; t < erase->tenant_count; t++)
        erase->tenants[t].lines_now = 0;
    if (!day_merge_segments(erase->context, day, &segment, 1, &omission, err))
        return false;
    figure_erased_segment(segment_stats(segment)->file_bytes + segment_stats(segment)->signature_bytes);
    for (size_t t = 0; t < erase->tenant_count; t++) {
        erase->tenants[t].lines += erase->tenants[t].lines_now;
        figure_deleted_lines(erase->tenants[t].name, erase->tenants[t].lines_now);
    }
    return true;
}

/* A segment that cannot be read keeps the requests that touch it from ending, and no others. */
static void note_stuck(struct erase *erase, const struct segment *segment, const struct err *err)
{
    const struct segment_stats *stats = segment_stats(segment);
    for (size_t i = 0; i < erase->due_count; i++)
        erase->is_stuck[i] |= delete_filter_touches(erase->filters[i], stats->first_ns, stats->last_ns);
    log_error("compactor", "a segment cannot be read: the delete requests for its time stay as they are", "err", err->text);
}

static bool erase_segment(struct erase *erase, const struct view_day *day, struct segment *segment, struct err *err)
{
    bool holds = false;
    bool ok = segment_holds(erase, segment, &holds, err) && (!holds || rewrite(erase, day, segment, err));
    if (!ok && (err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED)) {
        figure_damage(DAMAGE_DATA);
        note_stuck(erase, segment, err);
        ok = true;
    }
    if (ok)
        see(erase, segment);
    return ok;
}

/* ---- a pass ---- */

static void tell_progress(struct erase *erase)
{
    int64_t now = clock_mono_ns(erase->context->clock);
    unsigned percent = (unsigned)(erase->looked_at * 100 / (erase->to_look_at + 1));
    struct err err;
    if (percent <= erase->told_percent || now - erase->told_mono_ns < PROGRESS_INTERVAL_NS)
        return;
    erase->told_percent = percent;
    erase->told_mono_ns = now;
    if (!tell(erase, DELETE_STARTED, percent, false, &err)) // only how far it is: the end is what counts
        log_warn("compactor", "progress of delete requests could not be noted", "err", err.text);
}

static bool is_stopping(const struct erase *erase)
{
    return erase->context->is_stopping(erase->context->self);
}

static bool erase_day(struct erase *erase, const struct view_day *day, struct err *err)
{
    bool ok = true;
    erase->day_lost = false;
    for (size_t i = 0; ok && i < day->segment_count; i++) {
        if (!is_candidate(erase, day->segments[i]))
            continue;
        ok = is_stopping(erase) ? err_set(err, ERR_CANCELLED, "the store is closing") : erase_segment(erase, day, day->segments[i], err);
        erase->looked_at++;
        tell_progress(erase);
    }
    if (erase->day_lost)
        erase->context->streams_lost(erase->context->self, day->day);
    return ok;
}

static size_t count_candidates(const struct erase *erase, const struct view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->day_count; i++)
        for (size_t k = 0; k < view->days[i]->segment_count; k++)
            count += is_candidate(erase, view->days[i]->segments[k]);
    return count;
}

struct head_look {
    struct erase *erase;
    bool holds;
};

static void look_at_list(void *self, struct chunk_list *list)
{
    struct head_look *look = self;
    struct chunk_list_view view;
    if (look->holds)
        return;
    chunk_list_see(list, &view);
    if (view.entries == 0 || !touches_any(look->erase, view.first_ns, view.last_ns))
        return;
    struct delete_choice choice = choose(look->erase, tenant_streams_name(list->stream->tenant), stream_labels(list->stream), view.first_ns, view.last_ns);
    look->holds = choice.count > 0;
}

/* Whether memory may hold something of the requests. */
static bool heads_hold(struct erase *erase, const struct view *view)
{
    struct head_look look = {.erase = erase};
    arena_reset(&erase->scratch);
    for (size_t i = 0; i < view->generation_count && !look.holds; i++)
        generation_each(view->generations[i], look_at_list, &look);
    return look.holds;
}

/* *out_clean: nothing was left to look at. */
static bool erase_pass(struct erase *erase, bool *out_clean, struct err *err)
{
    struct view *view = view_take(erase->context->board);
    bool in_memory = heads_hold(erase, view);
    if (in_memory) {
        view_drop(view);
        if (!erase->context->flush(erase->context->self, err))
            return false;
        view = view_take(erase->context->board);
    }
    if (erase->seen_count > 0)
        qsort(erase->seen, erase->seen_count, sizeof(*erase->seen), by_hash);
    erase->seen_sorted = erase->seen_count;
    size_t candidates = count_candidates(erase, view);
    erase->to_look_at += candidates;
    *out_clean = !in_memory && candidates == 0;
    bool ok = true;
    for (size_t i = 0; ok && !*out_clean && i < view->day_count; i++) {
        int64_t first, last;
        day_bounds(view->days[i]->day->number, &first, &last);
        if (touches_any(erase, first, last))
            ok = erase_day(erase, view->days[i], err);
    }
    view_drop(view);
    return ok;
}

/* A life before this one may have ended between taking a stream's last lines and taking it out of the index. */
static void resume(struct erase *erase)
{
    bool resumes = false;
    size_t count;
    for (size_t i = 0; i < erase->due_count; i++)
        resumes = resumes || erase->due[i].resumes;
    if (!resumes)
        return;
    struct day **days = day_set_range(erase->context->days, INT64_MIN, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t first, last;
        day_bounds(days[i]->number, &first, &last);
        if (touches_any(erase, first, last))
            erase->context->streams_lost(erase->context->self, days[i]);
        day_unref(days[i]);
    }
    mem_free(days);
}

/* Passes until nothing is left, then the end. */
static bool erase_all(struct erase *erase, struct err *err)
{
    bool is_clean = false;
    resume(erase);
    for (unsigned i = 0; i < PASSES_MAX && !is_clean; i++)
        if (!erase_pass(erase, &is_clean, err))
            return false;
    if (!is_clean)
        return true; // what keeps coming is erased by the next rounds
    if (!tell(erase, DELETE_PROCESSED, 100, true, err))
        return false;
    for (size_t i = 0; i < erase->due_count; i++) {
        if (erase->is_stuck[i])
            continue;
        log_request("delete request for user marked as processed", &erase->due[i]);
        figure_delete_processed(erase->due[i].tenant);
    }
    return true;
}

static bool has_stuck(const struct erase *erase)
{
    for (size_t i = 0; i < erase->due_count; i++)
        if (erase->is_stuck[i])
            return true;
    return false;
}

bool day_erase_round(const struct day_merge_context *context, bool *out_worked, struct err *err)
{
    struct erase erase = {.context = context, .arena = ARENA_INIT, .scratch = ARENA_INIT};
    int64_t until_ms = (clock_wall_ns(context->clock) - context->delete_delay_ns) / NS_PER_MS;
    erase.due_count = delete_book_due(context->deletes, until_ms, context->deletion_mode, context->deletion_self, &erase.arena, &erase.due);
    *out_worked = erase.due_count > 0;
    bool ok = true;
    if (erase.due_count > 0) {
        erase.sieve = delete_sieve_create();
        erase.reader = block_reader_create(NULL);
        group_tenants(&erase);
        for (size_t i = 0; i < erase.due_count; i++)
            if (erase.due[i].is_new)
                log_request("Started processing delete request", &erase.due[i]);
        ok = tell(&erase, DELETE_STARTED, 0, false, err) && erase_all(&erase, err);
        if (ok && has_stuck(&erase))
            ok = err_set(err, ERR_CORRUPT, "a damaged segment keeps delete requests from being processed");
        delete_sieve_destroy(erase.sieve);
        block_reader_destroy(erase.reader);
        delete_due_fini(erase.due, erase.due_count);
        mem_free(erase.seen);
    }
    arena_fini(&erase.arena);
    arena_fini(&erase.scratch);
    return ok;
}
