#include "storage/store/record.h"

#include "core/base/arena.h"
#include "core/base/bytes.h"

#define RECORD_VERSION 1
#define RECORD_ADDS_LABELS 1u
#define RECORD_FLAGS_KNOWN RECORD_ADDS_LABELS

void record_encode_head(const struct record *record, struct buf *out)
{
    buf_byte(out, RECORD_VERSION);
    buf_byte(out, record->adds_labels ? RECORD_ADDS_LABELS : 0);
    buf_varint(out, record->tenant.len);
    buf_put(out, record->tenant);
    buf_varint(out, record->refused_count);
    uint32_t next = 0;
    for (size_t i = 0; i < record->refused_count; i++) {
        buf_varint(out, record->refused[i] - next);
        next = record->refused[i] + 1;
    }
}

bool record_decode(struct slice payload, struct arena *arena, struct record *out, struct err *err)
{
    struct slice in = payload, head;
    *out = (struct record){0};
    if (!slice_take(&in, 2, &head))
        return err_set(err, ERR_CORRUPT, "record of %zu bytes", payload.len);
    if (head.ptr[0] != RECORD_VERSION || ((uint8_t)head.ptr[1] & ~RECORD_FLAGS_KNOWN) != 0)
        return err_set(err, ERR_CORRUPT, "record version %u, flags %u: not known here", (uint8_t)head.ptr[0], (uint8_t)head.ptr[1]);
    out->adds_labels = ((uint8_t)head.ptr[1] & RECORD_ADDS_LABELS) != 0;
    uint64_t count = 0;
    if (!varint_slice_take(&in, &out->tenant) || !varint_take(&in, &count) || count > in.len)
        return err_set(err, ERR_CORRUPT, "record: tenant or refused list is cut short");
    out->refused = ARENA_ARRAY(arena, uint32_t, (size_t)count);
    out->refused_count = (size_t)count;
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t delta;
        if (!varint_take(&in, &delta) || delta > UINT32_MAX || next + delta > UINT32_MAX)
            return err_set(err, ERR_CORRUPT, "record: refused list");
        out->refused[i] = (uint32_t)(next + delta);
        next += delta + 1;
    }
    out->body = in;
    return true;
}
