#include "tests/unit/core_pipeline/stage_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"

static struct slice take_until(struct slice *in, const char *mark)
{
    struct slice text = *in;
    size_t len = strlen(mark);
    for (size_t i = 0; i + len <= in->len; i++) {
        if (memcmp(in->ptr + i, mark, len) == 0) {
            text.len = i;
            *in = slice_from(*in, i + len);
            return text;
        }
    }
    *in = slice_from(*in, in->len);
    return text;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void line_filter(struct stage *stage, struct slice text, bool is_ip, struct arena *arena)
{
    stage->alternatives = ARENA_ARRAY(arena, struct line_filter_alternative, text.len + 1);
    do
        stage->alternatives[stage->alternative_count++] = (struct line_filter_alternative){take_until(&text, " or "), is_ip};
    while (text.len > 0);
}

static void extractions(struct stage *stage, struct slice text, struct arena *arena)
{
    stage->extractions = ARENA_ARRAY(arena, struct extraction, text.len + 1);
    while (text.len > 0) {
        struct slice item = take_until(&text, ",");
        struct slice name = take_until(&item, "=");
        stage->extractions[stage->extraction_count++] = (struct extraction){name, item};
    }
}

static void named(struct stage *stage, struct slice text, struct arena *arena)
{
    stage->named = ARENA_ARRAY(arena, struct named_matcher, text.len + 1);
    while (text.len > 0) {
        struct slice item = take_until(&text, ",");
        struct named_matcher *out = &stage->named[stage->named_count++];
        out->has_matcher = slice_find_byte(item, '=') < item.len;
        out->name = take_until(&item, "=");
        struct err err;
        if (out->has_matcher)
            must(matcher_init(&out->matcher, MATCH_EQ, out->name, item, arena, &err));
    }
}

static void label_filter(struct stage *stage, struct slice word, struct slice text, struct arena *arena)
{
    struct label_filter *filter = ARENA_NEW(arena, struct label_filter);
    struct err err;
    bool is_equal = slice_find_byte(text, '=') < text.len;
    filter->name = take_until(&text, is_equal ? "=" : ">");
    filter->op = is_equal ? COMPARE_EQ : COMPARE_GT;
    filter->text = text;
    if (slice_eq_str(word, "is") || slice_eq_str(word, "isnot")) {
        filter->kind = LABEL_FILTER_MATCHER;
        must(matcher_init(&filter->matcher, slice_eq_str(word, "is") ? MATCH_EQ : MATCH_NEQ, filter->name, text, arena, &err));
    } else if (slice_eq_str(word, "num")) {
        filter->kind = LABEL_FILTER_NUMBER;
        must(go_parse_float(text, &filter->number, &err));
    } else if (slice_eq_str(word, "dur")) {
        filter->kind = LABEL_FILTER_DURATION;
        must(go_parse_duration(text, &filter->duration_ns, &err));
    } else if (slice_eq_str(word, "bytes")) {
        filter->kind = LABEL_FILTER_BYTES;
        must(humanize_parse_bytes(text, &filter->bytes, &err));
    } else {
        filter->kind = LABEL_FILTER_IP;
    }
    stage->kind = STAGE_LABEL_FILTER;
    stage->filter = filter;
}

static void label_formats(struct stage *stage, struct slice text, bool is_template, struct arena *arena)
{
    stage->formats = ARENA_ARRAY(arena, struct label_format, text.len + 1);
    while (text.len > 0) {
        struct slice item = take_until(&text, ",");
        struct slice target = take_until(&item, "=");
        if (is_template)
            item = arena_printf(arena, "{{.%.*s}}", SLICE_ARG(item));
        stage->formats[stage->format_count++] = (struct label_format){target, item, is_template};
    }
}

static const struct word {
    const char *text;
    enum stage_kind kind;
    enum line_filter_op op;
} words[] = {
    {"|=", STAGE_LINE_FILTER, LINE_CONTAINS},        {"!=", STAGE_LINE_FILTER, LINE_NOT_CONTAINS},
    {"|~", STAGE_LINE_FILTER, LINE_MATCHES},         {"!~", STAGE_LINE_FILTER, LINE_NOT_MATCHES},
    {"|>", STAGE_LINE_FILTER, LINE_PATTERN},         {"!>", STAGE_LINE_FILTER, LINE_NOT_PATTERN},
    {"|=ip", STAGE_LINE_FILTER, LINE_CONTAINS},      {"!=ip", STAGE_LINE_FILTER, LINE_NOT_CONTAINS},
    {"|~ip", STAGE_LINE_FILTER, LINE_MATCHES},       {"json", STAGE_JSON, LINE_CONTAINS},
    {"logfmt", STAGE_LOGFMT, LINE_CONTAINS},         {"regexp", STAGE_REGEXP, LINE_CONTAINS},
    {"pattern", STAGE_PATTERN, LINE_CONTAINS},       {"unpack", STAGE_UNPACK, LINE_CONTAINS},
    {"decolorize", STAGE_DECOLORIZE, LINE_CONTAINS}, {"drop", STAGE_DROP, LINE_CONTAINS},
    {"keep", STAGE_KEEP, LINE_CONTAINS},             {"rename", STAGE_LABEL_FORMAT, LINE_CONTAINS},
    {"format", STAGE_LABEL_FORMAT, LINE_CONTAINS},   {"line", STAGE_LINE_FORMAT, LINE_CONTAINS},
};

static void logfmt(struct stage *stage, struct slice text, struct arena *arena)
{
    while (text.len > 0) {
        struct slice word = take_until(&text, " ");
        if (slice_eq_str(word, "--strict"))
            stage->strict = true;
        else if (slice_eq_str(word, "--keep-empty"))
            stage->keep_empty = true;
        else
            extractions(stage, word, arena);
    }
}

static void fill_stage(struct stage *stage, struct slice word, struct slice text, struct arena *arena)
{
    switch (stage->kind) {
    case STAGE_LINE_FILTER:
        line_filter(stage, text, slice_ends(word, SLICE("ip")), arena);
        break;
    case STAGE_JSON:
        extractions(stage, text, arena);
        break;
    case STAGE_LOGFMT:
        logfmt(stage, text, arena);
        break;
    case STAGE_DROP:
    case STAGE_KEEP:
        named(stage, text, arena);
        break;
    case STAGE_LABEL_FORMAT:
        label_formats(stage, text, slice_eq_str(word, "format"), arena);
        break;
    case STAGE_LINE_FORMAT:
        stage->argument = arena_printf(arena, "{{.%.*s}}", SLICE_ARG(text));
        break;
    case STAGE_REGEXP:
    case STAGE_PATTERN:
        stage->argument = text;
        break;
    case STAGE_UNPACK:
    case STAGE_DECOLORIZE:
    case STAGE_LABEL_FILTER:
        break;
    }
}

static void parse_stage(struct slice text, struct stage *stage, struct arena *arena)
{
    struct slice word = take_until(&text, " ");
    *stage = (struct stage){.kind = STAGE_LABEL_FILTER};
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq_str(word, words[i].text)) {
            stage->kind = words[i].kind;
            stage->filter_op = words[i].op;
            fill_stage(stage, word, text, arena);
            return;
        }
    }
    label_filter(stage, word, text, arena);
}

void stage_run_init(struct stage_run *run, const char *stages, const struct pipeline_hints *hints)
{
    *run = (struct stage_run){.arena = ARENA_INIT, .err = {.code = ERR_NONE}};
    struct log_expr *log = ARENA_NEW(&run->arena, struct log_expr);
    struct slice in = slice_str(stages);
    log->stages = ARENA_ARRAY(&run->arena, struct stage, in.len + 1);
    while (in.len > 0)
        parse_stage(take_until(&in, " ;; "), &log->stages[log->stage_count++], &run->arena);
    if (pipeline_compile(log, NULL, hints, &run->arena, &run->pipeline, &run->err))
        run->worker = pipeline_worker_create(run->pipeline);
}

void stage_run_fini(struct stage_run *run)
{
    pipeline_worker_destroy(run->worker);
    pipeline_fini(run->pipeline);
    arena_fini(&run->arena);
}

static void print_row(struct stage_run *run, const struct label_set *stream, struct slice metadata,
                      const struct pipeline_row *row, struct buf *out)
{
    const struct row_label *labels = row->labels;
    size_t count = row->label_count;
    if (labels == NULL)
        count = pipeline_base_labels(run->worker, stream, metadata, &labels);
    buf_put(out, row->line);
    buf_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        must(i == 0 || slice_cmp(labels[i - 1].name, labels[i].name) < 0);
        buf_printf(out, "%s%.*s=\"%.*s\"", i == 0 ? "" : ", ", SLICE_ARG(labels[i].name), SLICE_ARG(labels[i].value));
    }
    buf_str(out, "}\n");
}

void stage_run_lines(struct stage_run *run, const struct slice *lines, size_t count, struct buf *out)
{
    static const struct label stream_labels[] = {{{"app", 3}, {"edge", 4}}, {{"case", 4}, {"t", 1}}};
    static const struct label metadata_labels[] = {{{"sm", 2}, {"meta", 4}}};
    const struct label_set stream = {stream_labels, 2};
    const struct label_set metadata_set = {metadata_labels, 1};
    struct buf metadata = BUF_INIT;
    label_set_encode(&metadata_set, &metadata);
    struct slice set = buf_slice(&metadata);

    struct buf text = BUF_INIT;
    uint32_t *offsets = mem_array(count + 1, sizeof(*offsets));
    uint32_t *indexes = mem_array(count + 1, sizeof(*indexes));
    int64_t *times = mem_array(count + 1, sizeof(*times));
    for (size_t i = 0; i < count; i++) {
        buf_put(&text, lines[i]);
        buf_byte(&text, '\n');
        offsets[i + 1] = (uint32_t)text.len;
        times[i] = (int64_t)i;
    }
    memset(buf_room(&text, 64), 'x', 64); // readable, and no part of the lines
    struct entry_batch batch = {.count = (uint32_t)count,
                                .ts_ns = times,
                                .text = text.ptr,
                                .offsets = offsets,
                                .metadata_index = indexes,
                                .metadata_sets = &set,
                                .metadata_set_count = 1};
    const struct pipeline_row *rows = NULL;
    size_t kept = pipeline_run(run->worker, &stream, &batch, &rows);
    for (size_t i = 0; i < kept; i++)
        print_row(run, &stream, set, &rows[i], out);
    buf_fini(&text);
    buf_fini(&metadata);
    mem_free(offsets);
    mem_free(indexes);
    mem_free(times);
}
