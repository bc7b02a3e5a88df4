/* loki_patterns.c: /patterns: templates of the lines that a selector takes in a range, with counts that add up to these lines (spec http-api.md 8.5). From what
 * is kept with the segments; lines are read where nothing is kept, or where delete requests still hide some. */
#include "core/base/mem.h"
#include "core/patterns/template_tally.h"
#include "net/api/explore.h"
#include "net/api/loki_explore.h"
#include "net/codec/json_writer.h"

struct pattern_query {
    struct query_scope *scope;
    struct tally_grid grid;
    struct template_tally **tallies; /* by worker, made at its first unit; and one for the answer */
    size_t workers;
    struct tally_pattern *patterns;
    size_t pattern_count;
};

static void take_templates(void *self, const struct template_batch *batch)
{
    template_tally_add(self, batch);
}

struct line_reader {
    struct template_tally *tally;
    struct query_control *control;
    struct err *err;
    bool ok;
};

static bool take_lines(void *self, const struct entry_batch *batch)
{
    struct line_reader *reader = self;
    template_tally_add_lines(reader->tally, batch);
    reader->ok = query_control_check(reader->control, reader->err) && template_tally_settle(reader->tally, reader->err);
    return reader->ok;
}

static bool visit(void *self, struct unit_scan *units, size_t i, size_t worker, struct err *err)
{
    struct pattern_query *query = self;
    struct query_control *control = &query->scope->control;
    bool has_templates = false;
    if (query->tallies[worker] == NULL)
        query->tallies[worker] = template_tally_create(&query->grid, control);
    struct line_reader reader = {query->tallies[worker], control, err, true};
    if (!unit_scan_templates(units, i, worker, take_templates, reader.tally, &has_templates, err))
        return false;
    if (!has_templates && !unit_scan_read(units, i, worker, take_lines, &reader, err))
        return false;
    return reader.ok && template_tally_settle(reader.tally, err);
}

static bool patterns_find(struct pattern_query *query, struct explore *explore, struct err *err)
{
    const struct scan_request *request = &explore->request;
    if (!tally_grid_init(&query->grid, request->start_ns, request->end_ns, explore->step_ns))
        return err_set(err, ERR_INVALID, "start is too far back for this step");
    query->workers = store_executor(query->scope->api->store)->workers;
    query->tallies = mem_array(query->workers + 1, sizeof(struct template_tally *));
    query->tallies[query->workers] = template_tally_create(&query->grid, &query->scope->control);
    explore->request.columns = SCAN_METADATA | SCAN_LINES;
    return explore_visit(explore, query->scope, NULL, visit, query, err) &&
           template_tally_unite(query->tallies[query->workers], query->tallies, query->workers, &query->patterns, &query->pattern_count, err);
}

static void patterns_fini(struct pattern_query *query)
{
    for (size_t i = 0; query->tallies != NULL && i <= query->workers; i++)
        template_tally_destroy(query->tallies[i]);
    mem_free(query->tallies);
}

static void put_pattern(struct buf *body, const struct tally_grid *grid, const struct tally_pattern *pattern)
{
    bool is_first = true;
    buf_str(body, "{\"pattern\":");
    json_put_string(body, pattern->text);
    buf_str(body, ",\"level\":");
    json_put_string(body, level_text(pattern->level));
    buf_str(body, ",\"samples\":[");
    for (size_t step = 0; step < grid->count; step++) {
        uint64_t count = tally_pattern_at(pattern, step);
        if (pattern->pages[step / 64] == NULL)
            step |= 63;
        if (count == 0)
            continue;
        buf_printf(body, "%s[%lld,%llu]", is_first ? "" : ",", (long long)(instant_of_step(grid->first_ns, step, grid->step_ns) / NS_PER_S),
                   (unsigned long long)count);
        is_first = false;
    }
    buf_str(body, "]}");
}

void loki_patterns(struct http_request *http)
{
    struct query_scope scope;
    struct explore explore;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    if (!api_of(http)->patterns_enabled) {
        http_reply_text(http, 404, SLICE(""));
        return;
    }
    query_scope_begin(&scope, http);
    struct pattern_query query = {.scope = &scope};
    bool ok = explore_parse(&explore, &scope, SELECTOR_REQUIRED, &err) && patterns_find(&query, &explore, &err);
    if (ok) {
        buf_str(&body, "{\"status\":\"success\",\"data\":[");
        for (size_t i = 0; i < query.pattern_count; i++) {
            if (i > 0)
                buf_byte(&body, ',');
            put_pattern(&body, &query.grid, &query.patterns[i]);
        }
        buf_str(&body, "]}\n");
    }
    patterns_fini(&query);
    explore_fini(&explore);
    explore_reply(&scope, "labels", ok, &body, &err);
}
