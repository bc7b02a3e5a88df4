/* fuzz_logfmt_stage.c. Any line: logfmt gives sorted, unique labels, each also when it alone is asked for; the strict form gives an error or the same labels. */
#include "stage_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_strict(struct slice line)
{
    struct stage lenient_stage = {.kind = STAGE_LOGFMT, .keep_empty = true};
    struct stage strict_stage = {.kind = STAGE_LOGFMT, .keep_empty = true, .strict = true};
    struct stage_fuzz lenient;
    struct stage_fuzz strict;
    char *lenient_text = NULL;
    char *strict_text = NULL;
    if (!stage_fuzz_init(&lenient, &lenient_stage, NULL) || !stage_fuzz_init(&strict, &strict_stage, NULL))
        abort();
    struct pipeline_row a = stage_fuzz_run(&lenient, line, &lenient_text);
    struct pipeline_row b = stage_fuzz_run(&strict, line, &strict_text);
    struct slice value;
    if (!b.has_error && a.label_count != b.label_count)
        abort();
    for (uint32_t i = 0; i < b.label_count; i++) {
        struct slice name = b.labels[i].name;
        if (!slice_starts(name, SLICE("__error")) && (!stage_fuzz_get(&a, name, &value) || !slice_eq(value, b.labels[i].value)))
            abort();
    }
    mem_free(lenient_text);
    mem_free(strict_text);
    stage_fuzz_fini(&lenient);
    stage_fuzz_fini(&strict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = slice_of(data, size);
    struct stage plain = {.kind = STAGE_LOGFMT};
    stage_fuzz_check(&plain, line);
    struct extraction extractions[] = {{SLICE("x"), SLICE("a")}, {SLICE("app"), SLICE("b")}};
    struct stage extracting = {.kind = STAGE_LOGFMT, .extractions = extractions, .extraction_count = LENGTH(extractions)};
    stage_fuzz_check(&extracting, line);
    check_strict(line);
    return 0;
}
