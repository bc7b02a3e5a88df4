#include "core/rules/alert_set.h"

#include <stdlib.h>

#include "core/base/mem.h"

static struct slice copy_of(struct slice text)
{
    return slice_of(mem_strdup(text), text.len);
}

static void alert_fini(struct alert *alert)
{
    mem_free((void *)(uintptr_t)alert->labels.ptr);
    mem_free((void *)(uintptr_t)alert->annotations.ptr);
}

void alert_set_fini(struct alert_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        alert_fini(&set->alerts[i]);
    mem_free(set->alerts);
    *set = (struct alert_set){0};
}

bool alert_set_append(struct alert_set *set, const struct alert *alert)
{
    if (set->count > 0 && slice_cmp(set->alerts[set->count - 1].labels, alert->labels) >= 0)
        return false;
    if ((set->count & (set->count - 1)) == 0) // 0, 1, 2, 4, ...: full
        set->alerts = mem_grow(set->alerts, set->count == 0 ? 1 : set->count * 2, sizeof(*set->alerts));
    struct alert *to = &set->alerts[set->count++];
    *to = *alert;
    to->labels = copy_of(alert->labels);
    to->annotations = copy_of(alert->annotations);
    return true;
}

static int sample_order(const void *a, const void *b)
{
    return slice_cmp(((const struct alert_sample *)a)->labels, ((const struct alert_sample *)b)->labels);
}

static bool samples_check(struct alert_sample *samples, size_t count, struct err *err)
{
    size_t bytes = 0;
    if (count > 0)
        qsort(samples, count, sizeof(*samples), sample_order);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && slice_eq(samples[i].labels, samples[i - 1].labels))
            return err_set(err, ERR_INVALID, "vector contains metrics with the same labelset after applying alert labels");
        bytes += samples[i].labels.len + samples[i].annotations.len + sizeof(struct alert);
    }
    return bytes <= ALERTS_BYTES_MAX ||
           err_set(err, ERR_LIMIT, "%zu alerts take %zu bytes, the limit of a rule is %zu: narrow the expression", count, bytes, ALERTS_BYTES_MAX);
}

/* The alert is not in the result any more. False: it is to be forgotten. */
static bool alert_miss(struct alert *alert, const struct alert_rule *rule, int64_t ts_ns, bool *active, bool *changed)
{
    bool keeps = false;
    if (alert->state == ALERT_FIRING && rule->keep_firing_ns > 0) {
        if (alert->keep_since_ns == 0) {
            alert->keep_since_ns = ts_ns;
            *changed = true;
        }
        keeps = ts_ns - alert->keep_since_ns < rule->keep_firing_ns;
    }
    bool is_forgotten = alert->state == ALERT_PENDING || (alert->resolved_ns != 0 && ts_ns - alert->resolved_ns > ALERT_RESOLVED_KEPT_NS);
    if (is_forgotten) {
        *changed = true;
        return false;
    }
    if (alert->state != ALERT_INACTIVE && !keeps) {
        alert->state = ALERT_INACTIVE;
        alert->resolved_ns = ts_ns;
        *changed = true;
    }
    *active = keeps;
    return true;
}

/* The alert is in the result: what was resolved begins anew. */
static void alert_meet(struct alert *alert, const struct alert_sample *sample, int64_t ts_ns, bool *changed)
{
    if (alert->state == ALERT_INACTIVE) {
        struct slice labels = alert->labels;
        struct slice annotations = alert->annotations;
        *alert = (struct alert){.labels = labels, .annotations = annotations, .state = ALERT_PENDING, .active_ns = ts_ns};
        *changed = true;
    }
    if (!slice_eq(alert->annotations, sample->annotations)) {
        mem_free((void *)(uintptr_t)alert->annotations.ptr);
        alert->annotations = copy_of(sample->annotations);
    }
    *changed = *changed || alert->keep_since_ns != 0;
    alert->value = sample->value;
    alert->keep_since_ns = 0;
}

static void alert_fire_if_due(struct alert *alert, const struct alert_rule *rule, int64_t ts_ns, bool *changed)
{
    if (alert->state == ALERT_PENDING && ts_ns - alert->active_ns >= rule->for_ns) {
        alert->state = ALERT_FIRING;
        alert->fired_ns = ts_ns;
        *changed = true;
    }
}

bool alert_set_eval(struct alert_set *set, struct alert_sample *samples, size_t count, const struct alert_rule *rule, int64_t ts_ns,
                    bool *out_changed, struct err *err)
{
    if (!samples_check(samples, count, err))
        return false;
    struct alert *merged = mem_array(set->count + count + 1, sizeof(*merged));
    size_t kept = 0;
    size_t active_count = 0;
    bool changed = false;
    for (size_t a = 0, s = 0; a < set->count || s < count;) { // both are sorted by labels
        int order = a == set->count ? 1 : s == count ? -1 : slice_cmp(set->alerts[a].labels, samples[s].labels);
        bool is_active = true;
        struct alert alert;
        if (order > 0) {
            alert = (struct alert){.labels = copy_of(samples[s].labels), .annotations = copy_of(samples[s].annotations), .state = ALERT_PENDING,
                                   .value = samples[s].value, .active_ns = ts_ns};
            changed = true;
        } else {
            alert = set->alerts[a];
            if (order == 0)
                alert_meet(&alert, &samples[s], ts_ns, &changed);
            else if (!alert_miss(&alert, rule, ts_ns, &is_active, &changed)) {
                alert_fini(&alert);
                a++;
                continue;
            }
        }
        a += order <= 0;
        s += order >= 0;
        if (is_active)
            alert_fire_if_due(&alert, rule, ts_ns, &changed);
        active_count += is_active;
        merged[kept++] = alert;
    }
    mem_free(set->alerts);
    *set = (struct alert_set){mem_grow(merged, kept == 0 ? 1 : kept * 2, sizeof(*merged)), kept};
    *out_changed = changed;
    if (rule->limit > 0 && active_count > (size_t)rule->limit) {
        alert_set_fini(set);
        *out_changed = true;
        return err_set(err, ERR_LIMIT, "exceeded limit of %lld with %zu alerts", (long long)rule->limit, active_count);
    }
    return true;
}

bool alert_take_turn(struct alert *alert, int64_t ts_ns, int64_t resend_ns, int64_t interval_ns)
{
    if (alert->state == ALERT_PENDING)
        return false;
    bool is_news = alert->resolved_ns > alert->sent_ns;
    if (!is_news && alert->sent_ns + resend_ns >= ts_ns)
        return false;
    alert->sent_ns = ts_ns;
    alert->valid_until_ns = ts_ns + 4 * (interval_ns > resend_ns ? interval_ns : resend_ns);
    return true;
}

enum alert_state alert_set_state(const struct alert_set *set)
{
    enum alert_state worst = ALERT_INACTIVE;
    for (size_t i = 0; i < set->count; i++)
        worst = set->alerts[i].state > worst ? set->alerts[i].state : worst;
    return worst;
}

const char *alert_state_text(enum alert_state state)
{
    static const char *const texts[] = {"inactive", "pending", "firing"};
    return texts[state];
}
