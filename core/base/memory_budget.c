#include "core/base/memory_budget.h"

#include <assert.h>
#include <sched.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define SOURCES_MAX 16
#define LOOK_INTERVAL_NS (5 * NS_PER_MS)
#define QUERY_PART 4           /* all queries together: the limit / this */
#define QUERY_SHARE_PART 256   /* one under pressure, at least: the limit / this, between the next two */
#define QUERY_SHARE_MIN ((size_t)1 << 20)
#define QUERY_SHARE_MAX ((size_t)64 << 20)

struct source {
    enum memory_area area;
    size_t (*bytes)(void *self);
    void *self;
};

struct memory_budget {
    size_t limit, query_max, query_share;
    struct source sources[SOURCES_MAX];
    _Atomic size_t source_count; // PUBLISH (release): the sources below it are written
    _Atomic unsigned looking;    // threads that ask sources
    atomic_bool is_stopped;
    _Atomic int level;
    _Atomic int64_t looked_mono_ns;
    _Atomic size_t other;
    _Atomic size_t query_bytes;
    _Atomic size_t used; // as of the last look
    _Atomic uint64_t sheds[SHED_ACTIONS];
};

/* What is left of the limit where a level begins: whichever is more. */
static const struct {
    size_t percent, bytes;
} reserves[] = {[PRESSURE_FLUSH] = {30, (size_t)64 << 20}, [PRESSURE_QUERIES] = {20, (size_t)48 << 20}, [PRESSURE_PUSHES] = {10, (size_t)32 << 20}};

#define OVER_PERCENT 5 /* of the limit: a level is over when so much more is left */

struct memory_budget *memory_budget_create(size_t limit_bytes)
{
    struct memory_budget *budget = mem_zero(sizeof(*budget));
    size_t share = limit_bytes / QUERY_SHARE_PART;
    assert(limit_bytes >= MEMORY_LIMIT_BYTES_MIN);
    budget->limit = limit_bytes;
    budget->query_max = limit_bytes / QUERY_PART;
    budget->query_share = share < QUERY_SHARE_MIN ? QUERY_SHARE_MIN : share > QUERY_SHARE_MAX ? QUERY_SHARE_MAX : share;
    return budget;
}

void memory_budget_destroy(struct memory_budget *budget)
{
    mem_free(budget);
}

void memory_budget_source(struct memory_budget *budget, enum memory_area area, size_t (*bytes)(void *self), void *self)
{
    size_t count = atomic_load_explicit(&budget->source_count, memory_order_relaxed); // this thread's own
    assert(count < SOURCES_MAX);
    budget->sources[count] = (struct source){area, bytes, self};
    atomic_store_explicit(&budget->source_count, count + 1, memory_order_release); // pairs with ask
}

void memory_budget_stop(struct memory_budget *budget)
{
    if (budget == NULL)
        return;
    atomic_store(&budget->is_stopped, true); // seq_cst, as in ask: a thread that asks is seen here, or sees this
    while (atomic_load(&budget->looking) > 0)
        (void)sched_yield();
    atomic_store_explicit(&budget->level, PRESSURE_NONE, memory_order_relaxed);
}

// All that follows are figures: nothing is published with them, so every order is relaxed.
static size_t figure(const _Atomic size_t *place)
{
    return atomic_load_explicit(place, memory_order_relaxed);
}

// Sums the sources of the areas whose bit is set.
static size_t ask(struct memory_budget *budget, unsigned areas)
{
    size_t sum = 0;
    atomic_fetch_add(&budget->looking, 1);
    if (!atomic_load(&budget->is_stopped)) {
        size_t count = atomic_load_explicit(&budget->source_count, memory_order_acquire); // pairs with memory_budget_source
        for (size_t i = 0; i < count; i++) {
            if ((areas & 1u << budget->sources[i].area) != 0)
                sum += budget->sources[i].bytes(budget->sources[i].self);
        }
    }
    atomic_fetch_sub(&budget->looking, 1);
    return sum;
}

static size_t accounted(struct memory_budget *budget)
{
    return figure(&budget->query_bytes) + ask(budget, ~(1u << MEMORY_INDEX_MAP));
}

void memory_budget_note_resident(struct memory_budget *budget, size_t bytes)
{
    size_t known = accounted(budget);
    atomic_store_explicit(&budget->other, bytes > known ? bytes - known : 0, memory_order_relaxed);
}

size_t memory_budget_used(struct memory_budget *budget)
{
    return accounted(budget) + figure(&budget->other);
}

static size_t level_from(const struct memory_budget *budget, int level)
{
    size_t part = budget->limit / 100 * reserves[level].percent;
    return budget->limit - (part > reserves[level].bytes ? part : reserves[level].bytes);
}

static int level_next(const struct memory_budget *budget, int level, size_t used)
{
    int wanted = PRESSURE_NONE;
    for (int i = PRESSURE_FLUSH; i <= PRESSURE_PUSHES; i++) {
        if (used >= level_from(budget, i))
            wanted = i;
    }
    while (level > wanted && used < level_from(budget, level) - budget->limit / 100 * OVER_PERCENT)
        level--;
    return level > wanted ? level : wanted;
}

enum memory_pressure memory_budget_look(struct memory_budget *budget, int64_t now_mono_ns)
{
    if (budget == NULL)
        return PRESSURE_NONE;
    int64_t before = atomic_load_explicit(&budget->looked_mono_ns, memory_order_relaxed);
    bool is_due = before == 0 || now_mono_ns - before >= LOOK_INTERVAL_NS;
    if (is_due && atomic_compare_exchange_strong_explicit(&budget->looked_mono_ns, &before, now_mono_ns, memory_order_relaxed, memory_order_relaxed)) {
        int level = atomic_load_explicit(&budget->level, memory_order_relaxed);
        size_t used = memory_budget_used(budget);
        int next = level_next(budget, level, used);
        atomic_store_explicit(&budget->used, used, memory_order_relaxed);
        if (next != level && !atomic_load(&budget->is_stopped))
            atomic_store_explicit(&budget->level, next, memory_order_relaxed);
    }
    return memory_budget_level(budget);
}

enum memory_pressure memory_budget_level(const struct memory_budget *budget)
{
    return budget == NULL ? PRESSURE_NONE : (enum memory_pressure)atomic_load_explicit(&budget->level, memory_order_relaxed);
}

size_t memory_budget_limit(const struct memory_budget *budget)
{
    return budget->limit;
}

size_t memory_budget_area(struct memory_budget *budget, enum memory_area area)
{
    size_t own = area == MEMORY_QUERY ? figure(&budget->query_bytes) : area == MEMORY_OTHER ? figure(&budget->other) : 0;
    return own + ask(budget, 1u << area);
}

const char *memory_area_text(enum memory_area area)
{
    static const char *const texts[] = {[MEMORY_HEAD] = "head", [MEMORY_INDEX_MAP] = "index_map", [MEMORY_QUERY] = "query", [MEMORY_CACHE] = "cache",
                                        [MEMORY_HTTP] = "http", [MEMORY_WAL] = "wal",             [MEMORY_TAIL] = "tail",   [MEMORY_OTHER] = "other"};
    return texts[area];
}

/* What one query may hold under pressure: half of what is left until pushes are refused, or a little. */
static size_t pressed_share(const struct memory_budget *budget)
{
    size_t used = figure(&budget->used), end = level_from(budget, PRESSURE_PUSHES);
    size_t half = used < end ? (end - used) / 2 : 0;
    return half > budget->query_share ? half : budget->query_share;
}

bool memory_budget_take(struct memory_budget *budget, size_t bytes, size_t held, struct err *err)
{
    if (budget == NULL)
        return true;
    size_t before = atomic_fetch_add_explicit(&budget->query_bytes, bytes, memory_order_relaxed);
    size_t room = before < budget->query_max ? budget->query_max - before : 0;
    bool is_pressed = memory_budget_level(budget) >= PRESSURE_QUERIES;
    size_t share = is_pressed ? pressed_share(budget) : SIZE_MAX;
    if (bytes <= room && held <= share && bytes <= share - held)
        return true;
    memory_budget_give(budget, bytes);
    memory_budget_note_shed(budget, SHED_REJECT_QUERY);
    if (bytes > room)
        return err_set(err, ERR_UNAVAILABLE, "all queries together would need more than %zu MiB (a quarter of memory.limit): try again, or narrow the time range or the selector",
                       budget->query_max >> 20);
    return err_set(err, ERR_UNAVAILABLE, "the node's memory is nearly used up (memory.limit, %zu MiB), and this query needs more than %zu KiB: try again, or narrow the time range or the selector",
                   budget->limit >> 20, share >> 10);
}

void memory_budget_give(struct memory_budget *budget, size_t bytes)
{
    if (budget != NULL)
        atomic_fetch_sub_explicit(&budget->query_bytes, bytes, memory_order_relaxed);
}

void memory_budget_note_shed(struct memory_budget *budget, enum memory_shed action)
{
    if (budget != NULL)
        atomic_fetch_add_explicit(&budget->sheds[action], 1, memory_order_relaxed);
}

uint64_t memory_budget_sheds(const struct memory_budget *budget, enum memory_shed action)
{
    return atomic_load_explicit(&budget->sheds[action], memory_order_relaxed);
}

const char *memory_shed_text(enum memory_shed action)
{
    static const char *const texts[] = {
        [SHED_FLUSH] = "flush", [SHED_EVICT] = "evict", [SHED_REJECT_QUERY] = "reject_query", [SHED_REJECT_PUSH] = "reject_push"};
    return texts[action];
}
