#include "core/plan/query_control.h"

#include "core/pipeline/pipeline.h"

void query_control_begin(struct query_control *control, const struct clock *clock, const struct limits *limits, struct memory_budget *memory)
{
    control->clock = clock;
    control->deadline_mono_ns = limits->query_timeout > 0 ? instant_after(clock_mono_ns(clock), limits->query_timeout) : 0;
    control->memory_max = limits->max_query_memory > 0 ? limits->max_query_memory : INT64_MAX;
    atomic_store(&control->memory_left, control->memory_max);
    atomic_store(&control->bytes_read_left, limits->max_query_bytes_read > 0 ? limits->max_query_bytes_read : INT64_MAX);
    atomic_store(&control->memory_stop, MEMORY_STOP_NONE);
    control->memory = memory;
}

void query_control_end(struct query_control *control)
{
    int64_t left = atomic_exchange(&control->memory_left, control->memory_max);
    memory_budget_give(control->memory, (size_t)(control->memory_max - left));
    control->memory = NULL; // what is refunded later has been given
}

bool query_control_check(struct query_control *control, struct err *err)
{
    if (atomic_load_explicit(&control->is_cancelled, memory_order_relaxed)) // a flag alone: nothing is published with it
        return err_set(err, ERR_CANCELLED, "the request was cancelled by the client");
    if (control->deadline_mono_ns != 0 && clock_mono_ns(control->clock) >= control->deadline_mono_ns)
        return err_set(err, ERR_TIMEOUT,
                       "request timed out, decrease the duration of the request or add more label matchers (prefer exact match "
                       "over regex match) to reduce the amount of data processed");
    return true;
}

static void note_stop(struct query_control *control, enum memory_stop stop)
{
    int none = MEMORY_STOP_NONE;
    (void)atomic_compare_exchange_strong_explicit(&control->memory_stop, &none, (int)stop, memory_order_relaxed, memory_order_relaxed); // a figure
}

bool query_control_charge(struct query_control *control, size_t bytes, struct err *err)
{
    int64_t take = bytes > (size_t)INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)bytes;
    int64_t left = atomic_fetch_sub_explicit(&control->memory_left, take, memory_order_relaxed); // a counter alone
    if (left >= take) {
        if (!memory_budget_take(control->memory, (size_t)take, (size_t)(control->memory_max - left), err)) {
            atomic_fetch_add_explicit(&control->memory_left, take, memory_order_relaxed); // as above
            note_stop(control, MEMORY_STOP_NODE);
            return false;
        }
        int64_t used = control->memory_max - (left - take);
        int64_t peak = atomic_load_explicit(&control->memory_peak, memory_order_relaxed); // as above
        while (used > peak && !atomic_compare_exchange_weak_explicit(&control->memory_peak, &peak, used, memory_order_relaxed, memory_order_relaxed))
            ;
        return true;
    }
    atomic_fetch_add_explicit(&control->memory_left, take, memory_order_relaxed);
    note_stop(control, MEMORY_STOP_OWN);
    return err_set(err, ERR_LIMIT,
                   "query needs more than %lld MiB (max_query_memory): narrow the time range or the selector, or group by fewer labels",
                   (long long)(control->memory_max >> 20));
}

void query_control_refund(struct query_control *control, size_t bytes)
{
    atomic_fetch_add_explicit(&control->memory_left, (int64_t)bytes, memory_order_relaxed); // a counter alone
    memory_budget_give(control->memory, bytes);
}

void query_control_note_matching(struct query_control *control, const struct pipeline_worker *worker)
{
    for (int i = 0; i < MATCH_ENGINES; i++)
        atomic_fetch_add_explicit(&control->stats.match_ns[i], pipeline_worker_match_ns(worker, (enum match_engine)i), memory_order_relaxed); // a figure
}
