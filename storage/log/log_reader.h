/* log_reader.h: reads one log file through: its good records in order, and where it is damaged.
 *
 * A record that does not check is the end of the file, unless a witness says that it was durable: a later record of the same
 * epoch, or the head of the next file. With a witness it is damage: reported, and reading goes on with the next good record.
 * Thread: any.
 */
#pragma once

#include "storage/disk/disk.h"
#include "storage/log/log_record.h"

/* Larger files are not ours: files hold file_bytes, or one record. */
#define LOG_FILE_BYTES_MAX (((size_t)1 << 30) + ((size_t)1 << 20))

struct log_visitor {
    void *self;
    bool (*each)(void *self, uint64_t sequence, struct slice payload, struct err *err);
    void (*damaged)(void *self, const char *what); /* file, offset, what */
    uint64_t last; /* reading ends behind this sequence; 0: at the end */
};

struct log_file_found {
    uint64_t records;       /* given to each */
    uint64_t last_good;     /* sequence of the last of them; first_sequence - 1 if there was none */
    uint64_t last_seen;     /* the highest sequence of any record head, also behind a torn tail: never to be used again */
    size_t end;             /* offset behind the last good record */
};

/* Of the bytes of a file called name, whose number is `number`. durable: what the next file's head calls durable; 0 if there is no next file.
 * False only if each said so. *out_head is cleared when both copies of the file's head are damaged (reported). */
bool log_reader_walk(struct slice bytes, const char *name, uint64_t number, uint64_t durable, const struct log_visitor *visitor,
                     struct log_file_head *out_head, struct log_file_found *out, struct err *err) MUST_CHECK;

/* The head alone, from the first copy that checks. ERR_CORRUPT, ERR_IO, ERR_TRUNCATED. */
bool log_reader_head(const struct disk *disk, const char *path, uint64_t number, struct log_file_head *out, struct err *err) MUST_CHECK;
