/* rule_run.c: the life of a group: from its text to what runs, and from an older one to a newer. */
#include "net/ruler/rule_run.h"

#include <assert.h>

#include "core/base/mem.h"
#include "core/logql/parser.h"
#include "core/metrics/metric_table.h"
#include "net/codec/json_writer.h"
#include "net/codec/rules_yaml.h"

#define METRIC_GROUPS_MAX 2000 /* groups with metrics of their own: a child of a family lives as long as the process */

static void put_url_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (is_plain)
            buf_byte(out, (char)c);
        else if (c == ' ')
            buf_byte(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* Grafana's page for the expression. Source: Loki's pkg/ruler/base (grafanaLinkForExpression). */
static struct slice generator_url(const struct ruler_config *config, struct slice query, struct arena *arena)
{
    struct buf json = BUF_INIT;
    struct buf url = BUF_INIT;
    buf_str(&json, "{\"queries\":[{\"datasource\":{\"type\":\"loki\",\"uid\":");
    json_put_string(&json, config->datasource_uid);
    buf_str(&json, "},\"expr\":");
    json_put_string(&json, query);
    buf_str(&json, ",\"queryType\":\"range\",\"refId\":\"A\"}],\"range\":{\"from\":\"now-1h\",\"to\":\"now\"}}");
    buf_put(&url, config->external_url);
    buf_str(&url, "/explore?left=");
    put_url_escaped(&url, buf_slice(&json));
    struct slice copy = arena_copy(arena, buf_slice(&url));
    buf_fini(&json);
    buf_fini(&url);
    return copy;
}

static void rule_fill(struct run_group *group, size_t i)
{
    struct run_rule *run = &group->rules[i];
    const struct rule *rule = &group->group.rules[i];
    struct arena scratch = ARENA_INIT;
    struct expr *expr = NULL;
    struct buf query = BUF_INIT;
    struct err err;
    run->rule = rule;
    bool ok = logql_parse(rule->expr, &scratch, &expr, &err);
    assert(ok); // rule_group_check has parsed it
    expr_print(expr, &query);
    run->is_log_query = expr->kind == EXPR_LOG;
    run->query = arena_copy(&group->arena, buf_slice(&query));
    expr_fini(expr);
    buf_fini(&query);
    struct label *labels = ARENA_ARRAY(&scratch, struct label, rule->label_count);
    for (size_t l = 0; l < rule->label_count; l++)
        labels[l] = rule->labels[l];
    const struct label_set set = {labels, label_sort(labels, rule->label_count, true)};
    run->labels = label_set_encode_in(&group->arena, &set);
    if (rule->alert.len > 0) {
        run->templates = alert_templates_compile(rule, &group->arena);
        run->generator_url = generator_url(&group->ruler->config, run->query, &group->arena);
    }
    arena_fini(&scratch);
}

static void metrics_fill(struct run_group *group)
{
    struct slice name = SLICE("__other__");
    if (group->ruler->metric_groups < METRIC_GROUPS_MAX) {
        group->ruler->metric_groups++;
        name = arena_printf(&group->arena, "%.*s;%.*s", SLICE_ARG(group->rule_namespace), SLICE_ARG(group->group.name));
    }
    const struct slice labels[] = {slice_str(group->tenant->name), name};
    group->evaluations = metric_get(METRIC_loki_prometheus_rule_evaluations_total, labels);
    group->failures = metric_get(METRIC_loki_prometheus_rule_evaluation_failures_total, labels);
    group->last_seconds = metric_get(METRIC_loki_prometheus_rule_group_last_evaluation_timestamp_seconds, labels);
    group->duration_seconds = metric_get(METRIC_loki_prometheus_rule_group_last_duration_seconds, labels);
    group->rule_count = metric_get(METRIC_loki_prometheus_rule_group_rules, labels);
    metric_set(group->rule_count, (double)group->group.rule_count);
}

bool run_group_check_text(const struct rule_group *group, struct err *err)
{
    struct buf text = BUF_INIT;
    rules_yaml_put_group(&text, group);
    size_t bytes = text.len;
    buf_fini(&text);
    return bytes <= RULE_GROUP_BYTES_MAX ||
           err_set(err, ERR_TOO_LARGE, "rule group of %zu bytes as it is kept, the limit is %zu", bytes, RULE_GROUP_BYTES_MAX);
}

static void interval_set(struct run_group *group)
{
    struct buf name = BUF_INIT;
    int64_t ns = group->group.interval_ns > 0 ? group->group.interval_ns : group->ruler->config.interval_ns;
    ns = ns < RULER_INTERVAL_MIN_NS ? RULER_INTERVAL_MIN_NS : ns > RULER_INTERVAL_MAX_NS ? RULER_INTERVAL_MAX_NS : ns;
    buf_printf(&name, "%s;%.*s;%.*s", group->tenant->name, SLICE_ARG(group->rule_namespace), SLICE_ARG(group->group.name));
    group->interval_ns = ns;
    group->phase_ns = (int64_t)(hash64(buf_slice(&name)) % (uint64_t)ns);
    buf_fini(&name);
}

struct run_group *run_group_create(struct ruler *ruler, struct run_tenant *tenant, struct slice rule_namespace, const struct rule_group *group,
                                   bool is_read_only)
{
    struct run_group *run = mem_zero(sizeof(*run));
    struct buf text = BUF_INIT;
    struct err err;
    run->ruler = ruler;
    run->tenant = tenant;
    run->refs = 1;
    run->is_read_only = is_read_only;
    run->rule_namespace = arena_copy(&run->arena, rule_namespace);
    rules_yaml_put_group(&text, group); // a copy by way of its text: it is the text that a restart reads, too
    bool ok = rules_yaml_read_group(buf_slice(&text), &run->arena, &run->group, &err);
    assert(ok);
    run->text_bytes = text.len;
    buf_fini(&text);
    interval_set(run);
    run->rules = ARENA_ARRAY(&run->arena, struct run_rule, run->group.rule_count);
    for (size_t i = 0; i < run->group.rule_count; i++)
        rule_fill(run, i);
    metrics_fill(run);
    run->due_ns = run_group_due(run, clock_wall_ns(ruler->config.clock));
    return run;
}

static void series_free(struct run_rule *rule)
{
    for (size_t i = 0; i < rule->series_count; i++)
        mem_free((void *)(uintptr_t)rule->series[i].ptr);
    mem_free(rule->series);
    rule->series = NULL;
    rule->series_count = 0;
}

void run_group_unref(struct run_group *group)
{
    if (--group->refs > 0)
        return;
    for (size_t i = 0; i < group->group.rule_count; i++) {
        struct run_rule *rule = &group->rules[i];
        alert_set_fini(&rule->alerts);
        series_free(rule);
        mem_free(rule->last_error);
        alert_templates_fini(rule->templates);
    }
    arena_fini(&group->arena);
    mem_free(group);
}

static bool is_same_rule(const struct run_rule *a, const struct run_rule *b)
{
    return slice_eq(a->rule->alert, b->rule->alert) && slice_eq(a->rule->record, b->rule->record) && slice_eq(a->labels, b->labels);
}

static void rule_inherit(struct run_rule *rule, struct run_rule *older)
{
    rule->alerts = older->alerts;
    rule->alert_bytes = older->alert_bytes;
    rule->series = older->series;
    rule->series_count = older->series_count;
    rule->health = older->health;
    rule->last_error = older->last_error;
    rule->last_ns = older->last_ns;
    rule->took_ns = older->took_ns;
    older->alerts = (struct alert_set){0};
    older->alert_bytes = 0;
    older->series = NULL;
    older->series_count = 0;
    older->last_error = NULL;
}

void run_group_inherit(struct run_group *group, struct run_group *older)
{
    bool *is_taken = mem_array(older->group.rule_count + 1, sizeof(*is_taken));
    for (size_t i = 0; i < group->group.rule_count; i++) {
        for (size_t k = 0; k < older->group.rule_count; k++) {
            if (is_taken[k] || !is_same_rule(&group->rules[i], &older->rules[k]))
                continue;
            rule_inherit(&group->rules[i], &older->rules[k]);
            is_taken[k] = true;
            break;
        }
    }
    mem_free(is_taken);
    group->last_ns = older->last_ns;
    group->took_ns = older->took_ns;
}

void run_rule_count_alerts(struct run_rule *rule, struct run_tenant *tenant)
{
    size_t bytes = 0;
    for (size_t i = 0; i < rule->alerts.count; i++)
        bytes += sizeof(struct alert) + rule->alerts.alerts[i].labels.len + rule->alerts.alerts[i].annotations.len;
    tenant->alert_bytes = tenant->alert_bytes - rule->alert_bytes + bytes;
    rule->alert_bytes = bytes;
}

void run_group_end(struct run_group *group)
{
    int64_t now_ms = clock_wall_ns(group->ruler->config.clock) / NS_PER_MS;
    for (size_t i = 0; i < group->group.rule_count; i++) {
        struct run_rule *rule = &group->rules[i];
        for (size_t k = 0; k < rule->series_count; k++) {
            const struct remote_sample gone = {rule->series[k], remote_write_stale()};
            remote_write_put(group->ruler->remote, slice_str(group->tenant->name), &gone, 1, now_ms);
        }
        series_free(rule);
        alert_set_fini(&rule->alerts);
        run_rule_count_alerts(rule, group->tenant);
    }
    metric_set(group->rule_count, 0);
}

int64_t run_group_due(const struct run_group *group, int64_t now_ns)
{
    int64_t since = (now_ns - group->phase_ns) % group->interval_ns;
    since = since < 0 ? since + group->interval_ns : since;
    return now_ns - since + group->interval_ns;
}
