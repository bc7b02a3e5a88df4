#include "core/base/mem.h"
#include "core/plan/time_bar.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan.h"

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
    template_scratch_destroy(reader->templates);
    mem_free(reader);
}

/* What is read of a part: what was asked for, and what tells which lines are hidden. */
static unsigned columns_of(const struct scan_state *state, const struct scan_part *part)
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

/* The time that is still wanted of the range. */
static void wanted(const struct scan_state *state, int64_t *start_ns, int64_t *end_ns)
{
    *start_ns = state->start_ns;
    *end_ns = state->end_ns;
    if (state->bound_ns == NULL)
        return;
    int64_t bound_ns = state->bound_ns(state->bound_self);
    if (state->newest_first)
        *start_ns = bound_ns > *start_ns ? bound_ns : *start_ns;
    else
        *end_ns = bound_ns < *end_ns ? bound_ns : *end_ns;
}

/* Rows [first, end) of a block as a batch. */
static struct entry_batch batch_of(const struct block_view *view, const struct block_rows_view *rows, uint32_t stream, uint32_t first, uint32_t end)
{
    bool has_metadata = view->metadata_index != NULL;
    return (struct entry_batch){
        .stream = stream,
        .count = end - first,
        .first_row = first,
        .ts_ns = rows->ts_ns + (first - rows->first_row),
        .text = rows->text,
        .offsets = rows->offsets == NULL ? NULL : rows->offsets + (first - rows->first_row),
        .metadata_index = has_metadata ? view->metadata_index + first : NULL,
        .metadata_sets = has_metadata ? view->metadata_sets : NULL,
        .metadata_set_count = has_metadata ? view->metadata_set_count : 0,
        .is_ascii = (view->flags & SEGMENT_BLOCK_ASCII) != 0,
    };
}

struct block_read { /* of a unit that is a block */
    struct scan_state *state;
    const struct scan_unit *unit;
    struct scan_reader *reader;
    unsigned columns;
    struct block_view view;
    uint64_t stored_bytes; /* read of it */
    batch_sink sink;
    void *sink_self;
};

/* Gives the wanted ones of these rows, run by run. False: the sink has enough. */
static bool give_rows(const struct block_read *read, const struct block_rows_view *rows)
{
    const struct scan_part *part = read->unit->part;
    int64_t start_ns, end_ns;
    for (size_t i = 0; i < read->unit->run_count; i++) {
        uint32_t first = part->rows[i]->first_row, end = first + part->rows[i]->entries;
        first = first < rows->first_row ? rows->first_row : first;
        end = end > rows->first_row + rows->rows ? rows->first_row + rows->rows : end;
        if (first >= end)
            continue;
        wanted(read->state, &start_ns, &end_ns);
        first -= rows->first_row;
        end -= rows->first_row;
        scan_clip(rows->ts_ns, &first, &end, start_ns, end_ns);
        if (first == end)
            continue;
        struct entry_batch batch = batch_of(&read->view, rows, read->unit->runs[i].stream, first + rows->first_row, end + rows->first_row);
        if (!read->sink(read->sink_self, &batch))
            return false;
    }
    return true;
}

static bool part_is_wanted(const struct block_read *read, uint32_t number)
{
    const struct scan_part *part = read->unit->part;
    struct block_part_span span;
    int64_t start_ns, end_ns;
    block_view_part(&read->view, number, &span);
    wanted(read->state, &start_ns, &end_ns);
    bool is_wanted = false;
    for (size_t i = 0; !is_wanted && i < read->unit->run_count; i++)
        is_wanted = part->rows[i]->first_row < span.end_row && part->rows[i]->first_row + part->rows[i]->entries > span.first_row;
    return is_wanted && span.first_ns <= end_ns && span.last_ns >= start_ns;
}

/* The best time of a part. */
static int64_t best_of_part(const struct block_read *read, uint32_t number)
{
    struct block_part_span span;
    block_view_part(&read->view, number, &span);
    return read->state->newest_first ? span.last_ns : span.first_ns;
}

/* The block's parts, the one with the best time first. Always the same for a block, and there are few. */
static void order_parts(const struct block_read *read, uint8_t *order)
{
    for (uint32_t i = 0; i < read->view.layout.part_count; i++) {
        int64_t best_ns = best_of_part(read, i);
        uint32_t at = i;
        for (; at > 0 && time_beats(best_ns, best_of_part(read, order[at - 1]), !read->state->newest_first); at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

static bool read_part(struct block_read *read, uint32_t number, bool *goes_on, struct err *err)
{
    const struct scan_part *part = read->unit->part;
    struct block_rows_view rows;
    if (!segment_read_part(part->segment, part->block, number, read->columns, read->reader->blocks, &rows, err))
        return false;
    read->stored_bytes += rows.stored_bytes;
    *goes_on = give_rows(read, &rows);
    return true;
}

static bool read_all_parts(struct block_read *read, struct err *err)
{
    bool ok = true, goes_on = true;
    for (uint32_t i = 0; ok && goes_on && i < read->view.layout.part_count; i++)
        ok = !part_is_wanted(read, i) || read_part(read, i, &goes_on, err);
    return ok;
}

/* First the best part, and then all that is left and still wanted. */
static bool read_step(struct block_read *read, struct unit_cursor *cursor, struct err *err)
{
    uint8_t order[SEGMENT_PARTS_MAX];
    uint32_t parts_left = cursor->next == 0 ? 1 : UINT32_MAX;
    bool goes_on = true;
    order_parts(read, order);
    cursor->is_done = true;
    for (uint32_t i = cursor->next; goes_on && i < read->view.layout.part_count; i++) {
        if (!part_is_wanted(read, order[i]))
            continue;
        if (parts_left-- == 0) {
            *cursor = (struct unit_cursor){.next = i, .next_ns = best_of_part(read, order[i])};
            return true;
        }
        if (!read_part(read, order[i], &goes_on, err))
            return false;
    }
    return true;
}

static bool read_by_parts(struct block_read *read, struct unit_cursor *cursor, struct err *err)
{
    const struct scan_part *part = read->unit->part;
    return segment_read_layout(part->segment, part->block, read->columns, read->reader->blocks, &read->view, err) &&
           (cursor == NULL ? read_all_parts(read, err) : read_step(read, cursor, err));
}

static bool read_at_once(struct block_read *read, struct err *err)
{
    const struct scan_part *part = read->unit->part;
    struct block_view *view = &read->view;
    if (!segment_read_block(part->segment, part->block, read->columns, read->reader->blocks, view, err))
        return false;
    bool has_lines = (read->columns & SCAN_LINES) != 0;
    bool has_metadata = (read->columns & SCAN_METADATA) != 0;
    view->metadata_index = has_metadata ? view->metadata_index : NULL; // a block from the cache may have more than was asked for
    struct block_rows_view rows = {.rows = view->entries, .ts_ns = view->ts_ns};
    rows.text = has_lines ? view->text : NULL;
    rows.offsets = has_lines ? view->offsets : NULL;
    read->stored_bytes = segment_block_at(part->segment, part->block)->stored_bytes;
    (void)give_rows(read, &rows);
    return true;
}

/* cursor: NULL: all of it at once. */
static bool read_block(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                       void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    bool has_parts = segment_block_parts(segment_block_at(part->segment, part->block)) > 0;
    struct block_read read = {.state = state, .unit = unit, .reader = reader, .columns = columns_of(state, part), .sink = sink, .sink_self = sink_self};
    block_reader_keep(reader->blocks, &state->cache_allowance);
    bool is_first = cursor == NULL || cursor->next == 0;
    if (has_parts ? read_by_parts(&read, cursor, err) : read_at_once(&read, err)) {
        scan_count_blocks(state, is_first ? 1 : 0, read.stored_bytes, block_reader_take_decompress_ns(reader->blocks));
        return true;
    }
    if (err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED)
        figure_damage(DAMAGE_DATA);
    return false;
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
    int64_t start_ns, end_ns;
    wanted(state, &start_ns, &end_ns);
    head_rows_collect(rows, piece->list, piece->view, start_ns, end_ns);
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
    int64_t start_ns, end_ns;
    wanted(state, &start_ns, &end_ns);
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
        return read_block(state, unit, reader, cursor, sink, sink_self, err);
    if (part->kind == SCAN_PART_MERGED)
        return read_merged(state, unit, reader, sink, sink_self, err);
    batch_builder_begin(&reader->builder, columns_of(state, part));
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < unit->run_count; i++)
        goes_on = read_list(state, part, part->lists[i], unit->runs[i].stream, reader, sink, sink_self);
    return true;
}

bool scan_unit_read_step(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                         void *sink_self, struct err *err)
{
    struct scan_state *state = scan->state;
    if (!((const struct scan_part *)unit->part)->is_sieved)
        return read_unit(state, unit, reader, cursor, sink, sink_self, err);
    if (reader->sieve == NULL)
        reader->sieve = delete_sieve_create();
    struct sieve_sink sieved = {.state = state, .sieve = reader->sieve, .sink = sink, .self = sink_self};
    bool ok = read_unit(state, unit, reader, cursor, sieve_sink_take, &sieved, err);
    delete_sieve_forget(reader->sieve); // its filters may go with this scan, the reader may not
    return ok;
}

bool scan_unit_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                    struct err *err)
{
    return scan_unit_read_step(scan, unit, reader, NULL, sink, sink_self, err);
}
