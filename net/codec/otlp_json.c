#include "net/codec/otlp_json.h"

#include <stddef.h>

#include "core/model/go_text.h"
#include "net/codec/base64.h"
#include "net/codec/json_walk.h"

/* An array that grows in the budget. */
struct list {
    struct otlp_memory *memory;
    void *items;
    size_t count, capacity;
};

/* The next element, cleared; NULL with *err over the budget. */
static void *list_next(struct list *list, size_t size, struct err *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        char *items = otlp_alloc(list->memory, capacity, size, _Alignof(max_align_t));
        if (items == NULL) {
            (void)otlp_too_large(err);
            return NULL;
        }
        if (list->count > 0)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->capacity = capacity;
    }
    return (char *)list->items + size * list->count++;
}

/* key is `camel`, or its snake_case form. */
static bool key_is(struct slice key, const char *camel)
{
    size_t i = 0;
    for (; *camel != '\0'; camel++) {
        bool is_upper = *camel >= 'A' && *camel <= 'Z';
        if (i < key.len && key.ptr[i] == *camel) {
            i++;
        } else if (is_upper && i + 1 < key.len && key.ptr[i] == '_' && key.ptr[i + 1] == *camel + ('a' - 'A')) {
            i += 2;
        } else {
            return false;
        }
    }
    return i == key.len;
}

/* ---- scalars; null leaves them as they are ---- */

static bool is_null(struct json_reader *reader)
{
    return json_peek(reader) == 'n';
}

static bool read_text(struct json_reader *reader, struct slice *out, struct err *err)
{
    return is_null(reader) ? json_skip(reader, NULL, err) : json_string(reader, out, err);
}

/* The text of a number, quoted or not. */
static bool number_text(struct json_reader *reader, struct slice *out, struct err *err)
{
    *out = SLICE("0");
    if (json_peek(reader) == '"')
        return json_string(reader, out, err);
    return is_null(reader) ? json_skip(reader, NULL, err) : json_skip(reader, out, err);
}

static bool read_i64(struct json_reader *reader, int64_t *out, struct err *err)
{
    struct slice text;
    double number = 0;
    if (!number_text(reader, &text, err))
        return false;
    if (go_parse_int(text, out, err))
        return true;
    if (!go_parse_float(text, &number, NULL) || !(number > -0x1p63 && number < 0x1p63) || (double)(int64_t)number != number)
        return false; // go_parse_int has said why
    *out = (int64_t)number;
    return true;
}

static bool read_u64(struct json_reader *reader, uint64_t *out, struct err *err)
{
    struct slice text;
    if (!number_text(reader, &text, err))
        return false;
    uint64_t value = 0;
    bool ok = text.len > 0;
    for (size_t i = 0; ok && i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        ok = text.ptr[i] >= '0' && text.ptr[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, digit, &value);
    }
    *out = value;
    return ok || err_set(err, ERR_INVALID, "\"%.*s\" is no unsigned 64-bit integer", SLICE_ARG(text));
}

static bool read_u32(struct json_reader *reader, uint32_t *out, struct err *err)
{
    uint64_t value = 0;
    if (!read_u64(reader, &value, err))
        return false;
    *out = (uint32_t)value;
    return value <= UINT32_MAX || err_set(err, ERR_INVALID, "%llu is no unsigned 32-bit integer", (unsigned long long)value);
}

static bool read_double(struct json_reader *reader, double *out, struct err *err)
{
    struct slice text;
    if (!number_text(reader, &text, err))
        return false;
    return go_parse_float(text, out, err);
}

static bool read_bool(struct json_reader *reader, bool *out, struct err *err)
{
    struct slice text;
    if (!json_skip(reader, &text, err))
        return false;
    *out = slice_eq(text, SLICE("true"));
    return *out || slice_eq(text, SLICE("false")) || slice_eq(text, SLICE("null")) ||
           err_set(err, ERR_INVALID, "\"%.*s\" is neither true nor false", SLICE_ARG(text));
}

static bool read_bytes(struct json_reader *reader, struct otlp_memory *memory, struct slice *out, struct err *err)
{
    struct slice text = SLICE_NONE;
    if (!read_text(reader, &text, err))
        return false;
    char *bytes = OTLP_ARRAY_OF(memory, char, BASE64_DECODED_MAX(text.len));
    size_t len = 0;
    if (bytes == NULL)
        return otlp_too_large(err);
    if (!base64_get(text, bytes, &len))
        return err_set(err, ERR_INVALID, "bytes are no base64, before offset %zu", json_offset(reader));
    *out = slice_of(bytes, len);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_id(struct json_reader *reader, struct otlp_memory *memory, size_t bytes_want, struct slice *out, struct err *err)
{
    struct slice text = SLICE_NONE;
    if (!read_text(reader, &text, err))
        return false;
    if (text.len == 0)
        return true;
    char *bytes = OTLP_ARRAY_OF(memory, char, bytes_want);
    if (bytes == NULL)
        return otlp_too_large(err);
    bool ok = text.len == bytes_want * 2;
    for (size_t i = 0; ok && i < bytes_want; i++) {
        int high = hex_digit(text.ptr[2 * i]);
        int low = hex_digit(text.ptr[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        bytes[i] = (char)(ok ? high * 16 + low : 0);
    }
    *out = slice_of(bytes, bytes_want);
    return ok || err_set(err, ERR_INVALID, "\"%.*s\" is no id of %zu hex digits", SLICE_ARG(text), bytes_want * 2);
}

/* A number, or the enumeration's name: SEVERITY_NUMBER_WARN2. */
static bool read_severity(struct json_reader *reader, int32_t *out, struct err *err)
{
    static const struct slice names[] = {{"TRACE", 5}, {"DEBUG", 5}, {"INFO", 4}, {"WARN", 4}, {"ERROR", 5}, {"FATAL", 5}};
    static const struct slice prefix = {"SEVERITY_NUMBER_", 16};
    struct json_reader before = *reader;
    struct slice text = SLICE_NONE;
    int64_t value = 0;
    if (json_peek(reader) == '"' && json_string(reader, &text, err) && slice_starts(text, prefix)) {
        text = slice_from(text, prefix.len);
        *out = 0;
        for (size_t i = 0; i < LENGTH(names); i++) {
            struct slice rest = slice_starts(text, names[i]) ? slice_from(text, names[i].len) : SLICE("-");
            if (rest.len == 0 || (rest.len == 1 && rest.ptr[0] >= '2' && rest.ptr[0] <= '4'))
                *out = (int32_t)(4 * i + 1) + (rest.len == 0 ? 0 : rest.ptr[0] - '1');
        }
        return *out != 0 || slice_eq(text, SLICE("UNSPECIFIED")) || err_set(err, ERR_INVALID, "unknown severity %.*s", SLICE_ARG(text));
    }
    *reader = before;
    if (!read_i64(reader, &value, err))
        return false;
    *out = (int32_t)value;
    return (value >= INT32_MIN && value <= INT32_MAX) || err_set(err, ERR_INVALID, "severityNumber %lld is no 32-bit integer", (long long)value);
}

/* ---- values ---- */

struct value_at {
    struct otlp_memory *memory;
    size_t depth;
    struct otlp_value *value; /* being read */
    struct list list;         /* of its items or pairs */
};

static bool read_value(struct json_reader *reader, struct otlp_memory *memory, size_t depth, struct otlp_value *out, struct err *err);
static bool read_pairs(struct json_reader *reader, struct otlp_memory *memory, size_t depth, struct otlp_pairs *out, struct err *err);

static bool array_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct value_at *at = self;
    struct otlp_value *item = list_next(&at->list, sizeof(*item), err);
    (void)i;
    return item != NULL && read_value(reader, at->memory, at->depth, item, err);
}

static bool array_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct value_at *at = self;
    at->list = (struct list){.memory = at->memory};
    return key_is(key, "values") ? json_walk_array(reader, array_element, at, err) : json_skip(reader, NULL, err);
}

static bool map_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct value_at *at = self;
    struct otlp_pairs pairs = {NULL, 0};
    if (!key_is(key, "values"))
        return json_skip(reader, NULL, err);
    if (!read_pairs(reader, at->memory, at->depth, &pairs, err))
        return false;
    at->list.items = (void *)(uintptr_t)pairs.items; // only read from here on
    at->list.count = pairs.count;
    return true;
}

static bool read_nested(struct json_reader *reader, struct value_at *at, bool is_map, struct err *err)
{
    struct value_at inner = {.memory = at->memory, .depth = at->depth + 1, .list = {.memory = at->memory}};
    if (at->depth == OTLP_DEPTH_MAX)
        return err_set(err, ERR_INVALID, "OTLP value is nested deeper than %d", OTLP_DEPTH_MAX);
    if (!json_walk_object(reader, is_map ? map_member : array_member, &inner, err))
        return false;
    *at->value = (struct otlp_value){.kind = is_map ? OTLP_MAP : OTLP_ARRAY, .count = (uint32_t)inner.list.count};
    if (is_map)
        at->value->pairs = inner.list.items;
    else
        at->value->items = inner.list.items;
    return true;
}

static bool value_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct value_at *at = self;
    struct otlp_value value = {.kind = OTLP_NONE};
    bool ok = true;
    if (is_null(reader))
        return json_skip(reader, NULL, err); // as if it were not there
    if (key_is(key, "arrayValue") || key_is(key, "kvlistValue"))
        return read_nested(reader, at, key.ptr[0] == 'k', err) || err_wrap(err, "%.*s", SLICE_ARG(key));
    if (key_is(key, "stringValue")) {
        value.kind = OTLP_TEXT;
        ok = json_string(reader, &value.text, err);
    } else if (key_is(key, "boolValue")) {
        value.kind = OTLP_BOOL;
        ok = read_bool(reader, &value.boolean, err);
    } else if (key_is(key, "intValue")) {
        value.kind = OTLP_INT;
        ok = read_i64(reader, &value.integer, err);
    } else if (key_is(key, "doubleValue")) {
        value.kind = OTLP_DOUBLE;
        ok = read_double(reader, &value.number, err);
    } else if (key_is(key, "bytesValue")) {
        value.kind = OTLP_BYTES;
        ok = read_bytes(reader, at->memory, &value.text, err);
    } else {
        return json_skip(reader, NULL, err);
    }
    *at->value = value;
    return ok || err_wrap(err, "%.*s", SLICE_ARG(key));
}

/* Recurses, at most OTLP_DEPTH_MAX deep. */
static bool read_value(struct json_reader *reader, struct otlp_memory *memory, size_t depth, struct otlp_value *out, struct err *err)
{
    struct value_at at = {.memory = memory, .depth = depth, .value = out};
    return json_walk_object(reader, value_member, &at, err);
}

struct pair_at {
    struct value_at value; /* first */
    struct otlp_pair *pair;
};

static bool pair_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct pair_at *at = self;
    if (key_is(key, "key"))
        return read_text(reader, &at->pair->key, err);
    if (key_is(key, "value"))
        return read_value(reader, at->value.memory, at->value.depth, &at->pair->value, err);
    return json_skip(reader, NULL, err);
}

static bool pair_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct value_at *list = self;
    struct pair_at at = {.value = {.memory = list->memory, .depth = list->depth}, .pair = list_next(&list->list, sizeof(struct otlp_pair), err)};
    (void)i;
    return at.pair != NULL && json_walk_object(reader, pair_member, &at, err);
}

static bool read_pairs(struct json_reader *reader, struct otlp_memory *memory, size_t depth, struct otlp_pairs *out, struct err *err)
{
    struct value_at at = {.memory = memory, .depth = depth, .list = {.memory = memory}};
    if (!json_walk_array(reader, pair_element, &at, err))
        return false;
    *out = (struct otlp_pairs){at.list.items, at.list.count};
    return true;
}

/* ---- the request ---- */

struct record_at {
    struct otlp_memory *memory;
    struct otlp_record *record;
};

static bool record_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct record_at *at = self;
    struct otlp_record *record = at->record;
    bool ok = true;
    if (key_is(key, "timeUnixNano"))
        ok = read_u64(reader, &record->time_ns, err);
    else if (key_is(key, "observedTimeUnixNano"))
        ok = read_u64(reader, &record->observed_ns, err);
    else if (key_is(key, "severityNumber"))
        ok = read_severity(reader, &record->severity_number, err);
    else if (key_is(key, "severityText"))
        ok = read_text(reader, &record->severity_text, err);
    else if (key_is(key, "body"))
        ok = read_value(reader, at->memory, 0, &record->body, err);
    else if (key_is(key, "attributes"))
        ok = read_pairs(reader, at->memory, 0, &record->attributes, err);
    else if (key_is(key, "droppedAttributesCount"))
        ok = read_u32(reader, &record->dropped_attributes, err);
    else if (key_is(key, "flags"))
        ok = read_u32(reader, &record->flags, err);
    else if (key_is(key, "traceId"))
        ok = read_id(reader, at->memory, OTLP_TRACE_ID_BYTES, &record->trace_id, err);
    else if (key_is(key, "spanId"))
        ok = read_id(reader, at->memory, OTLP_SPAN_ID_BYTES, &record->span_id, err);
    else
        return json_skip(reader, NULL, err);
    return ok || err_wrap(err, "%.*s", SLICE_ARG(key));
}

static bool record_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct list *list = self;
    struct record_at at = {list->memory, list_next(list, sizeof(struct otlp_record), err)};
    (void)i;
    return at.record != NULL && json_walk_object(reader, record_member, &at, err);
}

struct scope_at {
    struct otlp_memory *memory;
    struct otlp_scope *scope;
};

static bool scope_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct scope_at *at = self;
    if (key_is(key, "name"))
        return read_text(reader, &at->scope->name, err) || err_wrap(err, "scope name");
    if (key_is(key, "version"))
        return read_text(reader, &at->scope->version, err) || err_wrap(err, "scope version");
    if (key_is(key, "droppedAttributesCount"))
        return read_u32(reader, &at->scope->dropped_attributes, err);
    if (key_is(key, "attributes"))
        return read_pairs(reader, at->memory, 0, &at->scope->attributes, err);
    return json_skip(reader, NULL, err);
}

static bool scope_logs_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct scope_at *at = self;
    if (key_is(key, "scope"))
        return json_walk_object(reader, scope_member, at, err);
    if (!key_is(key, "logRecords"))
        return json_skip(reader, NULL, err);
    struct list records = {.memory = at->memory};
    if (!json_walk_array(reader, record_element, &records, err))
        return err_wrap(err, "logRecords");
    at->scope->records = records.items;
    at->scope->record_count = records.count;
    return true;
}

static bool scope_logs_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct list *list = self;
    struct scope_at at = {list->memory, list_next(list, sizeof(struct otlp_scope), err)};
    (void)i;
    return at.scope != NULL && json_walk_object(reader, scope_logs_member, &at, err);
}

struct resource_at {
    struct otlp_memory *memory;
    struct otlp_resource *resource;
};

static bool resource_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct resource_at *at = self;
    return key_is(key, "attributes") ? read_pairs(reader, at->memory, 0, &at->resource->attributes, err) : json_skip(reader, NULL, err);
}

static bool resource_logs_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct resource_at *at = self;
    if (key_is(key, "resource"))
        return json_walk_object(reader, resource_member, at, err);
    if (!key_is(key, "scopeLogs"))
        return json_skip(reader, NULL, err);
    struct list scopes = {.memory = at->memory};
    if (!json_walk_array(reader, scope_logs_element, &scopes, err))
        return err_wrap(err, "scopeLogs");
    at->resource->scopes = scopes.items;
    at->resource->scope_count = scopes.count;
    return true;
}

static bool resource_logs_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct list *list = self;
    struct resource_at at = {list->memory, list_next(list, sizeof(struct otlp_resource), err)};
    (void)i;
    return at.resource != NULL && json_walk_object(reader, resource_logs_member, &at, err);
}

static bool request_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct list *resources = self;
    if (!key_is(key, "resourceLogs"))
        return json_skip(reader, NULL, err);
    *resources = (struct list){.memory = resources->memory};
    return json_walk_array(reader, resource_logs_element, resources, err) || err_wrap(err, "resourceLogs");
}

bool otlp_json_decode(struct slice body, struct otlp_memory *memory, struct otlp_request *out, struct err *err)
{
    struct json_reader reader;
    struct list resources = {.memory = memory};
    json_reader_init(&reader, body, memory->arena);
    if (!json_walk_object(&reader, request_member, &resources, err) || !json_walk_end(&reader, err))
        return false;
    *out = (struct otlp_request){resources.items, resources.count};
    return true;
}
