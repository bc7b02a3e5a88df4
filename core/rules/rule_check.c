/* rule_check.c: what a group of rules must hold. Source: Loki's pkg/ruler/compat.go (ValidateGroups), word for word. */
#include "core/rules/rule_group.h"

#include "core/logql/parser.h"
#include "core/model/go_text.h"
#include "core/pipeline/expr_check.h"
#include "core/template/template.h"

static bool metric_name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

static bool expr_is_valid(const struct rule *rule, struct slice group, struct arena *arena, struct err *err)
{
    struct expr *expr = NULL;
    bool ok = logql_parse(rule->expr, arena, &expr, err);
    if (ok) {
        ok = expr_check_pipelines(expr, arena, err);
        expr_fini(expr);
    }
    return ok || err_wrap(err, "could not parse expression for %s '%.*s' in group '%.*s'", rule->record.len > 0 ? "record" : "alert",
                          SLICE_ARG(rule_name(rule)), SLICE_ARG(group));
}

static bool record_is_valid(const struct rule *rule, struct err *err)
{
    if (rule->annotation_count > 0)
        return err_set(err, ERR_INVALID, "invalid field 'annotations' in recording rule");
    if (rule->for_ns != 0)
        return err_set(err, ERR_INVALID, "invalid field 'for' in recording rule");
    if (rule->keep_firing_ns != 0)
        return err_set(err, ERR_INVALID, "invalid field 'keep_firing_for' in recording rule");
    if (!metric_name_is_valid(rule->record))
        return err_set(err, ERR_INVALID, "invalid recording rule name: %.*s", SLICE_ARG(rule->record));
    return true;
}

static bool pairs_are_valid(const struct rule *rule, struct err *err)
{
    for (size_t i = 0; i < rule->label_count; i++) {
        const struct label *label = &rule->labels[i];
        if (!label_name_is_valid(label->name) || slice_eq(label->name, SLICE("__name__")))
            return err_set(err, ERR_INVALID, "invalid label name: %.*s", SLICE_ARG(label->name));
        if (!utf8_is_valid(label->value))
            return err_set(err, ERR_INVALID, "invalid label value: %.*s", SLICE_ARG(label->value));
    }
    for (size_t i = 0; i < rule->annotation_count; i++) {
        if (!label_name_is_valid(rule->annotations[i].name))
            return err_set(err, ERR_INVALID, "invalid annotation name: %.*s", SLICE_ARG(rule->annotations[i].name));
    }
    return true;
}

static bool templates_are_valid(const struct rule *rule, const struct label *pairs, size_t count, const char *what, struct arena *arena,
                                struct err *err)
{
    const char *name = arena_printf(arena, "__alert_%.*s", SLICE_ARG(rule->alert)).ptr;
    for (size_t i = 0; i < count; i++) {
        struct template *template = NULL;
        if (!template_compile_alert(name, pairs[i].value, arena, &template, err))
            return err_wrap(err, "%s \"%.*s\"", what, SLICE_ARG(pairs[i].name));
        template_fini(template);
    }
    return true;
}

static bool rule_is_valid(const struct rule *rule, struct slice group, struct arena *arena, struct err *err)
{
    if (rule->record.len > 0 && rule->alert.len > 0)
        return err_set(err, ERR_INVALID, "only one of 'record' and 'alert' must be set");
    if (rule->record.len == 0 && rule->alert.len == 0)
        return err_set(err, ERR_INVALID, "one of 'record' or 'alert' must be set");
    if (rule->expr.len == 0)
        return err_set(err, ERR_INVALID, "field 'expr' must be set in rule");
    if (!expr_is_valid(rule, group, arena, err) || (rule->record.len > 0 && !record_is_valid(rule, err)) || !pairs_are_valid(rule, err))
        return false;
    return rule->alert.len == 0 || (templates_are_valid(rule, rule->labels, rule->label_count, "label", arena, err) &&
                                    templates_are_valid(rule, rule->annotations, rule->annotation_count, "annotation", arena, err));
}

bool rule_group_check(const struct rule_group *group, size_t index, struct err *err)
{
    struct buf all = BUF_INIT;
    struct err one;
    if (group->name.len == 0)
        buf_printf(&all, "group %zu: Groupname must not be empty", index);
    for (size_t i = 0; i < group->rule_count && all.len < sizeof(err->text); i++) {
        struct arena arena = ARENA_INIT;
        if (!rule_is_valid(&group->rules[i], group->name, &arena, &one))
            buf_printf(&all, "%s%s", all.len > 0 ? ", " : "", one.text);
        arena_fini(&arena);
    }
    bool ok = all.len == 0;
    if (!ok)
        err_fill(err, ERR_INVALID, "%.*s", SLICE_ARG(buf_slice(&all)));
    buf_fini(&all);
    return ok;
}

bool rule_group_check_limits(const struct rule_group *group, size_t groups, const struct limits *limits, struct err *err)
{
    int64_t rules_max = limits->ruler_max_rules_per_rule_group;
    int64_t groups_max = limits->ruler_max_rule_groups_per_tenant;
    if (rules_max > 0 && group->rule_count > (size_t)rules_max)
        return err_set(err, ERR_LIMIT, "per-user rules per rule group limit (limit: %lld actual: %zu) exceeded", (long long)rules_max, group->rule_count);
    if (groups_max > 0 && groups > (size_t)groups_max)
        return err_set(err, ERR_LIMIT, "per-user rule groups limit (limit: %lld actual: %zu) exceeded", (long long)groups_max, groups);
    return true;
}

bool rule_namespace_check(struct slice name, struct err *err)
{
    if (name.len == 0 || name.len > RULE_NAMESPACE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "invalid namespace: 1 to %zu bytes are allowed", RULE_NAMESPACE_BYTES_MAX);
    if (slice_eq(name, SLICE(".")) || slice_eq(name, SLICE("..")) || slice_find_byte(name, '/') < name.len ||
        slice_find_byte(name, '\\') < name.len || slice_find_byte(name, '\0') < name.len)
        return err_set(err, ERR_INVALID, "invalid namespace: path traversal not allowed");
    if (!utf8_is_valid(name))
        return err_set(err, ERR_INVALID, "invalid namespace: no UTF-8");
    return true;
}
