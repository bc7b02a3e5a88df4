/* day.h: one UTC day on disk: its folder, its manifest, its index. Which of its segments are in force for readers says the view (view.h).
 *
 * Thread: any; the day's locks are inside. Order of locks: the view's publish lock, then manifest_lock; index_lock alone.
 * Reference counted: a day that retention drops goes when its last reader has left.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "storage/day/manifest.h"
#include "storage/index/day_index.h"

struct day {
    _Atomic size_t refs;
    const struct disk *disk;
    int64_t number; /* days since 1970-01-01 */
    char *folder;
    char *dropped_folder; /* its new name, once it was dropped */

    pthread_mutex_t manifest_lock;
    struct manifest manifest;
    int64_t changed_mono_ns; /* when segments were last sealed into it; under manifest_lock */

    pthread_mutex_t index_lock; /* opening, closing, adding */
    struct day_index *index;    /* NULL: closed */
    size_t index_users;
    int64_t index_used_mono_ns;
    bool index_is_dirty;     /* added to since the last commit */
    bool index_must_rebuild; /* the next opening starts from nothing */
    pthread_mutex_t figures_lock;    /* inside index_lock */
    struct day_index_stats figures;  /* of the index, when it was last seen free */

    atomic_bool is_dropped; /* the folder has another name now, and goes with the last reference */
    /* Retention's own, on its one thread: */
    int64_t expired_mono_ns;  /* when a tenant's part was first seen to be over; 0: not */
    int64_t retained_mono_ns; /* when it was last looked at; 0: never */
};

/* What a day's index is filled from when it has to begin anew: calls add for each stream of the day. */
struct day_streams {
    void *self;
    bool (*each)(void *self, struct day *day, struct err *err,
                 bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err),
                 void *add_self);
};

/* YYYY-MM-DD of a day number (1970-01-01 is 0); years outside 0000 to 9999 are written with their sign and all digits. */
void day_name(int64_t number, char out[32]);
/* False: no day's name. */
bool day_name_parse(const char *name, int64_t *out);

/* Opens or creates days/<name>. One reference. */
bool day_open(const struct disk *disk, const char *days_folder, int64_t number, struct day **out, bool *out_damaged,
              struct err *err) MUST_CHECK;
struct day *day_ref(struct day *day);
void day_unref(struct day *day); /* NULL is fine; the last one closes it and removes the folder of a dropped day */

/* The change of the manifest, under its lock. */
bool day_change(struct day *day, const struct manifest_change *change, struct err *err) MUST_CHECK;
/* False: the last change failed, and may be on the disk all the same: no file that it named may be removed. */
bool day_is_settled(struct day *day);
bool day_covers(struct day *day, uint64_t stream_low, uint64_t sequence);

/* The day's index, open until the matching release. Opens it, and fills it from streams, when it is closed. */
bool day_index_hold(struct day *day, const struct day_streams *streams, int64_t now_mono_ns, struct day_index **out,
                    struct err *err) MUST_CHECK;
/* is_bad: a read failed as only damage can: it is rebuilt at the next hold. */
void day_index_release(struct day *day, bool is_bad);

/* Something that belongs into it is not there: it is rebuilt at the next hold that finds it unused. Thread: any. */
void day_index_spoil(struct day *day);
bool day_index_is_spoilt(struct day *day);

/* For the index feed: adds within a hold, and commits what was added. Thread: one writer, the feed. */
bool day_index_feed(struct day *day, struct slice tenant, struct hash128 id, struct slice labels, struct err *err) MUST_CHECK;
bool day_index_settle(struct day *day, struct err *err) MUST_CHECK;

/* Closes the index if nobody holds it and nothing waits to be committed. True: it is closed now. */
bool day_index_close_idle(struct day *day);

/* The figures of the index, all 0 when it is closed; as of the last call while its lock is held, which an opening that fills it does for long. Never waits. */
void day_index_figures(struct day *day, struct day_index_stats *out);

/* Renames the folder out of the way, so that the day may begin anew, and marks it to go with the last reference. */
bool day_drop(struct day *day, struct err *err) MUST_CHECK;

/* The first and last instant of a day, both inside, as far as int64 reaches. */
void day_bounds(int64_t number, int64_t *out_first_ns, int64_t *out_last_ns);

/* When segments were last sealed into it: merging waits until a day is quiet. */
void day_note_change(struct day *day, int64_t now_mono_ns);
int64_t day_changed_mono_ns(struct day *day);
