/* alert_templates.h: the labels and annotations of an alerting rule as compiled templates, and an alert's as they come out for one element of a result.
 * Thread: expanding from many at once, each with its own arena. */
#pragma once

#include "core/rules/rule_group.h"
#include "core/template/template.h"

#define ALERT_BYTES_MAX ((size_t)65536) /* labels and annotations of one alert, expanded */

struct alert_templates;

/* The rule has passed rule_group_check. Lives in the arena, as the rule must; ended with alert_templates_fini. */
struct alert_templates *alert_templates_compile(const struct rule *rule, struct arena *arena) MUST_CHECK;
void alert_templates_fini(struct alert_templates *templates); /* NULL is fine */

struct alert_context {
    struct slice external_url;
    int64_t ts_ns;
    struct template_asker asker;
};

/* labels: of the element, sorted, any __name__ in them is left out. Encoded sets in the arena. A template that fails gives <error expanding template: ...>,
 * as Prometheus does. ERR_LIMIT: over ALERT_BYTES_MAX. */
bool alert_templates_expand(const struct alert_templates *templates, const struct label *labels, size_t count, double value,
                            const struct alert_context *context, struct arena *arena, struct slice *out_labels, struct slice *out_annotations, struct err *err) MUST_CHECK;
