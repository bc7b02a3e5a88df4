/* log_writer.h: the file that the log writes now. Thread: one at a time (log_files' lock). */
#pragma once

#include "storage/log/log.h"
#include "storage/log/log_folder.h"

struct log_writer {
    const struct disk *disk;
    int fd; /* -1: no file */
    struct log_file_head head;
    uint64_t at;        /* where the next record goes */
    uint64_t allocated; /* bytes of the file that are on the disk already; writes below it need no new space */
    size_t file_bytes;
};

/* Makes file head->number: of a spare that was taken off the folder's list, or new (0); its head is on the disk under its name when this is true. No space is
 * taken yet. Of the folder only disk and path are read, which never change: this waits for the disk, so the folder's lock is not held.
 * *out_named, also when it fails: a file of that number is in the folder now, with a head and no record. */
bool log_writer_begin(struct log_writer *writer, const struct log_folder *folder, uint64_t spare_number, const struct log_file_head *head, bool *out_named,
                      struct err *err) MUST_CHECK;

/* Space for count_bytes more. *is_fitting false: the file is full, begin the next (never so for an empty file). */
bool log_writer_reserve(struct log_writer *writer, size_t bytes, bool *is_fitting, struct err *err) MUST_CHECK;

/* Writes records with the sequences that the appends hold, in one go; not synced. After false the file is to be abandoned. */
bool log_writer_write(struct log_writer *writer, struct log_append *const *appends, size_t count, uint64_t durable, struct err *err) MUST_CHECK;
bool log_writer_sync(struct log_writer *writer, struct err *err) MUST_CHECK;

/* Gives back what was reserved and not used. */
void log_writer_shrink(struct log_writer *writer);
/* Closes; the file stays. */
void log_writer_end(struct log_writer *writer);

size_t log_append_bytes(const struct log_append *append); /* payload */
