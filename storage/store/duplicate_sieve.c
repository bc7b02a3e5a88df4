#include "storage/store/duplicate_sieve.h"

#include <stdlib.h>

#include "core/base/mem.h"

#define PAIRS_FEW ((size_t)64) /* of one instant: so many are compared each with each */

struct times { /* of a chunk list's rows */
    int64_t *ts_ns;
    size_t cap;
};

struct duplicate_sieve {
    struct known_pairs *known;
    struct block_slots slots;
    struct head_rows elder_rows;
    struct times own_times, elder_times;
    uint8_t *twice;
    size_t twice_cap;
    struct hash128 *hashes; /* of an elder's rows of one instant */
    size_t hash_cap;
    bool holds_lines;
};

struct duplicate_sieve *duplicate_sieve_create(struct known_pairs *known)
{
    struct duplicate_sieve *sieve = mem_zero(sizeof(*sieve));
    sieve->known = known;
    return sieve;
}

void duplicate_sieve_destroy(struct duplicate_sieve *sieve)
{
    if (sieve == NULL)
        return;
    block_slots_fini(&sieve->slots);
    head_rows_fini(&sieve->elder_rows);
    mem_free(sieve->own_times.ts_ns);
    mem_free(sieve->elder_times.ts_ns);
    mem_free(sieve->twice);
    mem_free(sieve->hashes);
    mem_free(sieve);
}

void duplicate_sieve_rest(struct duplicate_sieve *sieve, uint64_t *out_blocks, uint64_t *out_stored_bytes, int64_t *out_decompress_ns)
{
    if (sieve->holds_lines) // times alone are small, and the next unit mostly wants the same ones
        block_slots_clear(&sieve->slots);
    sieve->holds_lines = false;
    *out_blocks = sieve->slots.blocks_read;
    *out_stored_bytes = sieve->slots.stored_bytes;
    *out_decompress_ns = sieve->slots.decompress_ns;
    sieve->slots.blocks_read = sieve->slots.stored_bytes = 0;
    sieve->slots.decompress_ns = 0;
}

static const int64_t *times_of(struct times *times, const struct head_rows *rows)
{
    if (rows->count > times->cap) {
        times->cap = rows->count * 2;
        times->ts_ns = mem_grow(times->ts_ns, times->cap, sizeof(*times->ts_ns));
    }
    for (size_t i = 0; i < rows->count; i++)
        times->ts_ns[i] = rows->rows[i].ts_ns;
    return times->ts_ns;
}

const int64_t *duplicate_sieve_times(struct duplicate_sieve *sieve, const struct head_rows *rows)
{
    return times_of(&sieve->own_times, rows);
}

/* The rows of [first_ns, last_ns]. */
static struct part_rows rows_between(const struct part_rows *rows, int64_t first_ns, int64_t last_ns)
{
    struct part_rows some = *rows;
    uint32_t first = 0, end = rows->count;
    if (end > 0)
        scan_clip(rows->ts_ns, &first, &end, first_ns, last_ns);
    some.ts_ns += first;
    some.count = end - first;
    some.first_row += first;
    some.batch_row += first;
    some.rows = rows->rows == NULL ? NULL : rows->rows + first;
    return some;
}

/* The elder's rows of [first_ns, last_ns]; of a block, with the slot that holds its times, which the caller releases. */
static bool elder_open(struct duplicate_sieve *sieve, const struct merge_piece *elder, int64_t first_ns, int64_t last_ns, struct part_rows *out,
                       struct block_slot **out_slot, struct err *err)
{
    *out_slot = NULL;
    if (elder->segment == NULL) {
        head_rows_collect(&sieve->elder_rows, elder->list, elder->view, first_ns, last_ns);
        *out = (struct part_rows){.ts_ns = times_of(&sieve->elder_times, &sieve->elder_rows),
                                  .count = (uint32_t)sieve->elder_rows.count,
                                  .rows = sieve->elder_rows.rows,
                                  .generation = elder->generation};
        return true;
    }
    const struct segment_run *run = elder->run;
    if (!block_slots_hold(&sieve->slots, elder->segment, run->block, SCAN_TIMES, out_slot, err))
        return false;
    struct part_rows all = {.ts_ns = (*out_slot)->view.ts_ns + run->first_row,
                            .count = run->entries,
                            .segment = elder->segment,
                            .run = run,
                            .first_row = run->first_row};
    *out = rows_between(&all, first_ns, last_ns);
    return true;
}

/* Goes on to the first instant from rows *a and *b on that both have. */
static bool find_meeting(const struct part_rows *x, const struct part_rows *y, uint32_t *a, uint32_t *b)
{
    while (*a < x->count && *b < y->count) {
        if (x->ts_ns[*a] == y->ts_ns[*b])
            return true;
        if (x->ts_ns[*a] < y->ts_ns[*b])
            ++*a;
        else
            ++*b;
    }
    return false;
}

static uint32_t instant_end(const struct part_rows *rows, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < rows->count && rows->ts_ns[end] == rows->ts_ns[first])
        end++;
    return end;
}

struct row_text {
    struct slice line, metadata;
};

/* slot: the block with all its columns; NULL: rows of a batch or a chunk list. */
static struct row_text row_text(const struct part_rows *rows, const struct block_slot *slot, uint32_t i)
{
    if (rows->batch != NULL)
        return (struct row_text){entry_batch_line(rows->batch, rows->batch_row + i), entry_batch_metadata(rows->batch, rows->batch_row + i)};
    if (slot == NULL) {
        const struct head_row *row = &rows->rows[i];
        struct slice metadata = row->metadata == METADATA_NONE ? SLICE_NONE : metadata_pool_get(generation_metadata(rows->generation), row->metadata);
        return (struct row_text){slice_of(row->line, row->line_len), metadata};
    }
    const struct block_view *view = &slot->view;
    uint32_t r = rows->first_row + i;
    return (struct row_text){slice_of(view->text + view->offsets[r], view->offsets[r + 1] - 1 - view->offsets[r]),
                             view->metadata_index == NULL ? SLICE_NONE : view->metadata_sets[view->metadata_index[r]]};
}

static int by_hash(const void *a, const void *b)
{
    return hash128_cmp(*(const struct hash128 *)a, *(const struct hash128 *)b);
}

struct found {
    uint32_t count; /* of rows that are there twice */
    bool meets;     /* an instant is in both */
    bool shares;    /* a row may be */
};

struct side { /* rows [first, end) of one instant */
    const struct part_rows *rows;
    const struct block_slot *slot;
    uint32_t first, end;
};

static bool is_among(const struct row_text *row, const struct side *elder)
{
    for (uint32_t i = elder->first; i < elder->end; i++) {
        struct row_text other = row_text(elder->rows, elder->slot, i);
        if (slice_eq(row->line, other.line) && slice_eq(row->metadata, other.metadata))
            return true;
    }
    return false;
}

/* Marks those of one instant; mark: of the first of them. Counts those that were not marked before; those that were may be the elder's too. */
static void compare_instant(struct duplicate_sieve *sieve, const struct side *own, const struct side *elder, uint8_t *mark, struct found *found)
{
    size_t others = elder->end - elder->first;
    bool by_text = others * (own->end - own->first) <= PAIRS_FEW;
    if (!by_text && others > sieve->hash_cap) {
        sieve->hash_cap = others * 2;
        sieve->hashes = mem_grow(sieve->hashes, sieve->hash_cap, sizeof(*sieve->hashes));
    }
    for (uint32_t i = elder->first; !by_text && i < elder->end; i++) {
        struct row_text row = row_text(elder->rows, elder->slot, i);
        sieve->hashes[i - elder->first] = entry_hash(row.line, row.metadata);
    }
    if (!by_text)
        qsort(sieve->hashes, others, sizeof(*sieve->hashes), by_hash);
    for (uint32_t i = own->first; i < own->end; i++, mark++) {
        struct row_text row = row_text(own->rows, own->slot, i);
        struct hash128 hash;
        found->shares = found->shares || *mark != 0;
        if (*mark != 0)
            continue;
        if (!by_text)
            hash = entry_hash(row.line, row.metadata);
        *mark = by_text ? is_among(&row, elder) : bsearch(&hash, sieve->hashes, others, sizeof(hash), by_hash) != NULL;
        found->count += *mark;
        found->shares = found->shares || *mark != 0;
    }
}

/* What row_text needs beside the rows. */
static bool text_open(struct duplicate_sieve *sieve, const struct part_rows *rows, struct block_slot **out, struct err *err)
{
    *out = NULL;
    if (rows->segment == NULL || rows->batch != NULL)
        return true;
    sieve->holds_lines = true;
    return block_slots_hold(&sieve->slots, rows->segment, rows->run->block, SCAN_LINES | SCAN_METADATA, out, err);
}

/* Instants of both: their rows are compared. marks: of the own rows. */
static bool compare(struct duplicate_sieve *sieve, const struct part_rows *own, const struct part_rows *elder, uint8_t *marks, struct found *found,
                    struct err *err)
{
    struct block_slot *own_slot = NULL, *elder_slot = NULL;
    bool ok = text_open(sieve, own, &own_slot, err) && text_open(sieve, elder, &elder_slot, err);
    uint32_t a = 0, b = 0;
    while (ok && find_meeting(own, elder, &a, &b)) {
        struct side mine = {own, own_slot, a, instant_end(own, a)}, other = {elder, elder_slot, b, instant_end(elder, b)};
        compare_instant(sieve, &mine, &other, marks + a, found);
        a = mine.end;
        b = other.end;
    }
    block_slots_release(&sieve->slots, own_slot);
    block_slots_release(&sieve->slots, elder_slot);
    return ok;
}

/* Two whole runs, as far as they overlap, had nothing in common: that holds for ever. */
static void tell_known(struct duplicate_sieve *sieve, const struct part_rows *rows, const struct merge_piece *elder)
{
    if (rows->segment == NULL || elder->segment == NULL || elder->first_ns != elder->run->first_ns || elder->last_ns != elder->run->last_ns)
        return;
    const struct segment_run *run = rows->run;
    int64_t first_ns = run->first_ns > elder->first_ns ? run->first_ns : elder->first_ns;
    int64_t last_ns = run->last_ns < elder->last_ns ? run->last_ns : elder->last_ns;
    if (rows->first_ns <= first_ns && rows->last_ns >= last_ns)
        known_pairs_add(sieve->known, (struct known_run){rows->segment, run}, (struct known_run){elder->segment, elder->run});
}

/* marks: NULL: whether an instant meets is all that is asked. */
static bool ask_elder(struct duplicate_sieve *sieve, const struct merge_piece *elder, const struct part_rows *rows, uint8_t *marks, struct found *found,
                      struct err *err)
{
    struct part_rows own = rows_between(rows, elder->first_ns, elder->last_ns), others;
    struct block_slot *slot = NULL;
    uint32_t a = 0, b = 0;
    bool ok = true;
    found->meets = found->shares = false;
    if (own.count > 0) {
        if (!elder_open(sieve, elder, own.ts_ns[0], own.ts_ns[own.count - 1], &others, &slot, err))
            return false;
        found->meets = find_meeting(&own, &others, &a, &b);
        found->shares = found->meets && marks == NULL;
        ok = !found->meets || marks == NULL || compare(sieve, &own, &others, marks + (own.ts_ns - rows->ts_ns), found, err);
        block_slots_release(&sieve->slots, slot);
    }
    if (ok && !found->shares)
        tell_known(sieve, rows, elder);
    return ok;
}

bool duplicate_sieve_find(struct duplicate_sieve *sieve, const struct scan_elders *elders, const struct part_rows *rows, const uint8_t **out_twice,
                          uint32_t *out_count, struct err *err)
{
    struct found found = {0};
    if (rows->count > sieve->twice_cap) {
        sieve->twice_cap = (size_t)rows->count * 2;
        sieve->twice = mem_grow(sieve->twice, sieve->twice_cap, 1);
    }
    if (rows->count > 0)
        memset(sieve->twice, 0, rows->count);
    for (uint32_t i = 0; i < elders->count; i++)
        if (!ask_elder(sieve, elders->pieces[i], rows, sieve->twice, &found, err))
            return false;
    *out_twice = found.count > 0 ? sieve->twice : NULL;
    *out_count = found.count;
    return true;
}

bool duplicate_sieve_meets(struct duplicate_sieve *sieve, const struct scan_elders *elders, const struct part_rows *rows, bool *out_meets, struct err *err)
{
    struct found found = {0};
    for (uint32_t i = 0; i < elders->count && !found.meets; i++)
        if (!ask_elder(sieve, elders->pieces[i], rows, NULL, &found, err))
            return false;
    *out_meets = found.meets;
    return true;
}
