/* fuzz_template_file.c: any bytes as a file of templates, on a disk in memory. First byte 0: the rest is the file. Else: u8 blocks, u16 rows of a block, u8 templates,
 * u16 length of the templates' part of the directory and it; then for each block u16 length and its plain frame: of these a file with right checksums is made.
 * What opens, opens with ERR_CORRUPT or ERR_TRUNCATED only; rows that read name templates that there are, and read the same when written anew. */
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/ingest/level.h"
#include "storage/segment/block_encode.h"
#include "storage/segment/template_file.h"

#define SEGMENT_CRC 7u

enum { FD_GIVEN = 1000, FD_ANEW };

static struct buf files[2];

static int memory_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    (void)disk, (void)flags, (void)mode;
    return strcmp(path, "given") == 0 ? FD_GIVEN : FD_ANEW;
}

static int memory_nothing(const struct disk *disk, int fd)
{
    (void)disk, (void)fd;
    return 0;
}

static ssize_t memory_pread(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset)
{
    (void)disk;
    struct slice file = buf_slice(&files[fd - FD_GIVEN]);
    if (offset < 0 || (size_t)offset >= file.len)
        return 0;
    size_t left = file.len - (size_t)offset;
    size_t n = count < left ? count : left;
    memcpy(bytes, file.ptr + offset, n);
    return (ssize_t)n;
}

static ssize_t memory_pwrite(const struct disk *disk, int fd, const void *bytes, size_t count, off_t offset)
{
    (void)disk;
    struct buf *file = &files[fd - FD_GIVEN];
    while (file->len < (size_t)offset + count)
        buf_byte(file, 0);
    memcpy(file->ptr + offset, bytes, count);
    return (ssize_t)count;
}

static int memory_fstat(const struct disk *disk, int fd, struct stat *out)
{
    (void)disk;
    *out = (struct stat){.st_size = (off_t)files[fd - FD_GIVEN].len, .st_mode = S_IFREG};
    return 0;
}

static int memory_rename(const struct disk *disk, const char *from, const char *to)
{
    (void)disk, (void)from, (void)to;
    return 0;
}

static int memory_unlink(const struct disk *disk, const char *path)
{
    (void)disk, (void)path;
    return 0;
}

static const struct disk memory = {.open = memory_open,
                                   .close = memory_nothing,
                                   .pread = memory_pread,
                                   .pwrite = memory_pwrite,
                                   .fdatasync = memory_nothing,
                                   .fstat = memory_fstat,
                                   .rename = memory_rename,
                                   .unlink = memory_unlink};

static struct slice part_take(struct slice *in)
{
    struct slice length, part = SLICE_NONE;
    if (slice_take(in, 2, &length))
        (void)slice_take(in, le16_get(length.ptr) < in->len ? le16_get(length.ptr) : in->len, &part);
    return part;
}

/* The file of parts that are given, checksums right. */
static void compose(struct slice in, unsigned blocks, unsigned templates)
{
    struct buf *file = &files[0], directory = BUF_INIT, packed = BUF_INIT;
    struct block_encoder *encoder = block_encoder_create(1);
    struct err err;
    char head[TEMPLATE_FILE_HEAD] = "LogiPat\n", foot[TEMPLATE_FILE_FOOT] = {0};
    le32_put(head + 8, 1);
    le32_put(head + 12, blocks);
    le32_put(head + 16, SEGMENT_CRC);
    memset(head + 20, 0, 8);
    le32_put(head + 28, crc32c(0, slice_of(head, 28)));
    buf_put(file, slice_of(head, sizeof(head)));
    buf_put(&directory, part_take(&in));
    for (unsigned b = 0; b < blocks; b++) {
        struct slice frame = part_take(&in);
        char crc[4];
        buf_put(file, frame);
        buf_varint(&directory, frame.len);
        buf_byte(&directory, 0);
        le32_put(crc, crc32c(0, frame));
        buf_put(&directory, slice_of(crc, 4));
    }
    if (!block_compress(encoder, buf_slice(&directory), &packed, &err))
        abort();
    le64_put(foot, file->len);
    le32_put(foot + 8, (uint32_t)packed.len);
    le32_put(foot + 12, (uint32_t)directory.len);
    le32_put(foot + 16, crc32c(0, buf_slice(&packed)));
    le32_put(foot + 20, templates);
    le32_put(foot + 28, crc32c(0, slice_of(foot, 28)));
    memcpy(foot + 32, "LogiPatE", 8);
    buf_put(file, buf_slice(&packed));
    buf_put(file, slice_of(foot, sizeof(foot)));
    block_encoder_destroy(encoder);
    buf_fini(&directory);
    buf_fini(&packed);
}

static void check_again(const struct template_file *file, const uint16_t *rows, uint32_t count)
{
    struct template_writer *writer = NULL;
    struct template_file *again = NULL;
    struct template_reader *reader = template_reader_create();
    struct err err;
    const uint16_t *got;
    buf_reset(&files[1]);
    if (!template_writer_open(&memory, "anew", &writer, &err) || !template_writer_block(writer, rows, count, &err) ||
        !template_writer_finish(writer, "anew", SEGMENT_CRC, template_file_templates(file), template_file_count(file), &err) ||
        !template_file_open(&memory, "anew", SEGMENT_CRC, 1, &again, &err) || !template_file_read(again, 0, count, reader, &got, &err))
        abort();
    if (count > 0 && memcmp(got, rows, count * sizeof(*got)) != 0)
        abort();
    for (uint32_t i = 0; i < template_file_count(file); i++)
        if (!slice_eq(template_file_templates(file)[i].text, template_file_templates(again)[i].text))
            abort();
    template_file_close(again);
    template_reader_destroy(reader);
}

static void check_file(unsigned blocks, uint32_t rows)
{
    struct template_file *file = NULL;
    struct err err = {.code = ERR_NONE};
    const uint16_t *got;
    if (!template_file_open(&memory, "given", SEGMENT_CRC, blocks, &file, &err)) {
        if (err.code != ERR_CORRUPT && err.code != ERR_TRUNCATED)
            abort();
        return;
    }
    for (uint32_t i = 0; i < template_file_count(file); i++)
        if (template_file_templates(file)[i].level >= LEVEL_COUNT)
            abort();
    struct template_reader *reader = template_reader_create();
    for (unsigned b = 0; b < blocks; b++) {
        if (!template_file_read(file, b, rows, reader, &got, &err)) {
            if (err.code != ERR_CORRUPT && err.code != ERR_TRUNCATED)
                abort();
            continue;
        }
        for (uint32_t i = 0; i < rows; i++)
            if (got[i] >= template_file_count(file))
                abort();
        if (b == 0)
            check_again(file, got, rows);
    }
    template_reader_destroy(reader);
    template_file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size}, head;
    buf_reset(&files[0]);
    if (!slice_take(&in, 1, &head))
        return 0;
    if (head.ptr[0] == 0) {
        buf_put(&files[0], in);
        check_file(2, 100);
    } else if (slice_take(&in, 4, &head)) {
        unsigned blocks = (uint8_t)head.ptr[0] % 8u;
        uint32_t rows = le16_get(head.ptr + 1) % 5000u;
        compose(in, blocks, (uint8_t)head.ptr[3]);
        check_file(blocks, rows == 0 ? 1 : rows); // a block has a row at least
    }
    return 0;
}
