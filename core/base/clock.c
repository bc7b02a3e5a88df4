#include "core/base/clock.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_wall_ns(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME);
}

static int64_t system_mono_ns(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

const struct clock system_clock = {.wall_ns = system_wall_ns, .mono_ns = system_mono_ns};

struct timespec clock_mono_after(int64_t ns)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ns % NS_PER_S;
    at.tv_sec += ns / NS_PER_S + at.tv_nsec / NS_PER_S;
    at.tv_nsec %= NS_PER_S;
    return at;
}

int64_t clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
