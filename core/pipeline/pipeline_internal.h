/* pipeline_internal.h: a compiled pipeline, for pipeline.c, pipeline_run.c and needles.c. */
#pragma once

#include "core/pipeline/line_filter.h"
#include "core/pipeline/sample.h"

struct pipeline {
    struct step *all; /* every stage, in the query's order: what is ended */
    size_t all_count;
    /* The same, by where they run. */
    const struct line_filter **leading; /* before anything that changes the line: over the whole batch */
    size_t leading_count;
    const struct step **base_tests; /* label filters that see nothing but the base: once a metadata set */
    size_t base_test_count;
    const struct step **steps; /* row by row */
    size_t step_count;
    bool has_unwrap;
    struct sample_maker sample;
    struct needed_names needed;
    bool needs_lines, keeps_labels;
    int64_t now_ns;
};
