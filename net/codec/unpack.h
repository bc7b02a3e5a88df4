/* unpack.h: zstd and lz4 frames unpacked with a limit that is checked as they grow, as inflate.h does for gzip. Thread: any. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

/* Both: one or more frames to *out (malloc'd; the caller ends it with buf_fini, also after a failure). ERR_INVALID for damaged or cut input,
 * and for a window that would take over 8 MiB; ERR_TOO_LARGE over bytes_max, in Loki's words. */
bool unzstd_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;
/* The frame format, not blocks. */
bool unlz4_body(struct slice packed, size_t bytes_max, struct buf *out, struct err *err) MUST_CHECK;
