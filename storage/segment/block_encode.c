#include "storage/segment/block_encode.h"

#include <assert.h>
#include <zstd.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/block_parts.h"
#include "storage/segment/segment.h"
#include "storage/segment/ts_column.h"

/* Of level 1, whose table of 2^14 places leaves the first cache. Lines are most like those just before them: a smaller one finds as much,
 * a sixth sooner (decisions/0019). */
#define FAST_LEVEL 1
#define FAST_HASH_LOG 12
#define FAST_MATCH_BYTES 6

struct block_encoder {
    ZSTD_CCtx *zstd;
    struct buf plain;
};

struct block_encoder *block_encoder_create(int zstd_level)
{
    struct block_encoder *encoder = mem_zero(sizeof(*encoder));
    encoder->zstd = ZSTD_createCCtx();
    assert(encoder->zstd != NULL);
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, zstd_level);
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_checksumFlag, 0);
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_contentSizeFlag, 1);
    // A block is one frame, and a level's own window may be shorter than it.
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog, 20);
    if (zstd_level == FAST_LEVEL) {
        (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_hashLog, FAST_HASH_LOG);
        (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_minMatch, FAST_MATCH_BYTES);
    }
    return encoder;
}

void block_encoder_destroy(struct block_encoder *encoder)
{
    if (encoder == NULL)
        return;
    (void)ZSTD_freeCCtx(encoder->zstd);
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

/* plane_bytes: of a plane of the times; 0 for other frames. */
static bool frame_put(struct block_encoder *encoder, struct block_head *head, enum block_frame frame, struct slice plain,
                      size_t plane_bytes, struct buf *out, struct err *err)
{
    size_t start = out->len;
    if (!(frame == FRAME_TIMES ? compress_times(encoder, plain, plane_bytes, out, err) : block_compress(encoder, plain, out, err)))
        return false;
    if (out->len - start >= plain.len) {
        out->len = start;
        buf_put(out, plain);
        head->flags |= BLOCK_FRAME_IS_PLAIN(frame);
    }
    head->stored[frame] = (uint32_t)(out->len - start);
    head->crc[frame] = crc32c(0, slice_of(out->ptr + start, out->len - start));
    return true;
}

/* The table and the parts behind it. */
static bool parts_put(struct block_encoder *encoder, struct block_head *head, struct slice text, struct block_part *parts, uint32_t count, struct buf *out,
                      struct err *err)
{
    size_t start = out->len;
    (void)buf_room(out, count * BLOCK_PART_ENTRY);
    buf_took(out, count * BLOCK_PART_ENTRY);
    for (uint32_t i = 0; i < count; i++) {
        struct slice plain = slice_of(text.ptr + parts[i].text_at, parts[i].text_bytes);
        size_t at = out->len;
        if (!block_compress(encoder, plain, out, err))
            return false;
        parts[i].is_plain = out->len - at >= plain.len;
        if (parts[i].is_plain) {
            out->len = at;
            buf_put(out, plain);
        }
        parts[i].stored_bytes = (uint32_t)(out->len - at);
        parts[i].crc = crc32c(0, slice_of(out->ptr + at, out->len - at));
        block_part_put(&parts[i], out->ptr + start + i * BLOCK_PART_ENTRY);
    }
    head->flags |= count << 16;
    head->stored[FRAME_LINES] = (uint32_t)(out->len - start);
    head->crc[FRAME_LINES] = crc32c(0, slice_of(out->ptr + start, count * BLOCK_PART_ENTRY));
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

    struct buf *plain = &encoder->plain;
    buf_reset(plain);
    ts_column_encode(rows->ts_ns, rows->count, plain);
    bool ok = frame_put(encoder, &head, FRAME_TIMES, buf_slice(plain), rows->count - 1, out, err);
    if (ok && rows->metadata.has_metadata) {
        buf_reset(plain);
        metadata_column_encode(&rows->metadata, plain);
        ok = frame_put(encoder, &head, FRAME_METADATA, buf_slice(plain), 0, out, err);
    }
    if (ok && rows->has_newlines) {
        buf_reset(plain);
        lengths_put(rows, plain);
        ok = frame_put(encoder, &head, FRAME_LENGTHS, buf_slice(plain), 0, out, err);
    }
    struct block_part parts[BLOCK_PARTS_MAX];
    uint32_t part_count = part_bytes == 0 ? 1 : block_parts_cut(rows->offsets, rows->count, part_bytes, parts);
    ok = ok && (part_count > 1 ? parts_put(encoder, &head, buf_slice(&rows->text), parts, part_count, out, err)
                               : frame_put(encoder, &head, FRAME_LINES, buf_slice(&rows->text), 0, out, err));
    if (!ok)
        return false;
    head_put(&head, out->ptr + start);
    *out_head = head;
    return true;
}
