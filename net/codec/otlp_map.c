#include "net/codec/otlp_map.h"

#include "core/base/bytes.h"
#include "core/ingest/entry_metadata.h"
#include "net/codec/push_builder.h"

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
};

static bool list_has(const struct slice_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_eq(list->items[i], name))
            return true;
    }
    return false;
}

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

/* Attributes as metadata, but for those that are dropped or, of a resource, labels. */
static bool attributes_put(struct mapper *mapper, const struct otlp_pairs *attributes, bool is_resource, struct buf *out)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const struct otlp_pair *pair = &attributes->items[i];
        if (list_has(&mapper->limits->otlp_drop_attributes, pair->key) ||
            (is_resource && list_has(&mapper->limits->otlp_index_attributes, pair->key)))
            continue;
        if (!attribute_each(mapper, pair, metadata_leaf, out))
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
    if (text.len == 0)
        return true;
    if (!keep(mapper, name, &label.name) || !keep(mapper, text, &label.value) ||
        !metadata_name_normalize(mapper->memory->arena, &label.name, mapper->err))
        return false;
    label.value = metadata_value_normalize(mapper->memory->arena, label.value);
    list->labels[list->count++] = label;
    return true;
}

static bool labels_find(struct mapper *mapper, const struct otlp_resource *resource)
{
    struct label_list list = {0};
    for (size_t i = 0; i < resource->attributes.count; i++) {
        const struct otlp_pair *pair = &resource->attributes.items[i];
        bool is_dropped = list_has(&mapper->limits->otlp_drop_attributes, pair->key);
        if (!is_dropped && list_has(&mapper->limits->otlp_index_attributes, pair->key) && !attribute_each(mapper, pair, label_leaf, &list))
            return false;
    }
    struct label_set *set = OTLP_ARRAY_OF(mapper->memory, struct label_set, 1);
    if (set == NULL)
        return otlp_too_large(mapper->err);
    *set = (struct label_set){list.labels, list.count};
    mapper->labels = set;
    return true;
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
    if (!attributes_put(mapper, &record->attributes, false, own))
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

static bool scope_map(struct mapper *mapper, const struct otlp_scope *scope)
{
    struct slice shared = SLICE_NONE;
    mapper->shared.len = mapper->resource_bytes;
    if (!attributes_put(mapper, &scope->attributes, false, &mapper->shared))
        return false;
    pair_put(&mapper->shared, SLICE("scope_name"), scope->name);
    pair_put(&mapper->shared, SLICE("scope_version"), scope->version);
    number_put(&mapper->shared, SLICE("scope_dropped_attributes_count"), scope->dropped_attributes);
    if (!keep(mapper, buf_slice(&mapper->shared), &shared))
        return false;
    for (size_t i = 0; i < scope->record_count; i++) {
        const struct otlp_record *record = &scope->records[i];
        struct push_entry entry = {.ts_ns = time_of(mapper, record)};
        if (!metadata_find(mapper, record, shared, &entry.metadata) || !line_find(mapper, &record->body, &entry.line) ||
            !push_builder_entry(&mapper->builder, &entry, mapper->err))
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
    if (!labels_find(mapper, resource) || !attributes_put(mapper, &resource->attributes, true, &mapper->shared))
        return false;
    mapper->resource_bytes = mapper->shared.len;
    struct push_stream *stream = push_builder_stream(&mapper->builder, mapper->err);
    if (stream == NULL)
        return false;
    stream->labels = mapper->labels;
    stream->metadata_form = PUSH_METADATA_ENCODED;
    for (size_t i = 0; i < resource->scope_count; i++) {
        if (!scope_map(mapper, &resource->scopes[i]))
            return false;
    }
    return true;
}

bool otlp_map(const struct otlp_request *from, const struct limits *limits, int64_t now_ns, struct otlp_memory *memory,
              struct push_request *out, struct err *err)
{
    struct mapper mapper = {.limits = limits, .now_ns = now_ns, .memory = memory, .builder = {.arena = memory->arena}, .err = err};
    bool ok = true;
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
