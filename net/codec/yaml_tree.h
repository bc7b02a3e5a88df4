/* yaml_tree.h: a YAML document as a tree, for texts from outside: bounded in depth, nodes and anchors, so that reading takes time in proportion to the
 * bytes. (libyaml's own loader does not: a body of 1 MiB of "[" takes it more than a minute.) An alias is the node that it names; one inside of what
 * it names is refused. Only the first document is read. Thread: any; pure. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

#define YAML_TREE_DEPTH_MAX 16
#define YAML_TREE_NODES_MAX ((size_t)2000000)
#define YAML_TREE_ANCHORS_MAX 256

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_tree {
    enum yaml_kind kind;
    bool is_plain; /* TEXT: not in quotes and no block */
    size_t line;   /* from 1 */
    struct slice text;
    const struct yaml_tree *const *items; /* LIST; MAP: key, value, key, value */
    size_t count;                         /* items; of a MAP twice its pairs */
};

/* *out is NULL for an empty document. Lives in the arena. ERR_INVALID with the line. */
bool yaml_tree_read(struct slice text, struct arena *arena, const struct yaml_tree **out, struct err *err) MUST_CHECK;
