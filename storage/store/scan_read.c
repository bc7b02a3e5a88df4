#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan.h"

struct scan_reader *scan_reader_create(void *self)
{
    (void)self;
    struct scan_reader *reader = mem_zero(sizeof(*reader));
    reader->blocks = block_reader_create();
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
    template_scratch_destroy(reader->templates);
    mem_free(reader);
}

/* What is read of a part: what was asked for, and what tells which lines are hidden. */
static unsigned columns_of(const struct scan_state *state, const struct scan_part *part)
{
    return part->is_sieved ? state->columns | state->deletes->columns : state->columns;
}

void scan_count_blocks(struct scan_state *state, uint64_t blocks, uint64_t stored_bytes)
{
    struct query_stats *stats = &state->control->stats;
    atomic_fetch_add_explicit(&stats->blocks_read, blocks, memory_order_relaxed); // figures, all of them
    atomic_fetch_add_explicit(&stats->compressed_bytes, stored_bytes, memory_order_relaxed);
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

static bool read_block(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink,
                       void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    unsigned columns = columns_of(state, part);
    struct block_view view;
    if (!segment_read_block(part->segment, part->block, columns, reader->blocks, &view, err)) {
        if (err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED)
            figure_damage(DAMAGE_DATA);
        return false;
    }
    scan_count_blocks(state, 1, segment_block_at(part->segment, part->block)->stored_bytes);
    bool has_lines = (columns & SCAN_LINES) != 0;
    bool has_metadata = (columns & SCAN_METADATA) != 0 && view.metadata_index != NULL;
    for (size_t i = 0; i < unit->run_count; i++) {
        uint32_t first = part->rows[i]->first_row, end = first + part->rows[i]->entries;
        scan_clip(view.ts_ns, &first, &end, state->start_ns, state->end_ns);
        if (first == end)
            continue;
        struct entry_batch batch = {
            .stream = unit->runs[i].stream,
            .count = end - first,
            .ts_ns = view.ts_ns + first,
            .text = has_lines ? view.text : NULL,
            .offsets = has_lines ? view.offsets + first : NULL,
            .metadata_index = has_metadata ? view.metadata_index + first : NULL,
            .metadata_sets = has_metadata ? view.metadata_sets : NULL,
            .metadata_set_count = has_metadata ? view.metadata_set_count : 0,
            .is_ascii = (view.flags & SEGMENT_BLOCK_ASCII) != 0,
        };
        if (!sink(sink_self, &batch))
            return true;
    }
    return true;
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

static bool read_list(struct scan_state *state, const struct scan_part *part, const struct merge_piece *piece, uint32_t stream,
                      struct scan_reader *reader, batch_sink sink, void *sink_self)
{
    struct head_rows *rows = &reader->rows;
    struct query_stats *stats = &state->control->stats;
    head_rows_collect(rows, piece->list, piece->view, state->start_ns, state->end_ns);
    uint64_t bytes = 0;
    bool goes_on = true;
    for (size_t r = 0; goes_on && r < rows->count; r++) {
        const struct head_row *row = &rows->rows[r];
        uint32_t set = (reader->builder.columns & SCAN_METADATA) != 0
                           ? batch_builder_reference(&reader->builder, part->generation, row->metadata)
                           : 0;
        batch_builder_add(&reader->builder, row->ts_ns, slice_of(row->line, row->line_len), set);
        bytes += row->line_len;
        if (batch_builder_is_full(&reader->builder))
            goes_on = flush(reader, stream, sink, sink_self);
    }
    atomic_fetch_add_explicit(&stats->head_lines, rows->count, memory_order_relaxed); // figures, all of them
    atomic_fetch_add_explicit(&stats->head_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->head_chunks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->duplicates, rows->duplicates, memory_order_relaxed);
    return goes_on && flush(reader, stream, sink, sink_self);
}

static bool read_group(struct scan_state *state, const struct merge_piece *pieces, uint32_t count, uint32_t stream,
                       struct scan_reader *reader, batch_sink sink, void *sink_self, bool *out_goes_on, struct err *err)
{
    stream_merge_begin(reader->merge, pieces, count, state->start_ns, state->end_ns);
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
            *out_goes_on = flush(reader, stream, sink, sink_self);
    }
    atomic_fetch_add_explicit(&state->control->stats.duplicates, stream_merge_duplicates(reader->merge), memory_order_relaxed); // a figure
    *out_goes_on = *out_goes_on && flush(reader, stream, sink, sink_self);
    return true;
}

static bool read_merged(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink,
                        void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    struct block_slots *slots = stream_merge_slots(reader->merge);
    batch_builder_begin(&reader->builder, columns_of(state, part));
    bool ok = true, goes_on = true;
    for (size_t i = 0; ok && goes_on && i < unit->run_count; i++)
        ok = read_group(state, part->groups[i], part->group_counts[i], unit->runs[i].stream, reader, sink, sink_self, &goes_on, err);
    stream_merge_begin(reader->merge, NULL, 0, 0, 0); // gives the blocks back, and with them the segments
    block_slots_clear(slots);
    scan_count_blocks(state, slots->blocks_read, slots->stored_bytes);
    slots->blocks_read = slots->stored_bytes = 0;
    return ok;
}

static bool read_unit(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                      struct err *err)
{
    const struct scan_part *part = unit->part;
    if (part->kind == SCAN_PART_BLOCK)
        return read_block(state, unit, reader, sink, sink_self, err);
    if (part->kind == SCAN_PART_MERGED)
        return read_merged(state, unit, reader, sink, sink_self, err);
    batch_builder_begin(&reader->builder, columns_of(state, part));
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < unit->run_count; i++)
        goes_on = read_list(state, part, part->lists[i], unit->runs[i].stream, reader, sink, sink_self);
    return true;
}

bool scan_unit_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                    struct err *err)
{
    struct scan_state *state = scan->state;
    if (!((const struct scan_part *)unit->part)->is_sieved)
        return read_unit(state, unit, reader, sink, sink_self, err);
    if (reader->sieve == NULL)
        reader->sieve = delete_sieve_create();
    struct sieve_sink sieved = {.state = state, .sieve = reader->sieve, .sink = sink, .self = sink_self};
    bool ok = read_unit(state, unit, reader, sieve_sink_take, &sieved, err);
    delete_sieve_forget(reader->sieve); // its filters may go with this scan, the reader may not
    return ok;
}
