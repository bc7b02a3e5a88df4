#include "core/model/go_text.h"

#define NS_PER_WEEK (7 * NS_PER_DAY)
#define NS_PER_YEAR (365 * NS_PER_DAY)

// Largest first: the order that a text must keep.
static const struct prom_unit {
    const char *name;
    uint64_t ns;
    bool exact_only; /* printed only if nothing is left: 90d is easier to read than 12w6d */
} units[] = {
    {"y", NS_PER_YEAR, true},  {"w", NS_PER_WEEK, true}, {"d", NS_PER_DAY, false}, {"h", NS_PER_HOUR, false},
    {"m", NS_PER_MIN, false},  {"s", NS_PER_S, false},   {"ms", NS_PER_MS, false},
};

static bool refuse(struct err *err, struct slice text)
{
    if (err != NULL) {
        struct buf quoted = BUF_INIT;
        go_quote(&quoted, text);
        err_fill(err, ERR_INVALID, "not a valid duration string: %.*s", SLICE_ARG(buf_slice(&quoted)));
        buf_fini(&quoted);
    }
    return false;
}

static bool refuse_unit(struct err *err, struct slice unit, struct slice text)
{
    if (err != NULL) {
        struct buf message = BUF_INIT;
        buf_str(&message, "unknown unit ");
        go_quote(&message, unit);
        buf_str(&message, " in duration ");
        go_quote(&message, text);
        err_fill(err, ERR_INVALID, "%.*s", SLICE_ARG(buf_slice(&message)));
        buf_fini(&message);
    }
    return false;
}

static bool refuse_range(struct err *err)
{
    if (err != NULL)
        err_fill(err, ERR_INVALID, "duration out of range");
    return false;
}

static size_t run_of(struct slice in, bool digits)
{
    size_t n = 0;
    while (n < in.len && (in.ptr[n] >= '0' && in.ptr[n] <= '9') == digits)
        n++;
    return n;
}

static bool whole_of(struct slice digits, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits.ptr[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool prom_parse_duration(struct slice text, int64_t *out_ns, struct err *err)
{
    if (text.len == 0) {
        if (err != NULL)
            err_fill(err, ERR_INVALID, "empty duration string");
        return false;
    }
    if (slice_eq_str(text, "0")) {
        *out_ns = 0;
        return true;
    }
    struct slice in = text;
    size_t allowed = 0; // the first unit that may come now
    uint64_t sum = 0;
    while (in.len > 0) {
        struct slice digits = SLICE_NONE;
        struct slice name = SLICE_NONE;
        uint64_t value = 0;
        (void)slice_take(&in, run_of(in, true), &digits); // runs are no longer than the text
        (void)slice_take(&in, run_of(in, false), &name);
        if (digits.len == 0 || name.len == 0 || !whole_of(digits, &value))
            return refuse(err, text);
        size_t unit = 0;
        while (unit < LENGTH(units) && !slice_eq_str(name, units[unit].name))
            unit++;
        if (unit == LENGTH(units))
            return refuse_unit(err, name, text);
        if (unit < allowed)
            return refuse(err, text);
        allowed = unit + 1;
        if (__builtin_mul_overflow(value, units[unit].ns, &value) || __builtin_add_overflow(sum, value, &sum) ||
            sum > (uint64_t)INT64_MAX)
            return refuse_range(err);
    }
    *out_ns = (int64_t)sum;
    return true;
}

void prom_print_duration(struct buf *out, int64_t ns)
{
    uint64_t rest = (ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns) / (uint64_t)NS_PER_MS * (uint64_t)NS_PER_MS;
    if (rest == 0) {
        buf_str(out, "0s");
        return;
    }
    if (ns < 0)
        buf_byte(out, '-');
    for (size_t i = 0; i < LENGTH(units); i++) {
        if (rest < units[i].ns || (units[i].exact_only && rest % units[i].ns != 0))
            continue;
        buf_u64(out, rest / units[i].ns);
        buf_str(out, units[i].name);
        rest %= units[i].ns;
    }
}
