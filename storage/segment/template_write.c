#include <assert.h>
#include <fcntl.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/segment/block_encode.h"
#include "storage/segment/template_file.h"

#define ZSTD_LEVEL 9 /* of bytes that are a hundredth of the lines: measured 4 % smaller than level 3, at no time that shows */
#define NOT_HERE UINT16_MAX

struct template_writer {
    const struct disk *disk;
    char *temp_path;
    int fd;
    uint64_t offset;
    uint32_t block_count;
    struct block_encoder *encoder;
    struct buf plain, packed, places;
    uint16_t index_of[TEMPLATE_FILE_TEMPLATES_MAX]; /* in the block at hand */
    uint16_t here[TEMPLATE_FILE_TEMPLATES_MAX];
};

static void writer_free(struct template_writer *writer)
{
    if (writer->fd >= 0)
        (void)writer->disk->close(writer->disk, writer->fd);
    block_encoder_destroy(writer->encoder);
    buf_fini(&writer->plain);
    buf_fini(&writer->packed);
    buf_fini(&writer->places);
    mem_free(writer->temp_path);
    mem_free(writer);
}

bool template_writer_open(const struct disk *disk, const char *temp_path, struct template_writer **out, struct err *err)
{
    struct template_writer *writer = mem_zero(sizeof(*writer));
    writer->disk = disk;
    writer->temp_path = mem_strdup(slice_str(temp_path));
    writer->offset = TEMPLATE_FILE_HEAD;
    writer->fd = disk->open(disk, temp_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (writer->fd < 0) {
        (void)err_errno(err, "open %s", temp_path);
        writer_free(writer);
        return false;
    }
    writer->encoder = block_encoder_create(ZSTD_LEVEL);
    memset(writer->index_of, 0xff, sizeof(writer->index_of));
    *out = writer;
    return true;
}

/* The block's own numbers for its templates, then the rows in these. */
static void frame_encode(struct template_writer *writer, const uint16_t *rows, uint32_t count)
{
    unsigned here = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(rows[i] < TEMPLATE_FILE_TEMPLATES_MAX);
        if (writer->index_of[rows[i]] == NOT_HERE) {
            writer->index_of[rows[i]] = (uint16_t)here;
            writer->here[here++] = rows[i];
        }
    }
    buf_reset(&writer->plain);
    buf_varint(&writer->plain, here);
    for (unsigned i = 0; i < here; i++)
        buf_varint(&writer->plain, writer->here[i]);
    for (unsigned shift = 0; here > 1 && shift < (here > 256 ? 16u : 8u); shift += 8) {
        char *plane = buf_room(&writer->plain, count);
        for (uint32_t i = 0; i < count; i++)
            plane[i] = (char)(writer->index_of[rows[i]] >> shift);
        buf_took(&writer->plain, count);
    }
    for (unsigned i = 0; i < here; i++)
        writer->index_of[writer->here[i]] = NOT_HERE;
}

bool template_writer_block(struct template_writer *writer, const uint16_t *rows, uint32_t count, struct err *err)
{
    frame_encode(writer, rows, count);
    buf_reset(&writer->packed);
    if (!block_compress(writer->encoder, buf_slice(&writer->plain), &writer->packed, err))
        return false;
    bool is_zstd = writer->packed.len < writer->plain.len;
    struct slice stored = buf_slice(is_zstd ? &writer->packed : &writer->plain);
    if (!disk_write_all(writer->disk, writer->fd, stored, writer->offset, err))
        return false;
    writer->offset += stored.len;
    writer->block_count++;
    buf_varint(&writer->places, stored.len);
    buf_byte(&writer->places, is_zstd ? 1 : 0);
    le32_put(buf_room(&writer->places, 4), crc32c(0, stored));
    buf_took(&writer->places, 4);
    return true;
}

static bool write_end(struct template_writer *writer, uint32_t segment_crc, const struct line_template *templates, uint32_t count, struct err *err)
{
    char head[TEMPLATE_FILE_HEAD] = "LogiPat\n", foot[TEMPLATE_FILE_FOOT] = {0};
    buf_reset(&writer->plain);
    buf_reset(&writer->packed);
    for (uint32_t i = 0; i < count; i++) {
        buf_byte(&writer->plain, (char)templates[i].level);
        buf_varint(&writer->plain, templates[i].text.len);
        buf_put(&writer->plain, templates[i].text);
    }
    buf_put(&writer->plain, buf_slice(&writer->places));
    assert(writer->plain.len <= TEMPLATE_FILE_DIRECTORY_MAX);
    if (!block_compress(writer->encoder, buf_slice(&writer->plain), &writer->packed, err))
        return false;
    le64_put(foot, writer->offset);
    le32_put(foot + 8, (uint32_t)writer->packed.len);
    le32_put(foot + 12, (uint32_t)writer->plain.len);
    le32_put(foot + 16, crc32c(0, buf_slice(&writer->packed)));
    le32_put(foot + 20, count);
    le32_put(foot + 28, crc32c(0, slice_of(foot, 28)));
    memcpy(foot + 32, "LogiPatE", 8);
    buf_put(&writer->packed, slice_of(foot, sizeof(foot)));
    le32_put(head + 8, 1);
    le32_put(head + 12, writer->block_count);
    le32_put(head + 16, segment_crc);
    memset(head + 20, 0, 8);
    le32_put(head + 28, crc32c(0, slice_of(head, 28)));
    const struct disk *disk = writer->disk;
    return disk_write_all(disk, writer->fd, buf_slice(&writer->packed), writer->offset, err) &&
           disk_write_all(disk, writer->fd, slice_of(head, sizeof(head)), 0, err) &&
           (disk->fdatasync(disk, writer->fd) == 0 || err_errno(err, "fdatasync"));
}

bool template_writer_finish(struct template_writer *writer, const char *path, uint32_t segment_crc, const struct line_template *templates, uint32_t count,
                            struct err *err)
{
    assert(count <= TEMPLATE_FILE_TEMPLATES_MAX);
    // The name needs no sync of its own: a file that a crash takes away is made again.
    bool ok = write_end(writer, segment_crc, templates, count, err) &&
              (writer->disk->rename(writer->disk, writer->temp_path, path) == 0 || err_errno(err, "rename %s", writer->temp_path));
    if (!ok) {
        template_writer_abandon(writer);
        return false;
    }
    writer_free(writer);
    return true;
}

void template_writer_abandon(struct template_writer *writer)
{
    if (writer == NULL)
        return;
    (void)writer->disk->unlink(writer->disk, writer->temp_path);
    writer_free(writer);
}
