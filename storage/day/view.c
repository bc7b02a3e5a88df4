#include "storage/day/view.h"

#include <assert.h>

#include "core/base/mem.h"

struct view_board {
    pthread_mutex_t lock;    // of current
    pthread_mutex_t publish; // one change at a time
    struct view *current;
};

static struct view_day *view_day_ref(struct view_day *day)
{
    atomic_fetch_add_explicit(&day->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return day;
}

static void view_day_unref(struct view_day *day)
{
    if (atomic_fetch_sub(&day->refs, 1) != 1)
        return;
    for (size_t i = 0; i < day->segment_count; i++)
        segment_unref(day->segments[i]);
    mem_free(day->segments);
    day_unref(day->day);
    mem_free(day);
}

struct view_board *view_board_create(void)
{
    struct view_board *board = mem_zero(sizeof(*board));
    pthread_mutex_init(&board->lock, NULL);
    pthread_mutex_init(&board->publish, NULL);
    board->current = mem_zero(sizeof(struct view));
    board->current->refs = 1;
    return board;
}

void view_board_destroy(struct view_board *board)
{
    if (board == NULL)
        return;
    view_drop(board->current);
    pthread_mutex_destroy(&board->lock);
    pthread_mutex_destroy(&board->publish);
    mem_free(board);
}

struct view *view_take(struct view_board *board)
{
    pthread_mutex_lock(&board->lock);
    struct view *view = board->current;
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed); // the board has one while the lock is held
    pthread_mutex_unlock(&board->lock);
    return view;
}

void view_drop(struct view *view)
{
    if (view == NULL || atomic_fetch_sub(&view->refs, 1) != 1)
        return;
    for (size_t i = 0; i < view->generation_count; i++)
        generation_unref(view->generations[i]);
    for (size_t i = 0; i < view->day_count; i++)
        view_day_unref(view->days[i]);
    mem_free(view->generations);
    mem_free(view->days);
    mem_free(view);
}

static bool is_among(struct segment *segment, struct segment *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == segment)
            return true;
    return false;
}

/* The day with the change done; NULL if nothing is left of it. What is added stands where the first removed one stood: merged parts
 * are as old as their oldest input. */
static struct view_day *day_changed(const struct view_day *old, const struct view_day_change *change)
{
    size_t old_count = old == NULL ? 0 : old->segment_count;
    if (change->is_gone || (old_count == change->remove_count && change->add_count == 0))
        return NULL;
    struct view_day *day = mem_zero(sizeof(*day));
    day->refs = 1;
    day->day = day_ref(change->day);
    day->segments = mem_array(old_count + change->add_count + 1, sizeof(struct segment *));
    size_t n = 0;
    bool is_added = false;
    for (size_t i = 0; i <= old_count; i++) {
        bool removed = i < old_count && is_among(old->segments[i], change->remove, change->remove_count);
        if (!is_added && (removed || i == old_count)) {
            for (size_t k = 0; k < change->add_count; k++)
                day->segments[n++] = change->add[k];
            is_added = true;
        }
        if (i < old_count && !removed)
            day->segments[n++] = segment_ref(old->segments[i]);
    }
    day->segment_count = n;
    return day;
}

static void merge_days(struct view *next, const struct view *old, const struct view_change *change)
{
    next->days = mem_array(old->day_count + change->day_count + 1, sizeof(struct view_day *));
    size_t i = 0, k = 0;
    while (i < old->day_count || k < change->day_count) {
        struct view_day *have = i < old->day_count ? old->days[i] : NULL;
        const struct view_day_change *with = k < change->day_count ? &change->days[k] : NULL;
        struct view_day *result;
        if (with == NULL || (have != NULL && have->day->number < with->day->number)) {
            result = view_day_ref(have);
            i++;
        } else {
            bool is_same = have != NULL && have->day->number == with->day->number;
            result = day_changed(is_same ? have : NULL, with);
            i += is_same;
            k++;
        }
        if (result != NULL)
            next->days[next->day_count++] = result;
    }
}

void view_publish(struct view_board *board, const struct view_change *change)
{
    pthread_mutex_lock(&board->publish);
    const struct view *old = board->current; // only publishers change it
    struct view *next = mem_zero(sizeof(*next));
    next->refs = 1;
    next->generations = mem_array(old->generation_count + 2, sizeof(struct generation *));
    for (size_t i = 0; i < old->generation_count; i++)
        if (old->generations[i] != change->remove)
            next->generations[next->generation_count++] = generation_ref(old->generations[i]);
    if (change->add != NULL)
        next->generations[next->generation_count++] = generation_ref(change->add);
    merge_days(next, old, change);
    pthread_mutex_lock(&board->lock);
    struct view *gone = board->current;
    board->current = next;
    pthread_mutex_unlock(&board->lock);
    pthread_mutex_unlock(&board->publish);
    view_drop(gone);
}

struct view_day *view_find_day(const struct view *view, int64_t number)
{
    size_t low = 0, high = view->day_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (view->days[middle]->day->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < view->day_count && view->days[low]->day->number == number ? view->days[low] : NULL;
}
