#include "core/base/mem.h"
#include "storage/store/duplicate_sieve.h"

struct scan_reader *scan_reader_create(void *self)
{
    struct store *store = self;
    struct scan_reader *reader = mem_zero(sizeof(*reader));
    reader->blocks = block_reader_create(store->block_cache);
    batch_builder_init(&reader->builder);
    reader->merge = stream_merge_create();
    return reader;
}

void scan_reader_destroy(struct scan_reader *reader)
{
    if (reader == NULL)
        return;
    block_reader_destroy(reader->blocks);
    batch_builder_fini(&reader->builder);
    head_rows_fini(&reader->rows);
    stream_merge_destroy(reader->merge);
    delete_sieve_destroy(reader->sieve);
    duplicate_sieve_destroy(reader->duplicates);
    template_scratch_destroy(reader->templates);
    mem_free(reader);
}

struct duplicate_sieve *scan_reader_duplicates(const struct scan_state *state, struct scan_reader *reader)
{
    if (reader->duplicates == NULL)
        reader->duplicates = duplicate_sieve_create(state->store->known_pairs);
    return reader->duplicates;
}

unsigned scan_columns(const struct scan_state *state, const struct scan_part *part)
{
    return part->is_sieved ? state->columns | state->deletes->columns : state->columns;
}

void scan_count_blocks(struct scan_state *state, uint64_t blocks, uint64_t stored_bytes, int64_t decompress_ns)
{
    struct query_stats *stats = &state->control->stats;
    atomic_fetch_add_explicit(&stats->blocks_read, blocks, memory_order_relaxed); // figures, all of them
    atomic_fetch_add_explicit(&stats->compressed_bytes, stored_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->decompress_ns, (uint64_t)decompress_ns, memory_order_relaxed);
}

void scan_clip(const int64_t *ts_ns, uint32_t *first, uint32_t *end, int64_t start_ns, int64_t end_ns)
{
    uint32_t low = *first, high = *end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ts_ns[middle] < start_ns)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    high = *end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ts_ns[middle] <= end_ns)
            low = middle + 1;
        else
            high = middle;
    }
    *end = low;
}

void scan_wanted(const struct scan_state *state, const struct scan_run *run, int64_t *start_ns, int64_t *end_ns)
{
    *start_ns = run->first_ns > state->start_ns ? run->first_ns : state->start_ns;
    *end_ns = run->last_ns < state->end_ns ? run->last_ns : state->end_ns;
    if (state->bound_ns == NULL)
        return;
    int64_t bound_ns = state->bound_ns(state->bound_self);
    if (state->newest_first)
        *start_ns = bound_ns > *start_ns ? bound_ns : *start_ns;
    else
        *end_ns = bound_ns < *end_ns ? bound_ns : *end_ns;
}

void scan_elders_span(const struct scan_elders *elders, int64_t *first_ns, int64_t *last_ns)
{
    *first_ns = INT64_MAX;
    *last_ns = INT64_MIN;
    for (uint32_t i = 0; i < elders->count; i++) {
        *first_ns = elders->pieces[i]->first_ns < *first_ns ? elders->pieces[i]->first_ns : *first_ns;
        *last_ns = elders->pieces[i]->last_ns > *last_ns ? elders->pieces[i]->last_ns : *last_ns;
    }
}

/* Gives what the builder has to the sink. False: the sink has enough. */
static bool flush(struct scan_reader *reader, uint32_t stream, batch_sink sink, void *sink_self)
{
    if (reader->builder.count == 0)
        return true;
    struct entry_batch batch;
    batch_builder_take(&reader->builder, stream, &batch);
    return sink(sink_self, &batch);
}

struct list_read { /* of a unit of lists: one of them */
    struct scan_state *state;
    const struct scan_part *part;
    size_t index;
    uint32_t stream;
    struct scan_reader *reader;
    batch_sink sink;
    void *sink_self;
};

/* The list's rows of [start_ns, end_ns], less what elders have too; NULL: all of them. */
static bool read_rows(const struct list_read *read, int64_t start_ns, int64_t end_ns, const struct scan_elders *elders, bool *goes_on, struct err *err)
{
    struct scan_reader *reader = read->reader;
    struct head_rows *rows = &reader->rows;
    const struct merge_piece *piece = read->part->lists[read->index];
    struct query_stats *stats = &read->state->control->stats;
    const uint8_t *twice = NULL;
    uint32_t dropped = 0;
    uint64_t bytes = 0;
    if (start_ns > end_ns)
        return true;
    head_rows_collect(rows, piece->list, piece->view, start_ns, end_ns);
    if (elders != NULL) {
        struct duplicate_sieve *sieve = scan_reader_duplicates(read->state, reader);
        struct part_rows own = {.ts_ns = duplicate_sieve_times(sieve, rows), .count = (uint32_t)rows->count, .rows = rows->rows, .generation = piece->generation};
        if (!duplicate_sieve_find(sieve, elders, &own, &twice, &dropped, err))
            return false;
    }
    for (size_t r = 0; *goes_on && r < rows->count; r++) {
        const struct head_row *row = &rows->rows[r];
        if (twice != NULL && twice[r] != 0)
            continue;
        uint32_t set = (reader->builder.columns & SCAN_METADATA) != 0
                           ? batch_builder_reference(&reader->builder, piece->generation, row->metadata)
                           : 0;
        batch_builder_add(&reader->builder, row->ts_ns, slice_of(row->line, row->line_len), set);
        bytes += row->line_len;
        if (batch_builder_is_full(&reader->builder))
            *goes_on = flush(reader, read->stream, read->sink, read->sink_self);
    }
    atomic_fetch_add_explicit(&stats->head_lines, rows->count - dropped, memory_order_relaxed); // figures, all of them
    atomic_fetch_add_explicit(&stats->head_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->duplicates, rows->duplicates + dropped, memory_order_relaxed);
    *goes_on = *goes_on && flush(reader, read->stream, read->sink, read->sink_self);
    return true;
}

static bool read_list(const struct list_read *read, const struct scan_run *run, bool *goes_on, struct err *err)
{
    const struct scan_elders *elders = read->part->elders == NULL || read->part->elders[read->index].count == 0 ? NULL : &read->part->elders[read->index];
    int64_t start_ns, end_ns, first_ns, last_ns;
    atomic_fetch_add_explicit(&read->state->control->stats.head_chunks, 1, memory_order_relaxed); // a figure
    scan_wanted(read->state, run, &start_ns, &end_ns);
    if (elders != NULL && read->state->newest_first) { // what is newer than they are may be enough
        scan_elders_span(elders, &first_ns, &last_ns);
        if (last_ns < end_ns) {
            int64_t from_ns = last_ns >= start_ns ? last_ns + 1 : start_ns;
            if (!read_rows(read, from_ns, end_ns, NULL, goes_on, err))
                return false;
            end_ns = last_ns;
            scan_wanted(read->state, run, &start_ns, &first_ns);
        }
    }
    return !*goes_on || read_rows(read, start_ns, end_ns, elders, goes_on, err);
}

static bool read_group(struct scan_state *state, const struct merge_piece *pieces, uint32_t count, const struct scan_run *run,
                       struct scan_reader *reader, batch_sink sink, void *sink_self, bool *out_goes_on, struct err *err)
{
    int64_t start_ns, end_ns;
    scan_wanted(state, run, &start_ns, &end_ns);
    stream_merge_begin(reader->merge, pieces, count, start_ns, end_ns);
    bool is_end = false;
    *out_goes_on = true;
    while (*out_goes_on) {
        struct merged_row row;
        if (!stream_merge_next(reader->merge, &row, &is_end, err))
            return false;
        if (is_end)
            break;
        uint32_t set = (reader->builder.columns & SCAN_METADATA) != 0 ? batch_builder_set(&reader->builder, row.metadata, true) : 0;
        batch_builder_add(&reader->builder, row.ts_ns, row.line, set);
        if (batch_builder_is_full(&reader->builder))
            *out_goes_on = flush(reader, run->stream, sink, sink_self);
    }
    atomic_fetch_add_explicit(&state->control->stats.duplicates, stream_merge_duplicates(reader->merge), memory_order_relaxed); // a figure
    *out_goes_on = *out_goes_on && flush(reader, run->stream, sink, sink_self);
    return true;
}

static bool read_merged(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink,
                        void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    struct block_slots *slots = stream_merge_slots(reader->merge);
    batch_builder_begin(&reader->builder, scan_columns(state, part));
    bool ok = true, goes_on = true;
    for (size_t i = 0; ok && goes_on && i < unit->run_count; i++)
        ok = read_group(state, part->groups[i], part->group_counts[i], &unit->runs[i], reader, sink, sink_self, &goes_on, err);
    stream_merge_begin(reader->merge, NULL, 0, 0, 0); // gives the blocks back, and with them the segments
    block_slots_clear(slots);
    scan_count_blocks(state, slots->blocks_read, slots->stored_bytes, slots->decompress_ns);
    slots->blocks_read = slots->stored_bytes = 0;
    slots->decompress_ns = 0;
    return ok;
}

/* cursor: as read_block. Only a block in parts is read in steps. */
static bool read_unit(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                      void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    if (cursor != NULL)
        cursor->is_done = true;
    if (part->kind == SCAN_PART_BLOCK)
        return scan_block_read(state, unit, reader, cursor, sink, sink_self, err);
    if (part->kind == SCAN_PART_MERGED)
        return read_merged(state, unit, reader, sink, sink_self, err);
    batch_builder_begin(&reader->builder, scan_columns(state, part));
    bool goes_on = true;
    bool ok = true;
    for (size_t i = 0; ok && goes_on && i < unit->run_count; i++) {
        struct list_read read = {state, part, i, unit->runs[i].stream, reader, sink, sink_self};
        ok = read_list(&read, &unit->runs[i], &goes_on, err);
    }
    return ok;
}

/* What looking for duplicates read. */
static void count_duplicates(struct scan_state *state, struct scan_reader *reader)
{
    uint64_t blocks, stored_bytes;
    int64_t decompress_ns;
    if (reader->duplicates == NULL)
        return;
    duplicate_sieve_rest(reader->duplicates, &blocks, &stored_bytes, &decompress_ns);
    scan_count_blocks(state, blocks, stored_bytes, decompress_ns);
}

bool scan_unit_read_step(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                         void *sink_self, struct err *err)
{
    struct scan_state *state = scan->state;
    if (!((const struct scan_part *)unit->part)->is_sieved) {
        bool is_read = read_unit(state, unit, reader, cursor, sink, sink_self, err);
        count_duplicates(state, reader);
        return is_read;
    }
    if (reader->sieve == NULL)
        reader->sieve = delete_sieve_create();
    struct sieve_sink sieved = {.state = state, .sieve = reader->sieve, .sink = sink, .self = sink_self};
    bool ok = read_unit(state, unit, reader, cursor, sieve_sink_take, &sieved, err);
    count_duplicates(state, reader);
    delete_sieve_forget(reader->sieve); // its filters may go with this scan, the reader may not
    return ok;
}

bool scan_unit_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                    struct err *err)
{
    return scan_unit_read_step(scan, unit, reader, NULL, sink, sink_self, err);
}
