/* index_feed.h: tells the days' indexes of new streams, off the push's path: one thread, which commits some times a second, and at once
 * when a query waits for it.
 *
 *               post   barrier
 *     post       -       -     any thread; may wait while very much is pending
 *     barrier    -       -     any thread; waits for the commit of what was posted before, and for nothing when all is committed
 */
#pragma once

#include "storage/day/day_set.h"
#include "storage/head/stream_table.h"

struct index_feed;

struct index_feed_item {
    int64_t day;
    struct stream_record *stream; /* with a reference, which the feed takes over */
};

/* streams: how an index that begins anew is filled. set and streams must outlive the feed. */
struct index_feed *index_feed_create(struct day_set *set, const struct clock *clock, const struct day_streams *streams) MUST_CHECK;
/* Commits what is pending. NULL is fine. */
void index_feed_destroy(struct index_feed *feed);

void index_feed_post(struct index_feed *feed, const struct index_feed_item *items, size_t count);

/* ERR_IO and such: the index could not take them; what was posted is then not to be found by its labels. */
bool index_feed_barrier(struct index_feed *feed, struct err *err) MUST_CHECK;
