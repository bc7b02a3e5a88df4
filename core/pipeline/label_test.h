/* label_test.h: a label filter, compiled: of the stage, and of what follows unwrap. Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/pipeline/ip_match.h"
#include "core/pipeline/step.h"

struct label_test {
    const struct label_filter *filter;
    struct ip_match ip;
    const struct label_test *left, *right;
};

bool label_test_compile(const struct label_filter *filter, struct arena *arena, struct label_test **out, struct err *err) MUST_CHECK;

/* False: the row is dropped. A value that does not convert keeps the row and marks it with LabelFilterErr. */
bool label_test_run(const struct label_test *test, struct row *row);

/* Some part of it converts values, and so may set an error. */
bool label_test_can_fail(const struct label_test *test);

/* Names that it reads: appended at out (room for label_test_name_count). */
size_t label_test_name_count(const struct label_test *test);
size_t label_test_names(const struct label_test *test, struct slice *out);
