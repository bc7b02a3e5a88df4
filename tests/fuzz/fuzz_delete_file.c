/* fuzz_delete_file.c. Any bytes, as a file and as the payload of one whose checksums hold: the decoder ends, stays inside, and what it takes encodes to the bytes
 * it took. */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "storage/deletion/delete_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice file)
{
    struct arena arena = ARENA_INIT;
    struct delete_list list;
    struct err err;
    if (delete_list_decode(file, &arena, &list, &err)) {
        struct buf again = BUF_INIT;
        delete_list_encode(&list, &again);
        if (!slice_eq(buf_slice(&again), file))
            abort();
        buf_fini(&again);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice payload = {(const char *)data, size};
    struct buf file = BUF_INIT;
    if (size > 1 << 20)
        return 0;
    check(payload);
    char head[24];
    memcpy(head, "LOGIDEL\n", 8);
    le32_put(head + 8, 1);
    le32_put(head + 12, (uint32_t)size);
    le32_put(head + 16, crc32c(0, payload));
    le32_put(head + 20, crc32c(0, slice_of(head, 20)));
    buf_put(&file, slice_of(head, sizeof(head)));
    buf_put(&file, payload);
    check(buf_slice(&file));
    buf_fini(&file);
    return 0;
}
