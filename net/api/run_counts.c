#include "net/api/run_counts.h"

#include "core/model/label_set.h"

void range_buckets_init(struct range_buckets *buckets, int64_t start_ns, int64_t end_ns, int64_t step_ns)
{
    *buckets = (struct range_buckets){.start_ns = start_ns, .end_ns = end_ns, .step_ns = step_ns, .second_ns = end_ns, .count = 1};
    if (step_ns == 0)
        return;
    int64_t past = start_ns % step_ns;
    past = past < 0 ? past + step_ns : past;
    if (__builtin_add_overflow(start_ns, step_ns - past, &buckets->second_ns) || buckets->second_ns >= end_ns)
        return;
    uint64_t rest = (uint64_t)end_ns - (uint64_t)buckets->second_ns;
    buckets->count += (size_t)((rest - 1) / (uint64_t)step_ns) + 1;
}

size_t range_buckets_at(const struct range_buckets *buckets, int64_t ts_ns)
{
    if (buckets->count == 1 || ts_ns < buckets->second_ns)
        return 0;
    size_t bucket = (size_t)(((uint64_t)ts_ns - (uint64_t)buckets->second_ns) / (uint64_t)buckets->step_ns) + 1;
    return bucket < buckets->count ? bucket : buckets->count - 1;
}

int64_t range_buckets_time_ms(const struct range_buckets *buckets, size_t bucket)
{
    if (bucket + 1 >= buckets->count)
        return buckets->end_ns / NS_PER_MS;
    return instant_of_step(buckets->second_ns, bucket, buckets->step_ns) / NS_PER_MS - 1;
}

static bool is_inside(const struct range_buckets *buckets, const struct scan_run *run)
{
    return run->first_ns >= buckets->start_ns && run->last_ns <= buckets->end_ns &&
           range_buckets_at(buckets, run->first_ns) == range_buckets_at(buckets, run->last_ns);
}

static bool unit_is_inside(const struct range_buckets *buckets, const struct scan_unit *unit)
{
    bool inside = unit->is_exact;
    for (size_t i = 0; inside && i < unit->run_count; i++)
        inside = is_inside(buckets, &unit->runs[i]);
    return inside;
}

static bool count_batch(void *self, const struct entry_batch *batch)
{
    const struct run_counts *counts = self;
    uint32_t row = 0;
    while (row < batch->count) {
        size_t bucket = range_buckets_at(&counts->buckets, batch->ts_ns[row]);
        uint64_t bytes = 0;
        uint32_t first = row;
        for (; row < batch->count && range_buckets_at(&counts->buckets, batch->ts_ns[row]) == bucket; row++)
            bytes += entry_batch_line(batch, row).len + label_set_bytes(entry_batch_metadata(batch, row));
        counts->add(counts->self, batch->stream, bucket, row - first, bytes);
    }
    return true;
}

static bool visit(void *self, struct unit_scan *units, size_t i, size_t worker, struct err *err)
{
    struct run_counts *counts = self;
    const struct scan_unit *unit = units->order[i];
    if (!unit_is_inside(&counts->buckets, unit))
        return unit_scan_read(units, i, worker, count_batch, counts, err);
    for (size_t r = 0; r < unit->run_count; r++) {
        const struct scan_run *run = &unit->runs[r];
        counts->add(counts->self, run->stream, range_buckets_at(&counts->buckets, run->first_ns), run->entries, run->line_bytes + run->metadata_bytes);
    }
    return true;
}

static bool before(void *self, const struct scan *scan, struct err *err)
{
    struct run_counts *counts = self;
    return counts->before == NULL || counts->before(counts->self, scan, err);
}

bool run_counts_visit(struct run_counts *counts, struct explore *explore, struct query_scope *scope, struct err *err)
{
    explore->request.columns = SCAN_METADATA | SCAN_LINES;
    return explore_visit(explore, scope, before, visit, counts, err);
}
