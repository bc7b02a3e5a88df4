#include "storage/shard/seal.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/day/segment_sink.h"
#include "storage/head/head_rows.h"

struct sealed_list {
    const struct chunk_list *list;
    const struct store_tenant *tenant;
    struct chunk_list_view view;
    uint64_t written, bytes; // entries in segments now, and their text
    uint32_t records;        // of segments' directories that lead to them
};

/* Where a list goes: lists are large, and far more than fit into a cache when streams are many. */
struct sealed_key {
    uint64_t similarity, number;
    size_t index;
};

struct sealed_lists {
    struct sealed_list *lists;
    struct sealed_key *keys; // by similarity, then in the order in which the streams came
    size_t count, cap;
    int64_t *days; // that have entries, ascending
    size_t day_count;
};

static void add_day(struct sealed_lists *lists, int64_t day)
{
    size_t at = lists->day_count;
    while (at > 0 && lists->days[at - 1] > day)
        at--;
    if (at > 0 && lists->days[at - 1] == day)
        return;
    lists->days = mem_grow(lists->days, lists->day_count + 1, sizeof(int64_t));
    memmove(&lists->days[at + 1], &lists->days[at], (lists->day_count - at) * sizeof(int64_t));
    lists->days[at] = day;
    lists->day_count++;
}

/* Made once a stream: it is a seventh of a seal of streams with a few lines each. */
static uint64_t similarity_of(struct stream_record *stream)
{
    uint64_t similarity = RELAXED(&stream->similarity);
    if (similarity == 0) {
        similarity = segment_similarity(tenant_streams_name(stream->tenant), stream_labels(stream));
        atomic_store_explicit(&stream->similarity, similarity, memory_order_relaxed); // whoever makes it makes the same
    }
    return similarity;
}

static void add_list(void *self, struct chunk_list *list)
{
    struct sealed_lists *lists = self;
    struct stream_record *stream = list->stream;
    struct sealed_list item = {.list = list, .tenant = stream->tenant};
    chunk_list_see(list, &item.view);
    if (item.view.entries == 0)
        return;
    assert(lists->count < lists->cap); // frozen: no list was added
    lists->keys[lists->count] = (struct sealed_key){similarity_of(stream), stream->number, lists->count};
    lists->lists[lists->count++] = item;
    add_day(lists, day_of_ns(item.view.first_ns));
    if (day_of_ns(item.view.first_ns) == day_of_ns(item.view.last_ns))
        return;
    struct chunk_cursor cursor = chunk_list_begin(list, &item.view);
    struct chunk_entry entry;
    while (chunk_cursor_next(&cursor, &entry))
        add_day(lists, day_of_ns(entry.ts_ns));
}

static int by_similarity(const void *a, const void *b)
{
    const struct sealed_key *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity < y->similarity ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* What the loop needs some turns later: with a few lines a stream, half of its time went by in waiting for memory. */
static void fetch_ahead(const struct sealed_lists *lists, size_t i)
{
    if (i + 16 < lists->count)
        __builtin_prefetch(lists->lists[lists->keys[i + 16].index].list);
    if (i + 8 < lists->count) {
        const struct chunk_list *list = lists->lists[lists->keys[i + 8].index].list;
        const char *chunk = (const char *)RELAXED(&list->oldest);
        __builtin_prefetch(list->stream);
        __builtin_prefetch(list->stream->labels);
        __builtin_prefetch(chunk);
        __builtin_prefetch(chunk + 64);
        __builtin_prefetch(chunk + 128);
    }
}

static bool write_entry(struct segment_sink *sink, struct sealed_list *item, const struct metadata_pool *pool, int64_t ts_ns, struct slice line, uint32_t metadata,
                        struct err *err)
{
    item->bytes += line.len;
    return segment_sink_entry(sink, ts_ns, line, metadata == METADATA_NONE ? SLICE_NONE : metadata_pool_get(pool, metadata), err);
}

/* The list is in order and all of one day, as most are: as it lies, without rows between. */
static bool write_ordered(struct segment_sink *sink, struct sealed_list *item, const struct metadata_pool *pool, struct err *err)
{
    struct chunk_cursor cursor = chunk_list_begin(item->list, &item->view);
    struct chunk_entry entry;
    bool ok = true;
    while (ok && chunk_cursor_next(&cursor, &entry))
        ok = write_entry(sink, item, pool, entry.ts_ns, entry.line, entry.metadata, err);
    item->written += item->view.entries;
    item->records++;
    return ok;
}

static bool write_day(struct segment_sink *sink, struct sealed_lists *lists, struct generation *generation, int64_t number,
                      struct err *err)
{
    int64_t first, last;
    day_bounds(number, &first, &last);
    const struct metadata_pool *pool = generation_metadata(generation);
    struct head_rows rows = HEAD_ROWS_INIT;
    bool ok = true;
    for (size_t i = 0; ok && i < lists->count; i++) {
        fetch_ahead(lists, i);
        struct sealed_list *item = &lists->lists[lists->keys[i].index];
        if (item->view.first_ns > last || item->view.last_ns < first)
            continue;
        const struct stream_record *stream = item->list->stream;
        segment_sink_stream(sink, tenant_streams_name(stream->tenant), stream->id, stream_labels(stream));
        if (item->view.is_sorted && !item->view.has_ties && item->view.first_ns >= first && item->view.last_ns <= last) {
            ok = write_ordered(sink, item, pool, err);
            continue;
        }
        head_rows_collect(&rows, item->list, &item->view, first, last);
        item->written += rows.count;
        item->records += rows.count > 0;
        for (size_t r = 0; ok && r < rows.count; r++) {
            const struct head_row *row = &rows.rows[r];
            ok = write_entry(sink, item, pool, row->ts_ns, slice_of(row->line, row->line_len), row->metadata, err);
        }
    }
    head_rows_fini(&rows);
    return ok && segment_sink_finish(sink, err);
}

static struct segment_mark mark_of(const struct seal_context *context, const struct generation *generation)
{
    return (struct segment_mark){context->shard_count, generation_shard(generation), generation_last_sequence(generation)};
}

/* Segments of one day, durable and not in force yet; *out gets them, and a reference of the day. */
static bool write_segments(const struct seal_context *context, struct sealed_lists *lists, struct generation *generation,
                           int64_t number, struct view_day_change *out, struct err *err)
{
    struct day *day = NULL;
    if (!day_set_get(context->days, number, &day, err))
        return false;
    struct segment_mark mark = mark_of(context, generation);
    struct segment_sink sink;
    segment_sink_init(&sink, &(struct segment_sink_config){.day = day,
                                                            .shard = mark.shard,
                                                            .ids = context->segment_ids,
                                                            .zstd_level = context->zstd_level,
                                                            .block_bytes = context->block_bytes,
                                                            .mark = mark,
                                                            .created_ns = clock_wall_ns(context->clock)});
    bool ok = write_day(&sink, lists, generation, number, err);
    if (ok) {
        *out = (struct view_day_change){.day = day, .add = sink.segments, .add_count = sink.count};
        sink.segments = NULL; // they are *out's now
        sink.count = 0;
    } else {
        day_unref(day);
    }
    segment_sink_fini(&sink);
    return ok;
}

static void change_fini(struct view_day_change *change)
{
    for (size_t i = 0; i < change->add_count; i++)
        segment_unref(change->add[i]);
    mem_free(change->add);
    day_unref(change->day);
    *change = (struct view_day_change){0};
}

static void note_written(const struct view_day_change *change, int64_t took_ns)
{
    uint64_t raw = 0, file = 0;
    for (size_t i = 0; i < change->add_count; i++) {
        const struct segment_stats *stats = segment_stats(change->add[i]);
        raw += stats->line_bytes;
        file += stats->file_bytes + stats->signature_bytes;
    }
    figure_segments_written(took_ns, raw, file);
}

/* Tells of each stream's part; bytes: what its text takes of the segments, by its share. */
static void note_chunks(const struct seal_context *context, const struct sealed_lists *lists, const struct generation *generation,
                        const struct seal_progress *progress)
{
    uint64_t raw = 0, file = 0;
    for (size_t i = 0; i < progress->count; i++) {
        for (size_t k = 0; k < progress->days[i].add_count; k++) {
            raw += segment_stats(progress->days[i].add[k])->line_bytes;
            file += segment_stats(progress->days[i].add[k])->file_bytes;
        }
    }
    int64_t age = clock_mono_ns(context->clock) - generation_created_mono_ns(generation);
    double ratio = raw > 0 ? (double)file / (double)raw : 0;
    for (size_t i = 0; i < lists->count; i++) {
        const struct sealed_list *item = &lists->lists[i];
        // A seal that went on after a failure has not seen what was written before it: duplicates are not known then.
        uint64_t duplicates = progress->tries == 1 ? item->view.entries - item->written : 0;
        int64_t span;
        if (__builtin_sub_overflow(item->view.last_ns, item->view.first_ns, &span))
            span = INT64_MAX;
        figure_chunk_indexed(item->records, context->block_bytes == 0 ? 0 : (double)item->bytes / (double)context->block_bytes);
        figure_chunk_stored(tenant_streams_figures(item->tenant), item->view.entries, duplicates,
                            (uint64_t)((double)item->bytes * ratio), span, age);
    }
}

/* Writes the day's segments, unless an earlier try has, and puts them into force. */
static bool seal_day(const struct seal_context *context, struct sealed_lists *lists, struct generation *generation,
                     int64_t number, struct seal_progress *progress, struct err *err)
{
    struct view_day_change *change = &progress->unlisted;
    if (change->day != NULL && (change->day->number != number || atomic_load(&change->day->is_dropped)))
        change_fini(change); // the folder went, and the segments with it
    int64_t start = clock_mono_ns(context->clock);
    if (change->day == NULL && !write_segments(context, lists, generation, number, change, err))
        return false;
    struct segment_mark mark = mark_of(context, generation);
    const char **names = mem_array(change->add_count + 1, sizeof(char *));
    for (size_t i = 0; i < change->add_count; i++)
        names[i] = segment_name(change->add[i]);
    bool ok = day_change(change->day, &(struct manifest_change){.add = names, .add_count = change->add_count, .marks = &mark, .mark_count = 1}, err);
    mem_free(names);
    if (!ok)
        return false;
    day_note_change(change->day, clock_mono_ns(context->clock));
    note_written(change, clock_mono_ns(context->clock) - start);
    progress->days = mem_grow(progress->days, progress->count + 1, sizeof(*change));
    progress->days[progress->count++] = *change;
    *change = (struct view_day_change){0};
    return true;
}

static bool is_done(const struct seal_progress *progress, int64_t number)
{
    for (size_t i = 0; i < progress->count; i++)
        if (progress->days[i].day->number == number)
            return true;
    return false;
}

static int by_day(const void *a, const void *b)
{
    int64_t x = ((const struct view_day_change *)a)->day->number, y = ((const struct view_day_change *)b)->day->number;
    return (x > y) - (x < y);
}

bool seal_generation(const struct seal_context *context, struct generation *generation, struct seal_progress *progress,
                     struct err *err)
{
    // The log may be trimmed after this, so the index must know the streams by then.
    if (!index_feed_barrier(context->feed, err))
        return false;
    struct sealed_lists lists = {.cap = generation_list_count(generation)};
    lists.lists = mem_alloc((lists.cap + 1) * sizeof(lists.lists[0]));
    lists.keys = mem_alloc((lists.cap + 1) * sizeof(lists.keys[0]));
    progress->tries++;
    generation_each(generation, add_list, &lists);
    if (lists.count > 0)
        qsort(lists.keys, lists.count, sizeof(lists.keys[0]), by_similarity);
    bool ok = true;
    for (size_t i = 0; ok && i < lists.day_count; i++) {
        if (!is_done(progress, lists.days[i]))
            ok = seal_day(context, &lists, generation, lists.days[i], progress, err);
    }
    if (ok)
        note_chunks(context, &lists, generation, progress);
    mem_free(lists.lists);
    mem_free(lists.keys);
    mem_free(lists.days);
    if (!ok)
        return err_wrap(err, "seal of shard %u", generation_shard(generation));
    if (progress->count > 0)
        qsort(progress->days, progress->count, sizeof(progress->days[0]), by_day);
    view_publish(context->board,
                 &(struct view_change){.remove = generation, .days = progress->days, .day_count = progress->count});
    for (size_t i = 0; i < progress->count; i++)
        progress->days[i].add_count = 0; // the view's now
    generation_retire(generation, context->retired_bytes);
    return true;
}

void seal_progress_fini(struct seal_progress *progress)
{
    for (size_t i = 0; i < progress->count; i++)
        change_fini(&progress->days[i]);
    change_fini(&progress->unlisted);
    mem_free(progress->days);
    *progress = (struct seal_progress){0};
}
