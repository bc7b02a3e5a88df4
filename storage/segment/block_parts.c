#include "storage/segment/block_parts.h"

#include "core/base/bytes.h"

#define TAIL_SHARE 4 /* the last part is so many times smaller */

/* The first row of the part that ends before `end` and has about `bytes`; one row at least. */
static size_t part_begin(const uint32_t *offsets, size_t end, size_t bytes)
{
    size_t low = 0, high = end - 1; // the answer is in [low, high]
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (offsets[end] - offsets[middle] > bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t block_parts_cut(const uint32_t *offsets, size_t count, size_t part_bytes, struct block_part *out)
{
    size_t text_bytes = offsets[count];
    size_t least = text_bytes / (BLOCK_PARTS_MAX / 2 - 2); // two parts beside each other have more than that together
    part_bytes = part_bytes < least ? least : part_bytes;
    if (text_bytes <= part_bytes)
        return 1;
    uint32_t parts = 0;
    size_t want = part_bytes / TAIL_SHARE;
    for (size_t end = count; end > 0; want = part_bytes) {
        size_t begin = offsets[end] <= want + want / 2 ? 0 : part_begin(offsets, end, want); // no crumb is left for the first
        out[parts++] = (struct block_part){.first_row = (uint32_t)begin,
                                           .rows = (uint32_t)(end - begin),
                                           .text_at = offsets[begin],
                                           .text_bytes = offsets[end] - offsets[begin]};
        end = begin;
    }
    for (uint32_t i = 0; i < parts / 2; i++) {
        struct block_part part = out[i];
        out[i] = out[parts - 1 - i];
        out[parts - 1 - i] = part;
    }
    return parts;
}

void block_part_put(const struct block_part *part, char *p)
{
    le32_put(p, part->rows);
    le32_put(p + 4, part->text_bytes);
    le32_put(p + 8, part->stored_bytes | (part->is_plain ? BLOCK_PART_IS_PLAIN : 0));
    le32_put(p + 12, part->crc);
}

bool block_parts_take(struct slice table, uint32_t count, uint32_t rows, uint32_t text_bytes, uint64_t stored_bytes, struct block_part *out)
{
    uint64_t row = 0, text_at = 0, stored_at = 0;
    if (count == 0 || count > BLOCK_PARTS_MAX || table.len != count * BLOCK_PART_ENTRY)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *p = table.ptr + i * BLOCK_PART_ENTRY;
        uint32_t stored = le32_get(p + 8);
        out[i] = (struct block_part){.first_row = (uint32_t)row,
                                     .rows = le32_get(p),
                                     .text_at = (uint32_t)text_at,
                                     .text_bytes = le32_get(p + 4),
                                     .stored_at = (uint32_t)stored_at,
                                     .stored_bytes = stored & ~BLOCK_PART_IS_PLAIN,
                                     .crc = le32_get(p + 12),
                                     .is_plain = (stored & BLOCK_PART_IS_PLAIN) != 0};
        row += out[i].rows;
        text_at += out[i].text_bytes;
        stored_at += out[i].stored_bytes;
        if (out[i].rows == 0 || out[i].text_bytes < out[i].rows || row > rows || text_at > text_bytes || stored_at > stored_bytes)
            return false;
    }
    return row == rows && text_at == text_bytes && stored_at == stored_bytes;
}
