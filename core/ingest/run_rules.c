#include "core/ingest/run_rules.h"

#include "core/ingest/stream_labels.h"
#include "core/model/go_text.h"

#define IGNORED_TOLD_MAX 10 // entries of a stream whose refusal is told one by one

static struct slice time_text(int64_t ns, struct arena *arena)
{
    if (ns == PUSH_TS_INVALID)
        return SLICE("0001-01-01T00:00:00Z");
    struct buf text = BUF_INIT;
    rfc3339_print(&text, ns, false);
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

static struct slice metadata_text(const struct refused_entry *entry, enum discard_reason reason, struct slice labels, struct arena *arena)
{
    if (reason == DISCARD_disallowed_structured_metadata)
        return arena_printf(arena,
                            "stream '%.*s' includes structured metadata, but this feature is disallowed. Please see "
                            "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it",
                            SLICE_ARG(labels));
    if (reason == DISCARD_structured_metadata_too_large)
        return arena_printf(arena,
                            "stream '%.*s' has structured metadata too large: '%zu' bytes, limit: '%lld' bytes. Please see "
                            "`limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it",
                            SLICE_ARG(labels), entry->metadata_bytes, (long long)entry->limits->max_structured_metadata_size);
    return arena_printf(arena,
                        "stream '%.*s' has too many structured metadata labels: '%zu', limit: '%lld'. Please see "
                        "`limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it",
                        SLICE_ARG(labels), entry->metadata_count, (long long)entry->limits->max_structured_metadata_entries_count);
}

struct slice refused_entry_text(const struct refused_entry *entry, enum discard_reason reason, struct arena *arena)
{
    struct slice labels = stream_labels_text(arena, entry->labels);
    if (reason == DISCARD_greater_than_max_sample_age || reason == DISCARD_invalid_timestamp) {
        struct slice time = time_text(entry->ts_ns, arena);
        struct slice oldest = time_text(entry->oldest_ns, arena);
        return arena_printf(arena, "entry for stream '%.*s' has timestamp too old: %.*s, oldest acceptable timestamp is: %.*s",
                            SLICE_ARG(labels), SLICE_ARG(time), SLICE_ARG(oldest));
    }
    if (reason == DISCARD_too_far_in_future) {
        struct slice time = time_text(entry->ts_ns, arena);
        return arena_printf(arena, "entry for stream '%.*s' has timestamp too new: %.*s", SLICE_ARG(labels), SLICE_ARG(time));
    }
    if (reason == DISCARD_line_too_long)
        return arena_printf(arena, "max entry size '%lld' bytes exceeded for stream '%.*s' while adding an entry with length '%zu' bytes",
                            (long long)entry->limits->max_line_size, SLICE_ARG(labels), entry->line_bytes);
    return metadata_text(entry, reason, labels, arena);
}

// ---- what storage is asked ----

// Newest times of the batch's own streams: a push may name a stream twice, and storage does not know its first part yet.
struct newest_slot {
    struct hash128 stream;
    int64_t newest_ns;
    bool is_taken;
};

struct storing {
    const struct ingest_context *context;
    struct refusals *refusals;
    const uint32_t *ordinals; // of the run's entries
    struct newest_slot *newest;
    size_t newest_mask;
    // Of the run in work:
    const struct push_run *run;
    struct buf told;
    size_t ignored;
    int status;
};

static int64_t *newest_find(struct storing *storing, struct hash128 stream)
{
    size_t at = (size_t)stream.low & storing->newest_mask;
    while (storing->newest[at].is_taken && !hash128_eq(storing->newest[at].stream, stream))
        at = (at + 1) & storing->newest_mask;
    struct newest_slot *slot = &storing->newest[at];
    if (!slot->is_taken) {
        const struct ingest_streams *streams = &storing->context->streams;
        *slot = (struct newest_slot){stream, streams->newest_ns(streams->self, stream), true};
    }
    return &slot->newest_ns;
}

static size_t stored_bytes(const struct push_entry *entry)
{
    size_t bytes = entry->line.len;
    struct slice in = entry->metadata;
    struct label pair;
    while (label_next(&in, &pair)) {
        if (!slice_eq(pair.name, SLICE("detected_level")))
            bytes += pair.name.len + pair.value.len;
    }
    return bytes;
}

static void entry_ignore(struct storing *storing, size_t index, enum discard_reason reason, int status, struct slice why)
{
    const struct push_entry *entry = &storing->run->entries[index];
    refusals_mark(storing->refusals, storing->ordinals[index], reason, stored_bytes(entry));
    storing->status = status;
    if (storing->ignored++ >= IGNORED_TOLD_MAX)
        return;
    buf_str(&storing->told, "entry with timestamp ");
    go_print_time(&storing->told, entry->ts_ns);
    buf_str(&storing->told, " ignored, reason: '");
    buf_put(&storing->told, why);
    buf_str(&storing->told, "',\n");
}

static void window_apply(struct storing *storing)
{
    struct arena *arena = storing->refusals->arena;
    int64_t *newest_ns = newest_find(storing, storing->run->stream);
    for (size_t i = 0; i < storing->run->count; i++) {
        int64_t ts_ns = storing->run->entries[i].ts_ns;
        int64_t oldest_ns = INT64_MIN;
        if (*newest_ns != INT64_MIN &&
            __builtin_sub_overflow(*newest_ns, storing->context->limits->out_of_order_window, &oldest_ns))
            oldest_ns = INT64_MIN;
        if (ts_ns < oldest_ns) {
            struct slice why = SLICE_NONE;
            if (storing->ignored < IGNORED_TOLD_MAX) {
                struct slice time = time_text(ts_ns, arena);
                struct slice oldest = time_text(oldest_ns, arena);
                why = arena_printf(arena, "entry too far behind, entry timestamp is: %.*s, oldest acceptable timestamp is: %.*s",
                                   SLICE_ARG(time), SLICE_ARG(oldest));
            }
            entry_ignore(storing, i, DISCARD_too_far_behind, 400, why);
        } else if (ts_ns > *newest_ns) {
            *newest_ns = ts_ns;
        }
    }
}

// A size in the largest unit that divides it: 3MB, 1536KB, 150B.
static struct slice size_text(uint64_t bytes, struct arena *arena)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < LENGTH(units)) {
        bytes /= 1024;
        unit++;
    }
    return arena_printf(arena, "%llu%s", (unsigned long long)bytes, units[unit]);
}

static bool is_refused(const struct storing *storing, size_t index)
{
    return storing->refusals->is_refused != NULL && storing->refusals->is_refused[storing->ordinals[index]] != 0;
}

static void stream_rate_apply(struct storing *storing)
{
    const struct ingest_context *context = storing->context;
    struct arena *arena = storing->refusals->arena;
    size_t bytes = 0;
    for (size_t i = 0; i < storing->run->count; i++)
        bytes += is_refused(storing, i) ? 0 : stored_bytes(&storing->run->entries[i]);
    if (bytes == 0 || context->take_stream_rate(context->rate_self, storing->run->stream, bytes))
        return;
    struct slice limit = size_text((uint64_t)context->limits->per_stream_rate_limit, arena);
    struct slice labels = stream_labels_text(arena, storing->run->labels);
    for (size_t i = 0; i < storing->run->count; i++) {
        if (is_refused(storing, i))
            continue;
        struct slice size = size_text(stored_bytes(&storing->run->entries[i]), arena);
        struct slice why = arena_printf(
            arena,
            "Per stream rate limit exceeded (limit: %.*s/sec) while attempting to ingest for stream '%.*s' totaling %.*s, consider splitting a "
            "stream via additional labels or contact your Loki administrator to see if the limit can be increased",
            SLICE_ARG(limit), SLICE_ARG(labels), SLICE_ARG(size));
        entry_ignore(storing, i, DISCARD_per_stream_rate_limit, 429, why);
    }
}

static void storing_error(struct refusals *refusals, int status, struct slice text)
{
    if (refusals->storing.len > 0)
        return; // one text is told
    refusals->storing = text;
    refusals->storing_status = status;
}

static void stream_limit_apply(struct storing *storing)
{
    struct arena *arena = storing->refusals->arena;
    struct slice labels = stream_labels_text(arena, storing->run->labels);
    for (size_t i = 0; i < storing->run->count; i++)
        refusals_mark(storing->refusals, storing->ordinals[i], DISCARD_stream_limit, stored_bytes(&storing->run->entries[i]));
    storing->ignored = storing->run->count;
    struct slice tenant = storing->context->tenant;
    storing_error(storing->refusals, 429,
                  arena_printf(arena,
                               "maximum active stream limit exceeded when trying to create stream %.*s, reduce the number of active streams "
                               "(reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be "
                               "increased, user: '%.*s'",
                               SLICE_ARG(labels), SLICE_ARG(tenant)));
}

static void run_check(struct storing *storing)
{
    const struct ingest_context *context = storing->context;
    const struct ingest_streams *streams = &context->streams;
    storing->ignored = 0;
    buf_reset(&storing->told);
    if (streams->admit != NULL && !streams->admit(streams->self, storing->run->stream)) {
        stream_limit_apply(storing);
        return;
    }
    if (storing->newest != NULL)
        window_apply(storing);
    if (context->take_stream_rate != NULL && context->limits->per_stream_rate_limit > 0)
        stream_rate_apply(storing);
    if (storing->ignored == 0)
        return;
    struct arena *arena = storing->refusals->arena;
    struct slice labels = stream_labels_text(arena, storing->run->labels);
    struct slice tenant = context->tenant;
    buf_printf(&storing->told, "user '%.*s', total ignored: %zu out of %zu for stream: ", SLICE_ARG(tenant), storing->ignored,
               storing->run->count);
    buf_put(&storing->told, labels);
    storing_error(storing->refusals, storing->status, arena_copy(arena, buf_slice(&storing->told)));
}

// Takes the refused entries out of the run and sums it up anew.
static void run_compact(struct storing *storing, struct push_run *run)
{
    size_t count = run->count;
    run->count = run->line_bytes = run->metadata_bytes = 0;
    run->first_ns = INT64_MAX;
    run->last_ns = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        if (is_refused(storing, i))
            continue;
        struct push_entry entry = run->entries[i];
        run->entries[run->count++] = entry;
        run->line_bytes += entry.line.len;
        run->metadata_bytes += stored_bytes(&entry) - entry.line.len;
        run->first_ns = entry.ts_ns < run->first_ns ? entry.ts_ns : run->first_ns;
        run->last_ns = entry.ts_ns > run->last_ns ? entry.ts_ns : run->last_ns;
    }
}

static struct newest_slot *newest_make(const struct ingest_context *context, size_t runs, struct arena *arena, size_t *mask)
{
    if (context->limits->out_of_order_window <= 0 || context->streams.newest_ns == NULL)
        return NULL;
    size_t slots = 16;
    while (slots < 2 * runs)
        slots *= 2;
    *mask = slots - 1;
    return ARENA_ARRAY(arena, struct newest_slot, slots);
}

void run_rules_apply(const struct ingest_context *context, struct refusals *refusals, const uint32_t *ordinals, struct push_batch *batch)
{
    struct storing storing = {.context = context, .refusals = refusals, .ordinals = ordinals};
    storing.newest = newest_make(context, batch->run_count, refusals->arena, &storing.newest_mask);
    struct push_batch kept = {.tenant = batch->tenant, .runs = batch->runs};
    for (size_t i = 0; i < batch->run_count; i++) {
        struct push_run run = batch->runs[i];
        size_t count = run.count;
        storing.run = &run;
        run_check(&storing);
        if (storing.ignored > 0)
            run_compact(&storing, &run);
        storing.ordinals += count;
        if (run.count == 0)
            continue;
        kept.runs[kept.run_count++] = run;
        kept.entry_count += run.count;
        kept.line_bytes += run.line_bytes;
        kept.metadata_bytes += run.metadata_bytes;
    }
    *batch = kept;
    buf_fini(&storing.told);
}
