/* The thread that makes the templates of segments (segment_templates.h): first those that a query had to do without, then, slowly, of merged segments, newest days
 * first. Sealed segments are merged away soon, so theirs are made only when they are wanted.
 *
 * It pauses after each block, so that it takes no more than a share of one core: see decisions/0018. */
#include <errno.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/segment/segment_templates.h"
#include "storage/store/store_parts.h"

#define LOOK_NS NS_PER_S          /* between two looks for something to do */
#define RETRY_NS (5 * NS_PER_MIN) /* a failure is most likely the disk's: the next try waits */
/* Pauses, in times of what the work before took. */
#define PAUSE_WANTED 1  /* half of a core */
#define PAUSE_QUIET 4   /* a fifth, while nothing is pushed */
#define PAUSE_PUSHED 49 /* a fiftieth */

struct template_work {
    struct store *store;
    bool is_wanted;
    int64_t since_mono_ns; /* begin of the block at hand */
    uint64_t sequence;     /* of pushes, when it was last looked at */
};

static bool pause_after_block(void *self)
{
    struct template_work *work = self;
    struct store *store = work->store;
    const struct clock *clock = store->config.clock;
    uint64_t sequence = atomic_load(&store->handed_sequence);
    int64_t took = clock_mono_ns(clock) - work->since_mono_ns;
    int64_t times = work->is_wanted ? PAUSE_WANTED : sequence == work->sequence ? PAUSE_QUIET : PAUSE_PUSHED;
    work->sequence = sequence;
    if (took > 0)
        store_wait(store, took > NS_PER_S ? NS_PER_S : took * times);
    work->since_mono_ns = clock_mono_ns(clock);
    return !atomic_load(&store->stops);
}

/* What should be done next, with a reference; NULL: nothing. */
static struct segment *choose(struct store *store, bool *out_wanted)
{
    struct segment *found = NULL;
    struct view *view = view_take(store->board);
    *out_wanted = false;
    for (size_t d = view->day_count; d-- > 0 && !*out_wanted;) {
        const struct view_day *day = view->days[d];
        for (size_t i = day->segment_count; i-- > 0 && !*out_wanted;) {
            struct segment *segment = day->segments[i];
            bool is_wanted = segment_templates_are_wanted(segment);
            if ((!is_wanted && (found != NULL || segment_stats(segment)->level == 0)) || !segment_templates_can_be_made(segment) ||
                segment_templates(segment) != NULL)
                continue;
            found = segment;
            *out_wanted = is_wanted;
        }
    }
    if (found != NULL)
        (void)segment_ref(found);
    view_drop(view);
    return found;
}

/* Returns how long the next one has to wait. */
static int64_t make_one(struct store *store, struct segment *segment, bool is_wanted)
{
    struct template_work work = {.store = store, .is_wanted = is_wanted, .sequence = atomic_load(&store->handed_sequence)};
    struct template_figures figures;
    struct err err;
    work.since_mono_ns = clock_mono_ns(store->config.clock);
    bool ok = segment_templates_build(segment, pause_after_block, &work, &figures, &err);
    if (ok)
        figure_templates_evicted(figures.evicted);
    segment_unref(segment);
    if (ok || err.code == ERR_CANCELLED)
        return 0;
    if (err.code == ERR_IO && err.os_errno == ENOENT) // the day was dropped meanwhile
        return LOOK_NS;
    log_warn("store", "templates were not kept: patterns are found in the lines", "err", err.text);
    return RETRY_NS;
}

void *store_templates_run(void *self)
{
    struct store *store = self;
    (void)pthread_setname_np(pthread_self(), "templates");
    rcu_thread_join();
    int64_t retry_at = INT64_MIN;
    while (!atomic_load(&store->stops)) {
        bool is_wanted = false;
        struct segment *segment = NULL;
        if (!atomic_load(&store->is_read_only) && clock_mono_ns(store->config.clock) >= retry_at)
            segment = choose(store, &is_wanted);
        if (segment == NULL)
            store_wait(store, LOOK_NS);
        else
            retry_at = make_one(store, segment, is_wanted) + clock_mono_ns(store->config.clock);
    }
    rcu_thread_part();
    return NULL;
}
