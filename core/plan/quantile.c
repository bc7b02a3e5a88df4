#include "core/plan/quantile.h"

#include <math.h>

static bool below(double a, double b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

static void swap(double *a, double *b)
{
    double held = *a;
    *a = *b;
    *b = held;
}

// Moves the value of that rank to its place: no smaller ones behind it, no larger ones before it. Hoare's find, median of three.
static double select_rank(double *values, size_t count, size_t rank)
{
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (below(values[middle], values[low]))
            swap(&values[middle], &values[low]);
        if (below(values[high], values[low]))
            swap(&values[high], &values[low]);
        if (below(values[high], values[middle]))
            swap(&values[high], &values[middle]);
        double pivot = values[middle];
        size_t i = low;
        size_t j = high;
        for (;;) {
            while (below(values[i], pivot))
                i++;
            while (below(pivot, values[j]))
                j--;
            if (i >= j)
                break;
            swap(&values[i], &values[j]);
            i++;
            j--;
        }
        // [low, j] is no larger than [j + 1, high], where both stopped on one place it belongs to the left.
        if (rank <= j)
            high = j < high ? j : high - 1;
        else
            low = j + 1;
    }
    return values[rank];
}

double quantile_of(double q, double *values, size_t count)
{
    if (isnan(q))
        return q;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    double rank = q * (double)(count - 1);
    size_t lower = (size_t)floor(rank);
    double weight = rank - floor(rank);
    double low = select_rank(values, count, lower);
    double high = low;
    if (lower + 1 < count) {
        high = values[lower + 1];
        for (size_t i = lower + 2; i < count; i++) // the smallest of what select_rank left behind
            if (below(values[i], high))
                high = values[i];
    }
    return low * (1 - weight) + high * weight;
}

double rate_counter_of(const struct sample *samples, size_t count, double range_s)
{
    if (count < 2)
        return 0;
    double increase = samples[count - 1].value - samples[0].value;
    for (size_t i = 1; i < count; i++)
        if (samples[i].value < samples[i - 1].value)
            increase += samples[i - 1].value;
    double sampled = (double)(samples[count - 1].ts_ns - samples[0].ts_ns) / 1000;
    double to_start = range_s;
    if (increase > 0 && samples[0].value >= 0 && sampled * (samples[0].value / increase) < to_start)
        to_start = sampled * (samples[0].value / increase);
    double mean = sampled / (double)(count - 1);
    double extended = sampled + (to_start < 1.1 * mean ? to_start : mean / 2);
    return increase * (extended / sampled) / range_s;
}
