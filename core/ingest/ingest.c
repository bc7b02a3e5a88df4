#include "core/ingest/ingest.h"

#include <assert.h>
#include <pthread.h>

#include "core/ingest/entry_metadata.h"
#include "core/ingest/push_wire.h"
#include "core/ingest/run_rules.h"
#include "core/ingest/stream_labels.h"
#include "core/model/go_text.h"

static struct limits default_limits;
static pthread_once_t default_limits_once = PTHREAD_ONCE_INIT;

static void default_limits_fill(void)
{
    limits_defaults(&default_limits);
}

static const struct limits *limits_of_replay(void)
{
    (void)pthread_once(&default_limits_once, default_limits_fill);
    return &default_limits;
}

static bool list_eq(const struct slice_list *a, const struct slice_list *b)
{
    bool is_equal = a->count == b->count;
    for (size_t i = 0; is_equal && a->items != b->items && i < a->count; i++)
        is_equal = slice_eq(a->items[i], b->items[i]);
    return is_equal;
}

// Whether what is added under these limits is what ingest_replay adds.
static bool adds_as_replay(const struct limits *limits)
{
    const struct limits *replay = limits_of_replay();
    return limits->discover_log_levels == replay->discover_log_levels &&
           limits->allow_structured_metadata == replay->allow_structured_metadata &&
           list_eq(&limits->discover_service_name, &replay->discover_service_name) &&
           list_eq(&limits->log_level_fields, &replay->log_level_fields);
}

// A batch under construction.
struct builder {
    struct label_rules rules;
    const struct push_request *request;
    struct entry_metadata metadata;
    struct level_fields level_fields;
    bool adds_level;
    struct push_batch *batch;
    struct push_entry *next; // where the next accepted entry goes: in the request's entries, never past the one that is read
};

static void builder_init(struct builder *builder, struct slice tenant, const struct limits *limits, bool adds_labels,
                         const struct push_request *request, struct arena *arena, struct push_batch *batch)
{
    *batch = (struct push_batch){.tenant = tenant};
    batch->runs = ARENA_ARRAY(arena, struct push_run, request->stream_count);
    *builder = (struct builder){
        .rules = {.tenant = tenant, .limits = limits, .adds_labels = adds_labels, .arena = arena},
        .request = request,
        .metadata = {.arena = arena},
        .adds_level = adds_labels && limits->discover_log_levels && limits->allow_structured_metadata,
        .batch = batch,
        .next = request->entries,
    };
    level_fields_init(&builder->level_fields, &limits->log_level_fields);
}

static struct push_run *run_begin(struct builder *builder, const struct stream_facts *facts)
{
    struct push_run *run = &builder->batch->runs[builder->batch->run_count];
    *run = (struct push_run){.stream = facts->stream, .labels = facts->labels, .entries = builder->next,
                             .first_ns = INT64_MAX, .last_ns = INT64_MIN};
    return run;
}

// A run without entries leaves no trace.
static void run_end(struct builder *builder, const struct push_run *run)
{
    if (run->count == 0)
        return;
    builder->batch->run_count++;
    builder->batch->entry_count += run->count;
    builder->batch->line_bytes += run->line_bytes;
    builder->batch->metadata_bytes += run->metadata_bytes;
}

// Puts an entry into the run with what becomes of its metadata; the pairs of builder->metadata are read already.
static bool run_add(struct builder *builder, struct push_run *run, int64_t ts_ns, struct slice line, struct slice stream_level,
                    struct err *err)
{
    struct entry_metadata *metadata = &builder->metadata;
    struct slice encoded = SLICE_NONE;
    size_t bytes = 0;
    if (metadata->count == 0 && stream_level.len == 0) { // most entries: nothing is built
        if (builder->adds_level)
            encoded = level_metadata(level_of_line(line, &builder->level_fields));
    } else {
        if (!entry_metadata_normalize(metadata, err))
            return false;
        if (builder->adds_level)
            entry_metadata_add_level(metadata, stream_level, line, &builder->level_fields);
        encoded = entry_metadata_encode(metadata, &bytes);
    }
    *builder->next++ = (struct push_entry){.ts_ns = ts_ns, .line = line, .metadata = encoded};
    run->count++;
    run->line_bytes += line.len;
    run->metadata_bytes += bytes;
    run->first_ns = ts_ns < run->first_ns ? ts_ns : run->first_ns;
    run->last_ns = ts_ns > run->last_ns ? ts_ns : run->last_ns;
    return true;
}

static bool metadata_read(struct builder *builder, const struct push_entry *entry, enum push_metadata_form form, struct err *err)
{
    builder->metadata.count = builder->metadata.sent_bytes = builder->metadata.sent_count = 0;
    return entry->metadata.len == 0 || entry_metadata_read(&builder->metadata, entry, form) ||
           err_set(err, ERR_INVALID, "structured metadata is damaged");
}

static struct slice level_of_stream(const struct builder *builder, const struct stream_facts *facts)
{
    return builder->adds_level && facts->has_level ? stream_labels_level(facts->labels, &builder->rules.limits->log_level_fields)
                                                   : SLICE_NONE;
}

// ---- apply ----

struct applier {
    const struct ingest_context *context;
    struct builder builder;
    struct refusals refusals;
    struct ingest_outcome *out;
    uint32_t *ordinals; // of accepted entries, beside builder's entries
    size_t accepted;
    int64_t oldest_ns, newest_ns; // acceptable timestamps
    bool is_blocked;
};

static size_t entry_bytes(const struct push_entry *entry)
{
    return entry->line.len + entry->metadata.len; // of what was refused, near enough
}

static void stream_refuse(struct applier *applier, const struct push_stream *stream, enum discard_reason reason)
{
    for (size_t i = 0; i < stream->entry_count; i++) {
        size_t ordinal = stream->first_entry + i;
        refusals_mark(&applier->refusals, ordinal, reason, entry_bytes(&applier->builder.request->entries[ordinal]));
    }
}

static void block_check(struct applier *applier)
{
    const struct limits *limits = applier->context->limits;
    int64_t until_ns = 0;
    if (limits->block_ingestion_until.len == 0 || !rfc3339_parse(limits->block_ingestion_until, &until_ns) ||
        applier->context->now_ns >= until_ns)
        return;
    struct slice tenant = applier->context->tenant;
    applier->is_blocked = true;
    applier->refusals.block_status = (int)limits->block_ingestion_status_code;
    applier->refusals.block =
        arena_printf(applier->builder.rules.arena, "ingestion blocked for user '%.*s' until '%.*s' with status code '%lld'",
                     SLICE_ARG(tenant), SLICE_ARG(limits->block_ingestion_until), (long long)limits->block_ingestion_status_code);
}

// Why an entry is refused, in the table's order, or DISCARD_REASON_COUNT.
static enum discard_reason entry_check(const struct applier *applier, const struct push_entry *entry, int64_t ts_ns, struct slice line)
{
    const struct limits *limits = applier->context->limits;
    const struct entry_metadata *metadata = &applier->builder.metadata;
    if (ts_ns == PUSH_TS_INVALID && !limits->reject_old_samples)
        return DISCARD_invalid_timestamp;
    if (ts_ns < applier->oldest_ns)
        return DISCARD_greater_than_max_sample_age;
    if (ts_ns > applier->newest_ns)
        return DISCARD_too_far_in_future;
    if (limits->max_line_size > 0 && line.len > (size_t)limits->max_line_size)
        return DISCARD_line_too_long;
    if (entry->metadata.len == 0)
        return DISCARD_REASON_COUNT;
    if (metadata->count > 0 && !limits->allow_structured_metadata)
        return DISCARD_disallowed_structured_metadata;
    if (limits->max_structured_metadata_size > 0 && metadata->sent_bytes > (size_t)limits->max_structured_metadata_size)
        return DISCARD_structured_metadata_too_large;
    if (limits->max_structured_metadata_entries_count > 0 &&
        metadata->sent_count > (size_t)limits->max_structured_metadata_entries_count)
        return DISCARD_structured_metadata_too_many;
    return DISCARD_REASON_COUNT;
}

static void entry_refuse(struct applier *applier, const struct push_run *run, size_t ordinal, enum discard_reason reason, int64_t ts_ns,
                         struct slice line, const struct err *err)
{
    struct arena *arena = applier->builder.rules.arena;
    struct refused_entry refused = {.labels = run->labels,
                                    .limits = applier->context->limits,
                                    .ts_ns = ts_ns,
                                    .oldest_ns = applier->oldest_ns,
                                    .line_bytes = line.len,
                                    .metadata_bytes = applier->builder.metadata.sent_bytes,
                                    .metadata_count = applier->builder.metadata.sent_count};
    struct slice text = reason == DISCARD_invalid_labels ? arena_copy(arena, slice_str(err->text))
                                                         : refused_entry_text(&refused, reason, arena);
    refusals_mark(&applier->refusals, ordinal, reason, line.len + applier->builder.metadata.sent_bytes);
    refusals_add_text(&applier->refusals, text);
}

static struct slice line_truncate(struct applier *applier, struct slice line)
{
    const struct limits *limits = applier->context->limits;
    struct slice mark = limits->max_line_size_truncate_identifier;
    size_t max = (size_t)limits->max_line_size;
    if (!limits->max_line_size_truncate || limits->max_line_size <= 0 || line.len <= max || mark.len > max)
        return line;
    char *cut = arena_alloc(applier->builder.rules.arena, max, 1);
    memcpy(cut, line.ptr, max - mark.len);
    if (mark.len > 0)
        memcpy(cut + max - mark.len, mark.ptr, mark.len);
    applier->out->truncated_lines++;
    applier->out->needs_own_record = true;
    return slice_of(cut, max);
}

static bool stream_apply_entries(struct applier *applier, const struct push_stream *stream, const struct stream_facts *facts,
                                 struct err *err)
{
    struct builder *builder = &applier->builder;
    struct push_run *run = run_begin(builder, facts);
    struct slice stream_level = level_of_stream(builder, facts);
    int64_t sent_before_ns = 0; // of the accepted entry before
    for (size_t i = 0; i < stream->entry_count; i++) {
        size_t ordinal = stream->first_entry + i;
        const struct push_entry *entry = &builder->request->entries[ordinal];
        assert(builder->next <= entry); // in their place: an entry is read before it, or one before it, is written
        struct slice line = line_truncate(applier, entry->line);
        int64_t ts_ns = entry->ts_ns;
        struct err refusal;
        if (!metadata_read(builder, entry, stream->metadata_form, err))
            return false;
        enum discard_reason reason = entry_check(applier, entry, ts_ns, line);
        if (reason != DISCARD_REASON_COUNT) {
            entry_refuse(applier, run, ordinal, reason, ts_ns, line, NULL);
            continue;
        }
        const struct push_entry *before = run->count > 0 ? builder->next - 1 : NULL;
        // Against the time that the one before was sent with or given: a row of equal times counts up.
        if (applier->context->limits->increment_duplicate_timestamp && before != NULL && ts_ns < INT64_MAX &&
            !slice_eq(before->line, line) &&
            (before->ts_ns == ts_ns || sent_before_ns == ts_ns)) {
            ts_ns = before->ts_ns + 1;
            applier->out->needs_own_record = true;
        }
        int64_t sent_ns = entry->ts_ns;
        if (!run_add(builder, run, ts_ns, line, stream_level, &refusal)) {
            entry_refuse(applier, run, ordinal, DISCARD_invalid_labels, ts_ns, line, &refusal);
            continue;
        }
        applier->ordinals[applier->accepted++] = (uint32_t)ordinal;
        sent_before_ns = sent_ns;
    }
    run_end(builder, run);
    return true;
}

static bool stream_apply(struct applier *applier, const struct push_stream *stream, struct err *err)
{
    struct stream_facts facts;
    enum discard_reason reason = DISCARD_invalid_labels;
    struct slice text = SLICE_NONE;
    enum labels_verdict verdict = stream_labels_resolve(&applier->builder.rules, stream, true, &facts, &reason, &text, err);
    if (verdict == LABELS_MALFORMED)
        return false;
    if (stream->entry_count == 0)
        return true;
    if (verdict == LABELS_REFUSED) {
        stream_refuse(applier, stream, reason);
        refusals_add_text(&applier->refusals, text);
        return true;
    }
    if (applier->is_blocked) {
        stream_refuse(applier, stream, DISCARD_blocked_ingestion);
        return true;
    }
    return stream_apply_entries(applier, stream, &facts, err);
}

// The tenant's bucket takes the whole batch or nothing of it.
static bool rate_take(struct applier *applier)
{
    const struct ingest_context *context = applier->context;
    struct push_batch *batch = &applier->out->batch;
    size_t bytes = batch->line_bytes + batch->metadata_bytes;
    if (context->take_rate == NULL || batch->entry_count == 0 || context->take_rate(context->rate_self, bytes))
        return true;
    applier->refusals.storing_status = 429;
    applier->refusals.storing = arena_printf(
        applier->builder.rules.arena,
        "ingestion rate limit exceeded for user %.*s (limit: %lld bytes/sec) while attempting to ingest '%zu' lines totaling '%zu' bytes, "
        "reduce log volume or contact your Loki administrator to see if the limit can be increased",
        SLICE_ARG(context->tenant), (long long)(context->limits->ingestion_rate_mb * 1048576.0), batch->entry_count, bytes);
    size_t at = 0;
    for (size_t i = 0; i < batch->run_count; i++) {
        for (size_t j = 0; j < batch->runs[i].count; j++)
            refusals_mark(&applier->refusals, applier->ordinals[at++], DISCARD_rate_limited, entry_bytes(&batch->runs[i].entries[j]));
    }
    *batch = (struct push_batch){.tenant = batch->tenant, .runs = batch->runs};
    return false;
}

static void applier_init(struct applier *applier, const struct ingest_context *context, const struct push_request *request,
                         struct arena *arena, struct ingest_outcome *out)
{
    const struct limits *limits = context->limits;
    *out = (struct ingest_outcome){.needs_own_record = context->adds_labels && !adds_as_replay(limits)};
    *applier = (struct applier){
        .context = context,
        .out = out,
        .refusals = {.arena = arena, .out = out, .entry_count = request->entry_count},
        .ordinals = arena_alloc(arena, (request->entry_count + 1) * sizeof(uint32_t), _Alignof(uint32_t)),
        .oldest_ns = INT64_MIN + 1, // above PUSH_TS_INVALID
        .newest_ns = INT64_MAX,
    };
    builder_init(&applier->builder, context->tenant, limits, context->adds_labels, request, arena, &out->batch);
    applier->builder.rules.cache = context->cache;
    applier->builder.rules.cache_seed = hash64_seeded(context->tenant, context->limits_version << 1 | (context->adds_labels ? 1 : 0));
    if (limits->reject_old_samples && __builtin_sub_overflow(context->now_ns, limits->reject_old_samples_max_age, &applier->oldest_ns))
        applier->oldest_ns = INT64_MIN + 1;
    if (limits->creation_grace_period > 0 &&
        __builtin_add_overflow(context->now_ns, limits->creation_grace_period, &applier->newest_ns))
        applier->newest_ns = INT64_MAX;
    block_check(applier);
}

bool ingest_apply(const struct ingest_context *context, const struct push_request *request, struct arena *arena,
                  struct ingest_outcome *out, struct err *err)
{
    if (request->stream_count == 0)
        return err_set(err, ERR_UNPROCESSED, "error at least one valid stream is required for ingestion");
    assert(request->entry_count <= UINT32_MAX);
    struct applier applier;
    applier_init(&applier, context, request, arena, out);
    for (size_t i = 0; i < request->stream_count; i++) {
        if (!stream_apply(&applier, &request->streams[i], err))
            return false;
    }
    if (!applier.is_blocked || applier.refusals.count == 0)
        applier.refusals.block = SLICE_NONE;
    if (rate_take(&applier))
        run_rules_apply(context, &applier.refusals, applier.ordinals, &out->batch);
    refusals_finish(&applier.refusals);
    return true;
}

// ---- replay ----

bool ingest_replay(struct slice tenant, bool adds_labels, const struct push_request *request, const uint32_t *refused,
                   size_t refused_count, struct arena *arena, struct push_batch *out, struct err *err)
{
    struct builder builder;
    builder_init(&builder, tenant, limits_of_replay(), adds_labels, request, arena, out);
    size_t next_refused = 0;
    for (size_t i = 0; i < request->stream_count; i++) {
        const struct push_stream *stream = &request->streams[i];
        struct push_run *run = NULL;
        struct slice stream_level = SLICE_NONE;
        for (size_t j = 0; j < stream->entry_count; j++) {
            size_t ordinal = stream->first_entry + j;
            if (next_refused < refused_count && refused[next_refused] == ordinal) {
                next_refused++;
                continue;
            }
            if (run == NULL) { // labels are read only when an entry is left: those of a refused stream may be anything
                struct stream_facts facts;
                enum discard_reason reason;
                struct slice text;
                enum labels_verdict verdict = stream_labels_resolve(&builder.rules, stream, false, &facts, &reason, &text, err);
                if (verdict == LABELS_REFUSED)
                    return err_set(err, ERR_CORRUPT, "push: stream %zu: %.*s", i, SLICE_ARG(text));
                if (verdict == LABELS_MALFORMED)
                    return err_wrap(err, "push: stream %zu", i);
                run = run_begin(&builder, &facts);
                stream_level = level_of_stream(&builder, &facts);
            }
            const struct push_entry *entry = &request->entries[ordinal];
            if (!metadata_read(&builder, entry, stream->metadata_form, err) ||
                !run_add(&builder, run, entry->ts_ns, entry->line, stream_level, err))
                return err_wrap(err, "push: entry %zu", ordinal);
        }
        if (run != NULL)
            run_end(&builder, run);
    }
    return true;
}

void ingest_batch_encode(const struct push_batch *batch, struct buf *out)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < batch->run_count; i++) {
        const struct push_run *run = &batch->runs[i];
        buf_reset(&text);
        label_encoded_print(run->labels, &text);
        struct push_stream stream = {
            .label_text = buf_slice(&text), .entry_count = run->count, .metadata_form = PUSH_METADATA_ENCODED};
        struct push_request request = {.streams = &stream, .stream_count = 1, .entries = run->entries, .entry_count = run->count};
        push_wire_encode(&request, out); // messages that follow one another are one message
    }
    buf_fini(&text);
}
