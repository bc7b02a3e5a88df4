/* tail_history.h: what was stored before a tail began, less what its tap has: a source around the store's that leaves out some entries, by their hash.
 *
 * The tap is opened first. When the scan is open, whatever it shows of the time since then is in the tap: `opened` is called, and what it puts in the set is
 * left out of the scan. So an entry comes once: by history or live.
 * Thread: as source.h.
 */
#pragma once

#include "core/plan/source.h"
#include "net/tail/seen_set.h"

struct tail_history {
    struct source source; /* self is this struct */
    const struct source *inner;
    void (*opened)(struct tail_history *history); /* once; fills what follows */
    void *owner; /* the caller's */
    struct seen_set live;     /* tap_entry_hash of entries to leave out */
    int64_t first_ns, last_ns; /* of these, both inclusive */
};

/* The struct must not move afterwards. */
void tail_history_init(struct tail_history *history, const struct source *inner, void (*opened)(struct tail_history *history), void *owner);
void tail_history_fini(struct tail_history *history);
