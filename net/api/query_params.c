#include "net/api/query_params.h"

#include <math.h>

#include "core/base/clock.h"
#include "core/model/go_text.h"

#define POINTS_MAX 11000
#define SECONDS_DIGITS_MAX 10 /* an integer of so many characters is seconds, a longer one ns */

bool param_get(const struct form *form, const char *name, struct slice *value)
{
    return form_get(form, slice_str(name), value) && value->len > 0;
}

/* Seconds as a float; the fraction is rounded to ms. False: out of int64 ns. */
static bool seconds_to_ns(double seconds, int64_t *out_ns)
{
    double whole = 0;
    double fraction = round(modf(seconds, &whole) * 1000) / 1000;
    double ns = whole * 1e9 + fraction * 1e9;
    if (!(ns > -9.2e18 && ns < 9.2e18))
        return false;
    *out_ns = (int64_t)whole * NS_PER_S + (int64_t)llround(fraction * 1000) * NS_PER_MS;
    return true;
}

bool time_param_parse(struct slice text, int64_t *out_ns, struct err *err)
{
    double seconds = 0;
    if (slice_find_byte(text, '.') < text.len && go_parse_float(text, &seconds, NULL) && seconds_to_ns(seconds, out_ns))
        return true;
    int64_t value = 0;
    if (go_parse_int(text, &value, err)) {
        if (text.len > SECONDS_DIGITS_MAX) {
            *out_ns = value;
            return true;
        }
        if (__builtin_mul_overflow(value, NS_PER_S, out_ns)) // 9999999999, and such ways to say for ever
            *out_ns = value < 0 ? INT64_MIN : INT64_MAX;
        return true;
    }
    return rfc3339_parse(text, out_ns);
}

static bool named_time(const struct form *form, const char *name, bool *is_given, int64_t *out_ns, struct err *err)
{
    struct slice text;
    *is_given = param_get(form, name, &text);
    if (*is_given && !time_param_parse(text, out_ns, err))
        return err_wrap(err, "could not parse '%s' parameter", name);
    return true;
}

bool bounds_params_parse(const struct form *form, int64_t now_ns, int64_t default_since_ns, struct range_params *out, struct err *err)
{
    bool has_start = false;
    bool has_end = false;
    struct slice since;
    int64_t since_ns = default_since_ns;
    // Loki looks at since first, then end, then start.
    if (param_get(form, "since", &since) && !prom_parse_duration(since, &since_ns, err))
        return err_wrap(err, "could not parse 'since' parameter");
    if (!named_time(form, "end", &has_end, &out->end_ns, err) || !named_time(form, "start", &has_start, &out->start_ns, err))
        return false;
    if (!has_end)
        out->end_ns = now_ns;
    if (!has_start) {
        int64_t until = out->end_ns < now_ns ? out->end_ns : now_ns;
        if (__builtin_sub_overflow(until, since_ns, &out->start_ns))
            out->start_ns = INT64_MIN;
    }
    return true;
}

bool range_params_parse(const struct form *form, int64_t now_ns, int64_t default_since_ns, struct range_params *out, struct err *err)
{
    if (!bounds_params_parse(form, now_ns, default_since_ns, out, err))
        return false;
    if (out->start_ns > out->end_ns)
        return err_set(err, ERR_INVALID, "end timestamp must not be before or equal to start time");
    return true;
}

bool limit_param_parse(const struct form *form, const char *name, int64_t default_limit, int64_t *out, struct err *err)
{
    struct slice text;
    *out = default_limit;
    if (param_get(form, name, &text) && !go_parse_atoi(text, out, err))
        return false;
    return *out > 0 || err_set(err, ERR_INVALID, "limit must be a positive value");
}

bool direction_param_parse(const struct form *form, enum query_direction *out, struct err *err)
{
    struct slice text;
    *out = QUERY_BACKWARD;
    if (!param_get(form, "direction", &text) || slice_eq_nocase(text, SLICE("backward")))
        return true;
    *out = QUERY_FORWARD;
    return slice_eq_nocase(text, SLICE("forward")) || err_set(err, ERR_INVALID, "invalid direction '%.*s'", SLICE_ARG(text));
}

bool step_param_parse(struct slice text, int64_t *out_ns, struct err *err)
{
    double seconds = 0;
    if (go_parse_float(text, &seconds, NULL)) {
        double ns = seconds * 1e9;
        if (isnan(ns)) { // Go's conversion makes it negative: refused by the words for that
            *out_ns = -NS_PER_MS;
            return true;
        }
        if (!(ns > -9.2e18 && ns < 9.2e18))
            return err_set(err, ERR_INVALID, "cannot parse \"%.*s\" to a valid duration. It overflows int64", SLICE_ARG(text));
        *out_ns = (int64_t)ns / NS_PER_MS * NS_PER_MS;
        return true;
    }
    struct err inner;
    if (!prom_parse_duration(text, out_ns, &inner))
        return err_set(err, ERR_INVALID, "cannot parse \"%.*s\" to a valid duration", SLICE_ARG(text));
    return true;
}

static int64_t default_step_ns(const struct range_params *range)
{
    double seconds = ((double)range->end_ns - (double)range->start_ns) / 1e9;
    int64_t step_s = (int64_t)floor(seconds / 250);
    return (step_s < 1 ? 1 : step_s) * NS_PER_S;
}

bool steps_params_parse(const struct form *form, const struct range_params *range, int64_t *out_step_ns, int64_t *out_interval_ns,
                        struct err *err)
{
    struct slice text;
    *out_step_ns = default_step_ns(range);
    if (param_get(form, "step", &text) && !step_param_parse(text, out_step_ns, err))
        return false;
    if (*out_step_ns <= 0)
        return err_set(err, ERR_INVALID, "zero or negative query resolution step widths are not accepted. Try a positive integer");
    uint64_t range_ns = (uint64_t)range->end_ns - (uint64_t)range->start_ns;
    if (range_ns / (uint64_t)*out_step_ns > POINTS_MAX)
        return err_set(err, ERR_INVALID,
                       "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
    *out_interval_ns = 0;
    if (param_get(form, "interval", &text) && !step_param_parse(text, out_interval_ns, err))
        return false;
    return *out_interval_ns >= 0 || err_set(err, ERR_INVALID, "interval must be >= 0");
}

struct slice regexp_param_append(const struct form *form, struct slice query, struct arena *arena)
{
    struct slice regexp;
    if (!param_get(form, "regexp", &regexp))
        return query;
    struct buf text = BUF_INIT;
    buf_put(&text, query);
    buf_str(&text, " |~ ");
    go_quote(&text, regexp);
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_fini(&text);
    return copy;
}
