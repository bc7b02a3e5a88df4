/* stage_text.h: a pipeline written in a few words, and what it makes of one line or of many, as text: for the tables of these tests.
 *
 * Stages stand between " ;; ": "|= x", "!= x", "|~ x", "!~ x", "|> x", "!> x", "|=ip x" (several texts between " or "), "json", "json a=path,b=path", "logfmt [--strict] [--keep-empty] [a=key]",
 * "regexp re", "pattern p", "unpack", "decolorize", "drop a,b=v", "keep a,b=v", "rename dst=src", "format dst=name" (a field template),
 * "line name" (likewise), "is name=value", "isnot name=value", "num name>5", "dur name>5", "bytes name>5", "isip name=cidr".
 */
#pragma once

#include "core/pipeline/pipeline.h"

struct stage_run {
    struct arena arena;
    struct pipeline *pipeline;
    struct pipeline_worker *worker;
    struct err err; /* of the compiling: ERR_NONE if it went well */
};

/* hints NULL: a log query. Ended with stage_run_fini, also when the compiling failed. */
void stage_run_init(struct stage_run *run, const char *stages, const struct pipeline_hints *hints);
void stage_run_fini(struct stage_run *run);

/* Lines of the stream {app="edge", case="t"}, each with the metadata {sm="meta"}. Appends for each kept line: line{a="1", b="2"} and a newline;
 * an empty text when none is left. */
void stage_run_lines(struct stage_run *run, const struct slice *lines, size_t count, struct buf *out);
