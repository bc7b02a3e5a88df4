/* delete_book.h: the delete requests of all tenants: on disk, and as the snapshots that scans apply.
 *
 *               take, list   change
 *     take          -          -     any thread; nothing but an atomic load while no request waits
 *     change        -          X     any thread; durable before it returns
 *
 * Locks, in this order: write_lock (held over the disk), lock (held for pointers only).
 */
#pragma once

#include "core/base/clock.h"
#include "storage/deletion/delete_filter.h"
#include "storage/disk/disk.h"

enum deletion_mode {
    DELETION_DISABLED,    /* requests do nothing */
    DELETION_FILTER_ONLY, /* they hide lines */
    DELETION_ERASE,       /* ... and erase them */
};

struct delete_book;

/* Reads the folder (created when missing). A file that does not hold is told of, and renamed out of the way: its requests are lost. */
bool delete_book_open(const struct disk *disk, const char *folder, void (*damaged)(void *self, const char *what), void *self,
                      struct delete_book **out, struct err *err) MUST_CHECK;
void delete_book_close(struct delete_book *book); /* NULL is fine */

/* Reads all files and changes nothing. A folder that is missing is fine. */
bool delete_book_verify(const struct disk *disk, const char *folder, void (*damaged)(void *self, const char *what), void *self,
                        struct err *err) MUST_CHECK;

/* ---- any thread ---- */

/* The filters that hide lines of the tenant, if one touches the range; else NULL. The caller unrefs. */
struct delete_set *delete_book_take(struct delete_book *book, struct slice tenant, int64_t start_ns, int64_t end_ns);

/* All requests, by creation, copied to the arena. */
size_t delete_book_list(struct delete_book *book, struct slice tenant, struct arena *arena, struct delete_request **out);
uint64_t delete_book_generation(struct delete_book *book, struct slice tenant); /* 0: there never was a request */

/* Adds a request: query, times and created_ms are set. In force for every scan that begins after the return. ERR_INVALID: no log selector;
 * ERR_RATE: DELETE_REQUESTS_MAX wait; ERR_IO, ERR_DISK_FULL: it is not in force (but may be after a crash). */
bool delete_book_add(struct delete_book *book, struct slice tenant, const struct delete_request *request, uint32_t *out_id,
                     struct err *err) MUST_CHECK;

/* Takes a request back, with Loki's rules and words: ERR_NOT_FOUND, ERR_INVALID. Lines that were not erased yet show again. */
bool delete_book_cancel(struct delete_book *book, struct slice tenant, uint32_t id, bool force, int64_t now_ms, int64_t cancel_period_ms,
                        struct err *err) MUST_CHECK;

/* ---- maintenance ---- */

struct delete_due {
    struct slice tenant; /* in the arena */
    uint32_t id;
    struct slice query;            /* in the arena */
    struct delete_filter *filter;  /* a reference */
    bool is_new;                   /* not started yet */
    bool resumes;                  /* an earlier life of the store had begun */
};

/* Requests to erase now: created up to the given time, of tenants whose mode says so. Sorted by tenant. */
size_t delete_book_due(struct delete_book *book, int64_t created_until_ms, enum deletion_mode (*mode)(void *self, struct slice tenant), void *self,
                       struct arena *arena, struct delete_due **out);
void delete_due_fini(struct delete_due *due, size_t count);

/* Notes how far the erasing of some of a tenant's requests has come; a processed one hides nothing any more. One that was cancelled meanwhile is
 * passed over. */
bool delete_book_progress(struct delete_book *book, struct slice tenant, const uint32_t *ids, size_t count, enum delete_state state,
                          unsigned percent, struct err *err) MUST_CHECK;

/* Is anything of it still to be erased? False: cancelled. */
bool delete_book_has(struct delete_book *book, struct slice tenant, uint32_t id);

/* Writes anew what a failed change may have left unlike what is in force. */
bool delete_book_settle(struct delete_book *book, struct err *err) MUST_CHECK;

struct delete_book_stats {
    uint64_t pending;
    int64_t oldest_ms; /* INT64_MAX: none */
};
void delete_book_stats(struct delete_book *book, struct delete_book_stats *out);
