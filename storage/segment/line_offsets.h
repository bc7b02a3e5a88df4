/* line_offsets.h: where lines begin in text whose every '\n' ends a line. Thread: any. */
#pragma once

#include "core/base/slice.h"

/* Fills offsets[0 .. lines]: the first byte of each line and the end. False: the text has not that many '\n', or does not end in one. 64 bytes
 * behind the text are readable. By AVX2 where there is. */
bool line_offsets(struct slice text, size_t lines, uint32_t *offsets) MUST_CHECK;
bool line_offsets_portable(struct slice text, size_t lines, uint32_t *offsets) MUST_CHECK;
