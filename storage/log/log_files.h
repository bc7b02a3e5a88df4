/* log_files.h: the log as local files: preallocated, checksummed, recycled; one committer thread gathers what waits, writes it with one call, syncs once
 * (group commit), and answers in sequence order.
 *
 * Format: docs/formats/log.md. After a failed fdatasync the file takes nothing more (the system may have dropped the very pages that
 * a second sync calls clean): what was not acknowledged is refused, and repair begins a fresh file.
 */
#pragma once

#include "storage/disk/disk.h"
#include "storage/log/log.h"

enum log_durability {
    LOG_SYNC,  /* done(ok) after fdatasync: survives power loss */
    LOG_ASYNC, /* done(ok) after write: survives kill -9; synced every sync_interval_ns */
};

struct log_files_config {
    const struct disk *disk;
    const struct clock *clock;
    const char *folder;          /* data/log */
    enum log_durability durability;
    size_t file_bytes;           /* 64 MiB: size of one file */
    size_t queue_bytes;          /* 64 MiB: what may wait for the committer */
    size_t batch_bytes;          /* 4 MiB: most that one commit writes */
    size_t record_bytes_max;     /* largest payload: larger appends are ERR_TOO_LARGE */
    int64_t gather_ns;           /* 0: commit as soon as the last commit ends; else wait this long for company */
    int64_t sync_interval_ns;    /* LOG_ASYNC */
    uint64_t free_bytes_reserve; /* ERR_DISK_FULL when fewer are free on the file system */
    /* Durations of write and sync for metrics; may be NULL. Thread: the committer. */
    void (*observe)(void *self, int64_t write_ns, int64_t sync_ns, size_t records, size_t bytes);
    void *observe_self;
};

/* Opens or creates the folder and reads what is needed to go on after the last good record; starts the committer. The caller
 * owns *out and ends it with out->close. Disk and clock must outlive it. */
bool log_files_open(const struct log_files_config *config, struct log *out, struct err *err) MUST_CHECK;

/* Reads the folder through without changing it: for logi verify. Calls back for each damage. */
bool log_files_verify(const struct disk *disk, const char *folder, void (*damaged)(void *self, const char *what), void *self,
                      uint64_t *out_records, struct err *err) MUST_CHECK;
