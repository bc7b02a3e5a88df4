#include "core/model/go_text.h"
#include "core/pipeline/sample.h"

bool sample_maker_compile(const struct unwrap *unwrap, struct arena *arena, struct sample_maker *out, struct err *err)
{
    struct sample_maker maker = {unwrap, ARENA_ARRAY(arena, struct label_test *, unwrap->filter_count)};
    for (size_t i = 0; i < unwrap->filter_count; i++) {
        if (!label_test_compile(unwrap->filters[i], arena, &maker.tests[i], err))
            return false;
    }
    *out = maker;
    return true;
}

static bool convert(enum unwrap_conversion conversion, struct slice text, double *out, struct err *err)
{
    uint64_t bytes = 0;
    int64_t ns = 0;
    switch (conversion) {
    case UNWRAP_NUMBER:
        return go_parse_float(text, out, err);
    case UNWRAP_BYTES:
        if (!humanize_parse_bytes(text, &bytes, err))
            return false;
        *out = (double)bytes;
        return true;
    case UNWRAP_DURATION:
        if (!go_parse_duration(text, &ns, err))
            return false;
        *out = (double)(ns / 1000000000) + (double)(ns % 1000000000) / 1e9; // as Duration.Seconds does
        return true;
    }
    return false;
}

bool sample_make(const struct sample_maker *maker, struct row *row)
{
    struct slice text;
    struct err err;
    row->value = 0;
    if (!row_labels_get(&row->labels, maker->unwrap->label, &text) || text.len == 0)
        return false;
    if (!convert(maker->unwrap->conversion, text, &row->value, &err)) {
        row->value = 0;
        row_labels_set_error(&row->labels, SLICE("SampleExtractionErr"), arena_copy(row->arena, slice_str(err.text)));
    }
    for (size_t i = 0; i < maker->unwrap->filter_count; i++) {
        if (!label_test_run(maker->tests[i], row))
            return false;
    }
    return true;
}
