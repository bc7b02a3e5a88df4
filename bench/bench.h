/* bench.h: times a function in CPU time of its thread: rounds of about 50 ms, median and spread, rate in bytes and operations.
 *
 *   bench("crc32c/4KiB", 4096, run, &state);   // run(state, n) does the work n times and returns something that depends on it
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_ROUNDS 9

static inline double bench_cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline int bench_order(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static volatile uint64_t bench_sink;

/* Returns ns an operation (median). bytes: of one operation, 0 for none. */
static inline double bench(const char *name, size_t bytes, uint64_t (*run)(void *state, size_t n), void *state)
{
    size_t n = 1;
    for (;;) { // how many make 20 ms
        double start = bench_cpu_s();
        bench_sink = bench_sink + run(state, n);
        double took = bench_cpu_s() - start;
        if (took > 0.02 || n > (size_t)1 << 40)
            break;
        n *= took < 0.002 ? 8 : 2;
    }
    double ns[BENCH_ROUNDS];
    for (int i = 0; i < BENCH_ROUNDS; i++) {
        double start = bench_cpu_s();
        bench_sink = bench_sink + run(state, n);
        ns[i] = (bench_cpu_s() - start) * 1e9 / (double)n;
    }
    qsort(ns, BENCH_ROUNDS, sizeof(ns[0]), bench_order);
    double median = ns[BENCH_ROUNDS / 2];
    printf("%-44s %12.1f ns/op", name, median);
    if (bytes > 0)
        printf(" %10.1f MB/s", (double)bytes * 1e3 / median);
    printf("   spread %.2f\n", ns[BENCH_ROUNDS - 1] / ns[0]);
    return median;
}
