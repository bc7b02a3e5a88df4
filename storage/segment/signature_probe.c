#include <fcntl.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "storage/segment/segment.h"
#include "storage/segment/signature.h"

#define WINDOWS_MAX 64 /* of a needle: more would tell no more */

static bool head_check(struct signature *signature, struct slice head, uint32_t segment_crc, size_t blocks, struct err *err)
{
    const char *p = head.ptr;
    if (memcmp(p, "LogiSig\n", 8) != 0 || le32_get(p + 28) != crc32c(0, slice_of(p, 28)))
        return err_set(err, ERR_CORRUPT, "header: checksum");
    uint32_t rows = le32_get(p + 16);
    if (le32_get(p + 8) != 1 || le32_get(p + 12) != SIGNATURE_GRAM || rows < SIGNATURE_ROWS_MIN || rows > SIGNATURE_ROWS_MAX || rows % 64 != 0)
        return err_set(err, ERR_CORRUPT, "header: version %u, windows of %u bytes, %u rows", le32_get(p + 8), le32_get(p + 12), rows);
    if (le32_get(p + 20) != blocks || le32_get(p + 24) != segment_crc || blocks == 0 || blocks > SEGMENT_BLOCKS_MAX)
        return err_set(err, ERR_CORRUPT, "header: of another segment");
    signature->rows = rows;
    signature->blocks = (uint32_t)blocks;
    signature->row_bytes = (uint32_t)(blocks + 7) / 8;
    signature->rows_per_page = (uint32_t)(SIGNATURE_PAGE - 4) / signature->row_bytes;
    uint64_t pages = (signature->rows + signature->rows_per_page - 1) / signature->rows_per_page;
    if (signature->file_bytes != SIGNATURE_HEAD + pages * SIGNATURE_PAGE)
        return err_set(err, ERR_CORRUPT, "%llu bytes, want %llu", (unsigned long long)signature->file_bytes,
                       (unsigned long long)(SIGNATURE_HEAD + pages * SIGNATURE_PAGE));
    return true;
}

bool signature_open(struct signature *signature, const struct disk *disk, const char *path, uint32_t segment_crc, size_t blocks,
                    struct err *err)
{
    *signature = (struct signature){.disk = disk, .fd = disk->open(disk, path, O_RDONLY | O_CLOEXEC, 0)};
    if (signature->fd < 0)
        return err_set(err, ERR_NOT_FOUND, "cannot be opened");
    char head[SIGNATURE_HEAD];
    struct stat stat;
    bool ok = disk->fstat(disk, signature->fd, &stat) == 0 || err_errno(err, "fstat");
    signature->file_bytes = ok ? (uint64_t)stat.st_size : 0;
    ok = ok && disk_read_all(disk, signature->fd, head, sizeof(head), 0, err) &&
         head_check(signature, slice_of(head, sizeof(head)), segment_crc, blocks, err);
    if (!ok)
        signature_close(signature);
    return ok;
}

void signature_close(struct signature *signature)
{
    if (signature->fd >= 0)
        (void)signature->disk->close(signature->disk, signature->fd);
    signature->fd = -1;
}

static bool page_read(const struct signature *signature, uint32_t page, char *bytes, struct err *err)
{
    if (!disk_read_all(signature->disk, signature->fd, bytes, SIGNATURE_PAGE, SIGNATURE_HEAD + (uint64_t)page * SIGNATURE_PAGE, err))
        return err_wrap(err, "page %u", page);
    if (le32_get(bytes + SIGNATURE_PAGE - 4) != crc32c(0, slice_of(bytes, SIGNATURE_PAGE - 4)))
        return err_set(err, ERR_CORRUPT, "page %u: checksum", page);
    return true;
}

void signature_probe(const struct signature *signature, struct slice text, uint64_t *blocks)
{
    if (signature->fd < 0 || text.len < SIGNATURE_GRAM)
        return;
    // Windows of a long needle are taken apart from one another first: neighbours tell much the same.
    size_t windows = text.len - SIGNATURE_GRAM + 1;
    size_t stride = windows > 8 ? SIGNATURE_GRAM : 1;
    size_t probed = 0;
    for (size_t phase = 0; phase < stride; phase++) {
        for (size_t at = phase; at < windows && probed < WINDOWS_MAX; at += stride, probed++) {
            char window[8] = {0};
            char page[SIGNATURE_PAGE];
            struct err err;
            memcpy(window, text.ptr + at, SIGNATURE_GRAM);
            uint32_t row = signature_row(signature_hash(window), signature->rows);
            if (!page_read(signature, row / signature->rows_per_page, page, &err))
                return;
            uint64_t bits[SEGMENT_BLOCKS_MAX / 64] = {0};
            memcpy(bits, page + (size_t)(row % signature->rows_per_page) * signature->row_bytes, signature->row_bytes);
            uint64_t left = 0;
            for (size_t w = 0; w < LENGTH(bits); w++)
                left |= blocks[w] &= bits[w];
            if (left == 0)
                return;
        }
    }
}

bool signature_verify(const struct signature *signature, struct err *err)
{
    uint32_t pages = (signature->rows + signature->rows_per_page - 1) / signature->rows_per_page;
    char page[SIGNATURE_PAGE];
    for (uint32_t i = 0; i < pages; i++) {
        if (!page_read(signature, i, page, err))
            return false;
    }
    return true;
}
