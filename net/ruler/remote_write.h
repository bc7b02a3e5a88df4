/* remote_write.h: recorded samples on their way to a Prometheus: a bounded queue a tenant, and one thread that sends batches of one tenant, tenants in
 * turn. A batch that the other side cannot take now is tried again with growing pauses; one that it refuses is dropped. A full queue takes nothing more.
 *
 * Format: Prometheus remote write 1.0, proto/remote_write. Thread: remote_write_put any; create and destroy: one. */
#pragma once

#include "core/model/label_set.h"

struct remote_write;

struct remote_write_config {
    struct slice url; /* empty: samples go nowhere */
    int64_t timeout_ns;
    size_t capacity;     /* samples of one tenant that may wait */
    size_t batch_max;    /* samples of one POST */
    int64_t backoff_min_ns, backoff_max_ns;
    bool adds_tenant;    /* X-Scope-OrgID */
};

struct remote_write *remote_write_create(const struct remote_write_config *config) MUST_CHECK;
/* Sends what waits, for REMOTE_WRITE_DRAIN_NS at most, and ends the thread. NULL is fine. */
#define REMOTE_WRITE_DRAIN_NS (INT64_C(3) * 1000000000)
void remote_write_destroy(struct remote_write *remote);

/* Whether samples go anywhere. */
bool remote_write_is_on(const struct remote_write *remote);

/* Says of a series that it is no more. Source: Prometheus' value.StaleNaN. */
double remote_write_stale(void);

struct remote_sample {
    struct slice labels; /* encoded, __name__ among them */
    double value;
};
/* Samples of one instant, copied. What does not fit is dropped, counted and logged. */
void remote_write_put(struct remote_write *remote, struct slice tenant, const struct remote_sample *samples, size_t count, int64_t ts_ms);
