/* loki_patterns.c: /patterns: templates of the lines that a selector takes in a range (spec http-api.md 8.5). */
#include "core/patterns/miner.h"
#include "net/api/explore.h"
#include "net/api/loki_explore.h"
#include "net/codec/json_writer.h"

#define LINES_MAX 1000000u           /* read for one answer, newest units first; then it is of these */
#define SAMPLE_BYTES_MAX ((size_t)128 << 20)

struct pattern_query {
    struct query_scope *scope;
    struct miner miner;
    int64_t first_ns, step_ns; /* of the first bucket, a multiple of step */
    uint32_t lines;
};

static struct slice level_of(struct slice metadata)
{
    struct slice level;
    return label_encoded_get(metadata, SLICE("detected_level"), &level) ? level : SLICE("unknown");
}

static bool mine_batch(void *self, const struct entry_batch *batch)
{
    struct pattern_query *query = self;
    for (uint32_t row = 0; row < batch->count && query->lines < LINES_MAX; row++, query->lines++) {
        size_t bucket = (size_t)(((uint64_t)batch->ts_ns[row] - (uint64_t)query->first_ns) / (uint64_t)query->step_ns);
        miner_add(&query->miner, entry_batch_line(batch, row), level_of(entry_batch_metadata(batch, row)), bucket);
    }
    return query->lines < LINES_MAX;
}

static bool visit(void *self, struct unit_scan *units, size_t i, size_t worker, struct err *err)
{
    struct pattern_query *query = self;
    return query->lines >= LINES_MAX || unit_scan_read(units, i, worker, mine_batch, query, err);
}

/* One unit after the other: a miner belongs to one thread. */
static bool mine(struct pattern_query *query, struct explore *explore, struct err *err)
{
    struct query_scope *scope = query->scope;
    struct scan *scan = NULL;
    struct unit_scan units;
    explore->request.columns = SCAN_METADATA | SCAN_LINES;
    if (explore->request.start_ns > explore->request.end_ns)
        return true;
    if (!scope->source->scan_open(scope->source->self, &explore->request, &scope->control, &scan, err))
        return false;
    unit_scan_init(&units, scope->source, &serial_executor, &scope->control, scan, true);
    units.visit = visit;
    units.visit_self = query;
    bool ok = unit_scan_run(&units, 0, scan->unit_count, err);
    unit_scan_fini(&units);
    return ok;
}

static void put_pattern(struct buf *body, const struct pattern_query *query, const struct pattern *pattern)
{
    struct buf text = BUF_INIT;
    bool is_first = true;
    pattern_print(pattern, &text);
    buf_str(body, "{\"pattern\":");
    json_put_string(body, buf_slice(&text));
    buf_str(body, ",\"level\":");
    json_put_string(body, pattern->level);
    buf_str(body, ",\"samples\":[");
    for (size_t b = 0; b < query->miner.bucket_count; b++) {
        if (pattern->samples[b] == 0)
            continue;
        buf_printf(body, "%s[%lld,%llu]", is_first ? "" : ",", (long long)((query->first_ns + (int64_t)b * query->step_ns) / NS_PER_S),
                   (unsigned long long)pattern->samples[b]);
        is_first = false;
    }
    buf_str(body, "]}");
    buf_fini(&text);
}

static bool miner_prepare(struct pattern_query *query, const struct explore *explore, struct err *err)
{
    int64_t start_ns = explore->request.start_ns < explore->request.end_ns ? explore->request.start_ns : explore->request.end_ns; // max_query_lookback may leave nothing
    int64_t past = start_ns % explore->step_ns;
    query->step_ns = explore->step_ns;
    if (__builtin_sub_overflow(start_ns, past < 0 ? past + query->step_ns : past, &query->first_ns))
        return err_set(err, ERR_INVALID, "start is too far back for this step");
    size_t buckets = (size_t)(((uint64_t)explore->request.end_ns - (uint64_t)query->first_ns) / (uint64_t)query->step_ns) + 1;
    if (buckets * sizeof(uint64_t) * PATTERNS_MAX > SAMPLE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%zu steps are too many for patterns: take a longer step", buckets);
    if (!query_control_charge(&query->scope->control, buckets * sizeof(uint64_t) * PATTERNS_MAX, err))
        return false;
    miner_init(&query->miner, &query->scope->http->arena, buckets);
    return true;
}

void loki_patterns(struct http_request *http)
{
    struct query_scope scope;
    struct explore explore;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    query_scope_begin(&scope, http);
    struct pattern_query query = {.scope = &scope};
    bool ok = explore_parse(&explore, &scope, SELECTOR_REQUIRED, &err) && miner_prepare(&query, &explore, &err) && mine(&query, &explore, &err);
    buf_str(&body, "{\"status\":\"success\",\"data\":[");
    for (size_t i = 0; ok && i < query.miner.count; i++) {
        if (i > 0)
            buf_byte(&body, ',');
        put_pattern(&body, &query, query.miner.patterns[i]);
    }
    buf_str(&body, "]}\n");
    miner_fini(&query.miner);
    explore_fini(&explore);
    explore_reply(&scope, "labels", ok, &body, &err);
}
