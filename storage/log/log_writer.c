#include "storage/log/log_writer.h"

#include <assert.h>
#include <fcntl.h>

#include "core/base/crc32c.h"

#define PIECES_MAX 1000 // of one pwritev; the system takes 1024
#define PIECES_OF_RECORD (LENGTH(((struct log_append *)NULL)->pieces) + 2)

size_t log_append_bytes(const struct log_append *append)
{
    size_t bytes = 0;
    for (size_t i = 0; i < append->piece_count; i++)
        bytes += append->pieces[i].len;
    return bytes;
}

static bool write_head(const struct log_writer *writer, struct err *err)
{
    char bytes[LOG_FILE_START];
    log_file_head_encode(&writer->head, bytes);
    log_file_head_encode(&writer->head, bytes + LOG_FILE_HEAD_BYTES);
    if (!disk_write_all(writer->disk, writer->fd, slice_of(bytes, sizeof(bytes)), 0, err))
        return false;
    return writer->disk->fsync(writer->disk, writer->fd) == 0 || err_errno(err, "sync");
}

bool log_writer_begin(struct log_writer *writer, const struct log_folder *folder, uint64_t spare_number, const struct log_file_head *head, bool *out_named,
                      struct err *err)
{
    *out_named = false;
    assert(writer->fd < 0);
    char spare[LOG_PATH_MAX];
    char path[LOG_PATH_MAX];
    bool has_spare = spare_number != 0; // should it fail below, the next attempt makes a new one
    log_folder_spare_path(folder, has_spare ? spare_number : head->number, spare);
    log_folder_path(folder, head->number, path);
    const struct disk *disk = writer->disk;
    writer->fd = disk->open(disk, spare, O_RDWR | O_CREAT | (has_spare ? 0 : O_TRUNC), 0640);
    if (writer->fd < 0)
        return err_errno(err, "%s: open", spare);
    writer->head = *head;
    struct stat info;
    bool ok = disk->fstat(disk, writer->fd, &info) == 0 || err_errno(err, "stat");
    // Head first, name second: a file with a log's name always has its own head, also after a power cut.
    ok = ok && write_head(writer, err);
    if (ok && disk->rename(disk, spare, path) != 0)
        ok = err_errno(err, "rename");
    *out_named = ok;
    ok = ok && disk_sync_folder(disk, folder->path, err);
    if (!ok) {
        log_writer_end(writer);
        if (!*out_named)
            (void)disk->unlink(disk, spare); // else the next start finds it as a spare
        return err_wrap(err, "%s", path);
    }
    writer->at = LOG_FILE_START;
    writer->allocated = (uint64_t)info.st_size;
    return true;
}

bool log_writer_reserve(struct log_writer *writer, size_t bytes, bool *is_fitting, struct err *err)
{
    uint64_t end = writer->at + bytes;
    uint64_t target = writer->file_bytes;
    *is_fitting = end <= target || writer->at == LOG_FILE_START;
    if (!*is_fitting || end <= writer->allocated)
        return true;
    if (end > target)
        target = end;
    if (writer->disk->allocate(writer->disk, writer->fd, 0, (off_t)target) != 0)
        return err_errno(err, "file %llu: reserve %llu bytes", (unsigned long long)writer->head.number, (unsigned long long)target);
    writer->allocated = target;
    return true;
}

/* All bytes of the pieces, which are used up, at the writer's place. */
static bool write_pieces(struct log_writer *writer, struct iovec *pieces, int count, struct err *err)
{
    while (count > 0) {
        ssize_t wrote = writer->disk->pwritev(writer->disk, writer->fd, pieces, count, (off_t)writer->at);
        if (wrote < 0)
            return err_errno(err, "write");
        if (wrote == 0)
            return err_set(err, ERR_IO, "write: nothing was written");
        writer->at += (uint64_t)wrote;
        size_t left = (size_t)wrote;
        while (count > 0 && left >= pieces->iov_len) {
            left -= pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + left;
            pieces->iov_len -= left;
        }
    }
    return true;
}

/* One record as pieces; returns how many. */
static int record_pieces(const struct log_writer *writer, const struct log_append *append, uint64_t durable,
                         char head_bytes[LOG_RECORD_HEAD_BYTES], struct iovec *out)
{
    static const char padding[LOG_RECORD_ALIGN];
    int count = 1;
    size_t payload = 0;
    uint32_t crc = 0;
    for (size_t i = 0; i < append->piece_count; i++) {
        struct slice piece = append->pieces[i];
        if (piece.len == 0)
            continue;
        crc = crc32c(crc, piece);
        payload += piece.len;
        out[count++] = (struct iovec){(void *)(uintptr_t)piece.ptr, piece.len};
    }
    uint64_t behind = append->sequence - durable;
    assert(behind <= UINT32_MAX); // a batch, and what was refused since the last sync
    struct log_record_head head = {
        .payload_bytes = (uint32_t)payload,
        .behind = (uint32_t)behind,
        .epoch = writer->head.epoch,
        .sequence = append->sequence,
        .payload_crc = crc,
    };
    log_record_head_encode(&head, head_bytes);
    out[0] = (struct iovec){head_bytes, LOG_RECORD_HEAD_BYTES};
    size_t pad = log_record_bytes(payload) - LOG_RECORD_HEAD_BYTES - payload;
    if (pad > 0)
        out[count++] = (struct iovec){(void *)(uintptr_t)padding, pad};
    return count;
}

bool log_writer_write(struct log_writer *writer, struct log_append *const *appends, size_t count, uint64_t durable, struct err *err)
{
    struct iovec pieces[PIECES_MAX];
    char heads[PIECES_MAX / 2][LOG_RECORD_HEAD_BYTES]; // a record has two pieces at least
    int piece_count = 0;
    size_t head_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (piece_count + (int)PIECES_OF_RECORD > PIECES_MAX) {
            if (!write_pieces(writer, pieces, piece_count, err))
                return err_wrap(err, "file %llu", (unsigned long long)writer->head.number);
            piece_count = 0;
            head_count = 0;
        }
        piece_count += record_pieces(writer, appends[i], durable, heads[head_count++], pieces + piece_count);
    }
    return write_pieces(writer, pieces, piece_count, err) || err_wrap(err, "file %llu", (unsigned long long)writer->head.number);
}

bool log_writer_sync(struct log_writer *writer, struct err *err)
{
    if (writer->disk->fdatasync(writer->disk, writer->fd) == 0)
        return true;
    return err_errno(err, "file %llu: sync", (unsigned long long)writer->head.number);
}

void log_writer_shrink(struct log_writer *writer)
{
    if (writer->fd < 0 || writer->allocated <= writer->at)
        return;
    if (writer->disk->ftruncate(writer->disk, writer->fd, (off_t)writer->at) == 0)
        writer->allocated = writer->at;
}

void log_writer_end(struct log_writer *writer)
{
    if (writer->fd >= 0)
        (void)writer->disk->close(writer->disk, writer->fd); // synced before, or not promised
    writer->fd = -1;
}
