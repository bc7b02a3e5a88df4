#include "tests/fault/fault_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"

enum undo_kind { UNDO_WRITE, UNDO_SIZE, UNDO_CREATE, UNDO_RENAME, UNDO_UNLINK, UNDO_MKDIR };

// One thing that was done and is not safe yet.
struct fault_undo {
    struct fault_undo *older;
    enum undo_kind kind;
    int fd;        // data: a descriptor of our own
    ino_t inode;   // data: of the file
    off_t offset;  // data: of the old bytes; size: the old size
    size_t count;
    char *bytes;
    char *path;    // names
    char *from;    // rename
    char *backup;  // rename, unlink: the file that had the name
};

static struct fault_disk *fault_of(const struct disk *disk)
{
    return (struct fault_disk *)(uintptr_t)disk; // disk is its first member
}

static int error_of(enum fault_kind kind)
{
    return kind == FAULT_ENOSPC ? ENOSPC : kind == FAULT_EDQUOT ? EDQUOT : EIO;
}

/* Counts a call. True: it must fail, errno is set; *is_short: it must do half. The lock is held. */
static bool fails(struct fault_disk *fault, bool *is_short)
{
    *is_short = false;
    fault->calls++;
    if (fault->stops_at != 0 && fault->calls >= fault->stops_at)
        fault->is_dead = true;
    if (fault->is_dead) {
        errno = EIO;
        return true;
    }
    if (fault->fails_at == 0 || (fault->is_sticky ? fault->calls < fault->fails_at : fault->calls != fault->fails_at))
        return false;
    fault->faults++;
    *is_short = fault->fault == FAULT_SHORT;
    errno = error_of(fault->fault);
    return !*is_short;
}

static struct fault_undo *undo_new(struct fault_disk *fault, enum undo_kind kind)
{
    struct fault_undo *undo = mem_zero(sizeof(*undo));
    undo->kind = kind;
    undo->fd = -1;
    undo->older = fault->undo;
    fault->undo = undo;
    return undo;
}

static void undo_free(struct fault_undo *undo)
{
    if (undo->fd >= 0)
        (void)close(undo->fd);
    if (undo->backup != NULL)
        (void)unlink(undo->backup);
    mem_free(undo->backup);
    mem_free(undo->bytes);
    mem_free(undo->path);
    mem_free(undo->from);
    mem_free(undo);
}

static void remember_data(struct fault_disk *fault, int fd, off_t offset, size_t count)
{
    struct stat info;
    if (!fault->keeps_undo || fstat(fd, &info) != 0)
        return;
    struct fault_undo *size = undo_new(fault, UNDO_SIZE);
    char proc[64];
    (void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    size->fd = open(proc, O_RDWR | O_CLOEXEC);
    size->inode = info.st_ino;
    size->offset = info.st_size;
    if (offset >= info.st_size || count == 0)
        return;
    if ((off_t)count > info.st_size - offset)
        count = (size_t)(info.st_size - offset);
    struct fault_undo *undo = undo_new(fault, UNDO_WRITE);
    undo->fd = open(proc, O_RDWR | O_CLOEXEC);
    undo->inode = info.st_ino;
    undo->offset = offset;
    undo->bytes = mem_alloc(count);
    ssize_t n = pread(undo->fd, undo->bytes, count, offset);
    undo->count = n < 0 ? 0 : (size_t)n;
}

/* Keeps the file that has the name now. */
static char *keep_file(struct fault_disk *fault, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf text = BUF_INIT; // beside the folder, on the same file system, out of sight of its listing
    buf_put(&text, slice_of(path, slash == NULL ? 0 : (size_t)(slash - path)));
    buf_printf(&text, "%s.%s-%u", slash == NULL ? "." : "", fault->trash_folder, fault->trash++);
    buf_byte(&text, '\0');
    char *backup = mem_strdup(slice_str(text.ptr));
    buf_fini(&text);
    if (link(path, backup) == 0)
        return backup;
    mem_free(backup);
    return NULL;
}

static bool in_folder(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    const char *slash = strrchr(path, '/');
    return slash != NULL && (size_t)(slash - path) == n && memcmp(path, folder, n) == 0;
}

/* What is safe now is not to be undone: the data of an inode, or the names in a folder. */
static void forget(struct fault_disk *fault, int fd)
{
    struct stat info;
    if (!fault->keeps_undo || fstat(fd, &info) != 0)
        return;
    char proc[64];
    char folder[4096];
    (void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(proc, folder, sizeof(folder) - 1);
    folder[n < 0 ? 0 : n] = '\0';
    for (struct fault_undo **at = &fault->undo; *at != NULL;) {
        struct fault_undo *undo = *at;
        bool is_safe = undo->path == NULL ? undo->inode == info.st_ino : S_ISDIR(info.st_mode) && in_folder(undo->path, folder);
        if (!is_safe) {
            at = &undo->older;
            continue;
        }
        *at = undo->older;
        undo_free(undo);
    }
}

static char *absolute(const char *path)
{
    if (path[0] == '/')
        return mem_strdup(slice_str(path));
    char here[4096];
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s/%s", getcwd(here, sizeof(here)) == NULL ? "" : here, path);
    char *out = mem_strdup(buf_slice(&text));
    buf_fini(&text);
    return out;
}

#define LOCKED(fault) pthread_mutex_lock(&(fault)->lock)
#define UNLOCKED(fault, value)                                                                     \
    do {                                                                                           \
        __auto_type unlocked_ = (value);                                                           \
        int error_ = errno;                                                                        \
        pthread_mutex_unlock(&(fault)->lock);                                                      \
        errno = error_;                                                                            \
        return unlocked_;                                                                          \
    } while (0)

static int fault_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    bool is_new = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    if (!is_new && (flags & O_TRUNC) != 0) {
        int old = open(path, O_RDWR | O_CLOEXEC);
        struct stat info;
        if (old >= 0 && fstat(old, &info) == 0)
            remember_data(fault, old, 0, (size_t)info.st_size);
        if (old >= 0)
            (void)close(old);
    }
    int fd = system_disk.open(&system_disk, path, flags, mode);
    if (fd >= 0 && is_new && fault->keeps_undo)
        undo_new(fault, UNDO_CREATE)->path = absolute(path);
    UNLOCKED(fault, fd);
}

static int fault_close(const struct disk *disk, int fd)
{
    (void)disk;
    return system_disk.close(&system_disk, fd);
}

/* A call that only reads. */
static bool read_fails(struct fault_disk *fault)
{
    bool is_short;
    LOCKED(fault);
    bool failed = fault->is_dead || (fault->fails_reads && fails(fault, &is_short));
    pthread_mutex_unlock(&fault->lock);
    if (failed)
        errno = EIO;
    return failed;
}

static ssize_t fault_pread(const struct disk *disk, int fd, void *bytes, size_t count, off_t offset)
{
    return read_fails(fault_of(disk)) ? -1 : system_disk.pread(&system_disk, fd, bytes, count, offset);
}

static ssize_t fault_pwrite(const struct disk *disk, int fd, const void *bytes, size_t count, off_t offset)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, (ssize_t)-1);
    remember_data(fault, fd, offset, count);
    UNLOCKED(fault, system_disk.pwrite(&system_disk, fd, bytes, is_short ? (count + 1) / 2 : count, offset));
}

static ssize_t fault_pwritev(const struct disk *disk, int fd, const struct iovec *pieces, int count, off_t offset)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, (ssize_t)-1);
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    remember_data(fault, fd, offset, bytes);
    UNLOCKED(fault, is_short ? system_disk.pwrite(&system_disk, fd, pieces[0].iov_base, (pieces[0].iov_len + 1) / 2, offset)
                             : system_disk.pwritev(&system_disk, fd, pieces, count, offset));
}

static int fault_fdatasync(const struct disk *disk, int fd)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    forget(fault, fd); // the model's sync; the machine's own is not needed, nobody cuts its power
    UNLOCKED(fault, 0);
}

static int fault_ftruncate(const struct disk *disk, int fd, off_t size)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    struct stat info;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    if (fstat(fd, &info) == 0)
        remember_data(fault, fd, size, size < info.st_size ? (size_t)(info.st_size - size) : 0);
    UNLOCKED(fault, system_disk.ftruncate(&system_disk, fd, size));
}

static int fault_allocate(const struct disk *disk, int fd, off_t offset, off_t size)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    remember_data(fault, fd, 0, 0);
    UNLOCKED(fault, system_disk.allocate(&system_disk, fd, offset, size));
}

static int fault_rename(const struct disk *disk, const char *from, const char *to)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    char *backup = fault->keeps_undo ? keep_file(fault, to) : NULL;
    int result = system_disk.rename(&system_disk, from, to);
    if (result == 0 && fault->keeps_undo) {
        struct fault_undo *undo = undo_new(fault, UNDO_RENAME);
        undo->path = absolute(to);
        undo->from = absolute(from);
        undo->backup = backup;
    }
    UNLOCKED(fault, result);
}

static int fault_unlink(const struct disk *disk, const char *path)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    char *backup = fault->keeps_undo ? keep_file(fault, path) : NULL;
    int result = system_disk.unlink(&system_disk, path);
    if (result == 0 && fault->keeps_undo) {
        struct fault_undo *undo = undo_new(fault, UNDO_UNLINK);
        undo->path = absolute(path);
        undo->backup = backup;
    }
    UNLOCKED(fault, result);
}

static int fault_mkdir(const struct disk *disk, const char *path, mode_t mode)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    int result = system_disk.mkdir(&system_disk, path, mode);
    if (result == 0 && fault->keeps_undo)
        undo_new(fault, UNDO_MKDIR)->path = absolute(path);
    UNLOCKED(fault, result);
}

static int fault_rmdir(const struct disk *disk, const char *path)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    if (fails(fault, &is_short))
        UNLOCKED(fault, -1);
    UNLOCKED(fault, system_disk.rmdir(&system_disk, path));
}

static int fault_stat(const struct disk *disk, const char *path, struct stat *out)
{
    return read_fails(fault_of(disk)) ? -1 : system_disk.stat(&system_disk, path, out);
}

static int fault_fstat(const struct disk *disk, int fd, struct stat *out)
{
    return read_fails(fault_of(disk)) ? -1 : system_disk.fstat(&system_disk, fd, out);
}

static int fault_list(const struct disk *disk, const char *path, bool (*each)(void *self, const char *name), void *self)
{
    return read_fails(fault_of(disk)) ? -1 : system_disk.list(&system_disk, path, each, self);
}

static int fault_lock(const struct disk *disk, int fd)
{
    (void)disk;
    return system_disk.lock(&system_disk, fd);
}

static int fault_free_bytes(const struct disk *disk, const char *path, uint64_t *out_free, uint64_t *out_size)
{
    struct fault_disk *fault = fault_of(disk);
    int result = system_disk.free_bytes(&system_disk, path, out_free, out_size);
    LOCKED(fault);
    if (result == 0 && fault->free_bytes != 0)
        *out_free = fault->free_bytes;
    UNLOCKED(fault, result);
}

static int fault_map(const struct disk *disk, int fd, off_t offset, size_t bytes, void *at)
{
    struct fault_disk *fault = fault_of(disk);
    bool is_short;
    LOCKED(fault);
    bool failed = fails(fault, &is_short);
    int result = failed || is_short ? -1 : system_disk.map(&system_disk, fd, offset, bytes, at);
    if (is_short)
        errno = ENOMEM;
    UNLOCKED(fault, result);
}

void fault_disk_init(struct fault_disk *fault)
{
    *fault = (struct fault_disk){
        .disk = {fault_open, fault_close, fault_pread, fault_pwrite, fault_pwritev, fault_fdatasync, fault_fdatasync, fault_ftruncate,
                 fault_allocate, fault_rename, fault_unlink, fault_mkdir, fault_rmdir, fault_stat, fault_fstat, fault_list, fault_lock,
                 fault_free_bytes, fault_map},
    };
    pthread_mutex_init(&fault->lock, NULL);
    (void)snprintf(fault->trash_folder, sizeof(fault->trash_folder), "trash-%d", (int)getpid());
}

static void undo_apply(struct fault_undo *undo)
{
    switch (undo->kind) {
    case UNDO_WRITE:
        (void)!pwrite(undo->fd, undo->bytes, undo->count, undo->offset);
        break;
    case UNDO_SIZE:
        (void)!ftruncate(undo->fd, undo->offset);
        break;
    case UNDO_CREATE:
        (void)unlink(undo->path);
        break;
    case UNDO_MKDIR:
        (void)rmdir(undo->path);
        break;
    case UNDO_RENAME:
        (void)rename(undo->path, undo->from);
        if (undo->backup != NULL)
            (void)link(undo->backup, undo->path);
        break;
    case UNDO_UNLINK:
        if (undo->backup != NULL)
            (void)link(undo->backup, undo->path);
        break;
    }
}

void fault_disk_power_cut(struct fault_disk *fault, uint64_t seed)
{
    LOCKED(fault);
    bool loses_names = true; // names are one journal: of its tail some is lost, never of its middle
    uint64_t random = seed;
    while (fault->undo != NULL) {
        struct fault_undo *undo = fault->undo;
        fault->undo = undo->older;
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bool is_name = undo->path != NULL;
        bool undoes = seed == 0 || (seed != UINT64_MAX && (random >> 63) != 0);
        if (is_name && seed != 0 && seed != UINT64_MAX) {
            undoes = loses_names && undoes; // newest first: once one is kept, all older ones are
            loses_names = undoes;
        }
        if (undoes)
            undo_apply(undo);
        undo_free(undo);
    }
    fault->is_dead = false;
    fault->stops_at = 0;
    fault->fails_at = 0;
    pthread_mutex_unlock(&fault->lock);
}

unsigned fault_disk_heal(struct fault_disk *fault)
{
    LOCKED(fault);
    fault->fails_at = 0;
    UNLOCKED(fault, fault->calls);
}

void fault_disk_fini(struct fault_disk *fault)
{
    while (fault->undo != NULL) {
        struct fault_undo *undo = fault->undo;
        fault->undo = undo->older;
        undo_free(undo);
    }
    pthread_mutex_destroy(&fault->lock);
}
