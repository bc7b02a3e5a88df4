/* rules_yaml.h: groups of rules as YAML, as Loki's rules API and its rule files have them. Unknown keys are ignored, as Loki does; a key twice, a value of a
 * wrong kind or a list over its bound is an error.
 * Source: spec http-api.md 12; Prometheus' rulefmt. Thread: any; pure. */
#pragma once

#include "core/rules/rule_group.h"

/* A file of rules: a namespace and its groups. */
struct rules_file {
    struct slice rule_namespace; /* Logi's own files say it; empty: they do not */
    struct rule_group *groups;
    size_t count;
};

#define RULES_FILE_BYTES_MAX ((size_t)64 << 20)
#define RULES_FILE_GROUPS_MAX 10000

/* One group, as POST sends it. Results live in the arena; text need not. ERR_INVALID. */
bool rules_yaml_read_group(struct slice text, struct arena *arena, struct rule_group *out, struct err *err) MUST_CHECK;
/* groups: [group, ...] */
bool rules_yaml_read_file(struct slice text, struct arena *arena, struct rules_file *out, struct err *err) MUST_CHECK;

void rules_yaml_put_group(struct buf *out, const struct rule_group *group);
void rules_yaml_put_file(struct buf *out, const struct rules_file *file);
/* As GET answers: for each namespace, in the order of yaml_key_order, its name as a key, then its groups as items. */
void rules_yaml_put_namespace(struct buf *out, struct slice name);
void rules_yaml_put_item(struct buf *out, const struct rule_group *group);
