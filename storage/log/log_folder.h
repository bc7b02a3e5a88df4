/* log_folder.h: the files of the log's folder: <number as 16 hex digits>.log, oldest first, and spares: trimmed files that wait to be the next.
 *
 * Thread: one at a time (log_files' lock).
 */
#pragma once

#include "storage/log/log_reader.h"

#define LOG_SPARES_MAX 3

struct log_folder_file {
    uint64_t number;
    uint64_t first_sequence; /* 0 if the file's head is damaged */
    uint64_t durable_sequence;
    uint64_t bytes; /* taken on the disk */
};

struct log_folder {
    const struct disk *disk;
    char *path;
    struct log_folder_file *files; /* by number */
    size_t count, cap;
    uint64_t spares[LOG_SPARES_MAX]; /* numbers */
    size_t spare_count;
};

/* Reads names and heads; changes nothing. End with log_folder_close, also after a failure. */
bool log_folder_open(struct log_folder *folder, const struct disk *disk, const char *path, struct err *err) MUST_CHECK;
void log_folder_close(struct log_folder *folder);

/* Into text of LOG_PATH_MAX bytes. */
#define LOG_PATH_MAX 4096
void log_folder_path(const struct log_folder *folder, uint64_t number, char *text);
void log_folder_spare_path(const struct log_folder *folder, uint64_t number, char *text);

/* A file that has been made: the newest. */
void log_folder_add(struct log_folder *folder, struct log_folder_file file);
/* Takes the oldest file away: to the spares if there is room and its size is file_bytes, else unlinked. False: neither worked; it is still there. */
bool log_folder_drop_oldest(struct log_folder *folder, size_t file_bytes);
/* Takes a spare off the list; 0: there is none. */
uint64_t log_folder_take_spare(struct log_folder *folder);
/* Unlinks all spares: an idle log takes no space. */
void log_folder_drop_spares(struct log_folder *folder);

/* Reads a whole file of the folder into out (emptied first). ERR_LIMIT: it is larger than any of ours. */
bool log_folder_read(const struct log_folder *folder, uint64_t number, struct buf *out, struct err *err) MUST_CHECK;
