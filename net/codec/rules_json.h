/* rules_json.h: rules and alerts as Prometheus' API shows them, and alerts as Alertmanager's API v2 takes them.
 * Source: spec http-api.md 12; Alertmanager's openapi.yaml (postableAlerts). Thread: any; pure. */
#pragma once

#include "core/rules/alert_set.h"
#include "core/rules/rule_group.h"

enum rule_health { RULE_UNKNOWN, RULE_OK, RULE_ERR };

/* A rule and how it fared. */
struct rule_view {
    const struct rule *rule;
    struct slice query; /* the expression as it prints */
    const struct alert_set *alerts; /* of alerting rules */
    enum rule_health health;
    struct slice last_error;
    int64_t last_ns, took_ns; /* of the last evaluation; 0: none yet */
};

void rules_json_put_rule(struct buf *out, const struct rule_view *view);
/* The comma-separated objects of those that are pending or firing; *count: how many stand in out already. */
void rules_json_put_alerts(struct buf *out, const struct alert_set *set, size_t *count);
/* RFC3339 with its fraction; 0: Go's zero time. With quotes. */
void rules_json_put_time(struct buf *out, int64_t ns);
/* {"a":"1"} of an encoded label set. */
void rules_json_put_labels(struct buf *out, struct slice encoded);

/* One alert for POST /api/v2/alerts. generator_url: where its expression can be looked at. */
void rules_json_put_postable(struct buf *out, const struct alert *alert, struct slice generator_url);
