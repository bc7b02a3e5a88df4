/* inflate.h: bodies unpacked with a limit that is checked as they grow: a bomb costs at most the limit. Thread: any. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

enum inflate_format {
    INFLATE_GZIP,    /* RFC 1952, many members */
    INFLATE_DEFLATE, /* RFC 1951, raw: a zlib header is an error, as for Loki */
};

/* Unpacks into *out (malloc'd; the caller ends it with buf_fini, also after a failure). ERR_INVALID for damaged input, also a wrong gzip trailer;
 * ERR_TOO_LARGE over bytes_max, in Loki's words. */
bool inflate_body(struct slice packed, enum inflate_format format, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;

/* A snappy block. The length that its header promises is checked against bytes_max and against what such a block can hold before
 * memory is taken. "snappy: corrupt input". */
bool unsnap_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;
