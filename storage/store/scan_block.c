/* scan_block.c: units that are a block of a segment: whole, or in parts. */
#include "core/plan/time_bar.h"
#include "storage/figures/store_figures.h"
#include "storage/store/duplicate_sieve.h"

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
    scan_wanted(read->state, &read->unit->runs[run], &start_ns, &end_ns);
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
        scan_elders_span(&part->elders[run], &first_ns, &last_ns);
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
    for (size_t i = 0; i < read->unit->run_count; i++) {
        const struct segment_run *run = part->rows[i];
        scan_wanted(read->state, &read->unit->runs[i], &start_ns, &end_ns);
        if (run->first_row < span.end_row && run->first_row + run->entries > span.first_row && span.first_ns <= end_ns && span.last_ns >= start_ns)
            return true;
    }
    return false;
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

bool scan_block_read(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                       void *sink_self, struct err *err)
{
    const struct scan_part *part = unit->part;
    bool has_parts = segment_block_parts(segment_block_at(part->segment, part->block)) > 0;
    struct block_read read = {.state = state, .unit = unit, .reader = reader, .columns = scan_columns(state, part), .sink = sink, .sink_self = sink_self};
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
