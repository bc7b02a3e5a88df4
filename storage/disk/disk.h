/* disk.h: every call to the file system, as a struct of functions. Nothing in storage calls the system's by itself, so that tests
 * fail each one (tests/fault), lose what was not synced (tests/crash), and count.
 *
 * Conventions are the system calls': -1 and errno, or a count. EINTR is retried inside; short reads and writes are returned.
 * Thread: any.
 */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct disk {
    int (*open)(const struct disk *disk, const char *path, int flags, mode_t mode);
    int (*close)(const struct disk *disk, int fd);
    ssize_t (*pread)(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset);
    ssize_t (*pwrite)(const struct disk *disk, int fd, const void *bytes, size_t count, off_t offset);
    ssize_t (*pwritev)(const struct disk *disk, int fd, const struct iovec *pieces, int count, off_t offset);
    int (*fdatasync)(const struct disk *disk, int fd);
    int (*fsync)(const struct disk *disk, int fd);
    int (*ftruncate)(const struct disk *disk, int fd, off_t size);
    int (*allocate)(const struct disk *disk, int fd, off_t offset, off_t size); /* posix_fallocate's job; sets errno */
    int (*rename)(const struct disk *disk, const char *from, const char *to);
    int (*unlink)(const struct disk *disk, const char *path);
    int (*mkdir)(const struct disk *disk, const char *path, mode_t mode);
    int (*rmdir)(const struct disk *disk, const char *path);
    int (*stat)(const struct disk *disk, const char *path, struct stat *out);
    int (*fstat)(const struct disk *disk, int fd, struct stat *out);
    /* Calls back for each name but . and ..; false from each stops. */
    int (*list)(const struct disk *disk, const char *path, bool (*each)(void *self, const char *name), void *self);
    int (*lock)(const struct disk *disk, int fd);                             /* exclusive, does not wait: EWOULDBLOCK */
    int (*free_bytes)(const struct disk *disk, const char *path, uint64_t *out_free, uint64_t *out_size);
    /* Puts the file's bytes, read only, in the place of the caller's own memory at `at`; whole pages. They stay after close and unlink, until munmap. */
    int (*map)(const struct disk *disk, int fd, off_t offset, size_t bytes, void *at);
};

extern const struct disk system_disk;

/* ---- helpers over the functions above ---- */

/* All bytes at the offset, or false with ERR_IO / ERR_DISK_FULL / ERR_TRUNCATED (read met the end of the file). */
bool disk_write_all(const struct disk *disk, int fd, struct slice bytes, uint64_t offset, struct err *err) MUST_CHECK;
bool disk_read_all(const struct disk *disk, int fd, void *out, size_t count, uint64_t offset, struct err *err) MUST_CHECK;

/* fsync of the folder: after create, rename, unlink in it. */
bool disk_sync_folder(const struct disk *disk, const char *path, struct err *err) MUST_CHECK;

/* mkdir -p, each new folder synced into its parent. */
bool disk_make_folders(const struct disk *disk, const char *path, struct err *err) MUST_CHECK;

/* The whole file; ERR_NOT_FOUND if there is none, ERR_LIMIT over bytes_max. The caller frees *out with buf_fini. */
bool disk_read_file(const struct disk *disk, const char *path, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;

/* The same into a buffer whose memory is used again; empty after a failure to open. */
bool disk_reread_file(const struct disk *disk, const char *path, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;

/* Write to path + ".tmp", sync, rename, sync the folder: the file is the old one or the new one, never half. */
bool disk_replace_file(const struct disk *disk, const char *path, struct slice bytes, struct err *err) MUST_CHECK;

/* Unlinks a folder's files and the folder; not recursive into subfolders. Missing is fine. */
bool disk_remove_folder(const struct disk *disk, const char *path, struct err *err) MUST_CHECK;
