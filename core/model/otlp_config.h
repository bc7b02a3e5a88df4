/* otlp_config.h: what becomes of the attributes of OpenTelemetry's log records, tenant by tenant. Meaning: Loki's limits_config.otlp_config.
 *
 * TEXT FORM (flow_text.h), each key may be left out:
 *   {resource_attributes: {ignore_defaults: true, attributes_config: [RULE, ...]}, scope_attributes: [RULE, ...], log_attributes: [RULE, ...],
 *    severity_text_as_label: true}
 *   RULE: {action: index_label, attributes: [team, env]} or {action: drop, regex: "process[.].*"}
 * The first rule that names an attribute, or whose regex is the whole of its name, says what becomes of it; where none does it is structured metadata.
 *
 * Thread: any; a configuration in force is not changed.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

enum otlp_action { OTLP_AS_METADATA, OTLP_AS_LABEL, OTLP_DROPPED };

struct otlp_rule {
    enum otlp_action action;
    struct slice_list attributes; /* or ... */
    struct slice pattern;         /* ... a regular expression */
    struct regex *regex;          /* of otlp_config_compile */
};

struct otlp_rule_list {
    struct otlp_rule *items;
    size_t count;
};

struct otlp_config {
    struct otlp_rule_list resource, scope, record;
    bool ignores_defaults;    /* otlp_index_attributes do not count */
    bool severity_text_is_label;
};

/* Reads the text form; empty: no rules. ERR_INVALID: not of this form, an unknown key or action, neither names nor a regex or both, a bad regular
 * expression, a label of a scope. Copies to the arena. */
bool otlp_config_parse(struct slice text, struct arena *arena, struct otlp_config *out, struct err *err) MUST_CHECK;
void otlp_config_print(const struct otlp_config *config, struct buf *out);
/* Without compiled regular expressions. */
void otlp_config_copy(const struct otlp_config *from, struct arena *arena, struct otlp_config *out);

/* Makes the regular expressions, once for a configuration; otlp_config_free ends them, not the lists. */
bool otlp_config_compile(struct otlp_config *config, struct err *err) MUST_CHECK;
void otlp_config_free(struct otlp_config *config);

/* What the list's rules, compiled, say of an attribute; key: as sent. */
enum otlp_action otlp_rules_action(const struct otlp_rule_list *rules, struct slice key);
/* Some rule makes labels. */
bool otlp_rules_label(const struct otlp_rule_list *rules);

const char *otlp_action_name(enum otlp_action action); /* as in the text form */
