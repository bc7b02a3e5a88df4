#include "net/codec/ochi_query_json.h"

#include "core/model/go_text.h"
#include "net/codec/json_walk.h"

struct decoder {
    struct loql_query *query;
    struct loql_node **condition; /* of the pairs being read */
    struct arena *arena;
    struct slice key, value;
    bool has_key, has_value, has_start, has_end;
    size_t pairs;
};

static bool read_ns(struct json_reader *reader, struct slice name, int64_t *out, struct err *err)
{
    struct slice text;
    return (json_skip(reader, &text, err) && go_parse_int(text, out, err)) || err_wrap(err, "%.*s must be whole ns", SLICE_ARG(name));
}

static bool pair_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    bool is_key = slice_eq(key, SLICE("key"));
    if (!is_key && !slice_eq(key, SLICE("value")))
        return json_skip(reader, NULL, err);
    *(is_key ? &decoder->has_key : &decoder->has_value) = true;
    return json_string(reader, is_key ? &decoder->key : &decoder->value, err);
}

static bool pair_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct decoder *decoder = self;
    (void)i;
    decoder->has_key = decoder->has_value = false;
    if (!json_walk_object(reader, pair_member, decoder, err))
        return false;
    if (!decoder->has_key || !decoder->has_value)
        return err_set(err, ERR_INVALID, "a tag or field needs key and value, before offset %zu", json_offset(reader));
    if (++decoder->pairs > OCHI_PAIRS_MAX)
        return err_set(err, ERR_LIMIT, "a query may hold %zu tags and fields", OCHI_PAIRS_MAX);
    return loql_test_add(decoder->query, decoder->condition, MATCH_EQ, decoder->key, decoder->value, decoder->arena, err);
}

static bool query_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct decoder *decoder = self;
    if (slice_eq(key, SLICE("start"))) {
        decoder->has_start = true;
        return read_ns(reader, key, &decoder->query->first_ns, err);
    }
    if (slice_eq(key, SLICE("end"))) {
        decoder->has_end = true;
        return read_ns(reader, key, &decoder->query->last_ns, err);
    }
    bool is_tags = slice_eq(key, SLICE("tags"));
    if (!is_tags && !slice_eq(key, SLICE("fields")))
        return json_skip(reader, NULL, err);
    decoder->condition = is_tags ? &decoder->query->tags : &decoder->query->fields;
    return json_walk_array(reader, pair_element, decoder, err) || err_wrap(err, "%.*s", SLICE_ARG(key));
}

bool ochi_query_decode(struct slice body, struct arena *arena, struct loql_query *out, struct err *err)
{
    struct decoder decoder = {.query = out, .arena = arena};
    struct json_reader reader;
    *out = (struct loql_query){0};
    json_reader_init(&reader, body, arena);
    if (json_peek(&reader) != '{')
        return err_set(err, ERR_INVALID, "the body must be a JSON object");
    return json_walk_object(&reader, query_member, &decoder, err) && json_walk_end(&reader, err) &&
           ((decoder.has_start && decoder.has_end) || err_set(err, ERR_INVALID, "start and end are required"));
}

struct range_decoder {
    struct arena *arena;
    int64_t now_ns, first_ns, last_ns;
    bool has_first;
};

static bool range_member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct range_decoder *range = self;
    struct slice text;
    if (slice_eq(key, SLICE("fromNs"))) {
        range->has_first = true;
        return read_ns(reader, key, &range->first_ns, err);
    }
    if (slice_eq(key, SLICE("toNs")))
        return read_ns(reader, key, &range->last_ns, err);
    bool is_first = slice_eq(key, SLICE("from")) || slice_eq(key, SLICE("since"));
    if (!is_first && !slice_eq(key, SLICE("to")))
        return json_skip(reader, NULL, err);
    range->has_first = range->has_first || is_first;
    if (!json_string(reader, &text, err))
        return false;
    return loql_time_parse(text, range->now_ns, range->arena, is_first ? &range->first_ns : &range->last_ns) ||
           err_set(err, ERR_INVALID, "\"%.*s\" is no time", SLICE_ARG(text));
}

bool ochi_range_decode(struct slice body, int64_t now_ns, struct arena *arena, int64_t *out_first_ns, int64_t *out_last_ns, struct err *err)
{
    struct range_decoder range = {.arena = arena, .now_ns = now_ns, .last_ns = now_ns};
    struct json_reader reader;
    json_reader_init(&reader, body, arena);
    if (json_peek(&reader) != '{')
        return err_set(err, ERR_INVALID, "the body must be a JSON object");
    if (!json_walk_object(&reader, range_member, &range, err) || !json_walk_end(&reader, err))
        return false;
    if (!range.has_first)
        return err_set(err, ERR_INVALID, "since, from or fromNs is required");
    *out_first_ns = range.first_ns;
    *out_last_ns = range.last_ns;
    return true;
}
