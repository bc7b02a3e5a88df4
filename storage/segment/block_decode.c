#include <zstd.h>
#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/line_offsets.h"
#include "storage/segment/segment_file.h"
#include "storage/segment/ts_column.h"

#define TEXT_SLACK ((size_t)64)

struct block_reader {
    ZSTD_DCtx *zstd;
    struct buf stored, plain, text, metadata;
    int64_t *ts_ns;
    uint32_t *offsets, *metadata_index;
    size_t row_cap;
    struct slice *sets;
    size_t set_cap;
    /* What view holds; serial 0: nothing. */
    uint64_t serial;
    size_t block;
    unsigned columns;
    struct block_view view;
    int64_t decompress_ns;
};

int64_t block_reader_take_decompress_ns(struct block_reader *reader)
{
    int64_t ns = reader->decompress_ns;
    reader->decompress_ns = 0;
    return ns;
}

struct block_reader *block_reader_create(void)
{
    struct block_reader *reader = mem_zero(sizeof(*reader));
    reader->zstd = ZSTD_createDCtx();
    assert(reader->zstd != NULL);
    return reader;
}

void block_reader_destroy(struct block_reader *reader)
{
    if (reader == NULL)
        return;
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

static void reserve_rows(struct block_reader *reader, size_t rows)
{
    if (rows <= reader->row_cap)
        return;
    reader->row_cap = rows;
    reader->ts_ns = mem_grow(reader->ts_ns, rows, sizeof(*reader->ts_ns));
    reader->offsets = mem_grow(reader->offsets, rows + 1, sizeof(*reader->offsets));
    reader->metadata_index = mem_grow(reader->metadata_index, rows, sizeof(*reader->metadata_index));
}

static const char *const frame_names[FRAME_COUNT] = {"times", "metadata", "lengths", "lines"};

static bool decompress(struct block_reader *reader, char *plain, size_t size, struct slice stored)
{
    int64_t start = clock_thread_cpu_ns();
    bool ok = ZSTD_decompressDCtx(reader->zstd, plain, size, stored.ptr, stored.len) == size;
    reader->decompress_ns += clock_thread_cpu_ns() - start;
    return ok;
}

/* The frame's bytes into *out, with room behind them. plain_max: what they may be at most. */
static bool frame_read(struct block_reader *reader, const struct block_head *head, enum block_frame frame, size_t plain_max,
                       struct buf *out, struct err *err)
{
    size_t at = BLOCK_HEAD_BYTES;
    for (size_t i = 0; i < frame; i++)
        at += head->stored[i];
    struct slice stored = slice_of(reader->stored.ptr + at, head->stored[frame]);
    if (crc32c(0, stored) != head->crc[frame])
        return err_set(err, ERR_CORRUPT, "%s: checksum", frame_names[frame]);
    bool is_plain = (head->flags & BLOCK_FRAME_IS_PLAIN(frame)) != 0;
    unsigned long long size = is_plain ? stored.len : ZSTD_getFrameContentSize(stored.ptr, stored.len);
    if (size > plain_max) // zstd's errors are the largest numbers
        return err_set(err, ERR_CORRUPT, "%s: size", frame_names[frame]);
    buf_reset(out);
    char *plain = buf_room(out, (size_t)size + TEXT_SLACK);
    if (is_plain)
        memcpy(plain, stored.ptr, stored.len);
    else if (!decompress(reader, plain, (size_t)size, stored))
        return err_set(err, ERR_CORRUPT, "%s: zstd", frame_names[frame]);
    memset(plain + size, 0, TEXT_SLACK);
    buf_took(out, (size_t)size);
    return true;
}

static bool read_times(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    if (!frame_read(reader, head, FRAME_TIMES, TS_COLUMN_HEAD + 8 * (size_t)head->entries, &reader->plain, err))
        return false;
    struct slice in = buf_slice(&reader->plain);
    if (!ts_column_take(&in, head->entries, reader->ts_ns) || in.len > 0)
        return err_set(err, ERR_CORRUPT, "times: column");
    reader->view.ts_ns = reader->ts_ns;
    return true;
}

static bool read_metadata(struct block_reader *reader, const struct block_head *head, struct err *err)
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

/* Offsets from the lengths' planes. */
static bool offsets_of_lengths(struct slice lengths, struct slice text, size_t rows, uint32_t *offsets)
{
    if (lengths.len != 4 * rows)
        return false;
    const uint8_t *p = (const uint8_t *)lengths.ptr;
    uint64_t at = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        at += 1 + ((uint64_t)p[i] | (uint64_t)p[rows + i] << 8 | (uint64_t)p[2 * rows + i] << 16 | (uint64_t)p[3 * rows + i] << 24);
        if (at > text.len || text.ptr[at - 1] != '\n')
            return false;
        offsets[i + 1] = (uint32_t)at;
    }
    return at == text.len;
}

static bool read_lines(struct block_reader *reader, const struct block_head *head, struct err *err)
{
    if (!frame_read(reader, head, FRAME_LINES, head->text_bytes, &reader->text, err))
        return false;
    struct slice text = buf_slice(&reader->text);
    if (text.len != head->text_bytes)
        return err_set(err, ERR_CORRUPT, "lines: size");
    bool ok = false;
    if (head->stored[FRAME_LENGTHS] == 0) {
        ok = line_offsets(text, head->entries, reader->offsets);
    } else {
        if (!frame_read(reader, head, FRAME_LENGTHS, 4 * (size_t)head->entries, &reader->plain, err))
            return false;
        ok = offsets_of_lengths(buf_slice(&reader->plain), text, head->entries, reader->offsets);
    }
    if (!ok)
        return err_set(err, ERR_CORRUPT, "lines: lengths");
    reader->view.text = text.ptr;
    reader->view.offsets = reader->offsets;
    return true;
}

/* The bytes that the columns need, and a head that says what the directory says. */
static bool read_stored(struct segment *segment, size_t i, unsigned columns, struct block_reader *reader, struct block_head *head,
                        struct err *err)
{
    const struct stream_directory *directory = &segment->directory;
    const struct segment_block *block = &directory->blocks[i];
    size_t n = BLOCK_HEAD_BYTES + directory->times_stored[i];
    n += (columns & SCAN_METADATA) != 0 ? directory->metadata_stored[i] : 0;
    n = (columns & SCAN_LINES) != 0 ? block->stored_bytes : n;
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
        (head->flags & 0xff) != block->flags || stored != block->stored_bytes ||
        head->stored[FRAME_TIMES] != directory->times_stored[i] || head->stored[FRAME_METADATA] != directory->metadata_stored[i])
        return err_set(err, ERR_CORRUPT, "header: differs from the directory");
    return true;
}

bool segment_read_block(struct segment *segment, size_t block, unsigned columns, struct block_reader *reader, struct block_view *out,
                        struct err *err)
{
    assert(block < segment->directory.block_count);
    if (reader->serial == segment->serial && reader->block == block && (columns & ~reader->columns) == 0) {
        *out = reader->view; // runs of one block are often asked for one after the other
        return true;
    }
    reader->serial = 0;
    struct block_head head;
    bool ok = read_stored(segment, block, columns, reader, &head, err);
    if (ok) {
        reserve_rows(reader, head.entries);
        reader->view = (struct block_view){.entries = head.entries, .flags = head.flags & 0xff};
        ok = read_times(reader, &head, err) && ((columns & SCAN_METADATA) == 0 || read_metadata(reader, &head, err)) &&
             ((columns & SCAN_LINES) == 0 || read_lines(reader, &head, err));
    }
    if (!ok)
        return err_wrap(err, "%s.seg: block %zu", segment->name, block);
    reader->serial = segment->serial;
    reader->block = block;
    reader->columns = columns;
    *out = reader->view;
    return true;
}
