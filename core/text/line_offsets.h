/* line_offsets.h: where the lines of a text begin. For texts that end every line with one '\n' and have none inside: what
 * storage decodes most blocks into. Thread: any.
 */
#pragma once

#include "core/base/slice.h"

size_t text_count_newlines(const char *text, size_t len);

/* Writes 0 and then, for each '\n', the offset behind it; so the lines are [out[i], out[i + 1] - 1). Returns the count of '\n'; out has room for that
 * and 1 more. The caller knows the count, or counts first. len is at most UINT32_MAX. */
size_t text_line_offsets(const char *text, size_t len, uint32_t *out);

/* The same, without AVX2: what the tests compare with. */
size_t text_line_offsets_portable(const char *text, size_t len, uint32_t *out);
