#include "storage/segment/block_parts.h"

#include "core/base/bytes.h"

#define IS_PLAIN (UINT32_C(1) << 31)
#define TAIL_SHARE 4   /* the last part of a stream is so many times smaller */
#define LEAST_SHARE 40 /* a part is no smaller than that of the block */

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

/* Rows [begin, end) into parts, from the end: first a small one. Returns how many. */
static uint32_t cut_range(const uint32_t *offsets, size_t begin, size_t end, size_t part_bytes, struct block_part *out)
{
    uint32_t parts = 0;
    size_t want = part_bytes / TAIL_SHARE;
    for (size_t to = end; to > begin; want = part_bytes) {
        bool is_rest = offsets[to] - offsets[begin] <= want + want / 2; // no crumb is left for the first
        size_t from = is_rest ? begin : begin + part_begin(offsets + begin, to - begin, want);
        out[parts++] = (struct block_part){.first_row = (uint32_t)from,
                                           .rows = (uint32_t)(to - from),
                                           .text_at = offsets[from],
                                           .text_bytes = offsets[to] - offsets[from]};
        to = from;
    }
    for (uint32_t i = 0; i < parts / 2; i++) {
        struct block_part part = out[i];
        out[i] = out[parts - 1 - i];
        out[parts - 1 - i] = part;
    }
    return parts;
}

uint32_t block_parts_cut(const struct block_rows *rows, size_t part_bytes, struct block_part *out)
{
    // Two parts beside each other in a range have part_bytes together, but for its last two; and ranges have half of that: so there are under six times LEAST_SHARE.
    size_t least = rows->text.len / LEAST_SHARE;
    part_bytes = part_bytes < least ? least : part_bytes;
    uint32_t parts = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= rows->end_count; i++) {
        size_t end = i < rows->end_count ? rows->ends[i] : rows->count;
        bool is_short = rows->offsets[end] - rows->offsets[begin] < part_bytes / 2;
        if (begin == end || (is_short && i < rows->end_count)) // after part_bytes grew
            continue;
        parts += cut_range(rows->offsets, begin, end, part_bytes, out + parts);
        begin = end;
    }
    return parts;
}

static void frame_put(const struct block_part_frame *frame, char *p)
{
    le32_put(p, frame->stored_bytes | (frame->is_plain ? IS_PLAIN : 0));
    le32_put(p + 4, frame->crc);
}

static struct block_part_frame frame_get(const char *p)
{
    uint32_t stored = le32_get(p);
    return (struct block_part_frame){stored & ~IS_PLAIN, le32_get(p + 4), (stored & IS_PLAIN) != 0};
}

void block_part_put(const struct block_part *part, char *p)
{
    le32_put(p, part->rows);
    le32_put(p + 4, part->text_bytes);
    frame_put(&part->times, p + 8);
    frame_put(&part->lines, p + 16);
    le64_put(p + 24, (uint64_t)part->first_ns);
    le64_put(p + 32, (uint64_t)part->last_ns);
}

bool block_parts_take(struct slice table, uint32_t count, uint32_t rows, uint32_t text_bytes, uint64_t stored_bytes, struct block_part *out)
{
    uint64_t row = 0, text_at = 0, stored_at = 0;
    if (count == 0 || count > BLOCK_PARTS_MAX || table.len != count * BLOCK_PART_ENTRY)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *p = table.ptr + i * BLOCK_PART_ENTRY;
        struct block_part *part = &out[i];
        *part = (struct block_part){.first_row = (uint32_t)row,
                                    .rows = le32_get(p),
                                    .text_at = (uint32_t)text_at,
                                    .text_bytes = le32_get(p + 4),
                                    .stored_at = (uint32_t)stored_at,
                                    .times = frame_get(p + 8),
                                    .lines = frame_get(p + 16),
                                    .first_ns = (int64_t)le64_get(p + 24),
                                    .last_ns = (int64_t)le64_get(p + 32)};
        row += part->rows;
        text_at += part->text_bytes;
        stored_at += (uint64_t)part->times.stored_bytes + part->lines.stored_bytes;
        if (part->rows == 0 || part->text_bytes < part->rows || part->first_ns > part->last_ns || row > rows || text_at > text_bytes ||
            stored_at > stored_bytes)
            return false;
    }
    return row == rows && text_at == text_bytes && stored_at == stored_bytes;
}
