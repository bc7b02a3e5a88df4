#include "storage/segment/block_encode.h"

#include <assert.h>
#include <stdatomic.h>
#include <zstd.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/block_parts.h"
#include "storage/segment/segment.h"
#include "storage/segment/ts_column.h"

/* Of level 1, whose table of 2^14 places leaves the first cache. Lines are most like those just before them: a smaller one finds as much,
 * a sixth sooner (decisions/0019). Matches of 7 bytes instead of 6: 4 % sooner, and not larger (docs/benchmarks.md). */
#define FAST_LEVEL 1
#define FAST_HASH_LOG 12
#define FAST_MATCH_BYTES 7

#define NOT_TIMES SIZE_MAX

struct block_encoder {
    ZSTD_CCtx *zstd;
    int zstd_level;
    struct buf plain;
};

/* A seal's context, with its parameters set, for the next one: a fresh one costs a megabyte of page faults, several times a second. NULL: in use, or none yet. */
static _Atomic(ZSTD_CCtx *) kept_fast;

static ZSTD_CCtx *context_create(int zstd_level)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    assert(zstd != NULL);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, zstd_level);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 0);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 1);
    // A block is one frame, and a level's own window may be shorter than it.
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 20);
    if (zstd_level == FAST_LEVEL) {
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, FAST_HASH_LOG);
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_minMatch, FAST_MATCH_BYTES);
    }
    return zstd;
}

struct block_encoder *block_encoder_create(int zstd_level)
{
    struct block_encoder *encoder = mem_zero(sizeof(*encoder));
    encoder->zstd_level = zstd_level;
    encoder->zstd = zstd_level == FAST_LEVEL ? atomic_exchange(&kept_fast, NULL) : NULL;
    if (encoder->zstd == NULL)
        encoder->zstd = context_create(zstd_level);
    return encoder;
}

void block_encoder_destroy(struct block_encoder *encoder)
{
    if (encoder == NULL)
        return;
    (void)ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only); // a frame may be half done; parameters stay
    (void)ZSTD_freeCCtx(encoder->zstd_level == FAST_LEVEL ? atomic_exchange(&kept_fast, encoder->zstd) : encoder->zstd);
    buf_fini(&encoder->plain);
    mem_free(encoder);
}

bool block_compress(struct block_encoder *encoder, struct slice plain, struct buf *out, struct err *err)
{
    size_t bound = ZSTD_compressBound(plain.len);
    size_t n = ZSTD_compress2(encoder->zstd, buf_room(out, bound), bound, plain.ptr, plain.len);
    if (ZSTD_isError(n))
        return err_set(err, ERR_IO, "zstd: %s", ZSTD_getErrorName(n));
    buf_took(out, n);
    return true;
}

/* One frame of zstd, but a block of it for each plane: zstd gives each block a Huffman table of its own, and one table over planes of random low bytes
 * and of small high bytes packs neither (decisions/0003). Any reader of zstd reads it. */
static bool compress_times(struct block_encoder *encoder, struct slice plain, size_t plane_bytes, struct buf *out, struct err *err)
{
    size_t planes = plane_bytes == 0 ? 0 : (plain.len - TS_COLUMN_HEAD) / plane_bytes;
    size_t bound = ZSTD_compressBound(plain.len) + 64 * (planes + 1); // a flushed block costs three bytes, and an empty last one
    (void)ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only);
    size_t n = ZSTD_CCtx_setPledgedSrcSize(encoder->zstd, plain.len);
    ZSTD_outBuffer to = {buf_room(out, bound), bound, 0};
    ZSTD_inBuffer from = {plain.ptr, TS_COLUMN_HEAD, 0};
    for (size_t plane = 0; plane <= planes && !ZSTD_isError(n); plane++) {
        from.size = TS_COLUMN_HEAD + plane * plane_bytes;
        n = ZSTD_compressStream2(encoder->zstd, &to, &from, plane == planes ? ZSTD_e_end : ZSTD_e_flush);
        assert(ZSTD_isError(n) || n == 0); // there is room for all
    }
    if (ZSTD_isError(n))
        return err_set(err, ERR_IO, "zstd: %s", ZSTD_getErrorName(n));
    buf_took(out, to.pos);
    return true;
}

/* Appends a frame: as zstd makes it, or as it is where that is not larger. plane_bytes: of a plane of times; NOT_TIMES for other frames. */
static bool frame_put(struct block_encoder *encoder, struct slice plain, size_t plane_bytes, struct buf *out, struct block_part_frame *frame, struct err *err)
{
    size_t start = out->len;
    if (!(plane_bytes == NOT_TIMES ? block_compress(encoder, plain, out, err) : compress_times(encoder, plain, plane_bytes, out, err)))
        return false;
    frame->is_plain = out->len - start >= plain.len;
    if (frame->is_plain) {
        out->len = start;
        buf_put(out, plain);
    }
    frame->stored_bytes = (uint32_t)(out->len - start);
    frame->crc = crc32c(0, slice_of(out->ptr + start, out->len - start));
    return true;
}

static bool times_put(struct block_encoder *encoder, const int64_t *ts_ns, size_t count, struct buf *out, struct block_part_frame *frame, struct err *err)
{
    buf_reset(&encoder->plain);
    ts_column_encode(ts_ns, count, &encoder->plain);
    return frame_put(encoder, buf_slice(&encoder->plain), count - 1, out, frame, err);
}

static void head_set(struct block_head *head, enum block_frame frame, const struct block_part_frame *from)
{
    head->flags |= from->is_plain ? BLOCK_FRAME_IS_PLAIN(frame) : 0;
    head->stored[frame] = from->stored_bytes;
    head->crc[frame] = from->crc;
}

/* Each part's times and lines; what the table says of them goes into parts. */
static bool parts_put(struct block_encoder *encoder, const struct block_rows *rows, struct block_part *parts, uint32_t count, struct buf *out,
                      struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        struct block_part *part = &parts[i];
        const int64_t *ts_ns = rows->ts_ns + part->first_row;
        part->first_ns = part->last_ns = ts_ns[0];
        for (size_t r = 1; r < part->rows; r++) {
            part->first_ns = ts_ns[r] < part->first_ns ? ts_ns[r] : part->first_ns;
            part->last_ns = ts_ns[r] > part->last_ns ? ts_ns[r] : part->last_ns;
        }
        if (!times_put(encoder, ts_ns, part->rows, out, &part->times, err) ||
            !frame_put(encoder, slice_of(rows->text.ptr + part->text_at, part->text_bytes), NOT_TIMES, out, &part->lines, err))
            return false;
    }
    return true;
}

static void lengths_put(const struct block_rows *rows, struct buf *out)
{
    char *p = buf_room(out, 4 * rows->count);
    for (unsigned plane = 0; plane < 4; plane++) {
        for (size_t i = 0; i < rows->count; i++)
            *p++ = (char)((rows->offsets[i + 1] - 1 - rows->offsets[i]) >> (8 * plane));
    }
    buf_took(out, 4 * rows->count);
}

static void head_put(const struct block_head *head, char *p)
{
    le32_put(p, BLOCK_MAGIC);
    le32_put(p + 4, head->entries);
    le32_put(p + 8, head->text_bytes);
    le32_put(p + 12, head->flags);
    for (size_t i = 0; i < FRAME_COUNT; i++) {
        le32_put(p + 16 + 4 * i, head->stored[i]);
        le32_put(p + 32 + 4 * i, head->crc[i]);
    }
    le32_put(p + 48, crc32c(0, slice_of(p, 48)));
}

bool block_head_take(struct slice *in, struct block_head *out)
{
    struct slice bytes;
    if (!slice_take(in, BLOCK_HEAD_BYTES, &bytes))
        return false;
    const char *p = bytes.ptr;
    if (le32_get(p + 48) != crc32c(0, slice_of(p, 48)) || le32_get(p) != BLOCK_MAGIC)
        return false;
    out->entries = le32_get(p + 4);
    out->text_bytes = le32_get(p + 8);
    out->flags = le32_get(p + 12);
    for (size_t i = 0; i < FRAME_COUNT; i++) {
        out->stored[i] = le32_get(p + 16 + 4 * i);
        out->crc[i] = le32_get(p + 32 + 4 * i);
    }
    return out->entries >= 1 && out->entries <= BLOCK_ENTRIES_MAX && out->text_bytes >= out->entries &&
           out->text_bytes <= BLOCK_TEXT_MAX;
}

/* Frames M and L, where there are any. */
static bool columns_put(struct block_encoder *encoder, const struct block_rows *rows, struct buf *out, struct block_head *head, struct err *err)
{
    struct buf *plain = &encoder->plain;
    struct block_part_frame frame;
    if (rows->metadata.has_metadata) {
        buf_reset(plain);
        metadata_column_encode(&rows->metadata, plain);
        if (!frame_put(encoder, buf_slice(plain), NOT_TIMES, out, &frame, err))
            return false;
        head_set(head, FRAME_METADATA, &frame);
    }
    if (rows->has_newlines) {
        buf_reset(plain);
        lengths_put(rows, plain);
        if (!frame_put(encoder, buf_slice(plain), NOT_TIMES, out, &frame, err))
            return false;
        head_set(head, FRAME_LENGTHS, &frame);
    }
    return true;
}

static bool encode_whole(struct block_encoder *encoder, const struct block_rows *rows, struct buf *out, struct block_head *head, struct err *err)
{
    struct block_part_frame times, lines;
    if (!times_put(encoder, rows->ts_ns, rows->count, out, &times, err) || !columns_put(encoder, rows, out, head, err) ||
        !frame_put(encoder, buf_slice(&rows->text), NOT_TIMES, out, &lines, err))
        return false;
    head_set(head, FRAME_TIMES, &times);
    head_set(head, FRAME_LINES, &lines);
    return true;
}

static bool encode_parts(struct block_encoder *encoder, const struct block_rows *rows, struct block_part *parts, uint32_t count, struct buf *out,
                         struct block_head *head, struct err *err)
{
    size_t table = out->len, table_bytes = count * BLOCK_PART_ENTRY;
    (void)buf_room(out, table_bytes);
    buf_took(out, table_bytes);
    if (!columns_put(encoder, rows, out, head, err))
        return false;
    size_t start = out->len;
    if (!parts_put(encoder, rows, parts, count, out, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        block_part_put(&parts[i], out->ptr + table + i * BLOCK_PART_ENTRY);
    head->flags |= count << 16;
    head->stored[FRAME_TIMES] = (uint32_t)table_bytes;
    head->crc[FRAME_TIMES] = crc32c(0, slice_of(out->ptr + table, table_bytes));
    head->stored[FRAME_LINES] = (uint32_t)(out->len - start);
    return true;
}

bool block_encode(struct block_encoder *encoder, const struct block_rows *rows, size_t part_bytes, struct buf *out, struct block_head *out_head,
                  struct err *err)
{
    assert(rows->count >= 1 && rows->count <= BLOCK_ENTRIES_MAX && rows->text.len <= BLOCK_TEXT_MAX);
    struct block_head head = {.entries = (uint32_t)rows->count, .text_bytes = (uint32_t)rows->text.len};
    head.flags = (slice_is_ascii(buf_slice(&rows->text)) ? (uint32_t)SEGMENT_BLOCK_ASCII : 0) |
                 (rows->has_newlines ? (uint32_t)SEGMENT_BLOCK_HAS_NEWLINES : 0) |
                 (rows->metadata.has_metadata ? (uint32_t)SEGMENT_BLOCK_HAS_METADATA : 0);
    size_t start = out->len;
    (void)buf_room(out, BLOCK_HEAD_BYTES);
    buf_took(out, BLOCK_HEAD_BYTES);
    struct block_part parts[BLOCK_PARTS_MAX];
    uint32_t count = part_bytes == 0 ? 1 : block_parts_cut(rows, part_bytes, parts);
    if (!(count > 1 ? encode_parts(encoder, rows, parts, count, out, &head, err) : encode_whole(encoder, rows, out, &head, err)))
        return false;
    head_put(&head, out->ptr + start);
    *out_head = head;
    return true;
}
