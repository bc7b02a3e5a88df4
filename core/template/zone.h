/* zone.h: a time zone as its TZif bytes describe it: which offset holds when.
 *
 * Format: RFC 9636 (TZif, versions 1 to 4); its footer is POSIX' TZ, for times behind the last transition. Nothing is copied: a zone is a view
 * of the bytes, and reading one costs no memory. Thread: any.
 */
#pragma once

#include "core/base/slice.h"

struct zone {
    struct slice times, types, infos, names; /* transitions; the type after each; types of 6 bytes; abbreviations */
    struct slice footer;                     /* POSIX TZ, maybe empty */
    size_t time_bytes;                       /* 8, in version 1: 4 */
    size_t time_count, info_count;
};

struct zone_span {
    int32_t offset_s;        /* east of Greenwich */
    struct slice name;       /* CEST; lives as long as the bytes */
    int64_t start_s, end_s;  /* it holds in [start, end), seconds since 1970 UTC; near a rule's year it may end early, never late */
};

/* False: these are no TZif bytes. They are borrowed for the zone's life. */
bool zone_open(struct slice tzif, struct zone *out) MUST_CHECK;

/* What holds at a second of UTC. */
struct zone_span zone_at(const struct zone *zone, int64_t utc_s);

/* The second of UTC at which clocks there show local_s (the seconds that UTC would show so). In a gap or an overlap: as Go's time.Date. */
int64_t zone_utc_of_local(const struct zone *zone, int64_t local_s);

/* Where zones come from, for the whole process: `load` yields the TZif bytes of a name (Europe/Berlin), which live as long as the process,
 * or false. Thread: before any other use; load is called from any. Without it every zone is unknown. */
void zone_loader_set(bool (*load)(struct slice name, struct slice *out_tzif));

/* False: unknown, or UTC itself ("", UTC, Local): both count as UTC. */
bool zone_find(struct slice name, struct zone *out) MUST_CHECK;
