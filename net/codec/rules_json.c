#include "net/codec/rules_json.h"

#include "core/model/go_text.h"
#include "net/codec/json_writer.h"

static void put_text(struct buf *out, const char *key, struct slice text)
{
    buf_printf(out, "\"%s\":", key);
    json_put_string(out, text);
}

void rules_json_put_time(struct buf *out, int64_t ns)
{
    if (ns == 0) {
        buf_str(out, "\"0001-01-01T00:00:00Z\"");
        return;
    }
    buf_byte(out, '"');
    rfc3339_print(out, ns, true);
    buf_byte(out, '"');
}

static void put_time(struct buf *out, const char *key, int64_t ns)
{
    buf_printf(out, "\"%s\":", key);
    rules_json_put_time(out, ns);
}

static void put_seconds(struct buf *out, const char *key, int64_t ns)
{
    buf_printf(out, "\"%s\":", key);
    go_print_float_f(out, (double)ns / (double)NS_PER_S);
}

void rules_json_put_labels(struct buf *out, struct slice encoded)
{
    struct label label;
    buf_byte(out, '{');
    for (bool is_first = true; label_next(&encoded, &label); is_first = false) {
        buf_str(out, is_first ? "" : ",");
        json_put_string(out, label.name);
        buf_byte(out, ':');
        json_put_string(out, label.value);
    }
    buf_byte(out, '}');
}

static void put_pairs(struct buf *out, const char *key, const struct label *pairs, size_t count)
{
    buf_printf(out, "\"%s\":{", key);
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i > 0 ? "," : "");
        json_put_string(out, pairs[i].name);
        buf_byte(out, ':');
        json_put_string(out, pairs[i].value);
    }
    buf_byte(out, '}');
}

void rules_json_put_alerts(struct buf *out, const struct alert_set *set, size_t *count)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct alert *alert = &set->alerts[i];
        if (!alert_is_active(alert))
            continue;
        buf_str(out, (*count)++ > 0 ? "," : "");
        buf_str(out, "{\"labels\":");
        rules_json_put_labels(out, alert->labels);
        buf_str(out, ",\"annotations\":");
        rules_json_put_labels(out, alert->annotations);
        buf_printf(out, ",\"state\":\"%s\",", alert_state_text(alert->state));
        put_time(out, "activeAt", alert->active_ns);
        buf_str(out, ",\"value\":\"");
        go_print_float_e(out, alert->value);
        buf_str(out, "\"}");
    }
}

void rules_json_put_rule(struct buf *out, const struct rule_view *view)
{
    static const char *const healths[] = {"unknown", "ok", "err"};
    const struct rule *rule = view->rule;
    bool is_alert = rule->alert.len > 0;
    size_t alerts = 0;
    buf_byte(out, '{');
    if (is_alert)
        buf_printf(out, "\"state\":\"%s\",", alert_state_text(alert_set_state(view->alerts)));
    put_text(out, "name", rule_name(rule));
    buf_byte(out, ',');
    put_text(out, "query", view->query);
    buf_byte(out, ',');
    if (is_alert) {
        put_seconds(out, "duration", rule->for_ns);
        buf_byte(out, ',');
    }
    put_pairs(out, "labels", rule->labels, rule->label_count);
    buf_byte(out, ',');
    if (is_alert) {
        put_pairs(out, "annotations", rule->annotations, rule->annotation_count);
        buf_str(out, ",\"alerts\":[");
        rules_json_put_alerts(out, view->alerts, &alerts);
        buf_str(out, "],");
    }
    buf_printf(out, "\"health\":\"%s\",", healths[view->health]);
    put_text(out, "lastError", view->last_error);
    buf_printf(out, ",\"type\":\"%s\",", is_alert ? "alerting" : "recording");
    put_time(out, "lastEvaluation", view->last_ns);
    buf_byte(out, ',');
    put_seconds(out, "evaluationTime", view->took_ns);
    buf_byte(out, '}');
}

void rules_json_put_postable(struct buf *out, const struct alert *alert, struct slice generator_url)
{
    buf_str(out, "{\"labels\":");
    rules_json_put_labels(out, alert->labels);
    buf_str(out, ",\"annotations\":");
    rules_json_put_labels(out, alert->annotations);
    buf_byte(out, ',');
    put_time(out, "startsAt", alert->fired_ns);
    buf_byte(out, ',');
    put_time(out, "endsAt", alert->resolved_ns != 0 ? alert->resolved_ns : alert->valid_until_ns);
    buf_byte(out, ',');
    put_text(out, "generatorURL", generator_url);
    buf_byte(out, '}');
}
