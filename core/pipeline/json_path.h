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

struct json_hit {
    bool is_found;
    struct json_value value;
};

/* What the paths lead to in the line, hits[i] for paths[i]. One reading of the line serves all paths, and it is as lenient as Loki's: any string before a
 * colon is a key, as deep as the braces around it say. *error: NULL, or Loki's words for a damaged value that was asked for, or a key outside of braces. */
void json_paths_find(const struct json_path *paths, size_t count, struct slice line, struct arena *arena, struct json_hit *hits, const char **error);
