/* flow_text.h: the flow form that YAML and JSON share, [{a: b, c: [1, "x, y"]}], as a tree. Settings of more than one level are in it: so flags, variables of
 * the environment and the printed configuration can hold them, too.
 *
 * A scalar is a text in double quotes, with Go's escapes, or all up to the next of `,:[]{}`, trimmed. `null` has no meaning of its own.
 * Thread: any; pure.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

#define FLOW_DEPTH_MAX 8
#define FLOW_ITEMS_MAX 1024 /* of one list or map */

enum flow_kind { FLOW_TEXT, FLOW_LIST, FLOW_MAP };

struct flow_value {
    enum flow_kind kind;
    struct slice text;              /* FLOW_TEXT */
    const struct flow_value *items; /* FLOW_LIST; FLOW_MAP: the values */
    const struct slice *keys;       /* FLOW_MAP */
    size_t count;
};

/* The whole text is one value. Lives in the arena. ERR_INVALID: not of this form; ERR_LIMIT: over the bounds above. */
bool flow_read(struct slice text, struct arena *arena, struct flow_value *out, struct err *err) MUST_CHECK;
