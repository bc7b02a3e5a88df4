/* head_rows.h: the entries of one chunk list in time order, ties in order of arrival, without exact duplicates: what a scan shows and a seal writes.
 *
 * Thread: one at a time. The rows point into the generation, which the caller holds.
 */
#pragma once

#include "storage/head/chunk_list.h"

struct head_row {
    int64_t ts_ns;
    const char *line;
    uint32_t line_len;
    uint32_t metadata; /* reference in the generation's pool */
};

struct head_rows {
    struct head_row *rows;
    size_t count;
    uint64_t duplicates; /* dropped by the last collect */
    /* ---- scratch ---- */
    size_t cap, scratch_cap;
    struct head_row *scratch;
};

#define HEAD_ROWS_INIT ((struct head_rows){NULL, 0, 0, 0, 0, NULL})

/* Rows of [start_ns, end_ns], both inclusive, of what the view saw. Replaces what was there. */
void head_rows_collect(struct head_rows *rows, const struct chunk_list *list, const struct chunk_list_view *view,
                       int64_t start_ns, int64_t end_ns);
void head_rows_fini(struct head_rows *rows);
