/* yaml_flatten.h: a YAML document as paths and scalars: server.listen -> "127.0.0.1:3100"; lists of scalars are joined by commas (items with a comma, quotes or brackets in double quotes), lists of mappings get an
 * index: rules.0.name; an empty mapping is an empty scalar. What is_whole names is not taken apart: it is one text, in the form of core/model/flow_text.h. Bounded in depth and size; anchors and aliases are refused. Thread: any. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

#define YAML_DEPTH_MAX 16
#define YAML_BYTES_MAX ((size_t)4 << 20)

/* Calls back for each scalar, with the mapping keys that lead to it. False from each, with *err set, stops. is_whole may be NULL. */
bool yaml_flatten(struct slice text, struct arena *arena, bool (*is_whole)(const struct slice *path, size_t depth),
                  bool (*each)(void *self, const struct slice *path, size_t depth, struct slice value, size_t line, struct err *err),
                  void *self, struct err *err) MUST_CHECK;
