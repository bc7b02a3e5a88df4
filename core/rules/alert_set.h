/* alert_set.h: the alerts of one alerting rule, from one evaluation to the next: pending, firing, resolved.
 *
 * The state machine is that of Prometheus (rules/alerting.go, Eval and needsSending). A label set that the expression gives is pending; after `for` it
 * fires; when it is gone it stays firing for keep_firing_for, then is resolved, and is told as resolved for ALERT_RESOLVED_KEPT_NS.
 * Times come in as arguments. Thread: one at a time.
 */
#pragma once

#include "core/base/clock.h"
#include "core/model/label_set.h"

#define ALERT_RESOLVED_KEPT_NS (15 * NS_PER_MIN)
#define ALERTS_BYTES_MAX ((size_t)32 << 20) /* labels and annotations of all alerts of one rule */

enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

struct alert {
    struct slice labels, annotations; /* encoded label sets; the set's own memory */
    enum alert_state state;
    double value;
    int64_t active_ns;       /* since when it is there */
    int64_t fired_ns;        /* 0: never */
    int64_t resolved_ns;     /* 0: not */
    int64_t keep_since_ns;   /* gone since, while keep_firing_for holds it; 0: it is there */
    int64_t sent_ns;         /* 0: never */
    int64_t valid_until_ns;  /* what was told to the Alertmanager */
};

struct alert_set {
    struct alert *alerts; /* sorted by labels' encoding */
    size_t count;
};

struct alert_sample { /* one element of an evaluation */
    struct slice labels, annotations; /* encoded */
    double value;
};

struct alert_rule {
    int64_t for_ns, keep_firing_ns;
    int64_t limit; /* alerts; 0: any number */
};

void alert_set_fini(struct alert_set *set);

/* One evaluation at ts_ns. Sorts the samples. *out_changed: some alert has come, gone or changed its state: what must be kept over a restart. ERR_INVALID:
 * two samples have the same labels; ERR_LIMIT: too many (then, as in Prometheus, all alerts are forgotten), or too large. */
bool alert_set_eval(struct alert_set *set, struct alert_sample *samples, size_t count, const struct alert_rule *rule, int64_t ts_ns,
                    bool *out_changed, struct err *err) MUST_CHECK;

/* Pending or firing: what /alerts shows. A resolved one is kept only to be told. */
static inline bool alert_is_active(const struct alert *alert)
{
    return alert->resolved_ns == 0;
}

/* Whether the Alertmanager must be told now; if so, notes that it was: valid_until_ns allows for two failures. */
bool alert_take_turn(struct alert *alert, int64_t ts_ns, int64_t resend_ns, int64_t interval_ns);

/* The worst state of all: what the rule shows. */
enum alert_state alert_set_state(const struct alert_set *set);
const char *alert_state_text(enum alert_state state);

/* Puts a copy into an empty or sorted set, at the end: labels must come in order. For state that was read from the disk. False: not in order. */
bool alert_set_append(struct alert_set *set, const struct alert *alert) MUST_CHECK;
