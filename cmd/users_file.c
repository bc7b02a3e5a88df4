#include "cmd/users_file.h"

#include <sys/stat.h>

#include "core/base/logger.h"
#include "storage/disk/disk.h"

bool users_file_read(const char *path, struct users **out, struct err *err)
{
    struct buf text = BUF_INIT;
    struct stat info;
    bool ok = disk_read_file(&system_disk, path, USERS_FILE_BYTES_MAX, &text, err);
    ok = ok ? users_parse(path, buf_slice(&text), out, err) : err_wrap(err, "users file %s", path);
    buf_fini(&text);
    if (ok && users_count(*out) == 0)
        log_warn("auth", "there are no users: nobody can log in; logi passwd adds one", "file", path);
    if (ok && system_disk.stat(&system_disk, path, &info) == 0 && (info.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        log_warn("auth", "others may read or write the users file: chmod 600 it", "file", path);
    return ok;
}
