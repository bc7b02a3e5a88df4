/* fuzz_log_record.c: any bytes as a log file. The reader ends, stays inside, gives rising sequences, and what a record's head decodes to
 * encodes to the bytes that it came from. */
#include <stdlib.h>

#include "storage/log/log_reader.h"

struct last {
    uint64_t sequence;
    const char *end;
};

static bool each(void *self, uint64_t sequence, struct slice payload, struct err *err)
{
    struct last *last = self;
    (void)err;
    if (sequence <= last->sequence || payload.ptr < last->end || payload.len == 0)
        abort();
    *last = (struct last){sequence, payload.ptr + payload.len};
    struct log_record_head head;
    char again[LOG_RECORD_HEAD_BYTES];
    const char *start = payload.ptr - LOG_RECORD_HEAD_BYTES;
    if (!log_record_head_decode(slice_of(start, LOG_RECORD_HEAD_BYTES), &head, err))
        abort();
    log_record_head_encode(&head, again);
    if (memcmp(again, start, sizeof(again)) != 0)
        abort();
    return true;
}

static void damaged(void *self, const char *what)
{
    (void)self, (void)what;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct last last = {0, (const char *)data};
    struct log_visitor visitor = {&last, each, damaged, 0};
    struct log_file_head head;
    struct log_file_found found;
    struct err err;
    if (!log_reader_walk(slice_of(data, size), "fuzz", 1, 0, &visitor, &head, &found, &err) || found.last_seen < found.last_good)
        abort();
    return 0;
}
