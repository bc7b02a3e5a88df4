/* ts_column.h: a column of times, made small for zstd: differences in the coarsest unit that loses nothing, as byte planes.
 *
 * FORMAT:   offset  size       field
 *                0     1       unit: 0 1 ns, 1 1 us, 2 1 ms, 3 1 s
 *                1     1       width w: bytes of a difference, 0 to 8
 *                2     8       first time, ns
 *               10     w*(n-1) zigzag differences in units, byte 0 of all, then byte 1 of all, ...
 *
 * A column of no times is no bytes. Any order of times is fine. Thread: any.
 */
#pragma once

#include "core/base/buf.h"

#define TS_COLUMN_HEAD ((size_t)10)

void ts_column_encode(const int64_t *ts_ns, size_t count, struct buf *out);

/* Takes a column of `count` times off *in. False: it is none. */
bool ts_column_take(struct slice *in, size_t count, int64_t *out) MUST_CHECK;
