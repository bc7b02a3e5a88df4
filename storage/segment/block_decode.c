#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/block_reader.h"
#include "storage/segment/line_offsets.h"
#include "storage/segment/ts_column.h"

#define TEXT_SLACK ((size_t)64)

int64_t block_reader_take_decompress_ns(struct block_reader *reader)
{
    int64_t ns = reader->decompress_ns;
    reader->decompress_ns = 0;
    return ns;
}

struct block_reader *block_reader_create(struct block_cache *cache)
{
    struct block_reader *reader = mem_zero(sizeof(*reader));
    reader->cache = cache;
    reader->zstd = ZSTD_createDCtx();
    assert(reader->zstd != NULL);
    return reader;
}

void block_reader_destroy(struct block_reader *reader)
{
    if (reader == NULL)
        return;
    block_reader_clear(reader);
    (void)ZSTD_freeDCtx(reader->zstd);
    buf_fini(&reader->stored);
    buf_fini(&reader->plain);
    buf_fini(&reader->text);
    buf_fini(&reader->metadata);
    mem_free(reader->ts_ns);
    mem_free(reader->offsets);
    mem_free(reader->metadata_index);
    mem_free(reader->sets);
    mem_free(reader);
}

void block_reader_clear(struct block_reader *reader)
{
    reader->serial = 0;
    block_cache_release(reader->held);
    block_cache_release(reader->held_part);
    reader->held = reader->held_part = NULL;
}

void block_reader_keep(struct block_reader *reader, _Atomic int64_t *allowance)
{
    reader->allowance = allowance;
}

void block_reserve_rows(struct block_reader *reader, size_t rows)
{
    if (rows <= reader->row_cap)
        return;
    reader->row_cap = rows;
    reader->ts_ns = mem_grow(reader->ts_ns, rows, sizeof(*reader->ts_ns));
    reader->offsets = mem_grow(reader->offsets, rows + 1, sizeof(*reader->offsets));
    reader->metadata_index = mem_grow(reader->metadata_index, rows, sizeof(*reader->metadata_index));
}

static bool decompress(struct block_reader *reader, char *plain, size_t size, struct slice stored)
{
    int64_t start = clock_thread_cpu_ns();
    bool ok = ZSTD_decompressDCtx(reader->zstd, plain, size, stored.ptr, stored.len) == size;
    reader->decompress_ns += clock_thread_cpu_ns() - start;
    return ok;
}

bool block_unpack(struct block_reader *reader, struct slice stored, uint32_t crc, bool is_plain, size_t plain_max, const char *what, struct buf *out,
                  struct err *err)
{
    if (crc32c(0, stored) != crc)
        return err_set(err, ERR_CORRUPT, "%s: checksum", what);
    unsigned long long size = is_plain ? stored.len : ZSTD_getFrameContentSize(stored.ptr, stored.len);
    if (size > plain_max) // zstd's errors are the largest numbers
        return err_set(err, ERR_CORRUPT, "%s: size", what);
    char *plain = buf_room(out, (size_t)size + TEXT_SLACK);
    if (is_plain)
        memcpy(plain, stored.ptr, stored.len);
    else if (!decompress(reader, plain, (size_t)size, stored))
        return err_set(err, ERR_CORRUPT, "%s: zstd", what);
    memset(plain + size, 0, TEXT_SLACK);
    buf_took(out, (size_t)size);
    return true;
}

static struct slice frame_stored(const struct block_reader *reader, const struct block_head *head, enum block_frame frame)
{
    size_t at = BLOCK_HEAD_BYTES;
    for (size_t i = 0; i < frame; i++)
        at += head->stored[i];
    return slice_of(reader->stored.ptr + at, head->stored[frame]);
}

static const char *const frame_names[FRAME_COUNT] = {"times", "metadata", "lengths", "lines"};

static bool frame_read(struct block_reader *reader, const struct block_head *head, enum block_frame frame, size_t plain_max,
                       struct buf *out, struct err *err)
{
    buf_reset(out);
    return block_unpack(reader, frame_stored(reader, head, frame), head->crc[frame], (head->flags & BLOCK_FRAME_IS_PLAIN(frame)) != 0, plain_max,
                        frame_names[frame], out, err);
}

static bool times_take(struct slice plain, size_t rows, int64_t *ts_ns, struct err *err)
{
    return (ts_column_take(&plain, rows, ts_ns) && plain.len == 0) || err_set(err, ERR_CORRUPT, "times: column");
}

static bool read_times(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    return frame_read(reader, head, FRAME_TIMES, TS_COLUMN_HEAD + 8 * (size_t)head->entries, &reader->plain, err) &&
           times_take(buf_slice(&reader->plain), head->entries, reader->ts_ns, err);
}

bool block_decode_metadata(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    if (head->stored[FRAME_METADATA] == 0)
        return true;
    if (!frame_read(reader, head, FRAME_METADATA, BLOCK_TEXT_MAX, &reader->metadata, err))
        return false;
    struct block_view *view = &reader->view;
    if (!metadata_column_decode(buf_slice(&reader->metadata), head->entries, &reader->sets, &reader->set_cap,
                                &view->metadata_set_count, reader->metadata_index))
        return err_set(err, ERR_CORRUPT, "metadata: column");
    view->metadata_sets = reader->sets;
    view->metadata_index = reader->metadata_index;
    return true;
}

bool block_offsets_of_lengths(struct slice lengths, size_t all, size_t first, size_t rows, struct slice text, uint32_t *offsets)
{
    if (lengths.len != 4 * all || first > all || rows > all - first)
        return false;
    const uint8_t *p = (const uint8_t *)lengths.ptr;
    uint64_t at = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t k = first + i;
        at += 1 + ((uint64_t)p[k] | (uint64_t)p[all + k] << 8 | (uint64_t)p[2 * all + k] << 16 | (uint64_t)p[3 * all + k] << 24);
        if (at > text.len || text.ptr[at - 1] != '\n')
            return false;
        offsets[i + 1] = (uint32_t)at;
    }
    return at == text.len;
}

bool block_decode_table(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    struct slice table = frame_stored(reader, head, FRAME_TIMES);
    return (crc32c(0, table) == head->crc[FRAME_TIMES] && block_parts_take(table, block_part_count(head->flags), head->entries, head->text_bytes,
                                                                          head->stored[FRAME_LINES], reader->parts)) ||
           err_set(err, ERR_CORRUPT, "parts: table");
}

bool block_unpack_part(struct block_reader *reader, const struct block_part *part, const char *stored, unsigned columns, int64_t *ts_ns,
                       struct err *err)
{
    struct slice times = slice_of(stored, part->times.stored_bytes);
    struct slice lines = slice_of(stored + part->times.stored_bytes, part->lines.stored_bytes);
    buf_reset(&reader->plain);
    if (!block_unpack(reader, times, part->times.crc, part->times.is_plain, TS_COLUMN_HEAD + 8 * (size_t)part->rows, "times", &reader->plain, err) ||
        !times_take(buf_slice(&reader->plain), part->rows, ts_ns, err))
        return false;
    if ((columns & SCAN_LINES) == 0)
        return true;
    size_t before = reader->text.len;
    return block_unpack(reader, lines, part->lines.crc, part->lines.is_plain, part->text_bytes, "lines", &reader->text, err) &&
           (reader->text.len - before == part->text_bytes || err_set(err, ERR_CORRUPT, "lines: size"));
}

/* Times of all parts, one behind the other, and their text if lines are asked for. */
static bool read_parts(struct block_reader *reader, const struct block_head *head, unsigned columns, struct err *err)
{
    if (!block_decode_table(reader, head, err))
        return false;
    const char *stored = frame_stored(reader, head, FRAME_LINES).ptr;
    bool ok = true;
    buf_reset(&reader->text);
    for (uint32_t i = 0; ok && i < block_part_count(head->flags); i++) {
        const struct block_part *part = &reader->parts[i];
        ok = block_unpack_part(reader, part, stored + part->stored_at, columns, reader->ts_ns + part->first_row, err);
    }
    return ok;
}

/* Where the lines of the text begin. */
static bool find_lines(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    struct slice text = buf_slice(&reader->text);
    if (text.len != head->text_bytes)
        return err_set(err, ERR_CORRUPT, "lines: size");
    bool ok = false;
    if (head->stored[FRAME_LENGTHS] == 0) {
        ok = line_offsets(text, head->entries, reader->offsets);
    } else {
        if (!frame_read(reader, head, FRAME_LENGTHS, 4 * (size_t)head->entries, &reader->plain, err))
            return false;
        ok = block_offsets_of_lengths(buf_slice(&reader->plain), head->entries, 0, head->entries, text, reader->offsets);
    }
    if (!ok)
        return err_set(err, ERR_CORRUPT, "lines: lengths");
    reader->view.text = text.ptr;
    reader->view.offsets = reader->offsets;
    return true;
}

bool block_read_head(struct segment *segment, size_t i, size_t n, struct block_reader *reader, struct block_head *head, struct err *err)
{
    const struct stream_directory *directory = &segment->directory;
    const struct segment_block *block = &directory->blocks[i];
    buf_reset(&reader->stored);
    if (!disk_read_all(segment->disk, segment->fd, buf_room(&reader->stored, n), n, block->offset, err))
        return false;
    struct slice in = slice_of(reader->stored.ptr, n);
    if (!block_head_take(&in, head))
        return err_set(err, ERR_CORRUPT, "header: checksum");
    uint64_t stored = BLOCK_HEAD_BYTES;
    for (size_t f = 0; f < FRAME_COUNT; f++)
        stored += head->stored[f];
    if (head->entries != block->entries || head->text_bytes != block->line_bytes + block->entries ||
        (head->flags & BLOCK_FLAGS_LISTED) != block->flags || stored != block->stored_bytes ||
        head->stored[FRAME_TIMES] != directory->times_stored[i] || head->stored[FRAME_METADATA] != directory->metadata_stored[i])
        return err_set(err, ERR_CORRUPT, "header: differs from the directory");
    return true;
}

static bool decode_frames(struct block_reader *reader, const struct block_head *head, unsigned columns, struct err *err)
{
    if (block_part_count(head->flags) > 0)
        return read_parts(reader, head, columns, err);
    return read_times(reader, head, err) &&
           ((columns & SCAN_LINES) == 0 || frame_read(reader, head, FRAME_LINES, head->text_bytes, &reader->text, err));
}

static bool decode(struct segment *segment, size_t i, unsigned columns, struct block_reader *reader, struct err *err)
{
    const struct stream_directory *directory = &segment->directory;
    const struct segment_block *block = &directory->blocks[i];
    struct block_head head;
    size_t n = BLOCK_HEAD_BYTES + directory->times_stored[i];
    n += (columns & SCAN_METADATA) != 0 ? directory->metadata_stored[i] : 0;
    bool is_all = (columns & SCAN_LINES) != 0 || segment_block_parts(block) > 0; // the times of parts are among their lines
    if (!block_read_head(segment, i, is_all ? block->stored_bytes : n, reader, &head, err))
        return false;
    block_reserve_rows(reader, head.entries);
    reader->view = (struct block_view){.entries = head.entries, .flags = head.flags & 0xff, .ts_ns = reader->ts_ns};
    return decode_frames(reader, &head, columns, err) && ((columns & SCAN_METADATA) == 0 || block_decode_metadata(reader, &head, err)) &&
           ((columns & SCAN_LINES) == 0 || find_lines(reader, &head, err));
}

/* A block from the cache is held until the next one is read. False: it is not there. */
static bool take_cached(struct block_reader *reader, uint64_t serial, size_t block, unsigned columns)
{
    if (reader->cache == NULL || (columns & SCAN_LINES) == 0)
        return false;
    reader->held = block_cache_find(reader->cache, serial, block, BLOCK_WHOLE, columns);
    if (reader->held == NULL)
        return false;
    reader->view = reader->held->view;
    reader->columns = reader->held->columns;
    return true;
}

bool block_reader_may_keep(struct block_reader *reader, size_t bytes)
{
    return reader->cache != NULL && reader->allowance != NULL &&
           atomic_fetch_sub_explicit(reader->allowance, (int64_t)bytes, memory_order_relaxed) >= (int64_t)bytes; // a budget alone
}

bool segment_read_block(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out,
                        struct err *err)
{
    assert(block < segment->directory.block_count);
    if (reader->serial == segment->serial && reader->block == block && (columns & ~reader->columns) == 0) {
        *out = reader->view; // runs of one block are often asked for one after the other
        return true;
    }
    block_reader_clear(reader);
    if (!take_cached(reader, segment->serial, block, columns)) {
        if (!decode(segment, block, columns, reader, err))
            return err_wrap(err, "%s.seg: block %zu", segment->name, block);
        reader->columns = columns;
        if ((columns & SCAN_LINES) != 0 && block_reader_may_keep(reader, reader->text.len))
            block_cache_add(reader->cache, segment->serial, block, BLOCK_WHOLE, columns, &reader->view, buf_slice(&reader->metadata), reader->text.len);
    }
    reader->serial = segment->serial;
    reader->block = block;
    *out = reader->view;
    return true;
}
