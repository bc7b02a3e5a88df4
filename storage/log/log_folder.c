#include "storage/log/log_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

void log_folder_path(const struct log_folder *folder, uint64_t number, char *text)
{
    (void)snprintf(text, LOG_PATH_MAX, "%s/%016llx.log", folder->path, (unsigned long long)number);
}

void log_folder_spare_path(const struct log_folder *folder, uint64_t number, char *text)
{
    (void)snprintf(text, LOG_PATH_MAX, "%s/%016llx.spare", folder->path, (unsigned long long)number);
}

/* Sixteen lower-case hex digits and the ending. */
static bool name_number(const char *name, const char *ending, uint64_t *out)
{
    uint64_t number = 0;
    for (int i = 0; i < 16; i++) {
        char c = name[i];
        if (c >= '0' && c <= '9')
            number = number << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = number;
    return strcmp(name + 16, ending) == 0;
}

static bool take_name(void *self, const char *name)
{
    struct log_folder *folder = self;
    uint64_t number;
    if (name_number(name, ".log", &number)) {
        log_folder_add(folder, (struct log_folder_file){.number = number});
    } else if (name_number(name, ".spare", &number)) {
        if (folder->spare_count < LOG_SPARES_MAX)
            folder->spares[folder->spare_count++] = number;
    }
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct log_folder_file *x = a;
    const struct log_folder_file *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

bool log_folder_open(struct log_folder *folder, const struct disk *disk, const char *path, struct err *err)
{
    *folder = (struct log_folder){.disk = disk, .path = mem_strdup(slice_str(path))};
    if (strlen(path) > LOG_PATH_MAX - 64)
        return err_set(err, ERR_INVALID, "folder of the log: a path of %zu bytes is too long", strlen(path));
    if (disk->list(disk, path, take_name, folder) != 0)
        return err_errno(err, "folder %s: list", path);
    if (folder->count > 0)
        qsort(folder->files, folder->count, sizeof(folder->files[0]), by_number);
    for (size_t i = 0; i < folder->count; i++) {
        struct log_folder_file *file = &folder->files[i];
        char file_path[LOG_PATH_MAX];
        log_folder_path(folder, file->number, file_path);
        struct stat info;
        if (disk->stat(disk, file_path, &info) != 0)
            return err_errno(err, "%s: stat", file_path);
        file->bytes = (uint64_t)info.st_size;
        struct log_file_head head;
        if (log_reader_head(disk, file_path, file->number, &head, err)) {
            file->first_sequence = head.first_sequence;
            file->durable_sequence = head.durable_sequence;
        } else if (err->code != ERR_CORRUPT && err->code != ERR_TRUNCATED) { // those the walk reports, as damage
            return false;
        }
    }
    return true;
}

void log_folder_close(struct log_folder *folder)
{
    mem_free(folder->files);
    mem_free(folder->path);
    *folder = (struct log_folder){.disk = folder->disk};
}

void log_folder_add(struct log_folder *folder, struct log_folder_file file)
{
    if (folder->count == folder->cap) {
        folder->cap = folder->cap == 0 ? 16 : folder->cap * 2;
        folder->files = mem_grow(folder->files, folder->cap, sizeof(folder->files[0]));
    }
    folder->files[folder->count++] = file;
}

bool log_folder_drop_oldest(struct log_folder *folder, size_t file_bytes)
{
    char path[LOG_PATH_MAX];
    struct log_folder_file file = folder->files[0];
    log_folder_path(folder, file.number, path);
    char spare[LOG_PATH_MAX];
    log_folder_spare_path(folder, file.number, spare);
    bool is_spare = file.bytes == file_bytes && folder->spare_count < LOG_SPARES_MAX && folder->disk->rename(folder->disk, path, spare) == 0;
    // A trimmed file that comes back at the next start is trimmed again.
    if (!is_spare && folder->disk->unlink(folder->disk, path) != 0 && errno != ENOENT)
        return false;
    if (is_spare)
        folder->spares[folder->spare_count++] = file.number;
    folder->count--;
    memmove(folder->files, folder->files + 1, folder->count * sizeof(folder->files[0]));
    return true;
}

uint64_t log_folder_take_spare(struct log_folder *folder)
{
    return folder->spare_count > 0 ? folder->spares[--folder->spare_count] : 0;
}

void log_folder_drop_spares(struct log_folder *folder)
{
    for (; folder->spare_count > 0; folder->spare_count--) {
        char path[LOG_PATH_MAX];
        log_folder_spare_path(folder, folder->spares[folder->spare_count - 1], path);
        (void)folder->disk->unlink(folder->disk, path); // found again at the next start
    }
}

bool log_folder_read(const struct log_folder *folder, uint64_t number, struct buf *out, struct err *err)
{
    char path[LOG_PATH_MAX];
    log_folder_path(folder, number, path);
    return disk_reread_file(folder->disk, path, LOG_FILE_BYTES_MAX, out, err);
}
