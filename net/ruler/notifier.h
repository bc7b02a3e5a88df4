/* notifier.h: alerts on their way to the Alertmanagers: a bounded queue and one thread that posts them, in batches of one tenant, to each of them.
 *
 * As in Prometheus nothing is sent twice from here: an alert that is lost is told again after resend_delay by the ruler. A full queue loses its oldest.
 * Thread: notifier_send any; create and destroy: one. */
#pragma once

#include "core/base/buf.h"

struct notifier;

struct notifier_config {
    struct slice urls; /* comma-separated; empty: alerts go nowhere */
    size_t queue_max;  /* alerts */
    int64_t timeout_ns; /* of one POST */
};

struct notifier *notifier_create(const struct notifier_config *config) MUST_CHECK;
/* Sends what waits, for NOTIFIER_DRAIN_NS at most, and ends the thread. NULL is fine. */
#define NOTIFIER_DRAIN_NS (INT64_C(3) * 1000000000)
void notifier_destroy(struct notifier *notifier);

/* One alert as JSON (rules_json_put_postable). */
void notifier_send(struct notifier *notifier, struct slice tenant, struct slice alert);
