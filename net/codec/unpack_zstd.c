#include <zstd.h>

#include "net/codec/unpack.h"

#define STEP_BYTES ((size_t)128 << 10)
#define WINDOW_LOG_MAX 23 /* 8 MiB: what decoders are asked to support (RFC 8878 3.1.1.1.2) */

static bool unpack_all(ZSTD_DCtx *context, struct slice packed, size_t bytes_max, struct buf *out, struct err *err)
{
    ZSTD_inBuffer in = {packed.ptr, packed.len, 0};
    size_t left = 1; // 0: a frame has ended
    while (in.pos < in.size || left != 0) {
        ZSTD_outBuffer to = {buf_room(out, STEP_BYTES), STEP_BYTES, 0};
        size_t before = in.pos;
        left = ZSTD_decompressStream(context, &to, &in);
        if (ZSTD_isError(left))
            return err_set(err, ERR_INVALID, "zstd: %s", ZSTD_getErrorName(left));
        buf_took(out, to.pos);
        if (out->len > bytes_max)
            return err_set(err, ERR_TOO_LARGE, "request body too large: decompressed message size too large than max (%zu vs %zu)", out->len,
                           bytes_max);
        if (left != 0 && to.pos == 0 && in.pos == before)
            return err_set(err, ERR_INVALID, "zstd: unexpected EOF");
    }
    return true;
}

bool unzstd_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no memory to unpack a body");
    bool ok = !ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)) &&
              unpack_all(context, packed, bytes_max, out, err);
    (void)ZSTD_freeDCtx(context);
    return ok;
}
