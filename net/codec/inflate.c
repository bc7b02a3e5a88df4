#include "net/codec/inflate.h"

#include <snappy-c.h>
#include <zlib.h>

#define STEP_BYTES ((size_t)64 << 10)
#define SNAPPY_RATIO_MAX 24 /* a copy element turns 3 bytes into 64 */

static bool too_large(size_t bytes, size_t bytes_max, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "request body too large: decompressed message size too large than max (%zu vs %zu)",
                   bytes, bytes_max);
}

static bool inflate_all(z_stream *z, bool many, size_t bytes_max, struct buf *out, struct err *err)
{
    for (;;) {
        char *to = buf_room(out, STEP_BYTES);
        z->next_out = (Bytef *)to;
        z->avail_out = (uInt)STEP_BYTES;
        int code = inflate(z, Z_NO_FLUSH);
        buf_took(out, STEP_BYTES - z->avail_out);
        if (out->len > bytes_max)
            return too_large(out->len, bytes_max, err);
        if (code == Z_STREAM_END) {
            if (!many || z->avail_in == 0)
                return true;
            if (inflateReset(z) != Z_OK)
                return err_set(err, ERR_INVALID, "gzip: cannot begin the next member");
        } else if (code != Z_OK) {
            return err_set(err, ERR_INVALID, "%s: %s", many ? "gzip" : "flate",
                           code == Z_BUF_ERROR ? "unexpected EOF" : z->msg != NULL ? z->msg : "corrupt input");
        } else if (z->avail_in == 0 && z->avail_out > 0) {
            return err_set(err, ERR_INVALID, "%s: unexpected EOF", many ? "gzip" : "flate");
        }
    }
}

bool inflate_body(struct slice packed, enum inflate_format format, size_t bytes_max, struct buf *out, struct err *err)
{
    z_stream z = {0};
    if (packed.len > UINT32_MAX)
        return too_large(packed.len, UINT32_MAX, err);
    if (inflateInit2(&z, format == INFLATE_GZIP ? 16 + MAX_WBITS : -MAX_WBITS) != Z_OK)
        return err_set(err, ERR_UNAVAILABLE, "no memory to unpack a body");
    z.next_in = (Bytef *)(uintptr_t)packed.ptr; // zlib does not write to it
    z.avail_in = (uInt)packed.len;
    bool ok = inflate_all(&z, format == INFLATE_GZIP, bytes_max, out, err);
    (void)inflateEnd(&z);
    return ok;
}

bool unsnap_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err)
{
    size_t bytes = 0;
    if (packed.len == 0 || snappy_uncompressed_length(packed.ptr, packed.len, &bytes) != SNAPPY_OK)
        return err_set(err, ERR_INVALID, "snappy: corrupt input");
    if (bytes / SNAPPY_RATIO_MAX > packed.len) // it promises more than it can hold
        return err_set(err, ERR_INVALID, "snappy: corrupt input");
    if (bytes > bytes_max)
        return too_large(bytes, bytes_max, err);
    char *to = buf_room(out, bytes + 1);
    if (snappy_uncompress(packed.ptr, packed.len, to, &bytes) != SNAPPY_OK)
        return err_set(err, ERR_INVALID, "snappy: corrupt input");
    buf_took(out, bytes);
    return true;
}
