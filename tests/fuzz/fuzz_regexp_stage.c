/* fuzz_regexp_stage.c. A regular expression, a newline, a line: what its groups capture stands in the line; asked for one label, the stage finds what
 * it finds for all; and a line that it took labels of is one that the line filter of the same expression keeps. */
#include "stage_fuzz.h"

/* Longer expressions only take longer to compile. */
#define EXPRESSION_BYTES_MAX ((size_t)256)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_kept(struct slice expression, struct slice line)
{
    struct line_filter_alternative alternative = {expression, false};
    struct stage stage = {.kind = STAGE_LINE_FILTER, .filter_op = LINE_MATCHES, .alternatives = &alternative, .alternative_count = 1};
    struct stage_fuzz fuzz;
    if (!stage_fuzz_init(&fuzz, &stage, NULL))
        abort(); // the parser took it
    const struct label_set stream = {NULL, 0};
    const uint32_t offsets[2] = {0, (uint32_t)line.len + 1};
    const int64_t ts_ns = 1;
    char *text = mem_zero(line.len + 65);
    if (line.len > 0)
        memcpy(text, line.ptr, line.len);
    text[line.len] = '\n';
    const struct entry_batch batch = {.count = 1, .ts_ns = &ts_ns, .text = text, .offsets = offsets};
    const struct pipeline_row *rows = NULL;
    bool kept = pipeline_run(fuzz.worker, &stream, &batch, &rows) == 1;
    mem_free(text);
    stage_fuzz_fini(&fuzz);
    return kept;
}

static void check_captures(struct stage *stage, struct slice line)
{
    struct stage_fuzz fuzz;
    char *text = NULL;
    if (!stage_fuzz_init(&fuzz, stage, NULL))
        return;
    struct pipeline_row row = stage_fuzz_run(&fuzz, line, &text);
    bool has_parsed = false;
    for (uint32_t i = 0; i < row.label_count; i++) {
        const struct row_label *label = &row.labels[i];
        has_parsed = has_parsed || label->category == LABEL_PARSED;
        if (label->category == LABEL_PARSED && label->value.len > 0 &&
            memmem(line.ptr, line.len, label->value.ptr, label->value.len) == NULL)
            abort();
    }
    if (has_parsed && !is_kept(stage->argument, line))
        abort();
    mem_free(text);
    stage_fuzz_fini(&fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    size_t end = slice_find_byte(in, '\n');
    struct slice line = end < in.len ? slice_from(in, end + 1) : SLICE("GET /a 200");
    struct stage stage = {.kind = STAGE_REGEXP, .argument = slice_of(in.ptr, end)};
    if (end > EXPRESSION_BYTES_MAX)
        return 0;
    stage_fuzz_check(&stage, line);
    check_captures(&stage, line);
    return 0;
}
