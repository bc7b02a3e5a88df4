/* fuzz_json_stage.c. Any line: json gives sorted, unique labels, and each of them also when it alone is asked for. */
#include "stage_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stage all = {.kind = STAGE_JSON};
    stage_fuzz_check(&all, slice_of(data, size));
    struct extraction extractions[] = {{SLICE("x"), SLICE("a.b[0]")}, {SLICE("a"), SLICE("a")}, {SLICE("app"), SLICE("[\"b c\"]")}};
    struct stage paths = {.kind = STAGE_JSON, .extractions = extractions, .extraction_count = LENGTH(extractions)};
    stage_fuzz_check(&paths, slice_of(data, size));
    return 0;
}
