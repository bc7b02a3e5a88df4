#include "core/model/otlp_config.h"

#include "core/model/flow_text.h"
#include "core/model/go_text.h"
#include "core/model/regex.h"

static const char *const action_names[] = {[OTLP_AS_METADATA] = "structured_metadata", [OTLP_AS_LABEL] = "index_label", [OTLP_DROPPED] = "drop"};

const char *otlp_action_name(enum otlp_action action)
{
    return action_names[action];
}

// ---- reading ----

static bool unknown(struct slice key, const char *known, struct err *err)
{
    return err_set(err, ERR_INVALID, "unknown key %.*s: %s are known", SLICE_ARG(key), known);
}

static bool read_bool(const struct flow_value *value, struct slice key, bool *out, struct err *err)
{
    *out = value->kind == FLOW_TEXT && slice_eq_nocase(value->text, SLICE("true"));
    return *out || (value->kind == FLOW_TEXT && slice_eq_nocase(value->text, SLICE("false"))) ||
           err_set(err, ERR_INVALID, "%.*s: neither true nor false", SLICE_ARG(key));
}

static bool read_action(const struct flow_value *value, enum otlp_action *out, struct err *err)
{
    for (size_t i = 0; value->kind == FLOW_TEXT && i < LENGTH(action_names); i++) {
        if (slice_eq_str(value->text, action_names[i])) {
            *out = (enum otlp_action)i;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "action: index_label, structured_metadata or drop is wanted");
}

static bool read_names(const struct flow_value *value, struct arena *arena, struct slice_list *out, struct err *err)
{
    struct slice *names = ARENA_ARRAY(arena, struct slice, value->count);
    bool ok = value->kind == FLOW_LIST;
    for (size_t i = 0; ok && i < value->count; i++) {
        ok = value->items[i].kind == FLOW_TEXT && value->items[i].text.len > 0;
        names[i] = value->items[i].text;
    }
    *out = (struct slice_list){names, value->count};
    return ok || err_set(err, ERR_INVALID, "attributes: a list of names is wanted");
}

static bool read_rule(const struct flow_value *value, struct arena *arena, struct otlp_rule *rule, struct err *err)
{
    bool has_action = false;
    *rule = (struct otlp_rule){.pattern = SLICE("")};
    if (value->kind != FLOW_MAP)
        return err_set(err, ERR_INVALID, "a list of {action, attributes, regex} is wanted");
    for (size_t i = 0; i < value->count; i++) {
        const struct flow_value *field = &value->items[i];
        bool ok = true;
        if (slice_eq(value->keys[i], SLICE("action")))
            ok = has_action = read_action(field, &rule->action, err);
        else if (slice_eq(value->keys[i], SLICE("attributes")))
            ok = read_names(field, arena, &rule->attributes, err);
        else if (slice_eq(value->keys[i], SLICE("regex")) && field->kind == FLOW_TEXT)
            rule->pattern = field->text;
        else
            ok = unknown(value->keys[i], "action, attributes and regex, a text,", err);
        if (!ok)
            return false;
    }
    if (!has_action)
        return err_set(err, ERR_INVALID, "a rule without an action: index_label, structured_metadata or drop is wanted");
    if ((rule->attributes.count > 0) == (rule->pattern.len > 0))
        return err_set(err, ERR_INVALID, "a rule has either attributes or a regex");
    struct regex *probe = NULL; // a bad pattern is told when the configuration is read, with its line
    bool ok = rule->pattern.len == 0 || regex_compile(rule->pattern, REGEX_ANCHORED, &probe, err);
    regex_free(probe);
    return ok;
}

static bool read_rules(const struct flow_value *value, struct slice key, struct arena *arena, struct otlp_rule_list *out, struct err *err)
{
    *out = (struct otlp_rule_list){NULL, 0};
    if (value->kind == FLOW_TEXT && value->text.len == 0)
        return true;
    if (value->kind != FLOW_LIST)
        return err_set(err, ERR_INVALID, "%.*s: a list of {action, attributes, regex} is wanted", SLICE_ARG(key));
    struct otlp_rule *rules = ARENA_ARRAY(arena, struct otlp_rule, value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (!read_rule(&value->items[i], arena, &rules[i], err))
            return err_wrap(err, "%.*s", SLICE_ARG(key));
    }
    *out = (struct otlp_rule_list){rules, value->count};
    return true;
}

static bool read_resource(const struct flow_value *value, struct arena *arena, struct otlp_config *out, struct err *err)
{
    if (value->kind == FLOW_TEXT && value->text.len == 0)
        return true;
    bool ok = value->kind == FLOW_MAP || err_set(err, ERR_INVALID, "resource_attributes: {ignore_defaults, attributes_config} is wanted");
    for (size_t i = 0; ok && i < value->count; i++) {
        if (slice_eq(value->keys[i], SLICE("ignore_defaults")))
            ok = read_bool(&value->items[i], value->keys[i], &out->ignores_defaults, err);
        else if (slice_eq(value->keys[i], SLICE("attributes_config")))
            ok = read_rules(&value->items[i], SLICE("resource_attributes"), arena, &out->resource, err);
        else
            ok = unknown(value->keys[i], "ignore_defaults and attributes_config", err);
    }
    return ok;
}

bool otlp_config_parse(struct slice text, struct arena *arena, struct otlp_config *out, struct err *err)
{
    struct flow_value tree;
    *out = (struct otlp_config){.ignores_defaults = false};
    if (slice_trim(text).len == 0)
        return true;
    if (!flow_read(text, arena, &tree, err))
        return false;
    bool ok = tree.kind == FLOW_MAP || err_set(err, ERR_INVALID, "{resource_attributes, scope_attributes, log_attributes, severity_text_as_label} is wanted");
    for (size_t i = 0; ok && i < tree.count; i++) {
        struct slice key = tree.keys[i];
        const struct flow_value *value = &tree.items[i];
        if (slice_eq(key, SLICE("resource_attributes")))
            ok = read_resource(value, arena, out, err);
        else if (slice_eq(key, SLICE("scope_attributes")))
            ok = read_rules(value, key, arena, &out->scope, err);
        else if (slice_eq(key, SLICE("log_attributes")))
            ok = read_rules(value, key, arena, &out->record, err);
        else if (slice_eq(key, SLICE("severity_text_as_label")))
            ok = read_bool(value, key, &out->severity_text_is_label, err);
        else
            ok = unknown(key, "resource_attributes, scope_attributes, log_attributes and severity_text_as_label", err);
    }
    if (ok && otlp_rules_label(&out->scope))
        return err_set(err, ERR_INVALID, "scope_attributes: index_label is for attributes of resources and records");
    return ok;
}

// ---- printing, copying ----

static void print_rules(const struct otlp_rule_list *rules, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < rules->count; i++) {
        const struct otlp_rule *rule = &rules->items[i];
        buf_printf(out, "%s{action: %s, %s", i > 0 ? ", " : "", action_names[rule->action], rule->pattern.len > 0 ? "regex: " : "attributes: [");
        if (rule->pattern.len > 0)
            go_quote(out, rule->pattern);
        for (size_t k = 0; k < rule->attributes.count; k++) {
            buf_str(out, k > 0 ? ", " : "");
            go_quote(out, rule->attributes.items[k]);
        }
        buf_str(out, rule->pattern.len > 0 ? "}" : "]}");
    }
    buf_byte(out, ']');
}

void otlp_config_print(const struct otlp_config *config, struct buf *out)
{
    const char *comma = "";
    buf_byte(out, '{');
    if (config->ignores_defaults || config->resource.count > 0) {
        buf_printf(out, "resource_attributes: {ignore_defaults: %s, attributes_config: ", config->ignores_defaults ? "true" : "false");
        print_rules(&config->resource, out);
        buf_byte(out, '}');
        comma = ", ";
    }
    if (config->scope.count > 0) {
        buf_printf(out, "%sscope_attributes: ", comma);
        print_rules(&config->scope, out);
        comma = ", ";
    }
    if (config->record.count > 0) {
        buf_printf(out, "%slog_attributes: ", comma);
        print_rules(&config->record, out);
        comma = ", ";
    }
    if (config->severity_text_is_label)
        buf_printf(out, "%sseverity_text_as_label: true", comma);
    buf_byte(out, '}');
}

static void copy_rules(const struct otlp_rule_list *from, struct arena *arena, struct otlp_rule_list *out)
{
    struct otlp_rule *rules = ARENA_ARRAY(arena, struct otlp_rule, from->count);
    for (size_t i = 0; i < from->count; i++) {
        const struct otlp_rule *rule = &from->items[i];
        struct slice *names = ARENA_ARRAY(arena, struct slice, rule->attributes.count);
        for (size_t k = 0; k < rule->attributes.count; k++)
            names[k] = arena_copy(arena, rule->attributes.items[k]);
        rules[i] = (struct otlp_rule){rule->action, {names, rule->attributes.count}, arena_copy(arena, rule->pattern), NULL};
    }
    *out = (struct otlp_rule_list){rules, from->count};
}

void otlp_config_copy(const struct otlp_config *from, struct arena *arena, struct otlp_config *out)
{
    *out = *from;
    copy_rules(&from->resource, arena, &out->resource);
    copy_rules(&from->scope, arena, &out->scope);
    copy_rules(&from->record, arena, &out->record);
}

// ---- in force ----

static bool compile_rules(struct otlp_rule_list *rules, struct err *err)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct otlp_rule *rule = &rules->items[i];
        if (rule->pattern.len > 0 && !regex_compile(rule->pattern, REGEX_ANCHORED, &rule->regex, err))
            return err_wrap(err, "otlp_config");
    }
    return true;
}

static void free_rules(struct otlp_rule_list *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        regex_free(rules->items[i].regex);
        rules->items[i].regex = NULL;
    }
}

bool otlp_config_compile(struct otlp_config *config, struct err *err)
{
    return compile_rules(&config->resource, err) && compile_rules(&config->scope, err) && compile_rules(&config->record, err);
}

void otlp_config_free(struct otlp_config *config)
{
    free_rules(&config->resource);
    free_rules(&config->scope);
    free_rules(&config->record);
}

enum otlp_action otlp_rules_action(const struct otlp_rule_list *rules, struct slice key)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct otlp_rule *rule = &rules->items[i];
        if (rule->regex != NULL ? regex_matches(rule->regex, key) : slice_list_has(&rule->attributes, key))
            return rule->action;
    }
    return OTLP_AS_METADATA;
}

bool otlp_rules_label(const struct otlp_rule_list *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->items[i].action == OTLP_AS_LABEL)
            return true;
    }
    return false;
}
