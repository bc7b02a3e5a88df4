#include "storage/disk/disk.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/mem.h"

bool disk_write_all(const struct disk *disk, int fd, struct slice bytes, uint64_t offset, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t n = disk->pwrite(disk, fd, bytes.ptr, bytes.len, (off_t)offset);
        if (n < 0)
            return err_errno(err, "write at %llu", (unsigned long long)offset);
        if (n == 0) // a device that takes nothing and says nothing: never turn in a circle
            return err_set(err, ERR_IO, "write at %llu: nothing was written", (unsigned long long)offset);
        bytes = slice_from(bytes, (size_t)n);
        offset += (uint64_t)n;
    }
    return true;
}

bool disk_read_all(const struct disk *disk, int fd, void *out, size_t count, uint64_t offset, struct err *err)
{
    char *to = out;
    while (count > 0) {
        ssize_t n = disk->pread(disk, fd, to, count, (off_t)offset);
        if (n < 0)
            return err_errno(err, "read at %llu", (unsigned long long)offset);
        if (n == 0)
            return err_set(err, ERR_TRUNCATED, "read at %llu: the file ends, %zu bytes are missing",
                           (unsigned long long)offset, count);
        to += n;
        count -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

bool disk_sync_folder(const struct disk *disk, const char *path, struct err *err)
{
    int fd = disk->open(disk, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_errno(err, "folder %s: open", path);
    bool ok = disk->fsync(disk, fd) == 0 || err_errno(err, "folder %s: sync", path);
    (void)disk->close(disk, fd); // read only: nothing can be lost
    return ok;
}

/* Syncs the folder that holds path's last part. */
static bool sync_parent(const struct disk *disk, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return disk_sync_folder(disk, ".", err);
    char *parent = mem_strdup(slice_of(path, slash == path ? 1 : (size_t)(slash - path)));
    bool ok = disk_sync_folder(disk, parent, err);
    mem_free(parent);
    return ok;
}

bool disk_make_folders(const struct disk *disk, const char *path, struct err *err)
{
    char *so_far = mem_strdup(slice_str(path));
    bool ok = true;
    for (char *at = so_far; ok && *at != '\0'; at++) {
        if (at[1] != '/' && at[1] != '\0')
            continue;
        if (*at == '/')
            continue; // the root, or one slash too many
        char after = at[1];
        at[1] = '\0';
        if (disk->mkdir(disk, so_far, 0750) == 0)
            ok = sync_parent(disk, so_far, err);
        else if (errno != EEXIST)
            ok = err_errno(err, "folder %s: make", so_far);
        at[1] = after;
    }
    mem_free(so_far);
    if (!ok)
        return false;
    struct stat info; // EEXIST was also said of a file of that name
    if (disk->stat(disk, path, &info) != 0)
        return err_errno(err, "folder %s", path);
    return S_ISDIR(info.st_mode) || err_set(err, ERR_IO, "folder %s: is no folder", path);
}

static bool read_open_file(const struct disk *disk, int fd, size_t bytes_max, struct buf *out, struct err *err)
{
    struct stat info;
    if (disk->fstat(disk, fd, &info) != 0)
        return err_errno(err, "stat");
    if ((uint64_t)info.st_size > bytes_max)
        return err_set(err, ERR_LIMIT, "has %llu bytes, at most %zu are read", (unsigned long long)info.st_size, bytes_max);
    size_t count = (size_t)info.st_size;
    if (!disk_read_all(disk, fd, buf_room(out, count + 1), count, 0, err))
        return false;
    buf_took(out, count);
    return true;
}

bool disk_reread_file(const struct disk *disk, const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
    buf_reset(out);
    int fd = disk->open(disk, path, O_RDONLY, 0);
    if (fd < 0) {
        if (errno == ENOENT)
            return err_set(err, ERR_NOT_FOUND, "%s: is not there", path);
        return err_errno(err, "%s: open", path);
    }
    bool ok = read_open_file(disk, fd, bytes_max, out, err);
    (void)disk->close(disk, fd); // read only: nothing can be lost
    return ok || err_wrap(err, "%s", path);
}

bool disk_read_file(const struct disk *disk, const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
    struct buf bytes = BUF_INIT;
    if (!disk_reread_file(disk, path, bytes_max, &bytes, err)) {
        buf_fini(&bytes);
        return false;
    }
    *out = bytes;
    return true;
}

static bool write_new_file(const struct disk *disk, const char *path, struct slice bytes, struct err *err)
{
    int fd = disk->open(disk, path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (fd < 0)
        return err_errno(err, "%s: create", path);
    bool ok = disk_write_all(disk, fd, bytes, 0, err);
    if (ok && disk->fsync(disk, fd) != 0)
        ok = err_errno(err, "sync");
    if (disk->close(disk, fd) != 0 && ok)
        ok = err_errno(err, "close");
    return ok || err_wrap(err, "%s", path);
}

bool disk_replace_file(const struct disk *disk, const char *path, struct slice bytes, struct err *err)
{
    struct buf temporary = BUF_INIT;
    buf_printf(&temporary, "%s.tmp", path);
    buf_byte(&temporary, '\0');
    bool ok = write_new_file(disk, temporary.ptr, bytes, err);
    if (ok && disk->rename(disk, temporary.ptr, path) != 0)
        ok = err_errno(err, "%s: rename", path);
    if (!ok)
        (void)disk->unlink(disk, temporary.ptr); // the next attempt truncates it, should this fail too
    buf_fini(&temporary);
    return ok && sync_parent(disk, path, err);
}

/* The names of a folder, each ended by a zero byte: gathered first, because unlinking while listing may skip some. */
static bool gather_name(void *self, const char *name)
{
    buf_put(self, slice_of(name, strlen(name) + 1));
    return true;
}

static bool unlink_all(const struct disk *disk, const char *path, struct slice names, struct err *err)
{
    bool ok = true;
    struct buf inner = BUF_INIT;
    while (ok && names.len > 0) {
        size_t n = strlen(names.ptr) + 1;
        buf_reset(&inner);
        buf_printf(&inner, "%s/%s", path, names.ptr);
        buf_byte(&inner, '\0');
        names = slice_from(names, n);
        if (disk->unlink(disk, inner.ptr) != 0 && errno != ENOENT)
            ok = err_errno(err, "%s: unlink", inner.ptr);
    }
    buf_fini(&inner);
    return ok;
}

bool disk_remove_folder(const struct disk *disk, const char *path, struct err *err)
{
    struct buf names = BUF_INIT;
    bool ok = true;
    bool is_there = true;
    if (disk->list(disk, path, gather_name, &names) != 0) {
        is_there = errno != ENOENT;
        ok = !is_there || err_errno(err, "folder %s: list", path);
    }
    ok = ok && unlink_all(disk, path, buf_slice(&names), err);
    buf_fini(&names);
    if (!ok || !is_there)
        return ok;
    if (disk->rmdir(disk, path) != 0 && errno != ENOENT)
        return err_errno(err, "folder %s: remove", path);
    return sync_parent(disk, path, err);
}
