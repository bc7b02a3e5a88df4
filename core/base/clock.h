/* clock.h: the time, as a struct of functions that tests replace. Times are int64_t ns since 1970-01-01T00:00:00Z. */
#pragma once

#include <time.h>

#include "core/base/slice.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_HOUR (3600 * NS_PER_S)
#define NS_PER_DAY (24 * NS_PER_HOUR)

struct clock {
    int64_t (*wall_ns)(const struct clock *clock); /* of the calendar: may jump */
    int64_t (*mono_ns)(const struct clock *clock); /* for durations: never goes back */
};

extern const struct clock system_clock;

/* The system's monotonic clock, ns from now: until when pthread_cond_clockwait(..., CLOCK_MONOTONIC, ...) waits. The calendar, which may be set back, would hold it up. */
struct timespec clock_mono_after(int64_t ns);

int64_t clock_thread_cpu_ns(void); /* CPU time of the calling thread: a system call, some hundred ns */

static inline int64_t clock_wall_ns(const struct clock *clock)
{
    return clock->wall_ns(clock);
}
static inline int64_t clock_mono_ns(const struct clock *clock)
{
    return clock->mono_ns(clock);
}

/* The instant `ns` after now_ns; the last there is where that is past it. */
static inline int64_t instant_after(int64_t now_ns, int64_t ns)
{
    int64_t after;
    return __builtin_add_overflow(now_ns, ns, &after) ? INT64_MAX : after;
}

/* first_ns + count * step_ns, which must be an instant: the product alone may be longer than int64 reaches. */
static inline int64_t instant_of_step(int64_t first_ns, size_t count, int64_t step_ns)
{
    return (int64_t)((uint64_t)first_ns + (uint64_t)count * (uint64_t)step_ns);
}

/* The UTC day that an instant lies in, counted from 1970-01-01; floors, also before 1970. */
static inline int64_t day_of_ns(int64_t ns)
{
    int64_t day = ns / NS_PER_DAY;
    return ns % NS_PER_DAY < 0 ? day - 1 : day;
}
