/* rule_group.h: a group of alerting and recording rules as a user wrote it. Texts and arrays live in the arena that it was read to.
 * Source: Prometheus' rule files; Loki's rules API (spec http-api.md 12). */
#pragma once

#include "core/base/clock.h"
#include "core/model/label_set.h"
#include "core/model/limits.h"

#define RULE_GROUP_BYTES_MAX ((size_t)1 << 20) /* of one group as text */
#define RULES_OF_GROUP_MAX 10000
#define RULE_PAIRS_MAX 128                     /* labels, and annotations, of one rule */
#define RULE_NAMESPACE_BYTES_MAX ((size_t)1024)
#define RULE_GROUP_NAME_BYTES_MAX ((size_t)1024)

struct rule {
    struct slice record, alert; /* one of them is empty */
    struct slice expr;
    int64_t for_ns, keep_firing_ns;
    struct label *labels;      /* sorted by name as YAML prints them */
    size_t label_count;
    struct label *annotations; /* likewise */
    size_t annotation_count;
};

struct rule_group {
    struct slice name;
    int64_t interval_ns; /* 0: the configuration's */
    int64_t offset_ns;   /* queries are that much behind; has_offset: it was written */
    bool has_offset;
    int64_t limit;       /* series or alerts of one rule; 0: any number */
    struct rule *rules;
    size_t rule_count;
};

static inline struct slice rule_name(const struct rule *rule)
{
    return rule->alert.len > 0 ? rule->alert : rule->record;
}

/* All that is wrong with it, in Loki's words, joined by ", ". ERR_INVALID. index: its place in its file, for messages. */
bool rule_group_check(const struct rule_group *group, size_t index, struct err *err) MUST_CHECK;

/* The tenant's limits; groups: how many the tenant would have with this one. ERR_LIMIT. */
bool rule_group_check_limits(const struct rule_group *group, size_t groups, const struct limits *limits, struct err *err) MUST_CHECK;

/* What may name a namespace: no path, not too long. ERR_INVALID. */
bool rule_namespace_check(struct slice name, struct err *err) MUST_CHECK;
