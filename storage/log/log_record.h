/* log_record.h: the head of a log file and the head of a record in it: bytes to values and back.
 *
 * FORMAT, version 1; the whole: docs/formats/log.md. Integers are little-endian.
 *
 *   file head, twice (at 0 and at 64)         record, at multiples of 8 from 128 on
 *     offset size field                        offset size field
 *          0    8  "LOGILOG1"                       0    4  payload length n, at least 1
 *          8    8  file number                      4    4  sequence less the last durable one when this was written
 *         16    8  epoch                            8    8  epoch of the file
 *         24    8  first sequence                  16    8  sequence: that of the record before, plus one
 *         32    8  last durable sequence           24    4  crc32c of the payload
 *         40   20  zero                            28    4  crc32c of bytes 0 to 27
 *         60    4  crc32c of bytes 0 to 59         32    n  payload, then zeros to a multiple of 8
 *
 * Why the epoch: a recycled file still holds records of its earlier life; theirs is another. Why the durable sequence: a later
 * record that says "what you miss was durable" makes a hole damage; without such a witness it is the torn tail of a batch that
 * nobody was told about. Why two checksums: a flipped bit in the length must not look like a log that ends.
 * Thread: any.
 */
#pragma once

#include "core/base/err.h"

#define LOG_FILE_HEAD_BYTES ((size_t)64)
#define LOG_FILE_START ((size_t)128) /* of the first record */
#define LOG_RECORD_HEAD_BYTES ((size_t)32)
#define LOG_RECORD_ALIGN ((size_t)8)
#define LOG_RECORD_PAYLOAD_MAX ((size_t)1 << 30)

struct log_file_head {
    uint64_t number, epoch, first_sequence, durable_sequence;
};

struct log_record_head {
    uint32_t payload_bytes;
    uint32_t behind; /* sequence - last durable sequence: 1 for the first record of a batch that followed a sync */
    uint64_t epoch, sequence;
    uint32_t payload_crc;
};

void log_file_head_encode(const struct log_file_head *head, char out[LOG_FILE_HEAD_BYTES]);
/* ERR_TRUNCATED, or ERR_CORRUPT: magic, checksum, a zero field that is not zero. */
bool log_file_head_decode(struct slice bytes, struct log_file_head *out, struct err *err) MUST_CHECK;

void log_record_head_encode(const struct log_record_head *head, char out[LOG_RECORD_HEAD_BYTES]);
/* ERR_TRUNCATED, or ERR_CORRUPT: checksum, length 0 or over LOG_RECORD_PAYLOAD_MAX, behind 0 or over the sequence. The payload is not looked at. */
bool log_record_head_decode(struct slice bytes, struct log_record_head *out, struct err *err) MUST_CHECK;

/* Head, payload and padding. */
static inline size_t log_record_bytes(size_t payload_bytes)
{
    return (LOG_RECORD_HEAD_BYTES + payload_bytes + LOG_RECORD_ALIGN - 1) & ~(LOG_RECORD_ALIGN - 1);
}
