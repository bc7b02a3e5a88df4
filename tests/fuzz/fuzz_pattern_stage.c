/* fuzz_pattern_stage.c. A pattern, a newline, a line: what is captured stands in the line, and the line filter needs what the pattern's needles say. */
#include "stage_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_captures(struct stage *stage, struct slice line)
{
    struct stage_fuzz fuzz;
    char *text = NULL;
    if (!stage_fuzz_init(&fuzz, stage, NULL))
        return;
    struct pipeline_row row = stage_fuzz_run(&fuzz, line, &text);
    for (uint32_t i = 0; i < row.label_count; i++) {
        const struct row_label *label = &row.labels[i];
        if (label->category == LABEL_PARSED && label->value.len > 0 &&
            memmem(line.ptr, line.len, label->value.ptr, label->value.len) == NULL)
            abort();
    }
    mem_free(text);
    stage_fuzz_fini(&fuzz);
}

static void check_needles(struct slice pattern, struct slice line)
{
    struct line_filter_alternative alternative = {pattern, false};
    struct stage stage = {
        .kind = STAGE_LINE_FILTER, .filter_op = LINE_PATTERN, .alternatives = &alternative, .alternative_count = 1};
    struct stage_fuzz fuzz;
    if (!stage_fuzz_init(&fuzz, &stage, NULL))
        return;
    const struct label_set stream = {NULL, 0};
    const uint32_t offsets[2] = {0, (uint32_t)line.len + 1};
    const int64_t ts_ns = 1;
    char *text = mem_zero(line.len + 65);
    if (line.len > 0)
        memcpy(text, line.ptr, line.len);
    text[line.len] = '\n';
    const struct entry_batch batch = {.count = 1, .ts_ns = &ts_ns, .text = text, .offsets = offsets};
    const struct pipeline_row *rows = NULL;
    bool is_kept = pipeline_run(fuzz.worker, &stream, &batch, &rows) == 1;
    struct needle *needles = NULL;
    size_t count = pipeline_needles(fuzz.pipeline, &fuzz.arena, &needles);
    for (size_t i = 0; i < count && is_kept; i++) {
        if (memmem(line.ptr, line.len, needles[i].any[0].ptr, needles[i].any[0].len) == NULL)
            abort();
    }
    mem_free(text);
    stage_fuzz_fini(&fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    size_t end = slice_find_byte(in, '\n');
    struct slice line = end < in.len ? slice_from(in, end + 1) : SLICE("a b c");
    struct stage stage = {.kind = STAGE_PATTERN, .argument = slice_of(in.ptr, end)};
    stage_fuzz_check(&stage, line);
    check_captures(&stage, line);
    check_needles(slice_of(in.ptr, end), line);
    return 0;
}
