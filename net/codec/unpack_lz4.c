#include <lz4frame.h>

#include "net/codec/unpack.h"

#define STEP_BYTES ((size_t)64 << 10)

static bool unpack_all(LZ4F_dctx *context, struct slice packed, size_t bytes_max, struct buf *out, struct err *err)
{
    size_t left = 1; // 0: a frame has ended
    while (packed.len > 0 || left != 0) {
        size_t took = packed.len;
        size_t made = STEP_BYTES;
        left = LZ4F_decompress(context, buf_room(out, STEP_BYTES), &made, packed.ptr, &took, NULL);
        if (LZ4F_isError(left))
            return err_set(err, ERR_INVALID, "lz4: %s", LZ4F_getErrorName(left));
        buf_took(out, made);
        packed = slice_from(packed, took);
        if (out->len > bytes_max)
            return err_set(err, ERR_TOO_LARGE, "request body too large: decompressed message size too large than max (%zu vs %zu)", out->len,
                           bytes_max);
        if (left != 0 && made == 0 && took == 0)
            return err_set(err, ERR_INVALID, "lz4: unexpected EOF");
    }
    return true;
}

bool unlz4_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err)
{
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return err_set(err, ERR_UNAVAILABLE, "no memory to unpack a body");
    bool ok = unpack_all(context, packed, bytes_max, out, err);
    (void)LZ4F_freeDecompressionContext(context);
    return ok;
}
