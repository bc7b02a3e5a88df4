/* rule_eval.c: one evaluation of a group: its rules one after the other, each a task of its own in the tenant's turn.
 * Source: Prometheus' rules/group.go, alerting.go and recording.go (Eval). */
#include <stdlib.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/ruler/rule_run.h"

struct outcome { /* of one rule; in the arena */
    struct arena arena;
    bool ok;
    struct err err;
    struct alert_sample *alerts;   /* of an alerting rule */
    struct remote_sample *samples; /* of a recording rule, sorted by labels */
    size_t count;
    size_t alert_bytes;
    int64_t begin_ns, took_ns;
};

/* ---- the query ---- */

struct element {
    struct label *labels;
    size_t label_count;
    double value;
};

static struct element element_of(const struct result_label *labels, size_t count, double value, struct arena *arena)
{
    struct element element = {ARENA_ARRAY(arena, struct label, count), count, value};
    for (size_t i = 0; i < count; i++)
        element.labels[i] = (struct label){labels[i].name, labels[i].value};
    element.label_count = label_sort(element.labels, count, true);
    return element;
}

static bool elements_query(struct run_group *group, struct slice text, struct arena *arena, struct element **out, size_t *out_count, struct err *err)
{
    const struct rule_engine *engine = &group->ruler->config.engine;
    struct query_result result = {0};
    if (!engine->query(engine->self, slice_str(group->tenant->name), text, group->now.ts_ns - group->group.offset_ns, &group->now.control,
                       arena, &result, err))
        return false;
    if (result.kind == RESULT_SCALAR) {
        *out = ARENA_NEW(arena, struct element);
        **out = (struct element){.value = result.scalar.value};
        *out_count = 1;
        return true;
    }
    if (result.kind != RESULT_VECTOR)
        return err_set(err, ERR_INVALID, "rule result is not a vector or scalar");
    *out = ARENA_ARRAY(arena, struct element, result.series_count);
    *out_count = 0;
    for (size_t i = 0; i < result.series_count; i++) {
        const struct result_series *series = &result.series[i];
        if (series->point_count > 0)
            (*out)[(*out_count)++] = element_of(series->labels, series->label_count, series->points[0].value, arena);
    }
    return true;
}

/* ---- what an element becomes ---- */

#define TEMPLATE_QUERIES_MAX 100 /* of one evaluation of a rule: they run in its turn, and end at its deadline */

struct template_queries {
    struct run_group *group;
    int64_t deadline_mono_ns;
    size_t count;
};

/* `query` of a template. */
static bool template_query(void *self, struct slice text, struct arena *arena, struct template_sample **out, size_t *count, struct err *err)
{
    struct template_queries *queries = self;
    struct element *elements = NULL;
    if (++queries->count > TEMPLATE_QUERIES_MAX)
        return err_set(err, ERR_LIMIT, "the templates of a rule have made %d queries", TEMPLATE_QUERIES_MAX);
    if (!query_control_check(&queries->group->now.control, err))
        return false;
    bool ok = elements_query(queries->group, text, arena, &elements, count, err);
    queries->group->now.control.deadline_mono_ns = queries->deadline_mono_ns; // the rule's, not a new one
    *out = ARENA_ARRAY(arena, struct template_sample, ok ? *count : 0);
    for (size_t i = 0; ok && i < *count; i++)
        (*out)[i] = (struct template_sample){{elements[i].labels, elements[i].label_count}, elements[i].value};
    return ok;
}

static bool alerts_fill(struct run_group *group, const struct run_rule *rule, const struct element *elements, struct outcome *outcome,
                        struct err *err)
{
    struct template_queries queries = {.group = group, .deadline_mono_ns = group->now.control.deadline_mono_ns};
    const struct alert_context context = {group->ruler->config.external_url, group->now.ts_ns, {template_query, &queries}};
    outcome->alerts = ARENA_ARRAY(&outcome->arena, struct alert_sample, outcome->count);
    for (size_t i = 0; i < outcome->count; i++) {
        struct alert_sample *to = &outcome->alerts[i];
        to->value = elements[i].value;
        if (!query_control_check(&group->now.control, err) || // templates run in the query's time
            !alert_templates_expand(rule->templates, elements[i].labels, elements[i].label_count, elements[i].value, &context, &outcome->arena, &to->labels,
                                    &to->annotations, err))
            return false;
        outcome->alert_bytes += sizeof(struct alert) + to->labels.len + to->annotations.len;
        if (outcome->alert_bytes > ALERTS_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "alerts of a rule take more than %zu bytes: narrow the expression", ALERTS_BYTES_MAX);
    }
    return true;
}

static int sample_order(const void *a, const void *b)
{
    return slice_cmp(((const struct remote_sample *)a)->labels, ((const struct remote_sample *)b)->labels);
}

static bool samples_fill(const struct run_group *group, const struct run_rule *rule, const struct element *elements, struct outcome *outcome,
                         struct err *err)
{
    const struct rule *written = rule->rule;
    if (group->group.limit > 0 && outcome->count > (size_t)group->group.limit)
        return err_set(err, ERR_LIMIT, "exceeded limit of %lld with %zu series", (long long)group->group.limit, outcome->count);
    outcome->samples = ARENA_ARRAY(&outcome->arena, struct remote_sample, outcome->count);
    for (size_t i = 0; i < outcome->count; i++) {
        struct label *labels = ARENA_ARRAY(&outcome->arena, struct label, elements[i].label_count + written->label_count + 1);
        size_t n = 0;
        for (size_t l = 0; l < elements[i].label_count; l++)
            labels[n++] = elements[i].labels[l];
        labels[n++] = (struct label){SLICE("__name__"), written->record};
        for (size_t l = 0; l < written->label_count; l++)
            labels[n++] = written->labels[l];
        const struct label_set set = {labels, label_sort(labels, n, true)};
        outcome->samples[i] = (struct remote_sample){label_set_encode_in(&outcome->arena, &set), elements[i].value};
    }
    if (outcome->count > 0)
        qsort(outcome->samples, outcome->count, sizeof(*outcome->samples), sample_order);
    for (size_t i = 1; i < outcome->count; i++) {
        if (slice_eq(outcome->samples[i].labels, outcome->samples[i - 1].labels))
            return err_set(err, ERR_INVALID, "vector contains metrics with the same labelset after applying rule labels");
    }
    return true;
}

static void rule_query(struct run_group *group, const struct run_rule *rule, struct outcome *outcome)
{
    const struct clock *clock = group->ruler->config.clock;
    struct element *elements = NULL;
    int64_t begin_mono_ns = clock_mono_ns(clock);
    outcome->begin_ns = clock_wall_ns(clock);
    if (rule->is_log_query)
        err_fill(&outcome->err, ERR_INVALID, "rule result is not a vector or scalar"); // known without running it
    else
        outcome->ok = elements_query(group, rule->rule->expr, &outcome->arena, &elements, &outcome->count, &outcome->err);
    if (outcome->ok && rule->templates != NULL)
        outcome->ok = alerts_fill(group, rule, elements, outcome, &outcome->err);
    else if (outcome->ok)
        outcome->ok = samples_fill(group, rule, elements, outcome, &outcome->err);
    outcome->took_ns = clock_mono_ns(clock) - begin_mono_ns;
}

/* ---- what an outcome changes; the lock is held ---- */

/* The series ALERTS and ALERTS_FOR_STATE, as Prometheus records them. */
static void alert_samples(const struct alert_set *set, struct outcome *outcome)
{
    outcome->samples = ARENA_ARRAY(&outcome->arena, struct remote_sample, set->count * 2);
    outcome->count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct alert *alert = &set->alerts[i];
        if (alert->state == ALERT_INACTIVE)
            continue;
        struct label_set labels;
        struct err err;
        if (!label_set_decode(alert->labels, &outcome->arena, &labels, &err))
            continue;
        struct label *all = ARENA_ARRAY(&outcome->arena, struct label, labels.count + 2);
        for (int with_state = 1; with_state >= 0; with_state--) {
            size_t n = labels.count;
            memcpy(all, labels.labels, n * sizeof(*all));
            all[n++] = (struct label){SLICE("__name__"), with_state ? SLICE("ALERTS") : SLICE("ALERTS_FOR_STATE")};
            if (with_state)
                all[n++] = (struct label){SLICE("alertstate"), slice_str(alert_state_text(alert->state))};
            const struct label_set set_of_series = {all, label_sort(all, n, true)};
            outcome->samples[outcome->count++] = (struct remote_sample){label_set_encode_in(&outcome->arena, &set_of_series),
                                                                        with_state ? 1 : (double)(alert->active_ns / NS_PER_S)};
        }
    }
    if (outcome->count > 0)
        qsort(outcome->samples, outcome->count, sizeof(*outcome->samples), sample_order);
}

/* Sends the samples, and of series that were there last time and are not now, that they are gone. */
static void samples_send(struct run_group *group, struct run_rule *rule, const struct outcome *outcome)
{
    struct ruler *ruler = group->ruler;
    struct slice tenant = slice_str(group->tenant->name);
    int64_t ts_ms = (group->now.ts_ns - group->group.offset_ns) / NS_PER_MS;
    size_t created = 0;
    struct slice *series = mem_array(outcome->count + 1, sizeof(*series));
    size_t old = 0;
    for (size_t i = 0; i < outcome->count || old < rule->series_count;) {
        int order = i == outcome->count ? 1 : old == rule->series_count ? -1 : slice_cmp(outcome->samples[i].labels, rule->series[old]);
        if (order > 0) {
            const struct remote_sample gone = {rule->series[old], remote_write_stale()};
            remote_write_put(ruler->remote, tenant, &gone, 1, ts_ms);
            mem_free((void *)(uintptr_t)rule->series[old++].ptr);
            continue;
        }
        created += order < 0;
        series[i] = order == 0 ? rule->series[old++]
                               : slice_of(mem_strdup(outcome->samples[i].labels), outcome->samples[i].labels.len);
        i++;
    }
    mem_free(rule->series);
    rule->series = series;
    rule->series_count = outcome->count;
    remote_write_put(ruler->remote, tenant, outcome->samples, outcome->count, ts_ms);
    metric_add(metric_get1(METRIC_loki_ruler_wal_samples_appended_total, tenant), outcome->count);
    metric_add(metric_get1(METRIC_loki_ruler_wal_storage_created_series_total, tenant), created);
}

static void alerts_tell(struct run_group *group, struct run_rule *rule)
{
    struct ruler *ruler = group->ruler;
    struct buf json = BUF_INIT;
    for (size_t i = 0; i < rule->alerts.count; i++) {
        struct alert *alert = &rule->alerts.alerts[i];
        if (!alert_take_turn(alert, group->now.ts_ns, ruler->config.resend_ns, group->interval_ns))
            continue;
        buf_reset(&json);
        rules_json_put_postable(&json, alert, rule->generator_url);
        notifier_send(ruler->notifier, slice_str(group->tenant->name), buf_slice(&json));
    }
    buf_fini(&json);
}

static void alerts_apply(struct run_group *group, struct run_rule *rule, struct outcome *outcome)
{
    const struct alert_rule how = {rule->rule->for_ns, rule->rule->keep_firing_ns, group->group.limit};
    struct run_tenant *tenant = group->tenant;
    bool changed = false;
    if (tenant->alert_bytes - rule->alert_bytes + outcome->alert_bytes > RULER_ALERTS_BYTES_MAX) {
        outcome->ok = err_set(&outcome->err, ERR_LIMIT, "the tenant's alerts take more than %zu bytes", RULER_ALERTS_BYTES_MAX);
        return;
    }
    outcome->ok = alert_set_eval(&rule->alerts, outcome->alerts, outcome->count, &how, group->now.ts_ns, &changed, &outcome->err);
    run_rule_count_alerts(rule, tenant);
    if (changed && !tenant->is_dirty) {
        tenant->is_dirty = true;
        (void)pthread_cond_signal(&group->ruler->wake);
    }
}

static void health_set(struct run_group *group, struct run_rule *rule, const struct outcome *outcome)
{
    rule->health = outcome->ok ? RULE_OK : RULE_ERR;
    rule->last_ns = outcome->begin_ns;
    rule->took_ns = outcome->took_ns;
    mem_free(rule->last_error);
    rule->last_error = outcome->ok ? NULL : mem_strdup(slice_str(outcome->err.text));
    metric_add(group->evaluations, 1);
    if (!outcome->ok)
        metric_add(group->failures, 1);
}

static void failure_log(const struct run_group *group, const struct run_rule *rule, struct outcome *outcome)
{
    struct arena *arena = &outcome->arena;
    log_warn("ruler", "a rule failed", "tenant", group->tenant->name, "namespace", arena_printf(arena, "%.*s", SLICE_ARG(group->rule_namespace)).ptr,
             "group", arena_printf(arena, "%.*s", SLICE_ARG(group->group.name)).ptr, "rule",
             arena_printf(arena, "%.*s", SLICE_ARG(rule_name(rule->rule))).ptr, "err", outcome->err.text);
}

static void outcome_apply(struct run_group *group, struct run_rule *rule, struct outcome *outcome)
{
    struct ruler *ruler = group->ruler;
    const struct rule_engine *engine = &ruler->config.engine;
    bool sends = remote_write_is_on(ruler->remote) && engine->sends_samples(engine->self, slice_str(group->tenant->name));
    (void)pthread_mutex_lock(&ruler->lock);
    if (!group->is_removed && !ruler->is_stopping) {
        if (outcome->ok && rule->templates != NULL)
            alerts_apply(group, rule, outcome);
        if (outcome->ok && rule->templates != NULL && sends)
            alert_samples(&rule->alerts, outcome);
        if (outcome->ok && sends)
            samples_send(group, rule, outcome);
        health_set(group, rule, outcome);
        if (outcome->ok && rule->templates != NULL)
            alerts_tell(group, rule);
    }
    (void)pthread_mutex_unlock(&ruler->lock);
    if (!outcome->ok)
        failure_log(group, rule, outcome);
}

/* ---- the group ---- */

static bool is_over(struct run_group *group)
{
    (void)pthread_mutex_lock(&group->ruler->lock);
    bool over = group->is_removed || group->ruler->is_stopping;
    (void)pthread_mutex_unlock(&group->ruler->lock);
    return over || group->now.cursor >= group->group.rule_count;
}

static void group_end(struct run_group *group)
{
    struct ruler *ruler = group->ruler;
    int64_t took_ns = clock_mono_ns(ruler->config.clock) - group->now.begin_mono_ns;
    (void)pthread_mutex_lock(&ruler->lock);
    group->last_ns = group->now.begin_ns;
    group->took_ns = took_ns;
    group->is_running = false;
    metric_set(group->last_seconds, (double)group->now.ts_ns / (double)NS_PER_S);
    metric_set(group->duration_seconds, (double)took_ns / (double)NS_PER_S);
    run_group_unref(group);
    if (--ruler->running == 0)
        (void)pthread_cond_broadcast(&ruler->idle);
    (void)pthread_mutex_unlock(&ruler->lock);
}

static void rule_evaluate(struct run_group *group)
{
    struct run_rule *rule = &group->rules[group->now.cursor++];
    struct outcome outcome = {.arena = ARENA_INIT};
    rule_query(group, rule, &outcome);
    outcome_apply(group, rule, &outcome);
    arena_fini(&outcome.arena);
}

/* A rule that found no place in the queue of its tenant's queries. */
static void rule_refuse(struct run_group *group)
{
    struct run_rule *rule = &group->rules[group->now.cursor++];
    struct outcome outcome = {.arena = ARENA_INIT, .begin_ns = clock_wall_ns(group->ruler->config.clock)};
    err_fill(&outcome.err, ERR_RATE, "too many outstanding requests");
    outcome_apply(group, rule, &outcome);
    arena_fini(&outcome.arena);
}

#define INLINE_DEPTH_MAX 4 /* submit may call the task before it returns, when the pool is full: then the rest of the group runs in a loop */

static _Thread_local unsigned inline_depth;

static void group_go_on(struct run_group *group);

static void rule_task(void *self)
{
    struct run_group *group = self;
    inline_depth++;
    do {
        if (!is_over(group))
            rule_evaluate(group);
    } while (inline_depth >= INLINE_DEPTH_MAX && !is_over(group));
    group_go_on(group);
    inline_depth--;
}

/* The next rule's turn, or the end; the group may be gone when it returns. */
static void group_go_on(struct run_group *group)
{
    const struct rule_engine *engine = &group->ruler->config.engine;
    while (!is_over(group)) {
        if (engine->submit(engine->self, slice_str(group->tenant->name), rule_task, group))
            return;
        rule_refuse(group);
    }
    group_end(group);
}

void run_group_evaluate(struct run_group *group)
{
    group->now.cursor = 0;
    group->now.begin_ns = clock_wall_ns(group->ruler->config.clock);
    group->now.begin_mono_ns = clock_mono_ns(group->ruler->config.clock);
    group_go_on(group);
}
