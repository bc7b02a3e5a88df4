/* fuzz_segment.c: any bytes as a segment and its signature, on a disk in memory. Input: u32 length of the .seg, the .seg, the rest is the .sig.
 * What opens, opens with ERR_CORRUPT or ERR_TRUNCATED only; what verifies clean reads whole, with the directory's counts. */
#include <stdlib.h>

#include "core/base/bytes.h"
#include "storage/segment/segment.h"

enum { FD_SEG = 1000, FD_SIG };

static struct slice files[2];

static int memory_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    (void)disk, (void)flags, (void)mode;
    return strcmp(path + strlen(path) - 4, ".seg") == 0 ? FD_SEG : FD_SIG;
}

static int memory_close(const struct disk *disk, int fd)
{
    (void)disk, (void)fd;
    return 0;
}

static ssize_t memory_pread(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset)
{
    (void)disk;
    struct slice file = files[fd - FD_SEG];
    if (offset < 0 || (size_t)offset >= file.len)
        return 0;
    size_t left = file.len - (size_t)offset;
    size_t n = count < left ? count : left;
    memcpy(bytes, file.ptr + offset, n);
    return (ssize_t)n;
}

static int memory_fstat(const struct disk *disk, int fd, struct stat *out)
{
    (void)disk;
    *out = (struct stat){.st_size = (off_t)files[fd - FD_SEG].len, .st_mode = S_IFREG};
    return 0;
}

static void damaged(void *self, const char *what)
{
    (void)what;
    (*(unsigned *)self)++;
}

static bool is_damage(const struct err *err)
{
    return err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED;
}

static void check_block(struct segment *segment, size_t b, struct block_reader *reader, bool is_clean)
{
    struct block_view view;
    struct err err = {.code = ERR_NONE};
    const struct segment_block *block = segment_block_at(segment, b);
    if (!segment_read_block(segment, b, SCAN_LINES | SCAN_METADATA, reader, &view, &err)) {
        if (is_clean || !is_damage(&err))
            abort();
        return;
    }
    if (view.entries != block->entries || view.offsets[0] != 0 || view.offsets[view.entries] != block->line_bytes + block->entries)
        abort();
    for (uint32_t i = 0; i < view.entries; i++) {
        if (view.offsets[i + 1] <= view.offsets[i] || view.text[view.offsets[i + 1] - 1] != '\n' ||
            (view.metadata_index != NULL && view.metadata_index[i] >= view.metadata_set_count))
            abort();
    }
}

/* Its parts, one by one, make up the block. */
static void check_parts(struct segment *segment, size_t b, struct block_reader *reader, bool is_clean)
{
    struct block_view view;
    struct err err = {.code = ERR_NONE};
    const struct segment_block *block = segment_block_at(segment, b);
    uint32_t count = segment_block_parts(block);
    bool ok = count == 0 || segment_read_layout(segment, b, SCAN_METADATA, reader, &view, &err);
    uint64_t rows_seen = 0, text_seen = 0;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct block_rows_view rows;
        ok = segment_read_part(segment, b, i, SCAN_LINES, reader, &rows, &err);
        if (!ok)
            break;
        if (rows.first_row != rows_seen)
            abort();
        rows_seen += rows.rows;
        text_seen += rows.offsets[rows.rows];
    }
    if (!ok && (is_clean || !is_damage(&err)))
        abort();
    if (ok && count > 0 && (rows_seen != block->entries || text_seen != block->line_bytes + block->entries))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    struct slice head;
    if (!slice_take(&in, 4, &head))
        return 0;
    size_t len = le32_get(head.ptr);
    if (!slice_take(&in, len < in.len ? len : in.len, &files[0]))
        return 0;
    files[1] = in;
    struct disk disk = {.open = memory_open, .close = memory_close, .pread = memory_pread, .fstat = memory_fstat};
    struct segment *segment = NULL;
    struct err err = {.code = ERR_NONE};
    if (!segment_open(&disk, "memory", "fuzz", &segment, &err)) {
        if (!is_damage(&err))
            abort();
        return 0;
    }
    unsigned damages = 0;
    segment_verify(segment, damaged, &damages);
    struct block_reader *reader = block_reader_create(NULL);
    uint64_t entries = 0;
    for (size_t b = 0; b < segment_block_count(segment); b++) {
        check_block(segment, b, reader, damages == 0);
        check_parts(segment, b, reader, damages == 0);
        entries += segment_block_at(segment, b)->entries;
    }
    if (entries != segment_stats(segment)->entries)
        abort();
    block_reader_destroy(reader);
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
    struct slice text = SLICE("a needle");
    memset(blocks, 0xff, sizeof(blocks));
    segment_probe(segment, &(struct needle){&text, 1, false}, blocks);
    segment_unref(segment);
    return 0;
}
