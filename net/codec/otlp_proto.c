#include "net/codec/otlp_proto.h"

#include <stddef.h>

#include "otlp.pb-c.h"

/* protobuf-c's memory: the budget's. Nothing is freed before the arena. */
static void *take(void *self, size_t bytes)
{
    return otlp_alloc(self, bytes, 1, _Alignof(max_align_t));
}

static void give_back(void *self, void *ptr)
{
    (void)self;
    (void)ptr;
}

struct decoder {
    struct otlp_memory *memory;
    ProtobufCAllocator allocator;
    struct err *err;
};

static bool unpack_failed(const struct decoder *decoder)
{
    if (decoder->memory->is_exhausted)
        return otlp_too_large(decoder->err);
    return err_set(decoder->err, ERR_INVALID, "OTLP request is no protobuf ExportLogsServiceRequest");
}

static struct slice bytes_of(ProtobufCBinaryData data)
{
    return slice_of(data.data, data.len);
}

static bool read_pairs(struct decoder *decoder, Logi__OtlpPair *const *from, size_t count, size_t depth, struct otlp_pairs *out);
static bool read_value(struct decoder *decoder, const Logi__OtlpValue *from, size_t depth, struct otlp_value *out);

static bool read_array(struct decoder *decoder, ProtobufCBinaryData data, size_t depth, struct otlp_value *out)
{
    const Logi__OtlpArray *array = logi__otlp_array__unpack(&decoder->allocator, data.len, data.data);
    if (array == NULL)
        return unpack_failed(decoder);
    struct otlp_value *items = OTLP_ARRAY_OF(decoder->memory, struct otlp_value, array->n_values);
    if (items == NULL)
        return otlp_too_large(decoder->err);
    for (size_t i = 0; i < array->n_values; i++) {
        if (!read_value(decoder, array->values[i], depth, &items[i]))
            return false;
    }
    *out = (struct otlp_value){.kind = OTLP_ARRAY, .count = (uint32_t)array->n_values, .items = items};
    return true;
}

static bool read_map(struct decoder *decoder, ProtobufCBinaryData data, size_t depth, struct otlp_value *out)
{
    const Logi__OtlpMap *map = logi__otlp_map__unpack(&decoder->allocator, data.len, data.data);
    struct otlp_pairs pairs;
    if (map == NULL)
        return unpack_failed(decoder);
    if (!read_pairs(decoder, map->values, map->n_values, depth, &pairs))
        return false;
    *out = (struct otlp_value){.kind = OTLP_MAP, .count = (uint32_t)pairs.count, .pairs = pairs.items};
    return true;
}

/* Recurses, at most OTLP_DEPTH_MAX deep. */
static bool read_value(struct decoder *decoder, const Logi__OtlpValue *from, size_t depth, struct otlp_value *out)
{
    *out = (struct otlp_value){.kind = OTLP_NONE};
    if (from == NULL)
        return true;
    switch (from->value_case) {
    case LOGI__OTLP_VALUE__VALUE_STRING_VALUE:
        *out = (struct otlp_value){.kind = OTLP_TEXT, .text = bytes_of(from->string_value)};
        return true;
    case LOGI__OTLP_VALUE__VALUE_BYTES_VALUE:
        *out = (struct otlp_value){.kind = OTLP_BYTES, .text = bytes_of(from->bytes_value)};
        return true;
    case LOGI__OTLP_VALUE__VALUE_BOOL_VALUE:
        *out = (struct otlp_value){.kind = OTLP_BOOL, .boolean = from->bool_value != 0};
        return true;
    case LOGI__OTLP_VALUE__VALUE_INT_VALUE:
        *out = (struct otlp_value){.kind = OTLP_INT, .integer = from->int_value};
        return true;
    case LOGI__OTLP_VALUE__VALUE_DOUBLE_VALUE:
        *out = (struct otlp_value){.kind = OTLP_DOUBLE, .number = from->double_value};
        return true;
    case LOGI__OTLP_VALUE__VALUE_ARRAY_VALUE:
    case LOGI__OTLP_VALUE__VALUE_KVLIST_VALUE:
        if (depth == OTLP_DEPTH_MAX)
            return err_set(decoder->err, ERR_INVALID, "OTLP value is nested deeper than %d", OTLP_DEPTH_MAX);
        return from->value_case == LOGI__OTLP_VALUE__VALUE_ARRAY_VALUE ? read_array(decoder, from->array_value, depth + 1, out)
                                                                       : read_map(decoder, from->kvlist_value, depth + 1, out);
    case LOGI__OTLP_VALUE__VALUE__NOT_SET:
    case _LOGI__OTLP_VALUE__VALUE__CASE_IS_INT_SIZE:
        return true;
    }
    return true;
}

static bool read_pairs(struct decoder *decoder, Logi__OtlpPair *const *from, size_t count, size_t depth, struct otlp_pairs *out)
{
    struct otlp_pair *pairs = OTLP_ARRAY_OF(decoder->memory, struct otlp_pair, count);
    if (pairs == NULL)
        return otlp_too_large(decoder->err);
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = bytes_of(from[i]->key);
        if (!read_value(decoder, from[i]->value, depth, &pairs[i].value))
            return false;
    }
    *out = (struct otlp_pairs){pairs, count};
    return true;
}

static bool read_id(struct decoder *decoder, const char *name, ProtobufCBinaryData from, size_t bytes, struct slice *out)
{
    *out = bytes_of(from);
    return out->len == 0 || out->len == bytes || err_set(decoder->err, ERR_INVALID, "%s has %zu bytes, must have %zu", name, out->len, bytes);
}

static bool read_record(struct decoder *decoder, const Logi__OtlpRecord *from, struct otlp_record *out)
{
    out->time_ns = from->time_unix_nano;
    out->observed_ns = from->observed_time_unix_nano;
    out->severity_number = from->severity_number;
    out->severity_text = bytes_of(from->severity_text);
    out->dropped_attributes = from->dropped_attributes_count;
    out->flags = from->flags;
    return read_id(decoder, "traceId", from->trace_id, OTLP_TRACE_ID_BYTES, &out->trace_id) &&
           read_id(decoder, "spanId", from->span_id, OTLP_SPAN_ID_BYTES, &out->span_id) &&
           read_value(decoder, from->body, 0, &out->body) &&
           read_pairs(decoder, from->attributes, from->n_attributes, 0, &out->attributes);
}

static bool read_scope(struct decoder *decoder, const Logi__OtlpScopeLogs *from, struct otlp_scope *out)
{
    if (from->scope != NULL) {
        out->name = bytes_of(from->scope->name);
        out->version = bytes_of(from->scope->version);
        out->dropped_attributes = from->scope->dropped_attributes_count;
        if (!read_pairs(decoder, from->scope->attributes, from->scope->n_attributes, 0, &out->attributes))
            return false;
    }
    struct otlp_record *records = OTLP_ARRAY_OF(decoder->memory, struct otlp_record, from->n_log_records);
    if (records == NULL)
        return otlp_too_large(decoder->err);
    for (size_t i = 0; i < from->n_log_records; i++) {
        if (!read_record(decoder, from->log_records[i], &records[i]))
            return false;
    }
    out->records = records;
    out->record_count = from->n_log_records;
    return true;
}

static bool read_resource(struct decoder *decoder, const Logi__OtlpResourceLogs *from, struct otlp_resource *out)
{
    if (from->resource != NULL &&
        !read_pairs(decoder, from->resource->attributes, from->resource->n_attributes, 0, &out->attributes))
        return false;
    struct otlp_scope *scopes = OTLP_ARRAY_OF(decoder->memory, struct otlp_scope, from->n_scope_logs);
    if (scopes == NULL)
        return otlp_too_large(decoder->err);
    for (size_t i = 0; i < from->n_scope_logs; i++) {
        if (!read_scope(decoder, from->scope_logs[i], &scopes[i]))
            return false;
    }
    out->scopes = scopes;
    out->scope_count = from->n_scope_logs;
    return true;
}

bool otlp_proto_decode(struct slice body, struct otlp_memory *memory, struct otlp_request *out, struct err *err)
{
    struct decoder decoder = {.memory = memory, .allocator = {take, give_back, memory}, .err = err};
    const Logi__OtlpLogsRequest *request =
        logi__otlp_logs_request__unpack(&decoder.allocator, body.len, (const uint8_t *)body.ptr);
    if (request == NULL)
        return unpack_failed(&decoder);
    struct otlp_resource *resources = OTLP_ARRAY_OF(memory, struct otlp_resource, request->n_resource_logs);
    if (resources == NULL)
        return otlp_too_large(err);
    for (size_t i = 0; i < request->n_resource_logs; i++) {
        if (!read_resource(&decoder, request->resource_logs[i], &resources[i]))
            return false;
    }
    *out = (struct otlp_request){resources, request->n_resource_logs};
    return true;
}
