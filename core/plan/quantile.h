/* quantile.h: aggregates that need all samples of a window. Thread: any. */
#pragma once

#include "core/plan/accumulator.h"

/* Rank q * (n - 1) of the sorted values, interpolated; q < 0: -Inf, q > 1: +Inf, NaN: NaN; NaN values sort first. Reorders values; count is not 0. */
double quantile_of(double q, double *values, size_t count);

/* Samples in time order. Source: spec logql.md 12.2; the unit of its correction term is Loki's. count is not 0. */
double rate_counter_of(const struct sample *samples, size_t count, double range_s);
