/* tail_outbox.h: what a tail is going to send: entries that wait for their time or for room, in time order; messages that wait for the client; and what a slow
 * client lost.
 *
 * Entries are kept as the JSON that they become, so that what they take is known to the byte. At most bytes_max wait; then, when the client does not keep up, the
 * oldest are dropped, named in the next message (the first TAIL_DROPPED_MAX of them) and counted.
 * Thread: one at a time, but for the messages: one thread makes them, the loop takes them.
 */
#pragma once

#include <pthread.h>

#include "core/base/buf.h"
#include "net/codec/tail_json.h"

#define TAIL_ENTRIES_MAX ((size_t)100)               /* in a message, as in Loki */
#define TAIL_MESSAGE_BYTES ((size_t)256 << 10)       /* a message ends with the entry that passes it */
#define TAIL_MESSAGES_MAX ((size_t)32)               /* that wait for the client */
#define TAIL_MESSAGES_BYTES_MAX ((size_t)2 << 20)
#define TAIL_DROPPED_MAX ((size_t)1000)              /* named in a message, as in Loki */
#define TAIL_DROPPED_BYTES_MAX ((size_t)256 << 10)

struct tail_entry;
struct tail_message;

struct tail_outbox {
    struct tail_form form;
    size_t bytes_max;            /* of entries that wait */
    _Atomic size_t *total;       /* of all tails: what this one holds is added there */
    size_t total_max;
    struct tail_entry **heap;    /* the one to be sent next first */
    size_t count, cap;
    size_t bytes;
    uint64_t arrivals;           /* orders entries of the same time */
    struct buf dropped;          /* JSON */
    size_t dropped_named;
    uint64_t dropped_count;      /* in all */
    _Atomic size_t message_count, message_bytes;
    pthread_mutex_t lock;        /* what follows */
    struct tail_message *first, *last;
};

void tail_outbox_init(struct tail_outbox *outbox);
void tail_outbox_fini(struct tail_outbox *outbox);

/* labels_json is what tail_json_labels_put made. arrived_mono_ns: for the delay's figure; 0: not to be counted. */
void tail_outbox_add(struct tail_outbox *outbox, const struct result_entry *entry, struct slice labels_json, int64_t arrived_mono_ns);
/* An entry was lost elsewhere. */
void tail_outbox_lost(struct tail_outbox *outbox, int64_t ts_ns, struct slice labels_json);
void tail_outbox_lost_unnamed(struct tail_outbox *outbox, uint64_t count);

/* Makes messages of all that is due at due_ns, while there is room for them; what no room is left for is dropped when it is too much. */
void tail_outbox_flush(struct tail_outbox *outbox, int64_t due_ns, int64_t now_mono_ns);
/* Time of the next entry; INT64_MAX: none waits. INT64_MIN: something is to be told at once. */
int64_t tail_outbox_next_ns(const struct tail_outbox *outbox);
bool tail_outbox_has_room(const struct tail_outbox *outbox); /* for messages. Thread: any */

/* The oldest message; the caller ends it with buf_fini. Thread: the loop. */
bool tail_outbox_take(struct tail_outbox *outbox, struct buf *out);
