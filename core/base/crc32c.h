/* crc32c.h: the Castagnoli checksum (RFC 3720, appendix B.4), by the SSE4.2 or ARMv8 instruction where the processor has it.
 * Thread: any. */
#pragma once

#include "core/base/slice.h"

/* Of bytes, going on from the checksum of what stands before them; 0 to begin. */
uint32_t crc32c(uint32_t before, struct slice bytes);

/* The portable one, which the tests hold the others against. */
uint32_t crc32c_portable(uint32_t before, struct slice bytes);
