/* view.h: what a scan sees: the generations in memory and the segments on disk, both of one moment. Changed as a whole, so that an entry whose
 * generation was sealed is seen either in the generation or in the segment, and never in both or in neither.
 *
 * Thread: any. A view is immutable; whoever took it keeps what it refers to alive. The board's lock is held for a reference count only, never
 * for work (a read section would not do: what a scan takes must outlive it).
 */
#pragma once

#include "storage/day/day.h"
#include "storage/head/generation.h"

struct view_day {
    _Atomic size_t refs;
    struct day *day;
    struct segment **segments; /* in order of publishing: older parts first */
    size_t segment_count;
};

struct view {
    _Atomic size_t refs;
    struct generation **generations; /* older first within a shard */
    size_t generation_count;
    struct view_day **days; /* ascending; those with segments */
    size_t day_count;
};

struct view_board;

struct view_board *view_board_create(void) MUST_CHECK;
void view_board_destroy(struct view_board *board); /* NULL is fine */

struct view *view_take(struct view_board *board) MUST_CHECK;
void view_drop(struct view *view); /* NULL is fine */

/* One day's part of a change. References of `add` are taken over on success of the change. */
struct view_day_change {
    struct day *day;
    struct segment **add;
    size_t add_count;
    struct segment **remove;
    size_t remove_count;
    bool is_gone; /* the whole day */
};

struct view_change {
    struct generation *add; /* the view takes a reference of its own */
    struct generation *remove;
    const struct view_day_change *days; /* ascending */
    size_t day_count;
};

void view_publish(struct view_board *board, const struct view_change *change);

/* NULL if it has no segments. */
struct view_day *view_find_day(const struct view *view, int64_t number);
