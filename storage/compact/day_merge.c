#include "storage/compact/day_merge.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/compact/stream_merge.h"
#include "storage/day/segment_sink.h"
#include "storage/deletion/delete_sieve.h"
#include "storage/head/batch_builder.h"

struct merged_stream {
    uint64_t similarity;
    struct hash128 id;
    struct slice tenant, labels; // live with an input
};

struct merge_job {
    const struct day_merge_context *context;
    struct segment *const *inputs;
    size_t input_count;
    struct merged_stream *streams;
    size_t stream_count;
    struct merge_piece *pieces; // of one stream
    size_t piece_cap;
    struct stream_merge *merge;
    struct segment_sink sink;
    const struct merge_omission *omission; // NULL: nothing is left out
    struct delete_sieve *sieve;            // NULL: no stream has needed it yet, nor the two below
    struct batch_builder builder;
    struct arena arena; // of one stream
};

static int by_similarity(const void *a, const void *b)
{
    const struct merged_stream *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity < y->similarity ? -1 : 1;
    int order = slice_cmp(x->labels, y->labels);
    return order != 0 ? order : hash128_cmp(x->id, y->id);
}

/* Every stream of the inputs once, in the order in which they should lie beside each other. */
static void collect_streams(struct merge_job *job)
{
    const struct merge_omission *omission = job->omission;
    size_t cap = 0;
    for (size_t i = 0; i < job->input_count; i++)
        cap += segment_stream_count(job->inputs[i]);
    job->streams = mem_array(cap + 1, sizeof(*job->streams));
    for (size_t i = 0; i < job->input_count; i++) {
        for (size_t k = 0; k < segment_stream_count(job->inputs[i]); k++) {
            const struct segment_stream *stream = segment_stream_at(job->inputs[i], k);
            if (omission != NULL && omission->drops != NULL && omission->drops(omission->self, stream->tenant))
                continue;
            job->streams[job->stream_count++] =
                (struct merged_stream){segment_similarity(stream->tenant, stream->encoded_labels), stream->id, stream->tenant,
                                       stream->encoded_labels};
        }
    }
    qsort(job->streams, job->stream_count, sizeof(*job->streams), by_similarity);
    size_t n = 0;
    for (size_t i = 0; i < job->stream_count; i++)
        if (n == 0 || !hash128_eq(job->streams[n - 1].id, job->streams[i].id))
            job->streams[n++] = job->streams[i];
    job->stream_count = n;
}

static size_t collect_pieces(struct merge_job *job, struct hash128 id)
{
    size_t count = 0;
    for (size_t i = 0; i < job->input_count; i++) {
        const struct segment_stream *stream = segment_stream_find(job->inputs[i], id);
        if (stream == NULL)
            continue;
        const struct segment_run *runs = segment_stream_runs(job->inputs[i], stream);
        if (count + stream->run_count > job->piece_cap) {
            job->piece_cap = (count + stream->run_count) * 2;
            job->pieces = mem_grow(job->pieces, job->piece_cap, sizeof(*job->pieces));
        }
        for (uint32_t r = 0; r < stream->run_count; r++)
            job->pieces[count++] = (struct merge_piece){.first_ns = runs[r].first_ns,
                                                        .last_ns = runs[r].last_ns,
                                                        .age = (uint32_t)i,
                                                        .segment = job->inputs[i],
                                                        .run = &runs[r]};
    }
    if (count > 0)
        qsort(job->pieces, count, sizeof(*job->pieces), merge_piece_cmp);
    return count;
}

/* What is left of the rows gathered so far goes to the sink. */
static bool write_sieved(struct merge_job *job, const struct delete_choice *choice, const struct label_set *labels, uint64_t *gone, struct err *err)
{
    struct entry_batch batch, rest;
    batch_builder_take(&job->builder, 0, &batch);
    *gone += delete_sieve_run(job->sieve, choice, labels, &batch, &rest);
    for (uint32_t i = 0; i < rest.count; i++)
        if (!segment_sink_entry(&job->sink, rest.ts_ns[i], entry_batch_line(&rest, i), entry_batch_metadata(&rest, i), err))
            return false;
    return true;
}

/* The stream's rows, less what the choice takes. */
static bool sieve_stream(struct merge_job *job, const struct merged_stream *stream, const struct delete_choice *choice, struct err *err)
{
    struct label_set labels;
    uint64_t rows = 0, gone = 0;
    if (job->sieve == NULL) {
        job->sieve = delete_sieve_create();
        batch_builder_init(&job->builder);
    }
    arena_reset(&job->arena);
    if (!label_set_decode(stream->labels, &job->arena, &labels, err))
        return false;
    batch_builder_begin(&job->builder, SCAN_LINES | SCAN_METADATA);
    for (;;) {
        struct merged_row row;
        bool is_end = false;
        if (!stream_merge_next(job->merge, &row, &is_end, err))
            return false;
        if (is_end)
            break;
        rows++;
        batch_builder_add(&job->builder, row.ts_ns, row.line, batch_builder_set(&job->builder, row.metadata, true));
        if (batch_builder_is_full(&job->builder)) {
            if (!write_sieved(job, choice, &labels, &gone, err))
                return false;
            batch_builder_begin(&job->builder, SCAN_LINES | SCAN_METADATA); // its metadata sets are bounded by this
        }
    }
    if (!write_sieved(job, choice, &labels, &gone, err))
        return false;
    if (gone > 0)
        job->omission->left_out(job->omission->self, stream->tenant, gone, gone == rows);
    return true;
}

static bool merge_stream(struct merge_job *job, const struct merged_stream *stream, struct err *err)
{
    size_t count = collect_pieces(job, stream->id);
    const struct merge_omission *omission = job->omission;
    struct delete_choice choice = {0};
    if (omission != NULL && omission->deletes != NULL)
        choice = omission->deletes(omission->self, stream->tenant, stream->labels);
    segment_sink_stream(&job->sink, stream->tenant, stream->id, stream->labels);
    stream_merge_begin(job->merge, job->pieces, count, INT64_MIN, INT64_MAX);
    if (choice.count > 0)
        return sieve_stream(job, stream, &choice, err);
    for (;;) {
        struct merged_row row;
        bool is_end = false;
        if (!stream_merge_next(job->merge, &row, &is_end, err))
            return false;
        if (is_end)
            return true;
        if (!segment_sink_entry(&job->sink, row.ts_ns, row.line, row.metadata, err))
            return false;
    }
}

/* The new segments in, the inputs out: in the manifest, then for readers; the files of the inputs go with their last reader. */
static bool publish(struct merge_job *job, struct day *day, struct err *err)
{
    const char **add = mem_array(job->sink.count + 1, sizeof(char *));
    const char **remove = mem_array(job->input_count, sizeof(char *));
    for (size_t i = 0; i < job->sink.count; i++)
        add[i] = segment_name(job->sink.segments[i]);
    for (size_t i = 0; i < job->input_count; i++)
        remove[i] = segment_name(job->inputs[i]);
    bool ok = day_change(day, &(struct manifest_change){.add = add, .add_count = job->sink.count, .remove = remove, .remove_count = job->input_count}, err);
    mem_free(add);
    mem_free(remove);
    if (!ok)
        return false;
    struct view_day_change change = {.day = day,
                                     .add = job->sink.segments,
                                     .add_count = job->sink.count,
                                     .remove = (struct segment **)job->inputs,
                                     .remove_count = job->input_count};
    for (size_t i = 0; i < job->input_count; i++)
        segment_unlink_on_close(job->inputs[i]);
    view_publish(job->context->board, &(struct view_change){.days = &change, .day_count = 1});
    job->sink.count = 0; // the view's now
    return true;
}

bool day_merge_segments(const struct day_merge_context *context, const struct view_day *day, struct segment *const *inputs, size_t count,
                        const struct merge_omission *omission, struct err *err)
{
    struct merge_job job = {.context = context, .inputs = inputs, .input_count = count, .omission = omission, .arena = ARENA_INIT};
    struct segment_mark mark = segment_stats(inputs[0])->mark;
    uint32_t level = 0;
    for (size_t i = 0; i < count; i++) {
        const struct segment_stats *stats = segment_stats(inputs[i]);
        level = stats->level > level ? stats->level : level;
        if (stats->mark.sequence > mark.sequence)
            mark.sequence = stats->mark.sequence;
    }
    segment_sink_init(&job.sink, &(struct segment_sink_config){.day = day->day,
                                                               .shard = mark.shard,
                                                               .ids = context->segment_ids,
                                                               .zstd_level = context->zstd_level,
                                                               .block_bytes = context->block_bytes,
                                                               .part_bytes = context->part_bytes,
                                                               .level = level + (count > 1), // what is only written anew is as merged as before
                                                               .mark = mark,
                                                               .created_ns = clock_wall_ns(context->clock)});
    uint64_t bytes_read = 0, bytes_written = 0;
    for (size_t i = 0; i < count; i++)
        bytes_read += segment_stats(inputs[i])->file_bytes;
    figure_merge(1, 0, 0);
    job.merge = stream_merge_create();
    collect_streams(&job);
    bool ok = true;
    for (size_t i = 0; ok && i < job.stream_count; i++)
        ok = context->is_stopping(context->self) ? err_set(err, ERR_CANCELLED, "the store is closing") : merge_stream(&job, &job.streams[i], err);
    stream_merge_destroy(job.merge); // before publishing: it refers to the inputs
    ok = ok && segment_sink_finish(&job.sink, err);
    for (size_t i = 0; i < job.sink.count; i++)
        bytes_written += segment_stats(job.sink.segments[i])->file_bytes;
    if (ok && omission != NULL && omission->wrote != NULL)
        omission->wrote(omission->self, job.sink.segments, job.sink.count);
    ok = ok && publish(&job, day->day, err);
    figure_merge(-1, bytes_read, bytes_written);
    segment_sink_fini(&job.sink);
    if (job.sieve != NULL)
        batch_builder_fini(&job.builder);
    delete_sieve_destroy(job.sieve);
    arena_fini(&job.arena);
    mem_free(job.streams);
    mem_free(job.pieces);
    return ok || err_wrap(err, "merge in %s", day->day->folder);
}

static bool is_same_shard(const struct segment *a, const struct segment *b)
{
    const struct segment_mark *x = &segment_stats(a)->mark, *y = &segment_stats(b)->mark;
    return x->shard_count == y->shard_count && x->shard == y->shard;
}

/* What should be merged with `first`, which is the first of its kind; 0: nothing is due. */
static size_t choose(const struct view_day *day, struct segment *first, bool is_quiet, struct segment **out)
{
    size_t count = 0;
    bool is_small = segment_block_count(first) < MERGE_FULL_BLOCKS;
    for (size_t i = 0; i < day->segment_count && count < MERGE_SEGMENTS_MAX; i++) {
        struct segment *segment = day->segments[i];
        if (!is_same_shard(segment, first) || segment_block_count(segment) >= MERGE_FULL_BLOCKS)
            continue;
        if (is_quiet || segment_stats(segment)->level == segment_stats(first)->level)
            out[count++] = segment;
    }
    return is_small && count >= (is_quiet ? 2 : MERGE_SEGMENTS_MIN) ? count : 0;
}

/* One merge of the day, if one is due. */
static bool merge_day(const struct day_merge_context *context, const struct view_day *day, bool *out_merged, struct err *err)
{
    int64_t first, last;
    day_bounds(day->day->number, &first, &last);
    int64_t changed = day_changed_mono_ns(day->day);
    bool is_over = clock_wall_ns(context->clock) > last;
    bool is_quiet = is_over && (changed == 0 || clock_mono_ns(context->clock) - changed >= MERGE_QUIET_NS);
    struct segment *inputs[MERGE_SEGMENTS_MAX];
    *out_merged = false;
    for (size_t i = 0; i < day->segment_count; i++) {
        size_t count = choose(day, day->segments[i], is_quiet, inputs);
        if (count == 0)
            continue;
        *out_merged = true;
        return day_merge_segments(context, day, inputs, count, NULL, err);
    }
    return true;
}

static bool merge_days(const struct day_merge_context *context, struct err *err)
{
    bool ok = true;
    bool merged = context->merges;
    while (ok && merged && !context->is_busy(context->self) && !context->is_stopping(context->self)) {
        struct view *view = view_take(context->board);
        merged = false;
        for (size_t i = 0; ok && !merged && i < view->day_count; i++)
            ok = merge_day(context, view->days[i], &merged, err);
        view_drop(view);
    }
    return ok || err->code == ERR_CANCELLED;
}

bool day_merge_round(const struct day_merge_context *context, struct err *err)
{
    int64_t start = clock_mono_ns(context->clock);
    bool ok = true;
    if (context->retention_ns != NULL) {
        ok = day_retention_round(context, err);
        figure_retention_round(ok, clock_mono_ns(context->clock) - start, clock_wall_ns(context->clock));
    }
    start = clock_mono_ns(context->clock);
    if (ok && context->merges) {
        ok = merge_days(context, err);
        figure_merge_round(ok, clock_mono_ns(context->clock) - start, clock_wall_ns(context->clock));
    }
    return ok;
}
