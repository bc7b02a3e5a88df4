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
    bool kept = stage_fuzz_keeps(&fuzz, line);
    stage_fuzz_fini(&fuzz);
    return kept;
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
    if (stage_fuzz_check_captures(&stage, line) && !is_kept(stage.argument, line))
        abort();
    return 0;
}
