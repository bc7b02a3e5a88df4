#include <assert.h>

#include "core/base/crc32c.h"
#include "storage/segment/block_reader.h"
#include "storage/segment/line_offsets.h"

/* The table of parts: behind the metadata and so in what was read for the rows, but for blocks with lengths. */
static bool read_table(struct segment *segment, size_t block, const struct block_head *head, struct block_reader *reader, struct slice *out, struct err *err)
{
    size_t bytes = block_part_count(head->flags) * BLOCK_PART_ENTRY;
    size_t at = BLOCK_HEAD_BYTES + head->stored[FRAME_TIMES] + head->stored[FRAME_METADATA];
    if (bytes > head->stored[FRAME_LINES])
        return err_set(err, ERR_CORRUPT, "lines: parts");
    if (head->stored[FRAME_LENGTHS] == 0) {
        *out = slice_of(reader->stored.ptr + at, bytes);
        return true;
    }
    buf_reset(&reader->stored);
    *out = slice_of(buf_room(&reader->stored, bytes), bytes);
    return disk_read_all(segment->disk, segment->fd, reader->stored.ptr, bytes,
                         segment->directory.blocks[block].offset + at + head->stored[FRAME_LENGTHS], err);
}

/* How the lines lie on the disk. */
static bool read_layout(struct segment *segment, size_t block, const struct block_head *head, struct block_reader *reader, struct err *err)
{
    struct slice table;
    uint32_t count = block_part_count(head->flags);
    if (!read_table(segment, block, head, reader, &table, err))
        return false;
    if (crc32c(0, table) != head->crc[FRAME_LINES] ||
        !block_parts_take(table, count, head->entries, head->text_bytes, head->stored[FRAME_LINES] - table.len, reader->parts))
        return err_set(err, ERR_CORRUPT, "lines: parts");
    uint64_t lengths_at = segment->directory.blocks[block].offset + BLOCK_HEAD_BYTES + head->stored[FRAME_TIMES] + head->stored[FRAME_METADATA];
    reader->view.lines = (struct block_lines){.parts = reader->parts,
                                              .part_count = count,
                                              .parts_at = lengths_at + head->stored[FRAME_LENGTHS] + table.len,
                                              .lengths_at = lengths_at,
                                              .lengths_stored = head->stored[FRAME_LENGTHS],
                                              .lengths_crc = head->crc[FRAME_LENGTHS],
                                              .lengths_are_plain = (head->flags & BLOCK_FRAME_IS_PLAIN(FRAME_LENGTHS)) != 0};
    return true;
}

static bool decode_rows(struct segment *segment, size_t i, unsigned columns, struct block_reader *reader, struct err *err)
{
    const struct stream_directory *directory = &segment->directory;
    const struct segment_block *block = &directory->blocks[i];
    struct block_head head;
    size_t n = BLOCK_HEAD_BYTES + directory->times_stored[i] + directory->metadata_stored[i];
    size_t table_bytes = (block->flags & SEGMENT_BLOCK_HAS_NEWLINES) != 0 ? 0 : block_part_count(block->flags) * BLOCK_PART_ENTRY;
    n = n + table_bytes <= block->stored_bytes ? n + table_bytes : block->stored_bytes;
    return block_read_head(segment, i, n, reader, &head, err) &&
           ((head.stored[FRAME_LENGTHS] != 0) == ((block->flags & SEGMENT_BLOCK_HAS_NEWLINES) != 0) || err_set(err, ERR_CORRUPT, "lengths: flag")) &&
           block_decode_rows(reader, &head, columns, err) && read_layout(segment, i, &head, reader, err);
}

uint32_t segment_block_parts(const struct segment_block *block)
{
    return block_part_count(block->flags);
}

bool segment_read_rows(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out, struct err *err)
{
    assert(block < segment->directory.block_count && segment_block_parts(&segment->directory.blocks[block]) > 0);
    columns &= SCAN_METADATA;
    block_reader_clear(reader);
    if (reader->cache != NULL)
        reader->held = block_cache_find(reader->cache, segment->serial, block, BLOCK_ROWS, columns);
    if (reader->held != NULL) {
        reader->view = reader->held->view;
    } else {
        if (!decode_rows(segment, block, columns, reader, err))
            return err_wrap(err, "%s.seg: block %zu", segment->name, block);
        if (block_reader_may_keep(reader, reader->view.entries * sizeof(*reader->view.ts_ns)))
            block_cache_add(reader->cache, segment->serial, block, BLOCK_ROWS, columns, &reader->view, buf_slice(&reader->metadata), 0);
    }
    *out = reader->view;
    return true;
}

/* Where the part's lines begin. */
static bool part_offsets(struct segment *segment, const struct block_part *part, struct block_reader *reader, struct err *err)
{
    const struct block_lines *lines = &reader->view.lines;
    struct slice text = buf_slice(&reader->text);
    if (lines->lengths_stored == 0)
        return line_offsets(text, part->rows, reader->offsets) || err_set(err, ERR_CORRUPT, "lines: lengths");
    buf_reset(&reader->stored);
    buf_reset(&reader->plain);
    char *stored = buf_room(&reader->stored, lines->lengths_stored);
    return disk_read_all(segment->disk, segment->fd, stored, lines->lengths_stored, lines->lengths_at, err) &&
           block_unpack(reader, slice_of(stored, lines->lengths_stored), lines->lengths_crc, lines->lengths_are_plain,
                        4 * (size_t)reader->view.entries, "lengths", &reader->plain, err) &&
           (block_offsets_of_lengths(buf_slice(&reader->plain), reader->view.entries, part->first_row, part->rows, text, reader->offsets) ||
            err_set(err, ERR_CORRUPT, "lines: lengths"));
}

static bool decode_part(struct segment *segment, const struct block_part *part, struct block_reader *reader, struct err *err)
{
    buf_reset(&reader->stored);
    buf_reset(&reader->text);
    char *stored = buf_room(&reader->stored, part->stored_bytes);
    uint64_t at = reader->view.lines.parts_at + part->stored_at;
    block_reserve_rows(reader, reader->view.entries); // the rows may be of the cache
    return disk_read_all(segment->disk, segment->fd, stored, part->stored_bytes, at, err) &&
           block_unpack_part(reader, part, slice_of(stored, part->stored_bytes), err) && part_offsets(segment, part, reader, err);
}

bool segment_read_part(struct segment *segment, size_t block, uint32_t number, struct block_reader *reader, struct block_text *out, struct err *err)
{
    assert(number < reader->view.lines.part_count);
    const struct block_part *part = &reader->view.lines.parts[number];
    block_cache_release(reader->held_part);
    reader->held_part = reader->cache == NULL ? NULL : block_cache_find(reader->cache, segment->serial, block, number, SCAN_LINES);
    *out = (struct block_text){.first_row = part->first_row, .rows = part->rows, .stored_bytes = part->stored_bytes};
    if (reader->held_part != NULL) {
        out->text = reader->held_part->view.text;
        out->offsets = reader->held_part->view.offsets;
        return true;
    }
    if (!decode_part(segment, part, reader, err))
        return err_wrap(err, "%s.seg: block %zu: part %u", segment->name, block, number);
    out->text = reader->text.ptr;
    out->offsets = reader->offsets;
    struct block_view view = {.entries = part->rows, .text = out->text, .offsets = out->offsets};
    if (block_reader_may_keep(reader, reader->text.len))
        block_cache_add(reader->cache, segment->serial, block, number, SCAN_LINES, &view, SLICE_NONE, reader->text.len);
    return true;
}

void block_view_part(const struct block_view *view, uint32_t part, uint32_t *first_row, uint32_t *end_row)
{
    *first_row = view->lines.parts[part].first_row;
    *end_row = *first_row + view->lines.parts[part].rows;
}
