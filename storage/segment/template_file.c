/* template_file.c: reading; template_write.c writes. */
#include "storage/segment/template_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <zstd.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/ingest/level.h"
#include "storage/segment/block_encode.h"

#define FRAME_PLAIN_MAX(rows) (2 * (size_t)(rows) + 3 * (size_t)TEMPLATE_FILE_TEMPLATES_MAX + VARINT_MAX)

struct frame_place {
    uint64_t offset;
    uint32_t stored, crc;
    bool is_zstd;
};

struct template_file {
    const struct disk *disk;
    int fd;
    uint64_t file_bytes;
    struct frame_place *frames;
    size_t block_count;
    struct line_template *templates;
    uint32_t count;
    char *texts;
};

struct template_reader {
    ZSTD_DCtx *zstd;
    struct buf stored, plain;
    uint16_t *rows;
    size_t row_cap;
};

struct foot {
    uint64_t offset;
    uint32_t stored, plain, crc, templates;
};

static bool head_check(const char *p, uint32_t segment_crc, size_t block_count, struct err *err)
{
    if (memcmp(p, "LogiPat\n", 8) != 0 || crc32c(0, slice_of(p, 28)) != le32_get(p + 28))
        return err_set(err, ERR_CORRUPT, "header: checksum");
    if (le32_get(p + 8) != 1)
        return err_set(err, ERR_CORRUPT, "version %u, only 1 is known", le32_get(p + 8));
    if (le32_get(p + 12) != block_count || le32_get(p + 16) != segment_crc)
        return err_set(err, ERR_CORRUPT, "header: of another segment");
    return true;
}

static bool foot_get(const char *p, uint64_t size, struct foot *out, struct err *err)
{
    if (memcmp(p + 32, "LogiPatE", 8) != 0 || crc32c(0, slice_of(p, 28)) != le32_get(p + 28))
        return err_set(err, ERR_CORRUPT, "footer: checksum");
    *out = (struct foot){le64_get(p), le32_get(p + 8), le32_get(p + 12), le32_get(p + 16), le32_get(p + 20)};
    if (out->offset < TEMPLATE_FILE_HEAD || out->offset > size || out->stored > size ||
        out->offset + out->stored + TEMPLATE_FILE_FOOT != size || out->plain > TEMPLATE_FILE_DIRECTORY_MAX ||
        out->templates > TEMPLATE_FILE_TEMPLATES_MAX)
        return err_set(err, ERR_CORRUPT, "footer: sizes");
    return true;
}

/* The directory's bytes, which the templates' texts then point into. */
static bool directory_decode(struct template_file *file, struct slice in, const struct foot *foot, struct err *err)
{
    struct slice level, crc, flag;
    file->templates = mem_array((size_t)foot->templates + 1, sizeof(*file->templates));
    file->frames = mem_array(file->block_count + 1, sizeof(*file->frames));
    for (; file->count < foot->templates; file->count++) {
        struct line_template *one = &file->templates[file->count];
        if (!slice_take(&in, 1, &level) || (uint8_t)level.ptr[0] >= LEVEL_COUNT || !varint_slice_take(&in, &one->text))
            return err_set(err, ERR_CORRUPT, "directory: templates");
        one->level = (uint8_t)level.ptr[0];
    }
    uint64_t offset = TEMPLATE_FILE_HEAD;
    for (size_t b = 0; b < file->block_count; b++) {
        uint64_t stored;
        if (!varint_take(&in, &stored) || !slice_take(&in, 1, &flag) || (uint8_t)flag.ptr[0] > 1 || !slice_take(&in, 4, &crc) || stored > foot->offset - offset)
            return err_set(err, ERR_CORRUPT, "directory: blocks");
        file->frames[b] = (struct frame_place){offset, (uint32_t)stored, le32_get(crc.ptr), flag.ptr[0] == 1};
        offset += stored;
    }
    return (in.len == 0 && offset == foot->offset) || err_set(err, ERR_CORRUPT, "directory: sums");
}

static bool directory_read(struct template_file *file, const struct foot *foot, struct err *err)
{
    char *stored = mem_alloc((size_t)foot->stored + 1);
    bool ok = disk_read_all(file->disk, file->fd, stored, foot->stored, foot->offset, err);
    ok = ok && (crc32c(0, slice_of(stored, foot->stored)) == foot->crc || err_set(err, ERR_CORRUPT, "directory: checksum"));
    ok = ok && (ZSTD_getFrameContentSize(stored, foot->stored) == foot->plain || err_set(err, ERR_CORRUPT, "directory: size"));
    if (ok) {
        file->texts = mem_alloc((size_t)foot->plain + 1);
        ok = ZSTD_decompress(file->texts, foot->plain, stored, foot->stored) == foot->plain || err_set(err, ERR_CORRUPT, "directory: zstd");
    }
    ok = ok && directory_decode(file, slice_of(file->texts, foot->plain), foot, err);
    mem_free(stored);
    return ok;
}

static bool file_read(struct template_file *file, uint32_t segment_crc, struct err *err)
{
    struct stat stat;
    struct foot foot;
    char head[TEMPLATE_FILE_HEAD], end[TEMPLATE_FILE_FOOT];
    if (file->disk->fstat(file->disk, file->fd, &stat) != 0)
        return err_errno(err, "fstat");
    if (stat.st_size < (off_t)(sizeof(head) + sizeof(end)))
        return err_set(err, ERR_TRUNCATED, "%lld bytes are no template file", (long long)stat.st_size);
    file->file_bytes = (uint64_t)stat.st_size;
    return disk_read_all(file->disk, file->fd, head, sizeof(head), 0, err) && head_check(head, segment_crc, file->block_count, err) &&
           disk_read_all(file->disk, file->fd, end, sizeof(end), file->file_bytes - sizeof(end), err) &&
           foot_get(end, file->file_bytes, &foot, err) && directory_read(file, &foot, err);
}

bool template_file_open(const struct disk *disk, const char *path, uint32_t segment_crc, size_t block_count, struct template_file **out,
                        struct err *err)
{
    struct template_file *file = mem_zero(sizeof(*file));
    *file = (struct template_file){.disk = disk, .block_count = block_count};
    file->fd = disk->open(disk, path, O_RDONLY | O_CLOEXEC, 0);
    bool ok = file->fd >= 0     ? file_read(file, segment_crc, err)
              : errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "there is none")
                                : err_errno(err, "open");
    if (!ok) {
        template_file_close(file);
        return false;
    }
    *out = file;
    return true;
}

void template_file_close(struct template_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        (void)file->disk->close(file->disk, file->fd);
    mem_free(file->frames);
    mem_free(file->templates);
    mem_free(file->texts);
    mem_free(file);
}

uint32_t template_file_count(const struct template_file *file)
{
    return file->count;
}

const struct line_template *template_file_templates(const struct template_file *file)
{
    return file->templates;
}

uint64_t template_file_bytes(const struct template_file *file)
{
    return file->file_bytes;
}

struct template_reader *template_reader_create(void)
{
    struct template_reader *reader = mem_zero(sizeof(*reader));
    reader->zstd = ZSTD_createDCtx();
    assert(reader->zstd != NULL);
    return reader;
}

void template_reader_destroy(struct template_reader *reader)
{
    if (reader == NULL)
        return;
    (void)ZSTD_freeDCtx(reader->zstd);
    buf_fini(&reader->stored);
    buf_fini(&reader->plain);
    mem_free(reader->rows);
    mem_free(reader);
}

static bool frame_decode(struct slice in, uint32_t rows, uint32_t template_count, uint16_t *out)
{
    uint16_t local[TEMPLATE_FILE_TEMPLATES_MAX];
    uint64_t count = 0;
    if (!varint_take(&in, &count) || count == 0 || count > template_count)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t id;
        if (!varint_take(&in, &id) || id >= template_count)
            return false;
        local[i] = (uint16_t)id;
    }
    size_t width = count == 1 ? 0 : count <= 256 ? 1 : 2;
    if (in.len != width * rows)
        return false;
    const uint8_t *low = (const uint8_t *)in.ptr;
    for (uint32_t i = 0; i < rows; i++) {
        unsigned index = width == 0 ? 0 : low[i] | (width == 2 ? (unsigned)low[rows + i] << 8 : 0);
        if (index >= count)
            return false;
        out[i] = local[index];
    }
    return true;
}

bool template_file_read(const struct template_file *file, size_t block, uint32_t rows, struct template_reader *reader, const uint16_t **out,
                        struct err *err)
{
    assert(block < file->block_count && rows <= BLOCK_ENTRIES_MAX);
    const struct frame_place *frame = &file->frames[block];
    buf_reset(&reader->stored);
    buf_reset(&reader->plain);
    if (!disk_read_all(file->disk, file->fd, buf_room(&reader->stored, (size_t)frame->stored + 1), frame->stored, frame->offset, err))
        return false;
    struct slice plain = slice_of(reader->stored.ptr, frame->stored);
    if (crc32c(0, plain) != frame->crc)
        return err_set(err, ERR_CORRUPT, "block %zu: checksum", block);
    if (frame->is_zstd) {
        unsigned long long size = ZSTD_getFrameContentSize(plain.ptr, plain.len);
        if (size > FRAME_PLAIN_MAX(rows)) // zstd's errors are the largest numbers
            return err_set(err, ERR_CORRUPT, "block %zu: size", block);
        char *to = buf_room(&reader->plain, (size_t)size + 1);
        if (ZSTD_decompressDCtx(reader->zstd, to, (size_t)size, plain.ptr, plain.len) != size)
            return err_set(err, ERR_CORRUPT, "block %zu: zstd", block);
        plain = slice_of(to, (size_t)size);
    }
    if (rows > reader->row_cap) {
        reader->row_cap = rows;
        reader->rows = mem_grow(reader->rows, rows, sizeof(*reader->rows));
    }
    if (!frame_decode(plain, rows, file->count, reader->rows))
        return err_set(err, ERR_CORRUPT, "block %zu: rows", block);
    *out = reader->rows;
    return true;
}
