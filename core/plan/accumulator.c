#include "core/plan/accumulator.h"

#include <math.h>

struct count_partial {
    uint64_t count;
};
struct bytes_partial {
    uint64_t count, bytes;
};
struct sum_partial {
    uint64_t count;
    double sum;
};
struct extreme_partial {
    uint64_t count;
    double value;
};
struct moment_partial {
    uint64_t count;
    double mean, m2;
};
struct pick_partial {
    uint64_t count;
    struct sample sample;
};

static int order_of(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int sample_cmp(const struct sample *a, const struct sample *b)
{
    if (a->ts_ns != b->ts_ns)
        return a->ts_ns < b->ts_ns ? -1 : 1;
    int order = order_of(a->stream, b->stream);
    if (order == 0)
        order = order_of(a->unit, b->unit);
    return order != 0 ? order : order_of(a->row, b->row);
}

static void count_add(void *partial, const struct sample *sample)
{
    (void)sample;
    ((struct count_partial *)partial)->count++;
}
static void count_merge(void *into, const void *later)
{
    ((struct count_partial *)into)->count += ((const struct count_partial *)later)->count;
}
static bool count_value(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct count_partial *p = partial;
    *out = (double)p->count;
    return p->count > 0;
}
static bool count_rate(const void *partial, double range_s, double *out)
{
    const struct count_partial *p = partial;
    *out = (double)p->count / range_s;
    return p->count > 0;
}

static void bytes_add(void *partial, const struct sample *sample)
{
    struct bytes_partial *p = partial;
    p->count++;
    p->bytes += (uint64_t)sample->value;
}
static void bytes_merge(void *into, const void *later)
{
    const struct bytes_partial *from = later;
    struct bytes_partial *p = into;
    p->count += from->count;
    p->bytes += from->bytes;
}
static bool bytes_value(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct bytes_partial *p = partial;
    *out = (double)p->bytes;
    return p->count > 0;
}
static bool bytes_rate(const void *partial, double range_s, double *out)
{
    const struct bytes_partial *p = partial;
    *out = (double)p->bytes / range_s;
    return p->count > 0;
}

static void sum_add(void *partial, const struct sample *sample)
{
    struct sum_partial *p = partial;
    p->count++;
    p->sum += sample->value;
}
static void sum_merge(void *into, const void *later)
{
    const struct sum_partial *from = later;
    struct sum_partial *p = into;
    p->count += from->count;
    p->sum += from->sum;
}
static bool sum_value(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct sum_partial *p = partial;
    *out = p->sum;
    return p->count > 0;
}
static bool sum_rate(const void *partial, double range_s, double *out)
{
    const struct sum_partial *p = partial;
    *out = p->sum / range_s;
    return p->count > 0;
}

// NaN gives way to any number.
static void min_take(struct extreme_partial *p, double value)
{
    if (p->count == 0 || isnan(p->value) || value < p->value)
        p->value = value;
}
static void max_take(struct extreme_partial *p, double value)
{
    if (p->count == 0 || isnan(p->value) || value > p->value)
        p->value = value;
}
static void min_add(void *partial, const struct sample *sample)
{
    min_take(partial, sample->value);
    ((struct extreme_partial *)partial)->count++;
}
static void max_add(void *partial, const struct sample *sample)
{
    max_take(partial, sample->value);
    ((struct extreme_partial *)partial)->count++;
}
static void min_merge(void *into, const void *later)
{
    const struct extreme_partial *from = later;
    if (from->count > 0)
        min_take(into, from->value);
    ((struct extreme_partial *)into)->count += from->count;
}
static void max_merge(void *into, const void *later)
{
    const struct extreme_partial *from = later;
    if (from->count > 0)
        max_take(into, from->value);
    ((struct extreme_partial *)into)->count += from->count;
}
static bool extreme_value(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct extreme_partial *p = partial;
    *out = p->value;
    return p->count > 0;
}

// The mean of two parts. An infinite mean stays unless the other is the opposite infinity or NaN: then NaN.
static double mean_of(double a, double b, double weight_b)
{
    if (isinf(a))
        return isnan(b) || (isinf(b) && (a > 0) != (b > 0)) ? NAN : a;
    if (isinf(b))
        return isnan(a) ? a : b;
    double mean = a + (b - a) * weight_b;
    return isfinite(mean) || isnan(a) || isnan(b) ? mean : a * (1 - weight_b) + b * weight_b; // b - a left the range of doubles
}
// Chan, Golub, LeVeque 1979: variance of a union from the parts' means and sums of squares.
static void moment_join(struct moment_partial *p, uint64_t count, double mean, double m2)
{
    if (count == 0)
        return;
    uint64_t total = p->count + count;
    if (p->count == 0) {
        p->mean = mean;
        p->m2 = m2;
    } else {
        double weight = (double)count / (double)total;
        double delta = mean - p->mean;
        p->m2 += m2 + delta * delta * (double)p->count * weight;
        p->mean = mean_of(p->mean, mean, weight);
    }
    p->count = total;
}
static void moment_add(void *partial, const struct sample *sample)
{
    moment_join(partial, 1, sample->value, isfinite(sample->value) ? 0 : NAN);
}
static void moment_merge(void *into, const void *later)
{
    const struct moment_partial *from = later;
    moment_join(into, from->count, from->mean, from->m2);
}
static bool moment_avg(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct moment_partial *p = partial;
    *out = p->mean;
    return p->count > 0;
}
static bool moment_stdvar(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct moment_partial *p = partial;
    *out = p->m2 / (double)p->count;
    return p->count > 0;
}
static bool moment_stddev(const void *partial, double range_s, double *out)
{
    bool has = moment_stdvar(partial, range_s, out);
    *out = sqrt(*out);
    return has;
}

static void first_add(void *partial, const struct sample *sample)
{
    struct pick_partial *p = partial;
    if (p->count++ == 0 || sample_cmp(sample, &p->sample) < 0)
        p->sample = *sample;
}
static void last_add(void *partial, const struct sample *sample)
{
    struct pick_partial *p = partial;
    if (p->count++ == 0 || sample_cmp(sample, &p->sample) > 0)
        p->sample = *sample;
}
static void first_merge(void *into, const void *later)
{
    const struct pick_partial *from = later;
    struct pick_partial *p = into;
    if (from->count > 0 && (p->count == 0 || sample_cmp(&from->sample, &p->sample) < 0))
        p->sample = from->sample;
    p->count += from->count;
}
static void last_merge(void *into, const void *later)
{
    const struct pick_partial *from = later;
    struct pick_partial *p = into;
    if (from->count > 0 && (p->count == 0 || sample_cmp(&from->sample, &p->sample) > 0))
        p->sample = from->sample;
    p->count += from->count;
}
static bool pick_value(const void *partial, double range_s, double *out)
{
    (void)range_s;
    const struct pick_partial *p = partial;
    *out = p->sample.value;
    return p->count > 0;
}

static const struct accumulator counting = {sizeof(struct count_partial), count_add, count_merge, count_value};
static const struct accumulator rating = {sizeof(struct count_partial), count_add, count_merge, count_rate};
static const struct accumulator bytes = {sizeof(struct bytes_partial), bytes_add, bytes_merge, bytes_value};
static const struct accumulator bytes_rating = {sizeof(struct bytes_partial), bytes_add, bytes_merge, bytes_rate};
static const struct accumulator sum = {sizeof(struct sum_partial), sum_add, sum_merge, sum_value};
static const struct accumulator sum_rating = {sizeof(struct sum_partial), sum_add, sum_merge, sum_rate};
static const struct accumulator min = {sizeof(struct extreme_partial), min_add, min_merge, extreme_value};
static const struct accumulator max = {sizeof(struct extreme_partial), max_add, max_merge, extreme_value};
static const struct accumulator avg = {sizeof(struct moment_partial), moment_add, moment_merge, moment_avg};
static const struct accumulator stdvar = {sizeof(struct moment_partial), moment_add, moment_merge, moment_stdvar};
static const struct accumulator stddev = {sizeof(struct moment_partial), moment_add, moment_merge, moment_stddev};
static const struct accumulator first = {sizeof(struct pick_partial), first_add, first_merge, pick_value};
static const struct accumulator last = {sizeof(struct pick_partial), last_add, last_merge, pick_value};

const struct accumulator *accumulator_for(enum range_op op, bool has_unwrap)
{
    switch (op) {
    case RANGE_COUNT_OVER_TIME:
    case RANGE_ABSENT_OVER_TIME:
        return &counting;
    case RANGE_RATE:
        return has_unwrap ? &sum_rating : &rating;
    case RANGE_BYTES_OVER_TIME:
        return &bytes;
    case RANGE_BYTES_RATE:
        return &bytes_rating;
    case RANGE_SUM_OVER_TIME:
        return &sum;
    case RANGE_AVG_OVER_TIME:
        return &avg;
    case RANGE_MIN_OVER_TIME:
        return &min;
    case RANGE_MAX_OVER_TIME:
        return &max;
    case RANGE_STDVAR_OVER_TIME:
        return &stdvar;
    case RANGE_STDDEV_OVER_TIME:
        return &stddev;
    case RANGE_FIRST_OVER_TIME:
        return &first;
    case RANGE_LAST_OVER_TIME:
        return &last;
    case RANGE_QUANTILE_OVER_TIME:
    case RANGE_RATE_COUNTER:
        break;
    }
    return NULL;
}

bool accumulator_counts(enum range_op op, bool has_unwrap)
{
    return !has_unwrap && (op == RANGE_COUNT_OVER_TIME || op == RANGE_RATE || op == RANGE_BYTES_OVER_TIME || op == RANGE_BYTES_RATE ||
                           op == RANGE_ABSENT_OVER_TIME);
}

void accumulator_add_lines(void *partial, enum range_op op, uint64_t lines, uint64_t line_bytes)
{
    if (op == RANGE_BYTES_OVER_TIME || op == RANGE_BYTES_RATE) {
        struct bytes_partial *p = partial;
        p->count += lines;
        p->bytes += line_bytes;
    } else {
        ((struct count_partial *)partial)->count += lines;
    }
}
