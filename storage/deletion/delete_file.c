#include "storage/deletion/delete_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/hash.h"

#define MAGIC "LOGIDEL\n"
#define VERSION 1u
#define HEAD_BYTES ((size_t)24)
#define REQUEST_BYTES ((size_t)48) /* less the query */

void delete_file_name(struct slice tenant, char out[DELETE_FILE_NAME_MAX])
{
    struct hash128 hash = hash128(tenant);
    (void)snprintf(out, DELETE_FILE_NAME_MAX, "%016" PRIx64 "%016" PRIx64 ".del", hash.high, hash.low);
}

static void put32(struct buf *out, uint32_t value)
{
    le32_put(buf_room(out, 4), value);
    buf_took(out, 4);
}

static void put64(struct buf *out, uint64_t value)
{
    le64_put(buf_room(out, 8), value);
    buf_took(out, 8);
}

static void put_request(struct buf *out, const struct delete_request *request)
{
    put32(out, request->id);
    put32(out, (uint32_t)request->state | request->percent << 8);
    put64(out, (uint64_t)request->start_ms);
    put64(out, (uint64_t)request->end_ms);
    put64(out, (uint64_t)request->created_ms);
    put64(out, (uint64_t)request->max_interval_ns);
    put32(out, (uint32_t)request->query.len);
    put32(out, 0);
    buf_put(out, request->query);
}

void delete_list_encode(const struct delete_list *list, struct buf *out)
{
    struct buf payload = BUF_INIT;
    put64(&payload, list->generation);
    put32(&payload, (uint32_t)list->tenant.len);
    put32(&payload, (uint32_t)list->count);
    buf_put(&payload, list->tenant);
    for (size_t i = 0; i < list->count; i++)
        put_request(&payload, &list->requests[i]);
    size_t at = out->len;
    buf_put(out, SLICE(MAGIC));
    put32(out, VERSION);
    put32(out, (uint32_t)payload.len);
    put32(out, crc32c(0, buf_slice(&payload)));
    put32(out, crc32c(0, slice_of(out->ptr + at, out->len - at)));
    buf_put(out, buf_slice(&payload));
    buf_fini(&payload);
}

static bool take_payload(struct slice bytes, struct slice *out, struct err *err)
{
    struct slice head;
    if (!slice_take(&bytes, HEAD_BYTES, &head) || memcmp(head.ptr, MAGIC, 8) != 0)
        return err_set(err, ERR_CORRUPT, "no list of delete requests");
    if (crc32c(0, slice_of(head.ptr, HEAD_BYTES - 4)) != le32_get(head.ptr + 20))
        return err_set(err, ERR_CORRUPT, "head: checksum");
    if (le32_get(head.ptr + 8) != VERSION)
        return err_set(err, ERR_CORRUPT, "version %u is not known", le32_get(head.ptr + 8));
    if (bytes.len != le32_get(head.ptr + 12))
        return err_set(err, ERR_CORRUPT, "%zu bytes of payload, the head says %u", bytes.len, le32_get(head.ptr + 12));
    if (crc32c(0, bytes) != le32_get(head.ptr + 16))
        return err_set(err, ERR_CORRUPT, "payload: checksum");
    *out = bytes;
    return true;
}

static bool take_request(struct slice *in, struct arena *arena, struct delete_request *out)
{
    struct slice fixed, query;
    if (!slice_take(in, REQUEST_BYTES, &fixed))
        return false;
    uint32_t state = le32_get(fixed.ptr + 4), query_len = le32_get(fixed.ptr + 40);
    if ((state & 0xff) > DELETE_PROCESSED || state >> 8 > 100 || query_len > DELETE_QUERY_BYTES_MAX || le32_get(fixed.ptr + 44) != 0 ||
        !slice_take(in, query_len, &query))
        return false;
    *out = (struct delete_request){
        .id = le32_get(fixed.ptr),
        .state = (enum delete_state)(state & 0xff),
        .percent = state >> 8,
        .start_ms = (int64_t)le64_get(fixed.ptr + 8),
        .end_ms = (int64_t)le64_get(fixed.ptr + 16),
        .created_ms = (int64_t)le64_get(fixed.ptr + 24),
        .max_interval_ns = (int64_t)le64_get(fixed.ptr + 32),
        .query = arena_copy(arena, query),
    };
    return out->start_ms <= out->end_ms;
}

bool delete_list_decode(struct slice bytes, struct arena *arena, struct delete_list *out, struct err *err)
{
    struct slice in, head, tenant;
    if (!take_payload(bytes, &in, err))
        return false;
    if (!slice_take(&in, 16, &head) || le32_get(head.ptr + 12) > DELETE_REQUESTS_MAX || !slice_take(&in, le32_get(head.ptr + 8), &tenant))
        return err_set(err, ERR_CORRUPT, "the list's head does not hold");
    size_t count = le32_get(head.ptr + 12);
    struct delete_list list = {.tenant = arena_copy(arena, tenant),
                               .generation = le64_get(head.ptr),
                               .requests = ARENA_ARRAY(arena, struct delete_request, count),
                               .count = count};
    for (size_t i = 0; i < count; i++)
        if (!take_request(&in, arena, &list.requests[i]))
            return err_set(err, ERR_CORRUPT, "request %zu of %zu does not hold", i + 1, count);
    if (in.len > 0)
        return err_set(err, ERR_CORRUPT, "%zu bytes behind the last request", in.len);
    *out = list;
    return true;
}
