/* json_path.h: where an extraction of `| json a="b.c[0]"` finds its value (logql.md 7.2). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/base/err.h"
#include "core/pipeline/json_scan.h"

struct json_step {
    bool is_index;
    struct slice key;
    size_t index;
};

struct json_path {
    struct json_step *steps;
    size_t count;
};

/* ERR_INVALID with Loki's words. */
bool json_path_parse(struct slice text, struct arena *arena, struct json_path *out, struct err *err) MUST_CHECK;

/* The value in the line. False: there is none; then *error is set to Loki's words if the value of the last step is there but damaged. */
bool json_path_find(const struct json_path *path, struct slice line, struct arena *arena, struct json_value *out,
                    const char **error) MUST_CHECK;
