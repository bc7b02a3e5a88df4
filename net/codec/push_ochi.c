#include "net/codec/push_ochi.h"

#include "core/base/bytes.h"
#include "net/codec/json_walk.h"
#include "net/codec/push_builder.h"

struct decoder {
    struct push_builder builder;
    size_t stream; /* being read */
    bool has_streams, has_values;
    struct buf pairs; /* scratch */
    struct label *labels;
    size_t label_count, label_capacity;
};

#define LABELS_MAX ((size_t)4096)
#define FIELD_NAME_BYTES_MAX ((size_t)100) /* Ochi's */

/* json_walk takes null for an empty one; Ochi does not. */
static bool expect(struct json_reader *reader, char open, const char *what, struct err *err)
{
    return json_peek(reader) == open ||
           err_set(err, ERR_INVALID, "%s must be an %s, at offset %zu", what, open == '[' ? "array" : "object", json_offset(reader));
}

static bool field_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    struct slice value;
    if (!json_string(reader, &value, err))
        return err_wrap(err, "field \"%.*s\"", SLICE_ARG(key));
    if (key.len > FIELD_NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "field \"%.*s...\": a name has at most %zu bytes", 32, key.ptr, FIELD_NAME_BYTES_MAX);
    buf_varint(&decoder->pairs, key.len);
    buf_put(&decoder->pairs, key);
    buf_varint(&decoder->pairs, value.len);
    buf_put(&decoder->pairs, value);
    return true;
}

static bool label_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    struct slice value;
    if (!json_string(reader, &value, err))
        return err_wrap(err, "tag \"%.*s\"", SLICE_ARG(key));
    if (!label_name_is_valid(key)) // such as Loki's API could not show
        return err_set(err, ERR_INVALID, "tag \"%.*s\": a name must match [a-zA-Z_][a-zA-Z0-9_]*", SLICE_ARG(key));
    if (decoder->label_count == LABELS_MAX)
        return err_set(err, ERR_LIMIT, "a stream has more than %zu tags", LABELS_MAX);
    if (decoder->label_count == decoder->label_capacity) {
        size_t capacity = decoder->label_capacity == 0 ? 16 : decoder->label_capacity * 2;
        struct label *labels = ARENA_ARRAY(decoder->builder.arena, struct label, capacity);
        if (decoder->label_count > 0)
            memcpy(labels, decoder->labels, decoder->label_count * sizeof(*labels));
        decoder->labels = labels;
        decoder->label_capacity = capacity;
    }
    decoder->labels[decoder->label_count++] = (struct label){key, value};
    return true;
}

static bool timestamp(struct json_reader *reader, int64_t *out, struct err *err)
{
    struct slice text;
    uint64_t ns = 0;
    if (json_peek(reader) != '"' || !json_string(reader, &text, err))
        return err_set(err, ERR_INVALID, OCHI_INVALID_TIMESTAMP);
    bool ok = text.len > 0;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = text.ptr[i] >= '0' && text.ptr[i] <= '9' && !__builtin_mul_overflow(ns, 10, &ns) &&
             !__builtin_add_overflow(ns, (uint64_t)(text.ptr[i] - '0'), &ns);
    *out = (int64_t)ns;
    return (ok && ns <= INT64_MAX) || err_set(err, ERR_INVALID, OCHI_INVALID_TIMESTAMP);
}

struct line_at {
    struct decoder *decoder;
    struct push_entry entry;
    size_t elements;
};

static bool line_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct line_at *at = self;
    at->elements = i + 1;
    switch (i) {
    case 0:
        return timestamp(reader, &at->entry.ts_ns, err);
    case 1:
        return json_string(reader, &at->entry.line, err) || err_wrap(err, "message");
    case 2:
        buf_reset(&at->decoder->pairs);
        if (!expect(reader, '{', "fields", err) || !json_walk_object(reader, field_member, at->decoder, err))
            return false;
        at->entry.metadata = arena_copy(at->decoder->builder.arena, buf_slice(&at->decoder->pairs));
        return true;
    default:
        return err_set(err, ERR_INVALID, "a line has 2 or 3 elements, at offset %zu", json_offset(reader));
    }
}

static bool values_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct line_at at = {.decoder = self};
    (void)i;
    if (!expect(reader, '[', "a line", err) || !json_walk_array(reader, line_element, &at, err))
        return false;
    if (at.elements < 2)
        return err_set(err, ERR_INVALID, "a line has 2 or 3 elements, before offset %zu", json_offset(reader));
    return push_builder_entry(&at.decoder->builder, &at.entry, err);
}

static bool stream_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (slice_eq(key, SLICE("stream"))) {
        decoder->labels = NULL;
        decoder->label_count = decoder->label_capacity = 0;
        if (!expect(reader, '{', "stream", err) || !json_walk_object(reader, label_member, decoder, err))
            return false;
        struct label_set *set = ARENA_NEW(decoder->builder.arena, struct label_set);
        *set = (struct label_set){decoder->labels, decoder->label_count};
        decoder->builder.streams[decoder->stream].labels = set;
        return true;
    }
    if (!slice_eq(key, SLICE("values")))
        return json_skip(reader, NULL, err);
    decoder->has_values = true;
    return expect(reader, '[', "values", err) && json_walk_array(reader, values_element, decoder, err);
}

static bool streams_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct decoder *decoder = self;
    struct push_stream *stream = push_builder_stream(&decoder->builder, err);
    (void)i;
    if (stream == NULL)
        return false;
    stream->label_text = SLICE("{}");
    decoder->stream = decoder->builder.stream_count - 1;
    decoder->has_values = false;
    return expect(reader, '{', "an element of streams", err) && json_walk_object(reader, stream_member, decoder, err) &&
           (decoder->has_values || err_set(err, ERR_INVALID, "a stream has no values, before offset %zu", json_offset(reader)));
}

static bool root_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (!slice_eq(key, SLICE("streams")))
        return json_skip(reader, NULL, err);
    decoder->has_streams = true;
    return expect(reader, '[', "streams", err) && json_walk_array(reader, streams_element, decoder, err);
}

bool push_ochi_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err)
{
    struct decoder decoder = {.builder = {.arena = arena}};
    struct json_reader reader;
    json_reader_init(&reader, body, arena);
    bool ok = expect(&reader, '{', "the body", err) && json_walk_object(&reader, root_member, &decoder, err) && json_walk_end(&reader, err) &&
              (decoder.has_streams || err_set(err, ERR_INVALID, "streams is missing"));
    buf_fini(&decoder.pairs);
    push_builder_finish(&decoder.builder, out);
    return ok;
}
