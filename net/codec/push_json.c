#include "net/codec/push_json.h"

#include <stdlib.h>

#include "core/model/go_text.h"
#include "core/base/bytes.h"
#include "net/codec/json_walk.h"
#include "net/codec/push_builder.h"

struct decoder {
    struct push_builder builder;
    json_member stream_member; /* of a stream's object: the two generations name their keys differently */
    struct push_stream *stream; /* under way; valid until the next one begins */
};

/* ---- structured metadata: an object of strings, as label_set pairs in the order sent ---- */

static bool metadata_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct buf *pairs = self;
    struct slice value;
    if (!json_string(reader, &value, err))
        return err_wrap(err, "structured metadata \"%.*s\"", SLICE_ARG(key));
    buf_varint(pairs, key.len);
    buf_put(pairs, key);
    buf_varint(pairs, value.len);
    buf_put(pairs, value);
    return true;
}

static bool metadata(struct json_reader *reader, struct slice *out, struct err *err)
{
    if (json_peek(reader) != '{')
        return err_set(err, ERR_INVALID, "structured metadata must be an object of strings, at offset %zu", json_offset(reader));
    struct buf pairs = BUF_INIT;
    bool ok = json_walk_object(reader, metadata_member, &pairs, err);
    *out = arena_copy(reader->arena, buf_slice(&pairs));
    buf_fini(&pairs);
    return ok;
}

/* ---- today's form ---- */

struct label_list {
    struct label *labels;
    size_t count, capacity;
};

static bool label_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct label_list *list = self;
    struct slice value;
    bool is_string = json_peek(reader) == '"';
    if (!(is_string ? json_string(reader, &value, err) : json_skip(reader, &value, err)))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (slice_eq(list->labels[i].name, key)) { // the last of equal keys wins
            list->labels[i].value = value;
            return true;
        }
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct label *labels = ARENA_ARRAY(reader->arena, struct label, capacity);
        if (list->count > 0)
            memcpy(labels, list->labels, list->count * sizeof(*labels));
        list->labels = labels;
        list->capacity = capacity;
        if (capacity > 4096)
            return err_set(err, ERR_LIMIT, "a stream has more than 4096 labels");
    }
    list->labels[list->count++] = (struct label){key, value};
    return true;
}

static int label_order(const void *a, const void *b)
{
    return slice_cmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* As text, sorted, since what is wrong with a label is told by its place in that text. */
static struct slice label_text(struct arena *arena, struct label_list *list)
{
    struct buf text = BUF_INIT;
    if (list->count > 1)
        qsort(list->labels, list->count, sizeof(*list->labels), label_order);
    buf_byte(&text, '{');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_str(&text, ", ");
        buf_put(&text, list->labels[i].name);
        buf_byte(&text, '=');
        go_quote(&text, list->labels[i].value);
    }
    buf_byte(&text, '}');
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}

static bool value_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct push_entry *entry = self;
    struct slice text;
    switch (i) {
    case 0:
        if (!json_string(reader, &text, err))
            return err_wrap(err, "timestamp");
        if (slice_starts(text, SLICE("+")))
            return err_set(err, ERR_INVALID, "timestamp: \"%.*s\" has a sign that is not wanted", SLICE_ARG(text));
        return go_parse_int(text, &entry->ts_ns, err);
    case 1:
        return json_string(reader, &entry->line, err) || err_wrap(err, "line");
    case 2:
        return metadata(reader, &entry->metadata, err);
    default:
        return json_skip(reader, NULL, err);
    }
}

static bool values_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    (void)i;
    struct decoder *decoder = self;
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    struct push_entry entry = {.ts_ns = PUSH_TS_INVALID};
    return json_walk_array(reader, value_element, &entry, err) && push_builder_entry(&decoder->builder, &entry, err);
}

static bool stream_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (slice_eq(key, SLICE("stream"))) {
        struct label_list list = {0};
        if (json_peek(reader) == 'n')
            return err_set(err, ERR_INVALID, "stream: an object wanted at offset %zu", json_offset(reader));
        if (!json_walk_object(reader, label_member, &list, err))
            return err_wrap(err, "stream");
        decoder->stream->label_text = label_text(reader->arena, &list);
        return true;
    }
    if (slice_eq(key, SLICE("values")))
        return json_walk_array(reader, values_element, decoder, err);
    return json_skip(reader, NULL, err);
}

static bool streams_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    (void)i;
    struct decoder *decoder = self;
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    decoder->stream = push_builder_stream(&decoder->builder, err);
    if (decoder->stream == NULL)
        return false;
    decoder->stream->label_text = SLICE("{}");
    return json_walk_object(reader, decoder->stream_member, decoder, err);
}

static bool root_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (slice_eq_nocase(key, SLICE("streams"))) // as Go's decoders of structs have it
        return json_walk_array(reader, streams_element, decoder, err);
    return json_skip(reader, NULL, err);
}

/* ---- the first API's form ---- */

static bool entry_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct push_entry *entry = self;
    struct slice text;
    if (json_peek(reader) == 'n') // null leaves a member as it was, in Go's decoders
        return json_skip(reader, NULL, err);
    if (slice_eq_nocase(key, SLICE("ts")) || slice_eq_nocase(key, SLICE("timestamp"))) {
        if (!json_string(reader, &text, err))
            return err_wrap(err, "ts");
        if (!rfc3339_parse(text, &entry->ts_ns))
            return err_set(err, ERR_INVALID, "parsing time \"%.*s\": not an RFC3339 time", SLICE_ARG(text));
        return true;
    }
    if (slice_eq_nocase(key, SLICE("line")))
        return json_string(reader, &entry->line, err) || err_wrap(err, "line");
    if (slice_eq_nocase(key, SLICE("structuredMetadata")))
        return metadata(reader, &entry->metadata, err);
    return json_skip(reader, NULL, err);
}

static bool entries_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    (void)i;
    struct decoder *decoder = self;
    struct push_entry entry = {.ts_ns = PUSH_TS_INVALID};
    return json_walk_object(reader, entry_member, &entry, err) && push_builder_entry(&decoder->builder, &entry, err);
}

static bool legacy_stream_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    if (slice_eq_nocase(key, SLICE("labels"))) {
        struct slice text;
        if (!json_string(reader, &text, err))
            return err_wrap(err, "labels");
        decoder->stream->label_text = text;
        return true;
    }
    if (slice_eq_nocase(key, SLICE("entries")))
        return json_walk_array(reader, entries_element, decoder, err);
    return json_skip(reader, NULL, err);
}

static bool decode(struct slice body, struct arena *arena, json_member of_stream, struct push_request *out, struct err *err)
{
    struct decoder decoder = {.builder = {.arena = arena}, .stream_member = of_stream};
    struct json_reader reader;
    json_reader_init(&reader, body, arena);
    if (!json_walk_object(&reader, root_member, &decoder, err) || !json_walk_end(&reader, err))
        return false;
    push_builder_finish(&decoder.builder, out);
    return true;
}

bool push_json_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err)
{
    return decode(body, arena, stream_member, out, err);
}

bool push_json_legacy_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err)
{
    return decode(body, arena, legacy_stream_member, out, err);
}
