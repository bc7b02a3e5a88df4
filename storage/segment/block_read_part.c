#include <assert.h>

#include "storage/segment/block_reader.h"
#include "storage/segment/line_offsets.h"

/* Head, table and metadata lie together, before all else. */
static bool decode_layout(struct segment *segment, size_t i, unsigned columns, struct block_reader *reader, struct err *err)
{
    const struct stream_directory *directory = &segment->directory;
    const struct segment_block *block = &directory->blocks[i];
    struct block_head head;
    size_t n = BLOCK_HEAD_BYTES + directory->times_stored[i] + ((columns & SCAN_METADATA) != 0 ? directory->metadata_stored[i] : 0);
    if (!block_read_head(segment, i, n, reader, &head, err))
        return false;
    block_reserve_rows(reader, head.entries);
    reader->view = (struct block_view){.entries = head.entries, .flags = head.flags & 0xff};
    if (!block_decode_table(reader, &head, err) || ((columns & SCAN_METADATA) != 0 && !block_decode_metadata(reader, &head, err)))
        return false;
    uint64_t lengths_at = block->offset + BLOCK_HEAD_BYTES + head.stored[FRAME_TIMES] + head.stored[FRAME_METADATA];
    reader->view.layout = (struct block_layout){.parts = reader->parts,
                                                .part_count = block_part_count(head.flags),
                                                .parts_at = lengths_at + head.stored[FRAME_LENGTHS],
                                                .lengths_at = lengths_at,
                                                .lengths_stored = head.stored[FRAME_LENGTHS],
                                                .lengths_crc = head.crc[FRAME_LENGTHS],
                                                .lengths_are_plain = (head.flags & BLOCK_FRAME_IS_PLAIN(FRAME_LENGTHS)) != 0};
    return true;
}

uint32_t segment_block_parts(const struct segment_block *block)
{
    return block_part_count(block->flags);
}

bool segment_read_layout(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out, struct err *err)
{
    assert(block < segment->directory.block_count && segment_block_parts(&segment->directory.blocks[block]) > 0);
    columns &= SCAN_METADATA;
    block_reader_clear(reader);
    if (reader->cache != NULL && columns != 0)
        reader->held = block_cache_find(reader->cache, segment->serial, block, BLOCK_LAYOUT, columns);
    if (reader->held != NULL) {
        reader->view = reader->held->view;
    } else {
        if (!decode_layout(segment, block, columns, reader, err))
            return err_wrap(err, "%s.seg: block %zu", segment->name, block);
        if (columns != 0 && block_reader_may_keep(reader, reader->view.entries * sizeof(*reader->view.metadata_index)))
            block_cache_add(reader->cache, segment->serial, block, BLOCK_LAYOUT, columns, &reader->view, buf_slice(&reader->metadata), 0);
    }
    *out = reader->view;
    return true;
}

/* Where the part's lines begin. */
static bool part_offsets(struct segment *segment, const struct block_part *part, struct block_reader *reader, struct err *err)
{
    const struct block_layout *layout = &reader->view.layout;
    struct slice text = buf_slice(&reader->text);
    if (layout->lengths_stored == 0)
        return line_offsets(text, part->rows, reader->offsets) || err_set(err, ERR_CORRUPT, "lines: lengths");
    buf_reset(&reader->stored);
    buf_reset(&reader->plain);
    char *stored = buf_room(&reader->stored, layout->lengths_stored);
    return disk_read_all(segment->disk, segment->fd, stored, layout->lengths_stored, layout->lengths_at, err) &&
           block_unpack(reader, slice_of(stored, layout->lengths_stored), layout->lengths_crc, layout->lengths_are_plain,
                        4 * (size_t)reader->view.entries, "lengths", &reader->plain, err) &&
           (block_offsets_of_lengths(buf_slice(&reader->plain), reader->view.entries, part->first_row, part->rows, text, reader->offsets) ||
            err_set(err, ERR_CORRUPT, "lines: lengths"));
}

static bool decode_part(struct segment *segment, const struct block_part *part, unsigned columns, struct block_reader *reader, struct err *err)
{
    size_t n = part->times.stored_bytes + ((columns & SCAN_LINES) != 0 ? part->lines.stored_bytes : 0);
    buf_reset(&reader->stored);
    buf_reset(&reader->text);
    char *stored = buf_room(&reader->stored, n);
    block_reserve_rows(reader, reader->view.entries); // the layout may be of the cache
    return disk_read_all(segment->disk, segment->fd, stored, n, reader->view.layout.parts_at + part->stored_at, err) &&
           block_unpack_part(reader, part, stored, columns, reader->ts_ns, err) &&
           ((columns & SCAN_LINES) == 0 || part_offsets(segment, part, reader, err));
}

bool segment_read_part(struct segment *segment, size_t block, uint32_t number, unsigned columns, struct block_reader *reader, struct block_rows_view *out,
                       struct err *err)
{
    assert(number < reader->view.layout.part_count);
    const struct block_part *part = &reader->view.layout.parts[number];
    bool has_lines = (columns & SCAN_LINES) != 0;
    block_cache_release(reader->held_part);
    reader->held_part = reader->cache == NULL || !has_lines ? NULL : block_cache_find(reader->cache, segment->serial, block, number, SCAN_LINES);
    *out = (struct block_rows_view){.first_row = part->first_row,
                                    .rows = part->rows,
                                    .stored_bytes = part->times.stored_bytes + (has_lines ? part->lines.stored_bytes : 0)};
    if (reader->held_part != NULL) {
        const struct block_view *view = &reader->held_part->view;
        out->ts_ns = view->ts_ns;
        out->text = view->text;
        out->offsets = view->offsets;
        return true;
    }
    if (!decode_part(segment, part, columns, reader, err))
        return err_wrap(err, "%s.seg: block %zu: part %u", segment->name, block, number);
    out->ts_ns = reader->ts_ns;
    out->text = has_lines ? reader->text.ptr : NULL;
    out->offsets = has_lines ? reader->offsets : NULL;
    struct block_view view = {.entries = part->rows, .ts_ns = out->ts_ns, .text = out->text, .offsets = out->offsets};
    if (has_lines && block_reader_may_keep(reader, reader->text.len))
        block_cache_add(reader->cache, segment->serial, block, number, SCAN_LINES, &view, SLICE_NONE, reader->text.len);
    return true;
}

void block_view_part(const struct block_view *view, uint32_t number, struct block_part_span *out)
{
    const struct block_part *part = &view->layout.parts[number];
    *out = (struct block_part_span){part->first_row, part->first_row + part->rows, part->first_ns, part->last_ns};
}
