#include "storage/shard/head_room.h"

#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/mem.h"

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void head_room_init(struct head_room *room, const char *folder, unsigned shard_count)
{
    size_t most = larger(lesser(room->head_bytes_max * REPLAY_HEAD_FACTOR, REPLAY_HEAD_BYTES), room->head_bytes_max);
    room->folder = mem_strdup(slice_str(folder));
    atomic_store(&room->limit, most);
    atomic_store(&room->replay_seal_bytes, larger(room->seal_bytes, most / shard_count / 4)); // all shards' open heads take a quarter
    atomic_store(&room->is_replaying, true);
    atomic_store(&room->spills, true);
}

void head_room_fini(struct head_room *room)
{
    mem_free(room->folder);
    room->folder = NULL;
}

void head_room_end_replay(struct head_room *room)
{
    atomic_store(&room->is_replaying, false);
}

void head_room_settle(struct head_room *room)
{
    if (!RELAXED(&room->spills) || RELAXED(&room->is_replaying))
        return;
    if (RELAXED(&room->head_bytes) < room->head_bytes_max)
        atomic_store(&room->limit, room->head_bytes_max);
    if (RELAXED(&room->limit) == room->head_bytes_max && RELAXED(&room->spilled_bytes) == 0)
        atomic_store(&room->spills, false);
}

bool head_room_is_over(const struct head_room *room)
{
    size_t head = RELAXED(&room->head_bytes), retired = RELAXED(&room->retired_bytes), limit = RELAXED(&room->limit);
    return head >= limit || head + retired >= 2 * limit;
}

size_t head_room_seal_bytes(const struct head_room *room)
{
    return RELAXED(&room->is_replaying) ? RELAXED(&room->replay_seal_bytes) : room->seal_bytes;
}

bool head_room_defers(const struct head_room *room)
{
    return RELAXED(&room->is_replaying) && !head_room_is_over(room);
}

/* Twice the reserve stays free: what is spilled is sealed later, and the log grows meanwhile. */
static bool has_disk(const struct head_room *room, size_t bytes)
{
    uint64_t free_bytes = 0;
    uint64_t size = 0;
    return room->disk->free_bytes(room->disk, room->folder, &free_bytes, &size) == 0 && free_bytes >= 2 * room->disk_free_reserve + bytes;
}

static bool is_slow(const struct head_room *room)
{
    size_t bytes = RELAXED(&room->spilling_bytes);
    int64_t ms = RELAXED(&room->spilling_ns) / NS_PER_MS;
    return bytes >= SPILL_JUDGED_BYTES && (int64_t)(bytes / 1000) < ms * SPILL_MB_PER_S_MIN;
}

void head_room_spill(struct head_room *room, struct generation *generation)
{
    size_t bytes = generation_bytes(generation);
    if (!RELAXED(&room->spills) || RELAXED(&room->spilled_bytes) + bytes > SPILLED_BYTES_MAX || is_slow(room) || !has_disk(room, bytes))
        return;
    int64_t start = clock_mono_ns(room->clock);
    char path[4096];
    struct err err;
    (void)snprintf(path, sizeof(path), "%s/spill-%u", room->folder, generation_shard(generation));
    if (!generation_spill(generation, room->disk, path, &room->spilled_bytes, &err))
        log_warn("head", "a head could not be written to a file and stays in memory", "err", err.text);
    atomic_fetch_add(&room->spilling_ns, clock_mono_ns(room->clock) - start);
    atomic_fetch_add(&room->spilling_bytes, bytes);
}
