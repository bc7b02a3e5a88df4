/* head_room.h: how much the heads of all shards may hold, and where more than that goes.
 *
 * As a rule: head_bytes_max in memory, of which a shard seals seal_bytes at a time. While the log is replayed, sealing waits, since it is most of the work and
 * nothing that a query needs: heads are larger, and what is frozen goes to unnamed files (generation_spill), whose pages the system may take from memory.
 * They are sealed, in order, once the node is ready; until the last is, what is frozen meanwhile queues behind them in the same way. Where there is no room
 * for files, or the disk is slow, replay seals as it goes. decisions/0017.
 *
 * Thread: any, but for what says otherwise.
 */
#pragma once

#include "storage/day/index_feed.h"
#include "storage/head/generation.h"

#define REPLAY_HEAD_FACTOR 4 /* heads may hold so many times head_bytes_max during a replay ... */
#define REPLAY_HEAD_BYTES ((size_t)256 << 20) /* ... up to this */
#define SPILLED_BYTES_MAX ((size_t)4 << 30) /* a page is a mapping, of which a process has 65,530 */
#define SPILL_MB_PER_S_MIN 128 /* of one shard: where the disk is slower, sealing at once is no slower than to wait for it */
#define SPILL_JUDGED_BYTES ((size_t)64 << 20) /* written before that is looked at */

struct head_room {
    const struct disk *disk;
    const struct clock *clock;
    char *folder;              /* the store's: for the files */
    uint64_t disk_free_reserve;
    size_t head_bytes_max, seal_bytes;
    _Atomic size_t head_bytes;     /* of generations in force, in memory */
    _Atomic size_t retired_bytes;  /* of those that only scans still hold */
    _Atomic size_t spilled_bytes;
    _Atomic size_t limit;          /* of head_bytes, now */
    _Atomic size_t replay_seal_bytes;
    _Atomic int64_t spilling_ns; /* what the files of this start took ... */
    _Atomic size_t spilling_bytes;
    atomic_bool is_replaying;
    atomic_bool spills;            /* from a replay's beginning until what it left is sealed */
};

/* Before any shard is there. The folder is copied. */
void head_room_init(struct head_room *room, const char *folder, unsigned shard_count);
void head_room_fini(struct head_room *room);
void head_room_end_replay(struct head_room *room);
/* Back to the usual limits as soon as they are kept. Often called. */
void head_room_settle(struct head_room *room);

bool head_room_is_over(const struct head_room *room);
/* A head of so many bytes is sealed, or frozen and spilled. */
size_t head_room_seal_bytes(const struct head_room *room);
/* Sealing can wait: the node is not ready, and there is memory. */
bool head_room_defers(const struct head_room *room);
/* To a file, if that is what is done with it now; what cannot be written stays in memory. Thread: the shard's worker, before the generation is sealed. */
void head_room_spill(struct head_room *room, struct generation *generation);
