/* loki_index.c: index/stats, index/volume, index/volume_range (spec http-api.md 8.3, 8.4). */
#include <stdlib.h>

#include "core/model/go_text.h"
#include "core/plan/key_table.h"
#include "net/api/loki_explore.h"
#include "net/api/query_params.h"
#include "net/api/run_counts.h"
#include "net/codec/json_writer.h"
#include "net/codec/result_json.h"

#define TARGETS_MAX 256 /* labels to group by: each is looked for among those before, and by each label of a stream */

/* ---- stats ---- */

struct stats_answer {
    struct query_scope *scope;
    _Atomic uint64_t entries, bytes;
    atomic_bool *streams; /* has an entry in the range */
    size_t stream_count;
    uint64_t chunks;
};

static bool stats_before(void *self, const struct scan *scan, struct err *err)
{
    struct stats_answer *answer = self;
    answer->chunks = scan->chunk_count;
    answer->stream_count = scan->stream_count;
    if (!query_control_charge(&answer->scope->control, scan->stream_count, err))
        return false;
    answer->streams = ARENA_ARRAY(&answer->scope->http->arena, atomic_bool, scan->stream_count);
    return true;
}

static void stats_add(void *self, uint32_t stream, size_t bucket, uint64_t entries, uint64_t bytes)
{
    struct stats_answer *answer = self;
    (void)bucket;
    atomic_fetch_add_explicit(&answer->entries, entries, memory_order_relaxed); // counters alone
    atomic_fetch_add_explicit(&answer->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&answer->streams[stream], true, memory_order_relaxed);
}

void loki_index_stats(struct http_request *http)
{
    struct query_scope scope;
    struct explore explore;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    query_scope_begin(&scope, http);
    struct stats_answer answer = {.scope = &scope};
    bool ok = explore_parse(&explore, &scope, SELECTOR_REQUIRED, &err) && explore_check_length(&explore, &scope, &err);
    struct run_counts counts = {.add = stats_add, .self = &answer, .before = stats_before};
    range_buckets_init(&counts.buckets, explore.request.start_ns, explore.request.end_ns, 0);
    ok = ok && run_counts_visit(&counts, &explore, &scope, &err);
    explore_fini(&explore);
    if (ok) {
        uint64_t streams = 0;
        for (size_t i = 0; i < answer.stream_count; i++)
            streams += atomic_load(&answer.streams[i]) ? 1 : 0;
        buf_str(&body, "{\"streams\":");
        buf_u64(&body, streams);
        buf_str(&body, ",\"chunks\":");
        buf_u64(&body, answer.chunks);
        buf_str(&body, ",\"bytes\":");
        buf_u64(&body, answer.bytes);
        buf_str(&body, ",\"entries\":");
        buf_u64(&body, answer.entries);
        buf_str(&body, "}\n");
    }
    explore_reply(&scope, "stats", ok, &body, &err);
}

/* ---- volume ---- */

struct volume_group {
    struct slice text; /* JSON of its labels: what ties are ordered by */
    uint64_t total, first;
    size_t index;
};

struct volume {
    struct query_scope *scope;
    struct explore explore;
    const struct range_buckets *buckets;
    bool by_labels, all_labels, by_targets;
    struct slice *names; /* of labels to group by, unless all_labels; sorted */
    size_t name_count;
    int64_t limit;
    struct key_table keys;   /* JSON of a group's labels */
    uint32_t **groups;       /* by stream: first the count */
    _Atomic uint64_t *cells; /* group * buckets + bucket */
};

static bool takes_label(const struct volume *volume, struct slice name)
{
    if (volume->scope->caller->tenant_count > 1 && slice_eq(name, TENANT_LABEL))
        return false;
    bool takes = volume->all_labels;
    for (size_t i = 0; !takes && i < volume->name_count; i++)
        takes = slice_eq(volume->names[i], name);
    return takes;
}

static void put_label(struct buf *key, struct slice name, struct slice value)
{
    buf_byte(key, key->len == 0 ? '{' : ',');
    json_put_string(key, name);
    buf_byte(key, ':');
    json_put_string(key, value);
}

static uint32_t group_of(struct volume *volume, struct buf *key)
{
    bool is_new;
    if (key->len == 0)
        buf_byte(key, '{');
    buf_byte(key, '}');
    return (uint32_t)key_table_add(&volume->keys, buf_slice(key), &volume->scope->http->arena, &is_new);
}

/* The groups that a stream counts for. */
static uint32_t *stream_groups(struct volume *volume, const struct label_set *labels, struct buf *key)
{
    uint32_t *groups = ARENA_ARRAY(&volume->scope->http->arena, uint32_t, (volume->by_labels ? labels->count : 1) + 1);
    size_t taken = 0;
    buf_reset(key);
    for (size_t i = 0; i < labels->count; i++) {
        const struct label *label = &labels->labels[i];
        if (!takes_label(volume, label->name))
            continue;
        taken++;
        put_label(key, label->name, volume->by_labels ? SLICE("") : label->value);
        if (volume->by_labels) {
            groups[++groups[0]] = group_of(volume, key);
            buf_reset(key);
        }
    }
    if (!volume->by_labels && (!volume->by_targets || taken == volume->name_count))
        groups[++groups[0]] = group_of(volume, key);
    return groups;
}

static bool volume_before(void *self, const struct scan *scan, struct err *err)
{
    struct volume *volume = self;
    struct query_control *control = &volume->scope->control;
    struct buf key = BUF_INIT;
    if (!query_control_charge(control, scan->stream_count * 64, err))
        return false;
    volume->groups = ARENA_ARRAY(&volume->scope->http->arena, uint32_t *, scan->stream_count);
    for (size_t i = 0; i < scan->stream_count; i++)
        volume->groups[i] = stream_groups(volume, &scan->streams[i].labels, &key);
    buf_fini(&key);
    int64_t max = volume->scope->caller->limits->volume_max_series;
    if (max > 0 && volume->keys.count > (size_t)max)
        return err_set(err, ERR_LIMIT, "the query hit the max number of series limit (limit: %lld series)", (long long)max);
    size_t cells = 0;
    if (__builtin_mul_overflow(volume->keys.count, volume->buckets->count, &cells) || cells > SIZE_MAX / 16)
        return err_set(err, ERR_LIMIT, "too many series and steps for one answer: take a longer step");
    if (!query_control_charge(control, cells * sizeof(*volume->cells), err))
        return false;
    volume->cells = ARENA_ARRAY(&volume->scope->http->arena, _Atomic uint64_t, cells);
    return true;
}

static void volume_add(void *self, uint32_t stream, size_t bucket, uint64_t entries, uint64_t bytes)
{
    struct volume *volume = self;
    const uint32_t *groups = volume->groups[stream];
    (void)entries;
    for (uint32_t i = 1; i <= groups[0]; i++)
        atomic_fetch_add_explicit(&volume->cells[groups[i] * volume->buckets->count + bucket], bytes, memory_order_relaxed); // counters alone
}

static void names_of_selector(struct volume *volume)
{
    volume->all_labels = volume->explore.matcher_count == 0;
    volume->names = ARENA_ARRAY(&volume->scope->http->arena, struct slice, volume->explore.matcher_count);
    for (size_t i = 0; i < volume->explore.matcher_count; i++)
        volume->names[volume->name_count++] = volume->explore.matchers[i].name;
}

static bool names_of_targets(struct volume *volume, struct slice targets, struct err *err)
{
    volume->by_targets = true;
    volume->names = ARENA_ARRAY(&volume->scope->http->arena, struct slice, TARGETS_MAX);
    while (targets.len > 0) {
        size_t end = slice_find_byte(targets, ',');
        struct slice name = slice_trim(slice_of(targets.ptr, end));
        bool is_new = name.len > 0;
        for (size_t i = 0; is_new && i < volume->name_count; i++)
            is_new = !slice_eq(volume->names[i], name);
        if (is_new && volume->name_count == TARGETS_MAX)
            return err_set(err, ERR_INVALID, "more than %d target labels", TARGETS_MAX);
        if (is_new)
            volume->names[volume->name_count++] = name;
        targets = end == targets.len ? SLICE_NONE : slice_from(targets, end + 1);
    }
    return true;
}

static bool volume_parse(struct volume *volume, bool in_buckets, struct err *err)
{
    struct slice text;
    const struct form *form = &volume->explore.form;
    if (!explore_parse(&volume->explore, volume->scope, in_buckets ? SELECTOR_OR_ALL : SELECTOR_VOLUME, err) ||
        (!in_buckets && !explore_check_length(&volume->explore, volume->scope, err)))
        return false;
    volume->limit = 100;
    if (param_get(form, "limit", &text) && !go_parse_atoi(text, &volume->limit, err))
        return false;
    if (volume->limit < 0)
        return err_set(err, ERR_INVALID, "limit must be a positive value");
    volume->limit = volume->limit == 0 ? 100 : volume->limit;
    if (param_get(form, "aggregateBy", &text)) {
        volume->by_labels = slice_eq(text, SLICE("labels"));
        if (!volume->by_labels && !slice_eq(text, SLICE("series")))
            return err_set(err, ERR_INVALID, "invalid aggregation option");
    }
    if (param_get(form, "targetLabels", &text))
        return names_of_targets(volume, text, err);
    if (volume->by_labels)
        volume->all_labels = true;
    else
        names_of_selector(volume);
    return true;
}

static int by_total(const void *a, const void *b)
{
    const struct volume_group *x = a;
    const struct volume_group *y = b;
    return x->total != y->total ? (x->total > y->total ? -1 : 1) : slice_cmp(x->text, y->text);
}

static int by_first(const void *a, const void *b)
{
    const struct volume_group *x = a;
    const struct volume_group *y = b;
    return x->first != y->first ? (x->first > y->first ? -1 : 1) : slice_cmp(x->text, y->text);
}

/* The groups with data, largest first, at most limit. *out_matrix: one has data in more than one bucket. */
static struct volume_group *groups_rank(const struct volume *volume, size_t *out_count, bool *out_matrix)
{
    size_t buckets = volume->buckets->count;
    struct volume_group *groups = ARENA_ARRAY(&volume->scope->http->arena, struct volume_group, volume->keys.count);
    size_t count = 0;
    *out_matrix = false;
    for (size_t g = 0; g < volume->keys.count; g++) {
        struct volume_group group = {.text = volume->keys.keys[g], .index = g};
        size_t filled = 0;
        for (size_t b = 0; b < buckets; b++) {
            uint64_t bytes = volume->cells[g * buckets + b];
            group.first = group.first == 0 ? bytes : group.first;
            group.total += bytes;
            filled += bytes > 0 ? 1 : 0;
        }
        *out_matrix = *out_matrix || filled > 1;
        if (group.total > 0)
            groups[count++] = group;
    }
    if (count > 1)
        qsort(groups, count, sizeof(*groups), by_total);
    count = count > (size_t)volume->limit ? (size_t)volume->limit : count;
    if (*out_matrix && count > 1)
        qsort(groups, count, sizeof(*groups), by_first);
    *out_count = count;
    return groups;
}

static void put_point(struct buf *body, int64_t ts_ms, uint64_t bytes)
{
    buf_byte(body, '[');
    json_put_ms(body, ts_ms);
    buf_str(body, ",\"");
    buf_u64(body, bytes);
    buf_str(body, "\"]");
}

static void put_group(struct buf *body, const struct volume *volume, const struct volume_group *group, bool is_matrix)
{
    size_t buckets = volume->buckets->count;
    bool is_first = true;
    buf_str(body, "{\"metric\":");
    buf_put(body, group->text);
    buf_str(body, is_matrix ? ",\"values\":[" : ",\"value\":");
    for (size_t b = 0; b < buckets; b++) {
        uint64_t bytes = volume->cells[group->index * buckets + b];
        if (bytes == 0)
            continue;
        if (!is_first)
            buf_byte(body, ',');
        put_point(body, range_buckets_time_ms(volume->buckets, b), bytes);
        is_first = false;
    }
    buf_str(body, is_matrix ? "]}" : "}");
}

static void put_volume(struct buf *body, const struct volume *volume)
{
    size_t count;
    bool is_matrix;
    const struct volume_group *groups = groups_rank(volume, &count, &is_matrix);
    buf_printf(body, "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":[", is_matrix ? "matrix" : "vector");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_byte(body, ',');
        put_group(body, volume, &groups[i], is_matrix);
    }
    buf_str(body, "],\"stats\":");
    stats_json_put(body, &volume->scope->control.stats, clock_mono_ns(volume->scope->api->clock) - volume->scope->start_mono_ns, 0);
    buf_str(body, "}}\n");
}

static void volume_handle(struct http_request *http, bool in_buckets)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    if (!caller_of(http)->limits->volume_enabled) {
        http_reply_text(http, 404, SLICE("not found"));
        return;
    }
    query_scope_begin(&scope, http);
    struct volume volume = {.scope = &scope};
    struct run_counts counts = {.add = volume_add, .self = &volume, .before = volume_before};
    volume.buckets = &counts.buckets;
    bool ok = volume_parse(&volume, in_buckets, &err);
    if (ok) {
        range_buckets_init(&counts.buckets, volume.explore.request.start_ns, volume.explore.request.end_ns, in_buckets ? volume.explore.step_ns : 0);
        ok = run_counts_visit(&counts, &volume.explore, &scope, &err);
    }
    if (ok)
        put_volume(&body, &volume);
    explore_fini(&volume.explore);
    key_table_fini(&volume.keys);
    explore_reply(&scope, in_buckets ? "volume_range" : "volume", ok, &body, &err);
}

void loki_index_volume(struct http_request *http)
{
    volume_handle(http, false);
}

void loki_index_volume_range(struct http_request *http)
{
    volume_handle(http, true);
}
