#include "storage/tap/tap_run.h"

#include <assert.h>

#include "core/base/mem.h"

#define TEXT_PAD ((size_t)64) /* readable bytes behind a batch's text: source.h */
#define ALIGN(bytes) (((bytes) + 7) & ~(size_t)7)

/* Where the parts of a run lie, one behind the other. */
struct layout {
    size_t times, offsets, indexes, sets, labels, metadata, text, bytes;
    size_t set_count; /* with the empty one */
};

static bool is_new_set(const struct push_run *from, size_t first, size_t i)
{
    struct slice set = from->entries[i].metadata;
    return set.len > 0 && (i == first || !slice_eq(set, from->entries[i - 1].metadata));
}

size_t tap_run_cut(const struct push_run *from, size_t first, size_t taps, size_t *out_bytes)
{
    size_t text = 0, metadata = 0, sets = 1, end = first;
    while (end < from->count && end - first < TAP_RUN_ENTRIES_MAX && text < TAP_RUN_TEXT_MAX) {
        text += from->entries[end].line.len + 1;
        if (is_new_set(from, first, end)) {
            metadata += from->entries[end].metadata.len;
            sets++;
        }
        end++;
    }
    size_t count = end - first;
    *out_bytes = sizeof(struct tap_run) + taps * sizeof(struct tap_item) + ALIGN(count * 8) + ALIGN((count + 1) * 4) + ALIGN(count * 4) +
                 sets * sizeof(struct slice) + ALIGN(from->labels.len) + ALIGN(metadata) + ALIGN(text) + TEXT_PAD;
    return end;
}

static struct layout lay_out(const struct push_run *from, size_t first, size_t end, size_t taps)
{
    size_t count = end - first, metadata = 0, text = 0;
    struct layout at = {.set_count = 1};
    for (size_t i = first; i < end; i++) {
        text += from->entries[i].line.len + 1;
        if (is_new_set(from, first, i)) {
            metadata += from->entries[i].metadata.len;
            at.set_count++;
        }
    }
    at.times = sizeof(struct tap_run) + taps * sizeof(struct tap_item);
    at.offsets = at.times + ALIGN(count * 8);
    at.indexes = at.offsets + ALIGN((count + 1) * 4);
    at.sets = at.indexes + ALIGN(count * 4);
    at.labels = at.sets + at.set_count * sizeof(struct slice);
    at.metadata = at.labels + ALIGN(from->labels.len);
    at.text = at.metadata + ALIGN(metadata);
    at.bytes = at.text + ALIGN(text) + TEXT_PAD;
    return at;
}

static struct slice copy_to(char **at, struct slice bytes)
{
    char *to = *at;
    if (bytes.len > 0)
        memcpy(to, bytes.ptr, bytes.len);
    *at += bytes.len;
    return slice_of(to, bytes.len);
}

struct tap_run *tap_run_create(const struct push_run *from, size_t first, size_t end, size_t taps, size_t bytes, int64_t now_mono_ns,
                               _Atomic size_t *counter)
{
    struct layout at = lay_out(from, first, end, taps);
    assert(at.bytes == bytes);
    char *base = mem_alloc(bytes);
    struct tap_run *run = (struct tap_run *)base;
    int64_t *times = (int64_t *)(base + at.times);
    uint32_t *offsets = (uint32_t *)(base + at.offsets), *indexes = (uint32_t *)(base + at.indexes);
    struct slice *sets = (struct slice *)(base + at.sets);
    char *metadata = base + at.metadata, *text = base + at.text, *labels = base + at.labels;
    uint32_t count = (uint32_t)(end - first), set_count = 1;
    sets[0] = SLICE_NONE;
    for (size_t i = first; i < end; i++) {
        const struct push_entry *entry = &from->entries[i];
        if (is_new_set(from, first, i))
            sets[set_count++] = copy_to(&metadata, entry->metadata);
        times[i - first] = entry->ts_ns;
        indexes[i - first] = entry->metadata.len > 0 ? set_count - 1 : 0;
        offsets[i - first] = (uint32_t)(text - (base + at.text)); // a run's text is bounded by TAP_RUN_TEXT_MAX and a line
        (void)copy_to(&text, entry->line);
        *text++ = '\n';
    }
    offsets[count] = (uint32_t)(text - (base + at.text));
    memset(text, 0, (size_t)(base + bytes - text));
    *run = (struct tap_run){
        .refs = (uint32_t)taps,
        .item_count = (uint32_t)taps,
        .counter = counter,
        .bytes = bytes,
        .arrived_mono_ns = now_mono_ns,
        .stream = from->stream,
        .labels = copy_to(&labels, from->labels),
        .batch = {.count = count,
                  .ts_ns = times,
                  .text = base + at.text,
                  .offsets = offsets,
                  .metadata_index = set_count > 1 ? indexes : NULL,
                  .metadata_sets = sets,
                  .metadata_set_count = set_count},
    };
    for (size_t i = 0; i < taps; i++)
        run->items[i].run = run;
    atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed); // a budget, not a guard
    return run;
}

void tap_run_unref(struct tap_run *run)
{
    if (atomic_fetch_sub(&run->refs, 1) != 1)
        return;
    atomic_fetch_sub_explicit(run->counter, run->bytes, memory_order_relaxed); // a budget, not a guard
    mem_free(run);
}

uint64_t tap_entry_hash(struct hash128 stream, int64_t ts_ns, struct slice line, struct slice metadata)
{
    uint64_t seed = stream.low ^ ((uint64_t)ts_ns * UINT64_C(0x9e3779b97f4a7c15));
    uint64_t hash = hash64_seeded(line, seed);
    return metadata.len == 0 ? hash : hash64_seeded(metadata, hash);
}
