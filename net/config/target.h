/* target.h: the key `target`: which parts of Loki this node plays. Loki's names; a part that Logi does not know by itself stands for its role.
 * Thread: any; pure. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

enum target_role {
    TARGET_READ = 1,    /* queries, exploration, live tails */
    TARGET_WRITE = 2,   /* pushes of any kind */
    TARGET_BACKEND = 4, /* rules and their evaluation, delete requests */
    TARGET_ALL = TARGET_READ | TARGET_WRITE | TARGET_BACKEND,
};

/* "all", or names joined by commas, to enum target_role, ORed. ERR_INVALID names what is unknown. */
bool target_parse(struct slice text, unsigned *out_roles, struct err *err) MUST_CHECK;

/* What -list-targets prints: a role and, indented, the names that stand for it. */
void target_print_list(struct buf *out);
