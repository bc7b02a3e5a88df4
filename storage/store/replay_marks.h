/* replay_marks.h: which entries of the log are in segments already: the marks of all days as they were at the start. Later ones cover only what this
 * replay applied.
 *
 * Thread: one at a time.
 */
#pragma once

#include "core/ingest/push.h"
#include "storage/day/day_set.h"

struct replay_marked_day;

struct replay_marks {
    struct replay_marked_day *days; /* ascending */
    size_t count;
    size_t last; /* the day that was asked for last */
};

void replay_marks_load(struct replay_marks *marks, struct day_set *days);
void replay_marks_fini(struct replay_marks *marks);

/* Takes the entries that are in segments out of a run of the record with that sequence. */
void replay_marks_filter(struct replay_marks *marks, struct push_run *run, uint64_t sequence);
