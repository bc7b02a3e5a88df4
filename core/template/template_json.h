/* template_json.h: a JSON text as template values, for fromJson. Depth is bounded. Thread: any. */
#pragma once

#include "core/template/template_value.h"

#define TEMPLATE_JSON_DEPTH_MAX 32

/* False: not one JSON value. Maps are sorted by key, the last of equal keys wins. */
bool template_json_parse(struct slice text, struct arena *arena, struct value *out);
