#include "core/base/mem.h"
#include "core/plan/time_bar.h"
#include "storage/figures/store_figures.h"
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

/* ... of a run. */
static void wanted_of(const struct scan_state *state, const struct scan_run *run, int64_t *start_ns, int64_t *end_ns)
{
    wanted(state, start_ns, end_ns);
    *start_ns = run->first_ns > *start_ns ? run->first_ns : *start_ns;
    *end_ns = run->last_ns < *end_ns ? run->last_ns : *end_ns;
}

/* The time from the first of the elders to the last. */
static void elders_span(const struct scan_elders *elders, int64_t *first_ns, int64_t *last_ns)
{
    *first_ns = INT64_MAX;
    *last_ns = INT64_MIN;
    for (uint32_t i = 0; i < elders->count; i++) {
        *first_ns = elders->pieces[i]->first_ns < *first_ns ? elders->pieces[i]->first_ns : *first_ns;
        *last_ns = elders->pieces[i]->last_ns > *last_ns ? elders->pieces[i]->last_ns : *last_ns;
    }
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

/* Rows [first, end) of the block, as they are. False: the sink has enough. */
static bool give_plain(const struct block_read *read, const struct block_rows_view *rows, size_t run, uint32_t first, uint32_t end)
{
    struct entry_batch batch = batch_of(&read->view, rows, read->unit->runs[run].stream, first, end);
    return first == end || read->sink(read->sink_self, &batch);
}

struct span { /* of time */
    int64_t first_ns, last_ns;
    bool is_sieved;
};

/* ... less what the run's elders have too. span: the run has no other rows in it; empty: not known. */
static bool give_sieved(const struct block_read *read, const struct block_rows_view *rows, size_t run, uint32_t first, uint32_t end, const struct span *span,
                        bool *goes_on, struct err *err)
{
    const struct scan_part *part = read->unit->part;
    const unsigned all = SCAN_LINES | SCAN_METADATA;
    struct entry_batch batch = batch_of(&read->view, rows, read->unit->runs[run].stream, first, end);
    struct part_rows own = {.ts_ns = batch.ts_ns,
                            .count = batch.count,
                            .first_ns = span->first_ns,
                            .last_ns = span->last_ns,
                            .segment = part->segment,
                            .run = part->rows[run],
                            .first_row = first};
    own.batch = (read->columns & all) == all ? &batch : NULL;
    const uint8_t *twice;
    uint32_t count;
    if (!duplicate_sieve_find(scan_reader_duplicates(read->state, read->reader), &part->elders[run], &own, &twice, &count, err))
        return false;
    atomic_fetch_add_explicit(&read->state->control->stats.duplicates, count, memory_order_relaxed); // a figure
    for (uint32_t from = first; *goes_on && from < end;) {
        uint32_t to = twice == NULL ? end : from;
        while (to < end && twice[to - first] == 0)
            to++;
        *goes_on = give_plain(read, rows, run, from, to);
        for (from = to; from < end && twice[from - first] != 0;)
            from++;
    }
    return true;
}

/* Those of the run's rows [first, end), of what was read, that are in the span and wanted now. */
static bool give_span(const struct block_read *read, const struct block_rows_view *rows, size_t run, uint32_t first, uint32_t end, const struct span *of,
                      bool *goes_on, struct err *err)
{
    const struct segment_run *all = ((const struct scan_part *)read->unit->part)->rows[run];
    struct span span = *of;
    int64_t start_ns, end_ns;
    uint32_t from = first - rows->first_row, to = end - rows->first_row;
    wanted_of(read->state, &read->unit->runs[run], &start_ns, &end_ns);
    span.first_ns = span.first_ns > start_ns ? span.first_ns : start_ns;
    span.last_ns = span.last_ns < end_ns ? span.last_ns : end_ns;
    int64_t row_first_ns = rows->ts_ns[from], row_last_ns = rows->ts_ns[to - 1];
    scan_clip(rows->ts_ns, &from, &to, span.first_ns, span.last_ns);
    if (from >= to)
        return true;
    if (!span.is_sieved) {
        *goes_on = give_plain(read, rows, run, from + rows->first_row, to + rows->first_row);
        return true;
    }
    bool goes_before = first > all->first_row && row_first_ns >= span.first_ns, goes_behind = end < all->first_row + all->entries && row_last_ns <= span.last_ns;
    if (goes_before || goes_behind) // what was read has not all of the span
        span = (struct span){INT64_MAX, INT64_MIN, true};
    return give_sieved(read, rows, run, from + rows->first_row, to + rows->first_row, &span, goes_on, err);
}

/* What lies beside the run's elders in time is given as it is. Newest first, nobody may want the rest any more after that, and then the elders are not looked at. */
static bool give_run(const struct block_read *read, const struct block_rows_view *rows, size_t run, uint32_t first, uint32_t end, bool *goes_on,
                     struct err *err)
{
    const struct scan_part *part = read->unit->part;
    struct span spans[3] = {{INT64_MIN, INT64_MAX, false}};
    size_t count = 1;
    if (part->elders != NULL && part->elders[run].count > 0) {
        int64_t first_ns, last_ns;
        elders_span(&part->elders[run], &first_ns, &last_ns);
        count = 0;
        if (first_ns > INT64_MIN)
            spans[count++] = (struct span){INT64_MIN, first_ns - 1, false};
        spans[count++] = (struct span){first_ns, last_ns, true};
        if (last_ns < INT64_MAX)
            spans[count++] = (struct span){last_ns + 1, INT64_MAX, false};
    }
    for (size_t i = 0; *goes_on && i < count; i++)
        if (!give_span(read, rows, run, first, end, &spans[read->state->newest_first ? count - 1 - i : i], goes_on, err)) // the best ones first
            return false;
    return true;
}

/* Gives the wanted ones of these rows, run by run. *goes_on false: the sink has enough. */
static bool give_rows(const struct block_read *read, const struct block_rows_view *rows, bool *goes_on, struct err *err)
{
    const struct scan_part *part = read->unit->part;
    for (size_t i = 0; *goes_on && i < read->unit->run_count; i++) {
        uint32_t first = part->rows[i]->first_row, end = first + part->rows[i]->entries;
        first = first < rows->first_row ? rows->first_row : first;
        end = end > rows->first_row + rows->rows ? rows->first_row + rows->rows : end;
        if (first < end && !give_run(read, rows, i, first, end, goes_on, err))
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
    return give_rows(read, &rows, goes_on, err);
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
    bool goes_on = true;
    return give_rows(read, &rows, &goes_on, err);
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
    wanted_of(read->state, run, &start_ns, &end_ns);
    if (elders != NULL && read->state->newest_first) { // what is newer than they are may be enough
        elders_span(elders, &first_ns, &last_ns);
        if (last_ns < end_ns) {
            int64_t from_ns = last_ns >= start_ns ? last_ns + 1 : start_ns;
            if (!read_rows(read, from_ns, end_ns, NULL, goes_on, err))
                return false;
            end_ns = last_ns;
            wanted_of(read->state, run, &start_ns, &first_ns);
        }
    }
    return !*goes_on || read_rows(read, start_ns, end_ns, elders, goes_on, err);
}

static bool read_group(struct scan_state *state, const struct merge_piece *pieces, uint32_t count, const struct scan_run *run,
                       struct scan_reader *reader, batch_sink sink, void *sink_self, bool *out_goes_on, struct err *err)
{
    int64_t start_ns, end_ns;
    wanted_of(state, run, &start_ns, &end_ns);
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
    batch_builder_begin(&reader->builder, columns_of(state, part));
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
        return read_block(state, unit, reader, cursor, sink, sink_self, err);
    if (part->kind == SCAN_PART_MERGED)
        return read_merged(state, unit, reader, sink, sink_self, err);
    batch_builder_begin(&reader->builder, columns_of(state, part));
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
