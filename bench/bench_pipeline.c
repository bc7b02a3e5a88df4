/* Stages over a batch of 8192 lines: bytes of lines a second. The floor is the batch without any stage. */
#include "bench/bench.h"

#include "core/base/mem.h"
#include "core/pipeline/pipeline.h"

#define LINES 8192

struct lines {
    struct buf text;
    uint32_t offsets[LINES + 1];
    int64_t times[LINES];
};

struct run {
    const struct lines *lines;
    struct pipeline_worker *worker;
};

static uint64_t run_batch(void *state, size_t n)
{
    struct run *run = state;
    const struct label label = {SLICE("app"), SLICE("api")};
    const struct label_set stream = {&label, 1};
    const struct entry_batch batch = {
        .count = LINES, .ts_ns = run->lines->times, .text = run->lines->text.ptr, .offsets = run->lines->offsets};
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pipeline_row *rows = NULL;
        sum += pipeline_run(run->worker, &stream, &batch, &rows);
    }
    return sum;
}

static void make_json(struct buf *text, unsigned i, const char *level, const char *path)
{
    buf_printf(text, "{\"ts\":\"2026-01-01T10:%02u:%02u.%03uZ\",\"level\":\"%s\",\"method\":\"GET\",\"path\":\"%s%u\",", i / 3600 % 60,
               i / 60 % 60, i % 1000, level, path, i % 977);
    buf_printf(text, "\"status\":200,\"latency\":\"%ums\",\"client\":{\"ip\":\"10.2.1.%u\",\"geo\":{\"country\":\"US\"}},", i % 431, i % 251);
    buf_printf(text, "\"msg\":\"request completed without trouble\",\"trace\":\"%016x\"}\n", i * 2654435761u);
}

static void make_logfmt(struct buf *text, unsigned i, const char *level, const char *path)
{
    buf_printf(text, "ts=2026-01-01T10:%02u:%02u.%03uZ level=%s method=GET path=%s%u status=200 latency=%ums ", i / 3600 % 60,
               i / 60 % 60, i % 1000, level, path, i % 977, i % 431);
    buf_printf(text, "client=10.2.1.%u msg=\"request completed without trouble\" trace=%016x\n", i % 251, i * 2654435761u);
}

static void make_lines(struct lines *lines, bool is_json)
{
    static const char *const levels[] = {"info", "debug", "warn", "info"};
    static const char *const paths[] = {"/api/v1/users/", "/api/v2/items/", "/healthz", "/login"};
    lines->text = BUF_INIT;
    lines->offsets[0] = 0;
    for (unsigned i = 0; i < LINES; i++) {
        lines->times[i] = i;
        (is_json ? make_json : make_logfmt)(&lines->text, i, levels[i % 4], paths[i / 4 % 4]);
        lines->offsets[i + 1] = (uint32_t)lines->text.len;
    }
    memset(buf_room(&lines->text, 64), 0, 64);
}

static void measure(const char *name, const struct lines *lines, struct stage *stage, const char *needed)
{
    struct arena arena = ARENA_INIT;
    struct err err;
    struct pipeline *pipeline = NULL;
    struct log_expr log = {.stages = stage, .stage_count = stage == NULL ? 0 : 1};
    struct slice names[2] = {SLICE_NONE, SLICE_NONE};
    struct pipeline_hints hints = {.needs_all = needed == NULL, .needed = names, .is_metric = true};
    for (struct slice in = needed == NULL ? SLICE_NONE : slice_str(needed); in.len > 0;) {
        size_t n = slice_find_byte(in, ',');
        names[hints.needed_count++] = slice_of(in.ptr, n);
        in = slice_from(in, n < in.len ? n + 1 : n);
    }
    if (!pipeline_compile(&log, NULL, &hints, &arena, &pipeline, &err)) {
        printf("%s: %s\n", name, err.text);
        return;
    }
    struct run run = {lines, pipeline_worker_create(pipeline)};
    bench(name, lines->text.len, run_batch, &run);
    pipeline_worker_destroy(run.worker);
    pipeline_fini(pipeline);
    arena_fini(&arena);
}

static void measure_filter(const char *name, const struct lines *lines, enum line_filter_op op, const char *text)
{
    struct line_filter_alternative alternative = {slice_str(text), false};
    struct stage stage = {.kind = STAGE_LINE_FILTER, .filter_op = op, .alternatives = &alternative, .alternative_count = 1};
    measure(name, lines, &stage, NULL);
}

int main(void)
{
    struct lines *json = mem_alloc(sizeof(*json));
    struct lines *logfmt = mem_alloc(sizeof(*logfmt));
    make_lines(json, true);
    make_lines(logfmt, false);
    measure("floor: no stage", json, NULL, NULL);
    measure_filter("|= absent", json, LINE_CONTAINS, "connection refused");
    measure_filter("|= in one line of 500", json, LINE_CONTAINS, "/users/96");
    measure_filter("|= in each line", json, LINE_CONTAINS, "completed");
    measure_filter("|~ a.*b, absent", json, LINE_MATCHES, "refused.*peer");
    measure_filter("|~ (?i)absent|words", json, LINE_MATCHES, "(?i)refused|timeout");
    measure_filter("|~ each line a candidate", json, LINE_MATCHES, "completed .*less");
    struct stage parser = {.kind = STAGE_JSON};
    measure("json, all labels", json, &parser, NULL);
    measure("json, level", json, &parser, "level");
    measure("json, trace (the last)", json, &parser, "trace");
    parser.kind = STAGE_LOGFMT;
    measure("logfmt, all labels", logfmt, &parser, NULL);
    measure("logfmt, level and status", logfmt, &parser, "level,status");
    measure("logfmt, level and trace (the last)", logfmt, &parser, "level,trace");
    parser = (struct stage){.kind = STAGE_PATTERN, .argument = SLICE("ts=<ts> level=<level> method=<method> path=<path> status=<status> <_>")};
    measure("pattern, five captures", logfmt, &parser, NULL);
    buf_fini(&json->text);
    buf_fini(&logfmt->text);
    mem_free(json);
    mem_free(logfmt);
    return 0;
}
