#include "storage/log/log_record.h"

#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"

static const char magic[8] = {'L', 'O', 'G', 'I', 'L', 'O', 'G', '1'};
static const char zeros[20];

void log_file_head_encode(const struct log_file_head *head, char out[LOG_FILE_HEAD_BYTES])
{
    memset(out, 0, LOG_FILE_HEAD_BYTES);
    memcpy(out, magic, sizeof(magic));
    le64_put(out + 8, head->number);
    le64_put(out + 16, head->epoch);
    le64_put(out + 24, head->first_sequence);
    le64_put(out + 32, head->durable_sequence);
    le32_put(out + 60, crc32c(0, slice_of(out, 60)));
}

bool log_file_head_decode(struct slice bytes, struct log_file_head *out, struct err *err)
{
    if (bytes.len < LOG_FILE_HEAD_BYTES)
        return err_set(err, ERR_TRUNCATED, "%zu of %zu file head bytes", bytes.len, LOG_FILE_HEAD_BYTES);
    if (memcmp(bytes.ptr, magic, sizeof(magic)) != 0)
        return err_set(err, ERR_CORRUPT, "file head: no LOGILOG1");
    if (crc32c(0, slice_of(bytes.ptr, 60)) != le32_get(bytes.ptr + 60))
        return err_set(err, ERR_CORRUPT, "file head: checksum");
    if (memcmp(bytes.ptr + 40, zeros, sizeof(zeros)) != 0)
        return err_set(err, ERR_CORRUPT, "file head: bytes 40 to 59 are not zero");
    if (le64_get(bytes.ptr + 24) == 0)
        return err_set(err, ERR_CORRUPT, "file head: first sequence 0");
    *out = (struct log_file_head){
        .number = le64_get(bytes.ptr + 8),
        .epoch = le64_get(bytes.ptr + 16),
        .first_sequence = le64_get(bytes.ptr + 24),
        .durable_sequence = le64_get(bytes.ptr + 32),
    };
    return true;
}

void log_record_head_encode(const struct log_record_head *head, char out[LOG_RECORD_HEAD_BYTES])
{
    assert(head->payload_bytes > 0 && head->payload_bytes <= LOG_RECORD_PAYLOAD_MAX);
    assert(head->behind > 0 && head->behind <= head->sequence);
    le32_put(out, head->payload_bytes);
    le32_put(out + 4, head->behind);
    le64_put(out + 8, head->epoch);
    le64_put(out + 16, head->sequence);
    le32_put(out + 24, head->payload_crc);
    le32_put(out + 28, crc32c(0, slice_of(out, 28)));
}

bool log_record_head_decode(struct slice bytes, struct log_record_head *out, struct err *err)
{
    if (bytes.len < LOG_RECORD_HEAD_BYTES)
        return err_set(err, ERR_TRUNCATED, "%zu of %zu record head bytes", bytes.len, LOG_RECORD_HEAD_BYTES);
    if (crc32c(0, slice_of(bytes.ptr, 28)) != le32_get(bytes.ptr + 28))
        return err_set(err, ERR_CORRUPT, "record head: checksum");
    struct log_record_head head = {
        .payload_bytes = le32_get(bytes.ptr),
        .behind = le32_get(bytes.ptr + 4),
        .epoch = le64_get(bytes.ptr + 8),
        .sequence = le64_get(bytes.ptr + 16),
        .payload_crc = le32_get(bytes.ptr + 24),
    };
    if (head.payload_bytes == 0 || head.payload_bytes > LOG_RECORD_PAYLOAD_MAX)
        return err_set(err, ERR_CORRUPT, "record head: payload of %u bytes", head.payload_bytes);
    if (head.behind == 0 || head.behind > head.sequence)
        return err_set(err, ERR_CORRUPT, "record head: sequence %llu is %u behind", (unsigned long long)head.sequence, head.behind);
    *out = head;
    return true;
}
