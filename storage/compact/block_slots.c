#include "storage/compact/block_slots.h"

#include <assert.h>

#include "core/base/mem.h"

static void slot_empty(struct block_slot *slot)
{
    segment_unref(slot->segment);
    slot->segment = NULL;
}

static void slot_end(struct block_slot *slot)
{
    if (slot->segment != NULL)
        slot_empty(slot);
    block_reader_destroy(slot->reader);
    mem_free(slot);
}

void block_slots_fini(struct block_slots *slots)
{
    for (size_t i = 0; i < slots->count; i++) {
        assert(slots->slots[i]->users == 0);
        slot_end(slots->slots[i]);
    }
    mem_free(slots->slots);
    *slots = (struct block_slots){0};
}

/* One that is free to be filled: empty, or the least recently used of enough idle ones, or new. */
static struct block_slot *slot_take(struct block_slots *slots)
{
    struct block_slot *oldest = NULL;
    size_t idle = 0;
    for (size_t i = 0; i < slots->count; i++) {
        struct block_slot *slot = slots->slots[i];
        if (slot->users > 0)
            continue;
        idle++;
        if (oldest == NULL || slot->segment == NULL || (oldest->segment != NULL && slot->used < oldest->used))
            oldest = slot;
    }
    if (oldest != NULL && (oldest->segment == NULL || idle >= BLOCK_SLOTS_KEPT)) {
        if (oldest->segment != NULL)
            slot_empty(oldest);
        return oldest;
    }
    struct block_slot *slot = mem_zero(sizeof(*slot));
    slot->reader = block_reader_create(NULL);
    slots->slots = mem_grow(slots->slots, slots->count + 1, sizeof(struct block_slot *));
    slots->slots[slots->count++] = slot;
    return slot;
}

bool block_slots_hold(struct block_slots *slots, struct segment *segment, size_t block, unsigned columns, struct block_slot **out,
                      struct err *err)
{
    for (size_t i = 0; i < slots->count; i++) {
        struct block_slot *slot = slots->slots[i];
        if (slot->segment == segment && slot->block == block && (slot->columns & columns) == columns) {
            slot->users++;
            slot->used = ++slots->clock;
            *out = slot;
            return true;
        }
    }
    struct block_slot *slot = slot_take(slots);
    if (!segment_read_block(segment, block, columns, slot->reader, &slot->view, err))
        return false;
    slots->decompress_ns += block_reader_take_decompress_ns(slot->reader);
    if ((columns & SCAN_LINES) != 0) {
        slots->blocks_read++;
        slots->stored_bytes += segment_block_at(segment, block)->stored_bytes;
    }
    slot->segment = segment_ref(segment);
    slot->block = block;
    slot->columns = columns;
    slot->users = 1;
    slot->used = ++slots->clock;
    *out = slot;
    return true;
}

void block_slots_release(struct block_slots *slots, struct block_slot *slot)
{
    (void)slots;
    if (slot == NULL)
        return;
    assert(slot->users > 0);
    slot->users--;
}

void block_slots_clear(struct block_slots *slots)
{
    size_t kept = 0;
    for (size_t i = 0; i < slots->count; i++) {
        struct block_slot *slot = slots->slots[i];
        if (slot->users > 0 || kept == 0) { // one reader stays, for its buffers
            if (slot->users == 0 && slot->segment != NULL)
                slot_empty(slot);
            slots->slots[kept++] = slot;
        } else {
            slot_end(slot);
        }
    }
    slots->count = kept;
}
