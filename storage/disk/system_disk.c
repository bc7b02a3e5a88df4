#include "storage/disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

// The result of a call that a signal may interrupt before it did anything.
#define RETRIED(call)                                                                              \
    ({                                                                                             \
        __typeof__(call) retried_;                                                                 \
        do                                                                                         \
            retried_ = (call);                                                                     \
        while (retried_ == -1 && errno == EINTR);                                                  \
        retried_;                                                                                  \
    })

static int system_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    (void)disk;
    return RETRIED(open(path, flags | O_CLOEXEC, mode));
}

static int system_close(const struct disk *disk, int fd)
{
    (void)disk;
    return close(fd); // never again after EINTR: on Linux the descriptor is gone, and may be another's by now
}

static ssize_t system_pread(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset)
{
    (void)disk;
    return RETRIED(pread(fd, bytes, count, offset));
}

static ssize_t system_pwrite(const struct disk *disk, int fd, const void *bytes, size_t count, off_t offset)
{
    (void)disk;
    return RETRIED(pwrite(fd, bytes, count, offset));
}

static ssize_t system_pwritev(const struct disk *disk, int fd, const struct iovec *pieces, int count, off_t offset)
{
    (void)disk;
    return RETRIED(pwritev(fd, pieces, count, offset));
}

static int system_fdatasync(const struct disk *disk, int fd)
{
    (void)disk;
    return RETRIED(fdatasync(fd));
}

static int system_fsync(const struct disk *disk, int fd)
{
    (void)disk;
    return RETRIED(fsync(fd));
}

static int system_ftruncate(const struct disk *disk, int fd, off_t size)
{
    (void)disk;
    return RETRIED(ftruncate(fd, size));
}

static int system_allocate(const struct disk *disk, int fd, off_t offset, off_t size)
{
    (void)disk;
    int error;
    do
        error = posix_fallocate(fd, offset, size); // returns the error and leaves errno alone
    while (error == EINTR);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

static int system_rename(const struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return rename(from, to);
}

static int system_unlink(const struct disk *disk, const char *path)
{
    (void)disk;
    return unlink(path);
}

static int system_mkdir(const struct disk *disk, const char *path, mode_t mode)
{
    (void)disk;
    return mkdir(path, mode);
}

static int system_rmdir(const struct disk *disk, const char *path)
{
    (void)disk;
    return rmdir(path);
}

static int system_stat(const struct disk *disk, const char *path, struct stat *out)
{
    (void)disk;
    return stat(path, out);
}

static int system_fstat(const struct disk *disk, int fd, struct stat *out)
{
    (void)disk;
    return fstat(fd, out);
}

static int system_list(const struct disk *disk, const char *path, bool (*each)(void *self, const char *name), void *self)
{
    (void)disk;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    int error = 0;
    for (;;) {
        errno = 0; // the only way to tell the end from a failure
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!each(self, entry->d_name))
            break;
    }
    (void)closedir(folder);
    errno = error;
    return error == 0 ? 0 : -1;
}

static int system_lock(const struct disk *disk, int fd)
{
    (void)disk;
    return RETRIED(flock(fd, LOCK_EX | LOCK_NB));
}

static int system_free_bytes(const struct disk *disk, const char *path, uint64_t *out_free, uint64_t *out_size)
{
    (void)disk;
    struct statvfs info;
    if (RETRIED(statvfs(path, &info)) != 0)
        return -1;
    *out_free = (uint64_t)info.f_bavail * info.f_frsize; // bavail: what root keeps back is not ours
    *out_size = (uint64_t)info.f_blocks * info.f_frsize;
    return 0;
}

static int system_map(const struct disk *disk, int fd, off_t offset, size_t bytes, void *at)
{
    (void)disk;
    return mmap(at, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, offset) == at ? 0 : -1;
}

const struct disk system_disk = {
    .open = system_open,
    .close = system_close,
    .pread = system_pread,
    .pwrite = system_pwrite,
    .pwritev = system_pwritev,
    .fdatasync = system_fdatasync,
    .fsync = system_fsync,
    .ftruncate = system_ftruncate,
    .allocate = system_allocate,
    .rename = system_rename,
    .unlink = system_unlink,
    .mkdir = system_mkdir,
    .rmdir = system_rmdir,
    .stat = system_stat,
    .fstat = system_fstat,
    .list = system_list,
    .lock = system_lock,
    .free_bytes = system_free_bytes,
    .map = system_map,
};
