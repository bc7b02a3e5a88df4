#include "net/codec/otlp_map.h"

#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/ingest/entry_metadata.h"
#include "net/codec/push_builder.h"

enum attribute_place { OF_RESOURCE, OF_SCOPE, OF_RECORD };

struct mapper {
    const struct limits *limits;
    int64_t now_ns;
    struct otlp_memory *memory;
    struct push_builder builder;
    struct err *err;
    struct buf name, value;    /* scratch */
    struct buf shared;         /* metadata of resource and scope, encoded: behind each record's own */
    size_t resource_bytes;     /* of it, the resource's */
    struct buf own;            /* of the record */
    const struct label_set *labels; /* of the resource's stream */
    bool records_have_labels;       /* attributes of records may become labels, too */
};

/* A record on its way into a stream, where records_have_labels. */
struct routed {
    const struct otlp_record *record;
    const struct label_set *labels; /* NULL: none but the resource's */
    struct slice shared;            /* metadata of resource and scope */
    size_t order;                   /* as sent */
};

/* A copy in the budget. */
static bool keep(struct mapper *mapper, struct slice bytes, struct slice *out)
{
    char *copy = OTLP_ARRAY_OF(mapper->memory, char, bytes.len);
    if (copy == NULL)
        return otlp_too_large(mapper->err);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    *out = slice_of(copy, bytes.len);
    return true;
}

static void pair_put(struct buf *out, struct slice name, struct slice value)
{
    if (value.len == 0)
        return;
    buf_varint(out, name.len);
    buf_put(out, name);
    buf_varint(out, value.len);
    buf_put(out, value);
}

/* One attribute's leaves, a pair each: mapper->name holds the name of the value. Names repeat what is above them, so what is written is bounded
 * by the budget as it grows. Recurses as deep as the value. */
static bool leaves_each(struct mapper *mapper, const struct otlp_value *value,
                        bool (*leaf)(struct mapper *mapper, void *self, struct slice name, struct slice text), void *self)
{
    if (value->kind == OTLP_TEXT)
        return leaf(mapper, self, buf_slice(&mapper->name), value->text);
    if (value->kind != OTLP_MAP) {
        buf_reset(&mapper->value);
        otlp_value_put(&mapper->value, value);
        return leaf(mapper, self, buf_slice(&mapper->name), buf_slice(&mapper->value));
    }
    size_t len = mapper->name.len;
    for (size_t i = 0; i < value->count; i++) {
        buf_byte(&mapper->name, '_');
        buf_put(&mapper->name, value->pairs[i].key);
        if (!leaves_each(mapper, &value->pairs[i].value, leaf, self))
            return false;
        mapper->name.len = len;
    }
    return true;
}

static bool attribute_each(struct mapper *mapper, const struct otlp_pair *pair,
                           bool (*leaf)(struct mapper *mapper, void *self, struct slice name, struct slice text), void *self)
{
    if (pair->value.kind == OTLP_TEXT) // most are: no copy of the name
        return leaf(mapper, self, pair->key, pair->value.text);
    buf_reset(&mapper->name);
    buf_put(&mapper->name, pair->key);
    return leaves_each(mapper, &pair->value, leaf, self);
}

static bool metadata_leaf(struct mapper *mapper, void *self, struct slice name, struct slice text)
{
    struct buf *out = self;
    if (out->len + name.len + text.len > mapper->memory->bytes_left) {
        mapper->memory->is_exhausted = true;
        return otlp_too_large(mapper->err);
    }
    pair_put(out, name, text);
    return true;
}

/* What becomes of an attribute. The labels of a resource that are so by default come before the rules, as in Loki. */
static enum otlp_action action_of(const struct mapper *mapper, enum attribute_place place, struct slice key)
{
    const struct otlp_config *config = &mapper->limits->otlp_config;
    if (slice_list_has(&mapper->limits->otlp_drop_attributes, key))
        return OTLP_DROPPED;
    switch (place) {
    case OF_RESOURCE:
        if (!config->ignores_defaults && slice_list_has(&mapper->limits->otlp_index_attributes, key))
            return OTLP_AS_LABEL;
        return otlp_rules_action(&config->resource, key);
    case OF_SCOPE:
        return otlp_rules_action(&config->scope, key);
    case OF_RECORD:
        return otlp_rules_action(&config->record, key);
    }
    return OTLP_AS_METADATA;
}

/* Those that become metadata. */
static bool attributes_put(struct mapper *mapper, const struct otlp_pairs *attributes, enum attribute_place place, struct buf *out)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const struct otlp_pair *pair = &attributes->items[i];
        if (action_of(mapper, place, pair->key) == OTLP_AS_METADATA && !attribute_each(mapper, pair, metadata_leaf, out))
            return false;
    }
    return true;
}

/* Nothing for 0. */
static void number_put(struct buf *out, struct slice name, uint64_t number)
{
    char text[20];
    size_t at = sizeof(text);
    for (; number > 0; number /= 10)
        text[--at] = (char)('0' + number % 10);
    pair_put(out, name, slice_of(text + at, sizeof(text) - at));
}

/* ---- labels ---- */

struct label_list {
    struct label *labels;
    size_t count, capacity;
};

static bool label_leaf(struct mapper *mapper, void *self, struct slice name, struct slice text)
{
    struct label_list *list = self;
    struct label label;
    if (text.len == 0)
        return true;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct label *labels = OTLP_ARRAY_OF(mapper->memory, struct label, capacity);
        if (labels == NULL)
            return otlp_too_large(mapper->err);
        if (list->count > 0)
            memcpy(labels, list->labels, list->count * sizeof(*labels));
        list->labels = labels;
        list->capacity = capacity;
    }
    if (!keep(mapper, name, &label.name) || !keep(mapper, text, &label.value) ||
        !metadata_name_normalize(mapper->memory->arena, &label.name, mapper->err))
        return false;
    label.value = metadata_value_normalize(mapper->memory->arena, label.value);
    list->labels[list->count++] = label;
    return true;
}

/* Adds those attributes that become labels. */
static bool labels_add(struct mapper *mapper, const struct otlp_pairs *attributes, enum attribute_place place, struct label_list *list)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const struct otlp_pair *pair = &attributes->items[i];
        if (action_of(mapper, place, pair->key) == OTLP_AS_LABEL && !attribute_each(mapper, pair, label_leaf, list))
            return false;
    }
    return true;
}

static bool labels_keep(struct mapper *mapper, const struct label_list *list, const struct label_set **out)
{
    struct label_set *set = OTLP_ARRAY_OF(mapper->memory, struct label_set, 1);
    if (set == NULL)
        return otlp_too_large(mapper->err);
    *set = (struct label_set){list->labels, list->count};
    *out = set;
    return true;
}

static bool labels_find(struct mapper *mapper, const struct otlp_resource *resource)
{
    struct label_list list = {0};
    return labels_add(mapper, &resource->attributes, OF_RESOURCE, &list) && labels_keep(mapper, &list, &mapper->labels);
}

/* The resource's labels and the record's, of which the last of a name counts; NULL where the record has none. */
static bool record_labels_find(struct mapper *mapper, const struct otlp_record *record, const struct label_set **out)
{
    struct label_list own = {0};
    struct label_list all = {0};
    *out = NULL;
    if (!labels_add(mapper, &record->attributes, OF_RECORD, &own) ||
        (mapper->limits->otlp_config.severity_text_is_label && !label_leaf(mapper, &own, SLICE("severity_text"), record->severity_text)))
        return false;
    if (own.count == 0)
        return true;
    all.count = mapper->labels->count + own.count;
    all.labels = OTLP_ARRAY_OF(mapper->memory, struct label, all.count);
    if (all.labels == NULL)
        return otlp_too_large(mapper->err);
    if (mapper->labels->count > 0)
        memcpy(all.labels, mapper->labels->labels, mapper->labels->count * sizeof(*all.labels));
    memcpy(all.labels + mapper->labels->count, own.labels, own.count * sizeof(*all.labels));
    return labels_keep(mapper, &all, out);
}

/* ---- records ---- */

static bool id_is_set(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] != 0)
            return true;
    }
    return false;
}

static void id_put(struct buf *out, struct slice name, struct slice id)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * OTLP_TRACE_ID_BYTES];
    if (!id_is_set(id))
        return;
    for (size_t i = 0; i < id.len; i++) {
        text[2 * i] = digits[(uint8_t)id.ptr[i] >> 4];
        text[2 * i + 1] = digits[(uint8_t)id.ptr[i] & 15];
    }
    pair_put(out, name, slice_of(text, 2 * id.len));
}

static bool own_metadata_put(struct mapper *mapper, const struct otlp_record *record)
{
    struct buf *own = &mapper->own;
    buf_reset(own);
    if (!attributes_put(mapper, &record->attributes, OF_RECORD, own))
        return false;
    if (record->time_ns != 0)
        number_put(own, SLICE("observed_timestamp"), record->observed_ns);
    if (record->severity_number > 0)
        number_put(own, SLICE("severity_number"), (uint64_t)record->severity_number);
    pair_put(own, SLICE("severity_text"), record->severity_text);
    number_put(own, SLICE("dropped_attributes_count"), record->dropped_attributes);
    number_put(own, SLICE("flags"), record->flags);
    id_put(own, SLICE("trace_id"), record->trace_id);
    id_put(own, SLICE("span_id"), record->span_id);
    return true;
}

static bool metadata_find(struct mapper *mapper, const struct otlp_record *record, struct slice shared, struct slice *out)
{
    if (!own_metadata_put(mapper, record))
        return false;
    *out = shared;
    if (mapper->own.len == 0)
        return true; // one copy serves all such records
    buf_put(&mapper->own, shared);
    return keep(mapper, buf_slice(&mapper->own), out);
}

static bool line_find(struct mapper *mapper, const struct otlp_value *body, struct slice *out)
{
    *out = SLICE("");
    if (body->kind == OTLP_NONE)
        return true;
    *out = body->text;
    if (body->kind == OTLP_TEXT)
        return true;
    buf_reset(&mapper->value);
    otlp_value_put(&mapper->value, body);
    return keep(mapper, buf_slice(&mapper->value), out);
}

static int64_t time_of(const struct mapper *mapper, const struct otlp_record *record)
{
    uint64_t ns = record->time_ns != 0 ? record->time_ns : record->observed_ns;
    if (ns == 0)
        return mapper->now_ns;
    return ns > INT64_MAX ? PUSH_TS_INVALID : (int64_t)ns;
}

/* Metadata of the resource and of this scope, which its records share. */
static bool shared_find(struct mapper *mapper, const struct otlp_scope *scope, struct slice *out)
{
    mapper->shared.len = mapper->resource_bytes;
    if (!attributes_put(mapper, &scope->attributes, OF_SCOPE, &mapper->shared))
        return false;
    pair_put(&mapper->shared, SLICE("scope_name"), scope->name);
    pair_put(&mapper->shared, SLICE("scope_version"), scope->version);
    number_put(&mapper->shared, SLICE("scope_dropped_attributes_count"), scope->dropped_attributes);
    return keep(mapper, buf_slice(&mapper->shared), out);
}

static bool record_map(struct mapper *mapper, const struct otlp_record *record, struct slice shared)
{
    struct push_entry entry = {.ts_ns = time_of(mapper, record)};
    return metadata_find(mapper, record, shared, &entry.metadata) && line_find(mapper, &record->body, &entry.line) &&
           push_builder_entry(&mapper->builder, &entry, mapper->err);
}

static bool stream_begin(struct mapper *mapper, const struct label_set *labels)
{
    struct push_stream *stream = push_builder_stream(&mapper->builder, mapper->err);
    if (stream == NULL)
        return false;
    stream->labels = labels;
    stream->metadata_form = PUSH_METADATA_ENCODED;
    return true;
}

/* All records into the resource's stream. */
static bool records_map(struct mapper *mapper, const struct otlp_resource *resource)
{
    if (!stream_begin(mapper, mapper->labels))
        return false;
    for (size_t i = 0; i < resource->scope_count; i++) {
        const struct otlp_scope *scope = &resource->scopes[i];
        struct slice shared = SLICE_NONE;
        if (!shared_find(mapper, scope, &shared))
            return false;
        for (size_t k = 0; k < scope->record_count; k++) {
            if (!record_map(mapper, &scope->records[k], shared))
                return false;
        }
    }
    return true;
}

static int labels_cmp(const struct label_set *a, const struct label_set *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return label_set_cmp_text(a, b);
}

static int routed_cmp(const void *a, const void *b)
{
    const struct routed *x = a;
    const struct routed *y = b;
    int order = labels_cmp(x->labels, y->labels);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* Each record into the stream of its labels: a stream for each set of labels, its records in the order in which they were sent. */
static bool records_route(struct mapper *mapper, const struct otlp_resource *resource, size_t count)
{
    struct routed *routed = OTLP_ARRAY_OF(mapper->memory, struct routed, count);
    size_t n = 0;
    if (routed == NULL)
        return otlp_too_large(mapper->err);
    for (size_t i = 0; i < resource->scope_count; i++) {
        const struct otlp_scope *scope = &resource->scopes[i];
        struct slice shared = SLICE_NONE;
        if (!shared_find(mapper, scope, &shared))
            return false;
        for (size_t k = 0; k < scope->record_count; k++, n++) {
            routed[n] = (struct routed){.record = &scope->records[k], .shared = shared, .order = n};
            if (!record_labels_find(mapper, routed[n].record, &routed[n].labels))
                return false;
        }
    }
    qsort(routed, count, sizeof(*routed), routed_cmp);
    for (size_t i = 0; i < count; i++) {
        bool is_first = i == 0 || labels_cmp(routed[i - 1].labels, routed[i].labels) != 0;
        if ((is_first && !stream_begin(mapper, routed[i].labels != NULL ? routed[i].labels : mapper->labels)) ||
            !record_map(mapper, routed[i].record, routed[i].shared))
            return false;
    }
    return true;
}

static bool resource_map(struct mapper *mapper, const struct otlp_resource *resource)
{
    size_t records = 0;
    for (size_t i = 0; i < resource->scope_count; i++)
        records += resource->scopes[i].record_count;
    if (records == 0)
        return true; // a stream needs an entry
    mapper->shared.len = 0;
    if (!labels_find(mapper, resource) || !attributes_put(mapper, &resource->attributes, OF_RESOURCE, &mapper->shared))
        return false;
    mapper->resource_bytes = mapper->shared.len;
    return mapper->records_have_labels ? records_route(mapper, resource, records) : records_map(mapper, resource);
}

bool otlp_map(const struct otlp_request *from, const struct limits *limits, int64_t now_ns, struct otlp_memory *memory,
              struct push_request *out, struct err *err)
{
    struct mapper mapper = {.limits = limits, .now_ns = now_ns, .memory = memory, .builder = {.arena = memory->arena}, .err = err};
    bool ok = true;
    mapper.records_have_labels = limits->otlp_config.severity_text_is_label || otlp_rules_label(&limits->otlp_config.record);
    for (size_t i = 0; ok && i < from->resource_count; i++)
        ok = resource_map(&mapper, &from->resources[i]);
    buf_fini(&mapper.name);
    buf_fini(&mapper.value);
    buf_fini(&mapper.shared);
    buf_fini(&mapper.own);
    if (ok)
        push_builder_finish(&mapper.builder, out);
    return ok;
}
