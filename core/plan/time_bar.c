#include "core/plan/time_bar.h"

#include "core/base/mem.h"

void time_bar_init(struct time_bar *bar, size_t most, bool forward)
{
    *bar = (struct time_bar){.forward = forward, .most = most, .ns = forward ? INT64_MAX : INT64_MIN};
    (void)pthread_mutex_init(&bar->lock, NULL);
}

void time_bar_fini(struct time_bar *bar, struct query_control *control)
{
    mem_free(bar->times);
    query_control_refund(control, bar->charged);
    (void)pthread_mutex_destroy(&bar->lock);
}

static bool make_room(struct time_bar *bar, struct query_control *control, struct err *err)
{
    if (bar->count < bar->cap)
        return true;
    size_t cap = bar->cap == 0 ? 64 : 2 * bar->cap;
    size_t more = (cap - bar->cap) * sizeof(*bar->times);
    if (!query_control_charge(control, more, err))
        return false;
    bar->charged += more;
    bar->times = mem_grow(bar->times, cap, sizeof(*bar->times));
    bar->cap = cap;
    return true;
}

static void sift_up(struct time_bar *bar, size_t at)
{
    int64_t ts_ns = bar->times[at];
    while (at > 0 && time_beats(bar->times[(at - 1) / 2], ts_ns, bar->forward)) {
        bar->times[at] = bar->times[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    bar->times[at] = ts_ns;
}

/* Puts the time where the worst one was. */
static void replace_worst(struct time_bar *bar, int64_t ts_ns)
{
    size_t at = 0;
    for (size_t child = 1; child < bar->count; child = 2 * at + 1) {
        if (child + 1 < bar->count && time_beats(bar->times[child], bar->times[child + 1], bar->forward))
            child++;
        if (!time_beats(ts_ns, bar->times[child], bar->forward))
            break;
        bar->times[at] = bar->times[child];
        at = child;
    }
    bar->times[at] = ts_ns;
}

bool time_bar_add(struct time_bar *bar, const int64_t *times_ns, size_t count, struct query_control *control, struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&bar->lock);
    for (size_t i = 0; ok && i < count; i++) {
        if (bar->count == bar->most) {
            if (time_beats(times_ns[i], bar->times[0], bar->forward))
                replace_worst(bar, times_ns[i]);
            continue;
        }
        ok = make_room(bar, control, err);
        if (ok) {
            bar->times[bar->count] = times_ns[i];
            sift_up(bar, bar->count++);
        }
    }
    if (bar->count == bar->most)
        atomic_store_explicit(&bar->ns, bar->times[0], memory_order_relaxed);
    pthread_mutex_unlock(&bar->lock);
    return ok;
}
