#include "net/tenancy/request_limits.h"

#include "core/model/go_text.h"
#include "net/codec/json_walk.h"

struct wish {
    struct arena *arena;
    int64_t length_ns, range_ns, lookback_ns, timeout_ns; /* 0: unset */
    int64_t entries, labels_min, bytes;
    struct slice labels[REQUEST_LABELS_MAX];
    size_t label_count;
};

static bool read_number(struct json_reader *reader, int64_t *out, struct err *err)
{
    struct slice text;
    if (!json_skip(reader, &text, err))
        return false;
    return slice_eq(text, SLICE("null")) || (go_parse_int(text, out, NULL) && *out >= 0) || err_set(err, ERR_INVALID, "%.*s is no whole number from 0 on", SLICE_ARG(text));
}

static bool read_duration(struct json_reader *reader, int64_t *out, struct err *err)
{
    struct slice text;
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    return json_string(reader, &text, err) && prom_parse_duration(text, out, err);
}

static bool read_size(struct json_reader *reader, int64_t *out, struct err *err)
{
    struct slice text;
    uint64_t bytes = 0;
    if (json_peek(reader) != '"')
        return read_number(reader, out, err);
    if (!json_string(reader, &text, err) || !config_parse_bytes(text, &bytes, err))
        return false;
    *out = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
    return true;
}

static bool label_element(void *self, struct json_reader *reader, size_t i, struct err *err)
{
    struct wish *wish = self;
    if (i == REQUEST_LABELS_MAX)
        return err_set(err, ERR_INVALID, "more than %d labels", REQUEST_LABELS_MAX);
    return json_string(reader, &wish->labels[wish->label_count++], err);
}

static bool member(void *self, struct json_reader *reader, struct slice key, struct err *err)
{
    struct wish *wish = self;
    const struct {
        struct slice name;
        int64_t *out;
        bool (*read)(struct json_reader *from, int64_t *to, struct err *error);
    } members[] = {{SLICE("maxQueryLength"), &wish->length_ns, read_duration},       {SLICE("maxQueryInterval"), &wish->range_ns, read_duration},
                   {SLICE("maxQueryLookback"), &wish->lookback_ns, read_duration},   {SLICE("maxQueryTime"), &wish->timeout_ns, read_duration},
                   {SLICE("maxEntriesLimitPerQuery"), &wish->entries, read_number}, {SLICE("minimumLabelsNumber"), &wish->labels_min, read_number},
                   {SLICE("maxQueryBytesRead"), &wish->bytes, read_size}};
    for (size_t i = 0; i < LENGTH(members); i++) {
        if (slice_eq_nocase(key, members[i].name))
            return members[i].read(reader, members[i].out, err) || err_wrap(err, "%.*s", SLICE_ARG(members[i].name));
    }
    if (!slice_eq_nocase(key, SLICE("requiredLabels")))
        return json_skip(reader, NULL, err);
    wish->label_count = 0; // of a repeated member the last one counts
    return json_walk_array(reader, label_element, wish, err) || err_wrap(err, "requiredLabels");
}

static int64_t smaller(int64_t original, int64_t wished)
{
    return wished == 0 || (wished > original && original != 0) ? original : wished;
}

static struct slice_list union_of(const struct slice_list *own, const struct wish *wish)
{
    struct slice *items = ARENA_ARRAY(wish->arena, struct slice, own->count + wish->label_count);
    size_t count = own->count;
    for (size_t i = 0; i < own->count; i++)
        items[i] = own->items[i];
    for (size_t i = 0; i < wish->label_count; i++) {
        bool is_new = true;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && !slice_eq(items[k], wish->labels[i]);
        if (is_new)
            items[count++] = arena_copy(wish->arena, wish->labels[i]);
    }
    return (struct slice_list){items, count};
}

bool request_limits_tighten(struct slice header, struct arena *arena, struct limits *limits, struct err *err)
{
    struct wish wish = {.arena = arena};
    struct json_reader reader;
    if (header.len > REQUEST_LIMITS_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%zu bytes are more than %zu", header.len, REQUEST_LIMITS_BYTES_MAX);
    json_reader_init(&reader, header, arena);
    if (!json_walk_object(&reader, member, &wish, err) || !json_walk_end(&reader, err))
        return false;
    limits->max_query_length = smaller(limits->max_query_length, wish.length_ns);
    limits->max_query_range = smaller(limits->max_query_range, wish.range_ns);
    limits->max_query_lookback = smaller(limits->max_query_lookback, wish.lookback_ns);
    limits->query_timeout = smaller(limits->query_timeout, wish.timeout_ns);
    limits->max_entries_limit_per_query = smaller(limits->max_entries_limit_per_query, wish.entries);
    limits->max_query_bytes_read = smaller(limits->max_query_bytes_read, wish.bytes);
    if (wish.labels_min > limits->minimum_labels_number)
        limits->minimum_labels_number = wish.labels_min;
    limits->required_labels = union_of(&limits->required_labels, &wish);
    return true;
}
