/* query_params.h: the parameters of Loki's query routes, with their defaults, order of checks and words (spec http-api.md 3). Thread: any. */
#pragma once

#include "core/plan/query.h"
#include "net/http/form.h"

/* One point in time as text. ERR_INVALID in Go's words, without a prefix. */
bool time_param_parse(struct slice text, int64_t *out_ns, struct err *err) MUST_CHECK;
/* step, interval: float seconds or a Prometheus duration; whole ms. */
bool step_param_parse(struct slice text, int64_t *out_ns, struct err *err) MUST_CHECK;

/* The value, not empty; an empty one counts as missing. */
bool param_get(const struct form *form, const char *name, struct slice *value);

struct range_params {
    int64_t start_ns, end_ns;
};
/* end, since, start: each as given, or its default. */
bool bounds_params_parse(const struct form *form, int64_t now_ns, int64_t default_since_ns, struct range_params *out, struct err *err) MUST_CHECK;
/* end, since, start, and start <= end. default_since_ns: an hour, for most. */
bool range_params_parse(const struct form *form, int64_t now_ns, int64_t default_since_ns, struct range_params *out, struct err *err) MUST_CHECK;

bool limit_param_parse(const struct form *form, const char *name, int64_t default_limit, int64_t *out, struct err *err) MUST_CHECK;
/* The query with the first API's `regexp` as one more |~ behind it, if it is given; in the arena. */
struct slice regexp_param_append(const struct form *form, struct slice query, struct arena *arena);
bool direction_param_parse(const struct form *form, enum query_direction *out, struct err *err) MUST_CHECK;
/* step with its default and the 11,000 points rule, and interval. */
bool steps_params_parse(const struct form *form, const struct range_params *range, int64_t *out_step_ns, int64_t *out_interval_ns,
                        struct err *err) MUST_CHECK;
