/* metric.h: counters, gauges and histograms, counted without locks and summed when they are scraped.
 *
 * Families are defined once, in METRIC_TABLE (core/metrics/metric_table.h): name, type, unit, help, label names, buckets. A child is a family with label values;
 * callers look a child up once and keep the pointer; it lives as long as the process.
 *
 * Thread: any. A counter is striped over cache lines by thread; adds are relaxed.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_LABELS_MAX 7
#define METRIC_BUCKETS_MAX 20

struct metric_family {
    const char *name, *help;
    enum metric_type type;
    const char *components; /* "distributor,ingester": for ?component= */
    const char *labels[METRIC_LABELS_MAX]; /* NULL-terminated when fewer */
    double buckets[METRIC_BUCKETS_MAX];    /* ascending; a 0 after the first ends; histograms only */
};

struct metric; /* one child */

/* Children of families whose components are `mark` have those that components_of gives for the value of their label `label`. After metrics_init. */
void metrics_split(const char *mark, const char *label, const char *(*components_of)(struct slice value));

/* The table's families, by index: enum metric_id of core/metrics/metric_table.h. Called by main before any thread;
 * again with the same table it does nothing. */
void metrics_init(const struct metric_family *families, size_t count);

/* The child with these label values, made at first asking (with value 0). `values` are as many as the family has labels. Of label "tenant"/"user", values past
 * max_tenants (default 500) become __other__. */
struct metric *metric_get(size_t family, const struct slice *values);
struct metric *metric_get0(size_t family);                     /* of a family without labels */
struct metric *metric_get1(size_t family, struct slice value); /* of one with one label */

void metric_add(struct metric *counter, uint64_t n); /* of a counter of seconds: ns */
void metric_add_seconds(struct metric *counter, double seconds); /* counters of seconds: keep ns inside, print seconds */
void metric_set(struct metric *gauge, double value); /* on a counter: a part counted elsewhere, as the kernel's CPU time; it must not fall */
void metric_move(struct metric *gauge, double by);
void metric_observe(struct metric *histogram, double value);
/* ... and keeps the trace id (32 hex digits) as the exemplar that OpenMetrics shows; one a child, the last. */
void metric_observe_traced(struct metric *histogram, double value, struct slice trace_id, int64_t now_wall_ns);
uint64_t metric_value(const struct metric *counter); /* for tests; of a counter of seconds: ns; of a histogram: its count */

/* Values asked for at scrape time: fn fills them with metric_set. Order of registration; never removed. Thread of fn: the scraping one. */
void metrics_on_scrape(void (*fn)(void *self), void *self);

/* Text format 0.0.4 or OpenMetrics 1.0. components, prefix: only such families; empty: all. Families sorted by name, children by labels. */
void metrics_print(struct buf *out, bool open_metrics, struct slice components, struct slice prefix);
void metrics_max_tenants(size_t max);
