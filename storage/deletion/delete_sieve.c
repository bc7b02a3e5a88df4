#include "storage/deletion/delete_sieve.h"

#include "core/base/mem.h"

#define TEXT_PAD ((size_t)64) /* readable bytes behind a batch's text */

struct sieve_worker {
    const struct delete_filter *filter;
    struct pipeline_worker *worker;
};

struct delete_sieve {
    struct sieve_worker *workers; // of the filters met so far
    size_t worker_count, worker_cap;
    uint64_t *gone; // a bit a row
    // What is left, as a batch.
    size_t row_cap;
    int64_t *ts_ns;
    uint32_t *offsets, *metadata_index;
    struct buf text;
};

struct delete_sieve *delete_sieve_create(void)
{
    struct delete_sieve *sieve = mem_zero(sizeof(*sieve));
    sieve->text = BUF_INIT;
    return sieve;
}

void delete_sieve_forget(struct delete_sieve *sieve)
{
    for (size_t i = 0; i < sieve->worker_count; i++)
        pipeline_worker_destroy(sieve->workers[i].worker);
    sieve->worker_count = 0;
}

void delete_sieve_destroy(struct delete_sieve *sieve)
{
    if (sieve == NULL)
        return;
    delete_sieve_forget(sieve);
    mem_free(sieve->workers);
    mem_free(sieve->gone);
    mem_free(sieve->ts_ns);
    mem_free(sieve->offsets);
    mem_free(sieve->metadata_index);
    buf_fini(&sieve->text);
    mem_free(sieve);
}

static struct pipeline_worker *worker_of(struct delete_sieve *sieve, const struct delete_filter *filter)
{
    for (size_t i = 0; i < sieve->worker_count; i++)
        if (sieve->workers[i].filter == filter)
            return sieve->workers[i].worker;
    if (sieve->worker_count == sieve->worker_cap) {
        sieve->worker_cap = sieve->worker_cap == 0 ? 8 : sieve->worker_cap * 2;
        sieve->workers = mem_grow(sieve->workers, sieve->worker_cap, sizeof(*sieve->workers));
    }
    struct sieve_worker *made = &sieve->workers[sieve->worker_count++];
    *made = (struct sieve_worker){filter, pipeline_worker_create(filter->pipeline)};
    return made->worker;
}

static void make_room(struct delete_sieve *sieve, size_t rows)
{
    if (rows <= sieve->row_cap)
        return;
    mem_free(sieve->gone);
    mem_free(sieve->ts_ns);
    mem_free(sieve->offsets);
    mem_free(sieve->metadata_index);
    sieve->row_cap = rows;
    sieve->gone = mem_array(rows / 64 + 1, sizeof(*sieve->gone));
    sieve->ts_ns = mem_array(rows, sizeof(*sieve->ts_ns));
    sieve->offsets = mem_array(rows + 1, sizeof(*sieve->offsets));
    sieve->metadata_index = mem_array(rows, sizeof(*sieve->metadata_index));
}

/* The first row at or after at_ns. */
static uint32_t row_from(const struct entry_batch *batch, int64_t at_ns)
{
    uint32_t low = 0;
    for (uint32_t high = batch->count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (batch->ts_ns[middle] < at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void mark(struct delete_sieve *sieve, uint32_t row)
{
    sieve->gone[row / 64] |= UINT64_C(1) << (row % 64);
}

static void mark_filter(struct delete_sieve *sieve, const struct delete_filter *filter, const struct label_set *stream,
                        const struct entry_batch *batch)
{
    uint32_t first = row_from(batch, filter->start_ns);
    uint32_t end = filter->end_ns == INT64_MAX ? batch->count : row_from(batch, filter->end_ns + 1);
    if (first >= end)
        return;
    if (filter->takes_all) {
        for (uint32_t row = first; row < end; row++)
            mark(sieve, row);
        return;
    }
    struct entry_batch cut = *batch;
    cut.count = end - first;
    cut.ts_ns += first;
    cut.offsets = cut.offsets == NULL ? NULL : cut.offsets + first;
    cut.metadata_index = cut.metadata_index == NULL ? NULL : cut.metadata_index + first;
    const struct pipeline_row *rows = NULL;
    size_t count = pipeline_run(worker_of(sieve, filter), stream, &cut, &rows);
    for (size_t i = 0; i < count; i++)
        mark(sieve, first + rows[i].row);
}

/* The rows that stay, copied behind each other. */
static void copy_rest(struct delete_sieve *sieve, const struct entry_batch *batch, struct entry_batch *out)
{
    uint32_t n = 0;
    buf_reset(&sieve->text);
    sieve->offsets[0] = 0;
    for (uint32_t row = 0; row < batch->count; row++) {
        if ((sieve->gone[row / 64] >> (row % 64) & 1) != 0)
            continue;
        sieve->ts_ns[n] = batch->ts_ns[row];
        if (batch->metadata_index != NULL)
            sieve->metadata_index[n] = batch->metadata_index[row];
        if (batch->text != NULL)
            buf_put(&sieve->text, slice_of(batch->text + batch->offsets[row], batch->offsets[row + 1] - batch->offsets[row]));
        n++;
        sieve->offsets[n] = (uint32_t)sieve->text.len;
    }
    *out = *batch;
    out->count = n;
    out->ts_ns = sieve->ts_ns;
    if (batch->text != NULL) {
        memset(buf_room(&sieve->text, TEXT_PAD), 0, TEXT_PAD);
        out->text = sieve->text.ptr;
        out->offsets = sieve->offsets;
    }
    if (batch->metadata_index != NULL)
        out->metadata_index = sieve->metadata_index;
}

uint32_t delete_sieve_run(struct delete_sieve *sieve, const struct delete_choice *choice, const struct label_set *stream,
                          const struct entry_batch *batch, struct entry_batch *out)
{
    *out = *batch;
    if (batch->count == 0)
        return 0;
    make_room(sieve, batch->count);
    size_t words = ((size_t)batch->count + 63) / 64;
    memset(sieve->gone, 0, words * sizeof(*sieve->gone));
    for (size_t i = 0; i < choice->count; i++)
        mark_filter(sieve, choice->filters[i], stream, batch);
    uint32_t gone = 0;
    for (size_t i = 0; i < words; i++)
        gone += (uint32_t)__builtin_popcountll(sieve->gone[i]);
    if (gone > 0)
        copy_rest(sieve, batch, out);
    return gone;
}
