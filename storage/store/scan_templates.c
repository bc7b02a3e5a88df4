/* scan_templates.c: units by the templates that are kept with their segments: times and a column of numbers are read, no lines.
 *
 * Parts of a stream that overlap in time may hold an entry twice, and only its line tells. So a merged unit is counted this way only if no instant occurs in two
 * parts of a group: then all its entries differ. A block with elders likewise. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/segment/segment_templates.h"
#include "storage/store/duplicate_sieve.h"

struct piece_rows { /* one piece of a merged unit, in the scratch's columns */
    const struct template_file *file;
    uint32_t stream;
    size_t first, count;
};

struct template_scratch {
    struct template_reader *reader;
    /* Of a merged unit: */
    int64_t *ts_ns, *sorted;
    uint16_t *ids;
    size_t count, cap;
    struct piece_rows *pieces;
    size_t piece_count, piece_cap;
};

static struct template_scratch *scratch_of(struct scan_reader *reader)
{
    if (reader->templates == NULL) {
        reader->templates = mem_zero(sizeof(*reader->templates));
        reader->templates->reader = template_reader_create();
    }
    return reader->templates;
}

void template_scratch_destroy(struct template_scratch *scratch)
{
    if (scratch == NULL)
        return;
    template_reader_destroy(scratch->reader);
    mem_free(scratch->ts_ns);
    mem_free(scratch->sorted);
    mem_free(scratch->ids);
    mem_free(scratch->pieces);
    mem_free(scratch);
}

/* NULL: not kept; from now on they are wanted. */
static const struct template_file *file_of(struct segment *segment)
{
    const struct template_file *file = segment_templates(segment);
    if (file == NULL)
        segment_templates_want(segment);
    return file;
}

/* The block's times and numbers. False without an error: what is kept did not hold. */
static bool block_read(struct scan_state *state, struct scan_reader *reader, struct segment *segment, uint32_t block, const struct template_file *file,
                       struct block_view *view, const uint16_t **out_ids, struct err *err, bool *out_failed)
{
    struct err damage;
    *out_failed = !segment_read_block(segment, block, SCAN_TIMES, reader->blocks, view, err);
    if (*out_failed)
        return false;
    if (!template_file_read(file, block, view->entries, scratch_of(reader)->reader, out_ids, &damage)) {
        segment_templates_spoil(segment, file);
        segment_templates_want(segment);
        return false;
    }
    scan_count_blocks(state, 1, 0, block_reader_take_decompress_ns(reader->blocks));
    return true;
}

static struct template_batch batch_of(const struct template_file *file, uint32_t stream, const int64_t *ts_ns, const uint16_t *ids, size_t count)
{
    return (struct template_batch){.stream = stream,
                                   .count = (uint32_t)count,
                                   .ts_ns = ts_ns,
                                   .ids = ids,
                                   .templates = template_file_templates(file),
                                   .template_count = template_file_count(file)};
}

/* The run's rows in the range. */
static struct part_rows run_rows(const struct scan_state *state, const struct scan_unit *unit, size_t run, const struct block_view *view)
{
    const struct scan_part *part = unit->part;
    uint32_t first = part->rows[run]->first_row, end = first + part->rows[run]->entries;
    int64_t start_ns = unit->runs[run].first_ns > state->start_ns ? unit->runs[run].first_ns : state->start_ns;
    int64_t end_ns = unit->runs[run].last_ns < state->end_ns ? unit->runs[run].last_ns : state->end_ns;
    scan_clip(view->ts_ns, &first, &end, start_ns, end_ns);
    return (struct part_rows){.ts_ns = view->ts_ns + first,
                              .count = end - first,
                              .first_ns = start_ns,
                              .last_ns = end_ns,
                              .segment = part->segment,
                              .run = part->rows[run],
                              .first_row = first};
}

/* Whether lines must be read to tell which rows an elder has too. */
static bool elders_meet(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, const struct block_view *view, bool *out_meets,
                        struct err *err)
{
    const struct scan_part *part = unit->part;
    *out_meets = false;
    for (size_t i = 0; part->elders != NULL && !*out_meets && i < unit->run_count; i++) {
        struct part_rows rows = run_rows(state, unit, i, view);
        if (part->elders[i].count > 0 && !duplicate_sieve_meets(scan_reader_duplicates(state, reader), &part->elders[i], &rows, out_meets, err))
            return false;
    }
    return true;
}

static bool block_templates(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self,
                            bool *out_has, struct err *err)
{
    const struct scan_part *part = unit->part;
    const struct template_file *file = file_of(part->segment);
    struct block_view view;
    const uint16_t *ids;
    bool failed = false, meets = false;
    *out_has = file != NULL && block_read(state, reader, part->segment, part->block, file, &view, &ids, err, &failed);
    if (*out_has && !elders_meet(state, unit, reader, &view, &meets, err)) {
        *out_has = false;
        return false;
    }
    *out_has = *out_has && !meets;
    for (size_t i = 0; *out_has && i < unit->run_count; i++) {
        struct part_rows rows = run_rows(state, unit, i, &view);
        if (rows.count == 0)
            continue;
        struct template_batch batch = batch_of(file, unit->runs[i].stream, rows.ts_ns, ids + rows.first_row, rows.count);
        sink(sink_self, &batch);
    }
    return !failed;
}

/* ---- parts that overlap ---- */

static void piece_add(struct template_scratch *scratch, const struct template_file *file, uint32_t stream, const int64_t *ts_ns, const uint16_t *ids, size_t count)
{
    if (scratch->count + count > scratch->cap) {
        scratch->cap = (scratch->count + count) * 2;
        scratch->ts_ns = mem_grow(scratch->ts_ns, scratch->cap, sizeof(*scratch->ts_ns));
        scratch->sorted = mem_grow(scratch->sorted, scratch->cap, sizeof(*scratch->sorted));
        scratch->ids = mem_grow(scratch->ids, scratch->cap, sizeof(*scratch->ids));
    }
    if (scratch->piece_count == scratch->piece_cap) {
        scratch->piece_cap = scratch->piece_cap == 0 ? 16 : scratch->piece_cap * 2;
        scratch->pieces = mem_grow(scratch->pieces, scratch->piece_cap, sizeof(*scratch->pieces));
    }
    if (count == 0)
        return;
    memcpy(scratch->ts_ns + scratch->count, ts_ns, count * sizeof(*ts_ns));
    memcpy(scratch->ids + scratch->count, ids, count * sizeof(*ids));
    scratch->pieces[scratch->piece_count++] = (struct piece_rows){file, stream, scratch->count, count};
    scratch->count += count;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whether an instant occurs in two of the pieces from `first` on. Within a piece it may occur often: its entries differ. */
static bool instants_meet(struct template_scratch *scratch, size_t first)
{
    size_t count = 0;
    for (size_t p = first; p < scratch->piece_count; p++) {
        const int64_t *ts_ns = scratch->ts_ns + scratch->pieces[p].first;
        for (size_t i = 0; i < scratch->pieces[p].count; i++)
            if (i == 0 || ts_ns[i] != ts_ns[i - 1])
                scratch->sorted[count++] = ts_ns[i];
    }
    if (count > 1)
        qsort(scratch->sorted, count, sizeof(*scratch->sorted), by_time);
    for (size_t i = 1; i < count; i++)
        if (scratch->sorted[i] == scratch->sorted[i - 1])
            return true;
    return false;
}

/* Gathers the rows of one group's pieces. False without an error: lines must be read. */
static bool group_gather(struct scan_state *state, const struct merge_piece *pieces, uint32_t count, const struct scan_run *run, struct scan_reader *reader,
                         struct err *err, bool *out_failed)
{
    int64_t start_ns = run->first_ns > state->start_ns ? run->first_ns : state->start_ns;
    int64_t end_ns = run->last_ns < state->end_ns ? run->last_ns : state->end_ns;
    struct template_scratch *scratch = scratch_of(reader);
    size_t first_piece = scratch->piece_count;
    for (uint32_t p = 0; p < count; p++) {
        const struct template_file *file = file_of(pieces[p].segment);
        struct block_view view;
        const uint16_t *ids;
        if (file == NULL || !block_read(state, reader, pieces[p].segment, pieces[p].run->block, file, &view, &ids, err, out_failed))
            return false;
        uint32_t first = pieces[p].run->first_row, end = first + pieces[p].run->entries;
        scan_clip(view.ts_ns, &first, &end, start_ns, end_ns);
        piece_add(scratch, file, run->stream, view.ts_ns + first, ids + first, end - first);
    }
    return !instants_meet(scratch, first_piece);
}

/* Whether all parts of the unit have templates. Each is asked, so that each is wanted. */
static bool all_are_kept(const struct scan_unit *unit)
{
    const struct scan_part *part = unit->part;
    bool all = true;
    for (size_t i = 0; i < unit->run_count; i++)
        for (uint32_t p = 0; p < part->group_counts[i]; p++)
            all = part->groups[i][p].segment != NULL && file_of(part->groups[i][p].segment) != NULL && all;
    return all;
}

static bool merged_templates(struct scan_state *state, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self,
                             bool *out_has, struct err *err)
{
    const struct scan_part *part = unit->part;
    struct template_scratch *scratch = scratch_of(reader);
    bool failed = false;
    scratch->count = scratch->piece_count = 0;
    *out_has = all_are_kept(unit);
    for (size_t i = 0; *out_has && i < unit->run_count; i++)
        *out_has = group_gather(state, part->groups[i], part->group_counts[i], &unit->runs[i], reader, err, &failed);
    for (size_t p = 0; *out_has && p < scratch->piece_count; p++) {
        const struct piece_rows *piece = &scratch->pieces[p];
        struct template_batch batch = batch_of(piece->file, piece->stream, scratch->ts_ns + piece->first, scratch->ids + piece->first, piece->count);
        sink(sink_self, &batch);
    }
    return !failed;
}

bool scan_unit_templates(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self, bool *out_has,
                         struct err *err)
{
    struct scan_state *state = scan->state;
    const struct scan_part *part = unit->part;
    *out_has = false;
    if (part->is_sieved || part->kind == SCAN_PART_LISTS)
        return true;
    return part->kind == SCAN_PART_BLOCK ? block_templates(state, unit, reader, sink, sink_self, out_has, err)
                                         : merged_templates(state, unit, reader, sink, sink_self, out_has, err);
}
