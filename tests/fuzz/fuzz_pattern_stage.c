/* fuzz_pattern_stage.c. A pattern, a newline, a line: what is captured stands in the line, and the line filter needs what the pattern's needles say. */
#include "stage_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_needles(struct slice pattern, struct slice line)
{
    struct line_filter_alternative alternative = {pattern, false};
    struct stage stage = {
        .kind = STAGE_LINE_FILTER, .filter_op = LINE_PATTERN, .alternatives = &alternative, .alternative_count = 1};
    struct stage_fuzz fuzz;
    if (!stage_fuzz_init(&fuzz, &stage, NULL))
        return;
    bool is_kept = stage_fuzz_keeps(&fuzz, line);
    struct needle *needles = NULL;
    size_t count = pipeline_needles(fuzz.pipeline, &fuzz.arena, &needles);
    for (size_t i = 0; i < count && is_kept; i++) {
        if (memmem(line.ptr, line.len, needles[i].any[0].ptr, needles[i].any[0].len) == NULL)
            abort();
    }
    stage_fuzz_fini(&fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    size_t end = slice_find_byte(in, '\n');
    struct slice line = end < in.len ? slice_from(in, end + 1) : SLICE("a b c");
    struct stage stage = {.kind = STAGE_PATTERN, .argument = slice_of(in.ptr, end)};
    stage_fuzz_check(&stage, line);
    (void)stage_fuzz_check_captures(&stage, line);
    check_needles(slice_of(in.ptr, end), line);
    return 0;
}
