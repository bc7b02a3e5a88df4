#include "storage/head/head_rows.h"

#include "core/base/hash.h"
#include "core/base/mem.h"

#define PAIRWISE_MAX ((size_t)16) /* larger groups of one timestamp are compared by hash */

static void rows_reserve(struct head_row **rows, size_t *cap, size_t count)
{
    if (count <= *cap)
        return;
    size_t want = *cap == 0 ? 1024 : *cap * 2;
    *cap = want < count ? count : want;
    *rows = mem_grow(*rows, *cap, sizeof(struct head_row));
}

/* Stable: merges natural runs, bottom up. Input is nearly sorted as a rule, so there are few. */
static void rows_sort(struct head_rows *rows)
{
    rows_reserve(&rows->scratch, &rows->scratch_cap, rows->count);
    for (;;) {
        size_t out = 0, merges = 0;
        for (size_t i = 0; i < rows->count;) {
            size_t middle = i + 1;
            while (middle < rows->count && rows->rows[middle - 1].ts_ns <= rows->rows[middle].ts_ns)
                middle++;
            size_t end = middle < rows->count ? middle + 1 : middle;
            while (end < rows->count && rows->rows[end - 1].ts_ns <= rows->rows[end].ts_ns)
                end++;
            size_t a = i, b = middle;
            while (a < middle && b < end)
                rows->scratch[out++] = rows->rows[b].ts_ns < rows->rows[a].ts_ns ? rows->rows[b++] : rows->rows[a++];
            while (a < middle)
                rows->scratch[out++] = rows->rows[a++];
            while (b < end)
                rows->scratch[out++] = rows->rows[b++];
            merges += middle < end;
            i = end;
        }
        struct head_row *swap = rows->rows;
        rows->rows = rows->scratch;
        rows->scratch = swap;
        size_t cap = rows->cap;
        rows->cap = rows->scratch_cap;
        rows->scratch_cap = cap;
        if (merges == 0)
            return;
    }
}

static bool row_eq(const struct head_row *a, const struct head_row *b)
{
    return a->line_len == b->line_len && a->metadata == b->metadata &&
           (a->line_len == 0 || memcmp(a->line, b->line, a->line_len) == 0);
}

/* Keeps the first of each set of equal rows among n of one timestamp; returns how many stay. */
static size_t group_unique_pairwise(struct head_row *rows, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < kept && !seen; k++)
            seen = row_eq(&rows[k], &rows[i]);
        if (!seen)
            rows[kept++] = rows[i];
    }
    return kept;
}

static size_t group_unique_hashed(struct head_row *rows, size_t n)
{
    size_t cap = 64;
    while (cap < n * 2)
        cap *= 2;
    uint32_t *slots = mem_array(cap, sizeof(*slots)); // index of a kept row, plus one
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hash64_seeded(slice_of(rows[i].line, rows[i].line_len), rows[i].metadata);
        size_t at = (size_t)hash & (cap - 1);
        while (slots[at] != 0 && !row_eq(&rows[slots[at] - 1], &rows[i]))
            at = (at + 1) & (cap - 1);
        if (slots[at] != 0)
            continue;
        rows[kept++] = rows[i];
        slots[at] = (uint32_t)kept;
    }
    mem_free(slots);
    return kept;
}

static void rows_unique(struct head_rows *rows)
{
    size_t out = 0;
    for (size_t i = 0; i < rows->count;) {
        size_t end = i + 1;
        while (end < rows->count && rows->rows[end].ts_ns == rows->rows[i].ts_ns)
            end++;
        size_t n = end - i;
        if (n > 1)
            n = n <= PAIRWISE_MAX ? group_unique_pairwise(rows->rows + i, n) : group_unique_hashed(rows->rows + i, n);
        if (out != i)
            memmove(rows->rows + out, rows->rows + i, n * sizeof(rows->rows[0]));
        out += n;
        i = end;
    }
    rows->duplicates = rows->count - out;
    rows->count = out;
}

void head_rows_collect(struct head_rows *rows, const struct chunk_list *list, const struct chunk_list_view *view,
                       int64_t start_ns, int64_t end_ns)
{
    rows->count = 0;
    rows->duplicates = 0;
    rows_reserve(&rows->rows, &rows->cap, view->entries);
    struct chunk_cursor cursor = chunk_list_begin(list, view);
    struct chunk_entry entry;
    while (chunk_cursor_next(&cursor, &entry)) {
        if (entry.ts_ns < start_ns || entry.ts_ns > end_ns) {
            if (entry.ts_ns > end_ns && view->is_sorted)
                break;
            continue;
        }
        rows->rows[rows->count++] =
            (struct head_row){entry.ts_ns, entry.line.ptr, (uint32_t)entry.line.len, entry.metadata};
    }
    if (!view->is_sorted)
        rows_sort(rows);
    if (!view->is_sorted || view->has_ties)
        rows_unique(rows);
}

void head_rows_fini(struct head_rows *rows)
{
    mem_free(rows->rows);
    mem_free(rows->scratch);
    *rows = HEAD_ROWS_INIT;
}
