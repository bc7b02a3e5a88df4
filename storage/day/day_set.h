/* day_set.h: the days that exist, by number; and which of their indexes are open at once.
 *
 * Thread: any. Lock: one mutex, held for no call to the disk but the making of a day's folder.
 */
#pragma once

#include "storage/day/day.h"

#define OPEN_INDEXES_MAX ((size_t)16) /* each maps a file; those least recently used are closed */

struct day_set;

/* The set of the folder `days` (created when missing); empty until day_set_load. */
bool day_set_open(const struct disk *disk, const char *days_folder, struct day_set **out, struct err *err) MUST_CHECK;
void day_set_close(struct day_set *set); /* NULL is fine */

/* Opens each day in the folder and calls back; removes what dropped days left. damaged: a manifest that did not hold. */
bool day_set_load(struct day_set *set, bool (*each)(void *self, struct day *day, bool is_damaged, struct err *err), void *self,
                  struct err *err) MUST_CHECK;

/* The day, with a reference; NULL if it does not exist. */
struct day *day_set_find(struct day_set *set, int64_t number);
/* ... made if it does not exist. */
bool day_set_get(struct day_set *set, int64_t number, struct day **out, struct err *err) MUST_CHECK;

/* The days of [first, last], ascending, each with a reference, in an array that the caller frees. */
struct day **day_set_range(struct day_set *set, int64_t first, int64_t last, size_t *out_count) MUST_CHECK;

/* Takes the day out of the set and its folder out of the way. */
bool day_set_drop(struct day_set *set, struct day *day, struct err *err) MUST_CHECK;

/* Closes indexes over OPEN_INDEXES_MAX, least recently used first. */
void day_set_close_idle(struct day_set *set);
