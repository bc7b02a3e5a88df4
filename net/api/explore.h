/* explore.h: what the exploration routes share: a selector, a range and a step as parameters, and the visit of what they select.
 * Thread: a pool thread, plus the executor's workers. */
#pragma once

#include "core/plan/unit_scan.h"
#include "net/api/query_run.h"

struct explore {
    struct form form;
    struct scan_request request; /* matchers are owned; columns are the caller's to set */
    struct matcher *matchers;
    size_t matcher_count;
    int64_t step_ns;
};

enum explore_selector {
    SELECTOR_REQUIRED,
    SELECTOR_OR_ALL,   /* {} is fine */
    SELECTOR_VOLUME,   /* the same, and step, interval and direction are not looked at */
    SELECTOR_OPTIONAL, /* it may be missing; step, interval and direction are not looked at */
};

/* Ended with explore_fini, also when it failed. */
bool explore_parse(struct explore *explore, struct query_scope *scope, enum explore_selector selector, struct err *err) MUST_CHECK;
void explore_fini(struct explore *explore);
/* max_query_length, for the routes that Loki holds to it. */
bool explore_check_length(const struct explore *explore, const struct query_scope *scope, struct err *err) MUST_CHECK;

/* Visits all units of what is asked for; visit as in unit_scan.h. before, if not NULL, is called once with the open scan. */
bool explore_visit(struct explore *explore, struct query_scope *scope, bool (*before)(void *self, const struct scan *scan, struct err *err),
                   bool (*visit)(void *self, struct unit_scan *units, size_t unit, size_t worker, struct err *err), void *self,
                   struct err *err) MUST_CHECK;

/* Answers body (taken) or err, after the scope's end and its metrics; type as metadata_metrics_done has it. */
void explore_reply(struct query_scope *scope, const char *type, bool ok, struct buf *body, const struct err *err);
