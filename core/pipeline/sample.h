/* sample.h: `| unwrap`: the number of a row, and the label filters behind it (logql.md 12.2). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/pipeline/label_test.h"

struct sample_maker {
    const struct unwrap *unwrap;
    struct label_test **tests;
};

bool sample_maker_compile(const struct unwrap *unwrap, struct arena *arena, struct sample_maker *out, struct err *err) MUST_CHECK;

/* Sets row->value. False: the row gives no sample. A value that does not convert marks the row with SampleExtractionErr. */
bool sample_make(const struct sample_maker *maker, struct row *row);
