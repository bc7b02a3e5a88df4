/* day_index.h: the LMDB inverted index of one UTC day: label pairs -> streams of that day. Derived data: a cache that segments and log can rebuild;
 * so it is opened only when its clean mark and boot id say that it can be trusted, and is thrown away when in doubt.
 *
 * Ids are dense u32 within the day, given in order of arrival. Postings are sorted runs of ids, one LMDB value a block of them (no DUPSORT: spec reliability 3).
 * Format: docs/formats/index.md.
 *
 *               add+commit   read
 *     add         X            -      one writer thread; readers see the last commit
 *     read        -            -      any thread
 */
#pragma once

#include "core/base/arena.h"
#include "core/model/matcher.h"
#include "core/plan/query_control.h"
#include "storage/disk/disk.h"

struct day_index;

/* Opens data/days/<day>/index.mdb, creating it. *out_rebuild: it was not there, not clean, or damaged, and is now empty: the caller feeds it anew, and says
 * day_index_filled. Until then a crash or a close leaves it such that the next opening says the same. */
bool day_index_open(const struct disk *disk, const char *folder, struct day_index **out, bool *out_rebuild, struct err *err) MUST_CHECK;
/* All that was there before has been added: commits it, and lets later openings trust the index. */
bool day_index_filled(struct day_index *index, struct err *err) MUST_CHECK;
/* Commits, syncs, sets the clean mark, if it is filled. NULL is fine. */
void day_index_close(struct day_index *index);
/* Closes it so that the next opening begins anew. */
void day_index_abandon(struct day_index *index);

/* Adds a stream if it is not there. Buffered until day_index_commit; idempotent. Thread: the writer. */
bool day_index_add(struct day_index *index, struct slice tenant, struct hash128 id, struct slice encoded_labels, struct err *err) MUST_CHECK;
/* Makes what was added visible to readers. Not synced: a crash of the machine means a rebuild, a crash of the process does not. */
bool day_index_commit(struct day_index *index, struct err *err) MUST_CHECK;

struct index_stream {
    struct hash128 id;
    struct slice encoded; /* in the arena */
};

/* Streams of the tenant that all matchers accept. Arrays in the arena; sorted by id. Every matcher list is fine, also an empty one: all streams.
 * Bounded by control's memory budget. */
bool day_index_select(struct day_index *index, struct slice tenant, const struct matcher *matchers, size_t count,
                      struct arena *arena, struct query_control *control, struct index_stream **out, size_t *out_count, struct err *err) MUST_CHECK;
/* No more streams than this are selected by the matchers: from counts alone. One that is no equality, nor an alternation of such, counts as accepting all. */
bool day_index_estimate(struct day_index *index, struct slice tenant, const struct matcher *matchers, size_t count, uint64_t *out_streams,
                        struct err *err) MUST_CHECK;
/* Sorted, unique. Of the whole tenant: cost is that of the answer. */
bool day_index_names(struct day_index *index, struct slice tenant, void (*each)(void *self, struct slice name), void *self, struct err *err) MUST_CHECK;
bool day_index_values(struct day_index *index, struct slice tenant, struct slice name, void (*each)(void *self, struct slice value), void *self, struct err *err) MUST_CHECK;
bool day_index_tenants(struct day_index *index, void (*each)(void *self, struct slice tenant), void *self, struct err *err) MUST_CHECK;

struct day_index_stats {
    uint64_t streams, pairs, postings, used_bytes, mapped_bytes, free_pages, readers;
};
void day_index_stats(struct day_index *index, struct day_index_stats *out);
int64_t day_index_oldest_read_ns(void); /* how long the oldest read of any index has lasted; 0: there is none */

/* For logi verify: walks everything; calls back for each thing that does not hold. */
void day_index_verify(struct day_index *index, void (*damaged)(void *self, const char *what), void *self);
