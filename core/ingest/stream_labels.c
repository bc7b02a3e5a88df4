#include "core/ingest/stream_labels.h"

#include "core/ingest/entry_metadata.h"

#define SERVICE_NAME SLICE("service_name")

static struct slice text_of(struct arena *arena, const struct label_set *set)
{
    struct buf text = BUF_INIT;
    label_set_print(set, &text);
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

struct slice stream_labels_text(struct arena *arena, struct slice encoded)
{
    struct buf text = BUF_INIT;
    label_encoded_print(encoded, &text);
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

struct slice stream_labels_level(struct slice encoded, const struct slice_list *fields)
{
    struct slice value = SLICE_NONE;
    size_t best = fields->count; // the field that comes first in the list decides
    struct label label;
    while (label_next(&encoded, &label)) {
        for (size_t i = 0; i < best; i++) {
            if (!slice_eq(label.name, fields->items[i]))
                continue;
            best = i;
            value = label.value;
        }
    }
    return best < fields->count ? level_normalized(value) : SLICE_NONE;
}

// Pairs as sent, in the text form that says the same: all ways in then share one parser, one cache and one set of errors.
static struct slice text_as_sent(struct arena *arena, const struct push_stream *stream)
{
    if (stream->labels == NULL)
        return stream->label_text;
    struct label *labels = arena_alloc(arena, (stream->labels->count + 1) * sizeof(*labels), _Alignof(struct label));
    if (stream->labels->count > 0)
        memcpy(labels, stream->labels->labels, stream->labels->count * sizeof(*labels));
    size_t count = label_sort(labels, stream->labels->count, true);
    return text_of(arena, &(struct label_set){labels, count});
}

static void add_service_name(const struct label_rules *rules, struct label_set *set)
{
    const struct slice_list *sources = &rules->limits->discover_service_name;
    struct slice value = SLICE_NONE;
    if (!rules->adds_labels || sources->count == 0 || label_set_get(set, SERVICE_NAME, &value) ||
        label_set_get(set, SLICE("__aggregated_metric__"), &value) || label_set_get(set, SLICE("__pattern__"), &value))
        return;
    value = SLICE("unknown_service");
    for (size_t i = 0; i < sources->count; i++) {
        if (label_set_get(set, sources->items[i], &value))
            break;
    }
    struct label *labels = arena_alloc(rules->arena, (set->count + 1) * sizeof(*labels), _Alignof(struct label));
    size_t at = 0;
    while (at < set->count && slice_cmp(set->labels[at].name, SERVICE_NAME) < 0)
        at++;
    for (size_t i = 0; i < set->count; i++)
        labels[i < at ? i : i + 1] = set->labels[i];
    labels[at] = (struct label){SERVICE_NAME, value};
    *set = (struct label_set){labels, set->count + 1};
}

static bool is_over(size_t value, int64_t limit)
{
    return limit > 0 && value > (size_t)limit;
}

// The first row of the table that refuses the set, in the table's order; false if none does.
static bool limits_refuse(const struct label_rules *rules, const struct label_set *set, enum discard_reason *reason, struct slice *text)
{
    const struct limits *limits = rules->limits;
    struct arena *arena = rules->arena;
    struct slice ignored;
    size_t counted = set->count - (label_set_get(set, SERVICE_NAME, &ignored) ? 1 : 0);
    struct slice labels = SLICE_NONE;
    if (is_over(counted, limits->max_label_names_per_series)) {
        labels = text_of(arena, set);
        *reason = DISCARD_max_label_names_per_series;
        *text = arena_printf(arena, "entry for stream '%.*s' has %zu label names; limit %lld", SLICE_ARG(labels), counted,
                             (long long)limits->max_label_names_per_series);
        return true;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (is_over(set->labels[i].name.len, limits->max_label_name_length)) {
            labels = text_of(arena, set);
            *reason = DISCARD_label_name_too_long;
            *text = arena_printf(arena, "stream '%.*s' has label name too long: '%.*s'", SLICE_ARG(labels),
                                 SLICE_ARG(set->labels[i].name));
            return true;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (is_over(set->labels[i].value.len, limits->max_label_value_length)) {
            labels = text_of(arena, set);
            *reason = DISCARD_label_value_too_long;
            *text = arena_printf(arena, "stream '%.*s' has label value too long: '%.*s'", SLICE_ARG(labels),
                                 SLICE_ARG(set->labels[i].value));
            return true;
        }
    }
    return false;
}

static bool enforced_refuse(const struct label_rules *rules, const struct label_set *set, enum discard_reason *reason, struct slice *text)
{
    const struct slice_list *wanted = &rules->limits->enforced_labels;
    struct buf missing = BUF_INIT;
    struct slice value;
    for (size_t i = 0; i < wanted->count; i++) {
        if (label_set_get(set, wanted->items[i], &value))
            continue;
        if (missing.len > 0)
            buf_byte(&missing, ',');
        buf_put(&missing, wanted->items[i]);
    }
    bool is_missing = missing.len > 0;
    if (is_missing) {
        struct slice labels = text_of(rules->arena, set);
        *reason = DISCARD_missing_enforced_labels;
        *text = arena_printf(rules->arena, "missing required labels '%.*s' for user '%.*s' for stream '%.*s' (policy: '')",
                             SLICE_ARG(buf_slice(&missing)), SLICE_ARG(rules->tenant), SLICE_ARG(labels));
    }
    buf_fini(&missing);
    return is_missing;
}

static bool labels_refuse(const struct label_rules *rules, const struct label_set *set, bool checks, enum discard_reason *reason,
                          struct slice *text)
{
    if (set->count == 0) {
        *reason = DISCARD_missing_labels;
        *text = SLICE("error at least one label pair is required per stream");
        return true;
    }
    if (checks && limits_refuse(rules, set, reason, text))
        return true;
    for (size_t i = 1; i < set->count; i++) {
        if (slice_eq(set->labels[i - 1].name, set->labels[i].name)) {
            struct slice labels = text_of(rules->arena, set);
            *reason = DISCARD_duplicate_label_names;
            *text = arena_printf(rules->arena, "stream '%.*s' has duplicate label name: '%.*s'", SLICE_ARG(labels),
                                 SLICE_ARG(set->labels[i].name));
            return true;
        }
    }
    return checks && enforced_refuse(rules, set, reason, text);
}

enum labels_verdict stream_labels_resolve(const struct label_rules *rules, const struct push_stream *stream, bool checks,
                                          struct stream_facts *out, enum discard_reason *reason, struct slice *refusal,
                                          struct err *err)
{
    struct slice text = text_as_sent(rules->arena, stream);
    struct hash128 key = {0, 0};
    if (rules->cache != NULL) {
        key = stream_cache_key(rules->cache_seed, text);
        if (stream_cache_get(rules->cache, key, out)) {
            out->labels = arena_copy(rules->arena, out->labels); // the push outlives what the cache keeps
            return LABELS_FINE;
        }
    }
    struct label_set set = {NULL, 0};
    if (!label_set_parse(text, rules->arena, &set, err)) {
        err_fill_context(err, "couldn't parse labels");
        return LABELS_MALFORMED;
    }
    add_service_name(rules, &set);
    if (labels_refuse(rules, &set, checks, reason, refusal))
        return LABELS_REFUSED;
    out->labels = label_set_encode_in(rules->arena, &set);
    out->stream = stream_id(rules->tenant, out->labels);
    out->has_level = rules->adds_labels && stream_labels_level(out->labels, &rules->limits->log_level_fields).len > 0;
    if (rules->cache != NULL)
        stream_cache_put(rules->cache, key, out);
    return LABELS_FINE;
}
