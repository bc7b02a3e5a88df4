/* big_block.h: memory in pieces of 64 KiB and more, straight from the system and kept for a while when given back.
 *
 * Pushes, heads and answers take and give megabytes many times a second. Through malloc, the arenas of a dozen threads kept 50 MB of such pieces
 * resident; through mmap alone, page faults cost a fifth of the push path's CPU (measured, decisions/0004). So a few are kept. What is kept was in use just
 * before, so that more of it does not raise a busy node's peak; a bound for each size because heads give back 16 MiB at once, and pushes and seals, which take
 * other sizes, then had to get theirs anew: 5 % of ingest.
 *
 * Thread: any. Lock: one, for a few instructions.
 */
#pragma once

#include "core/base/slice.h"

#define BIG_BLOCK_BYTES_MIN ((size_t)64 << 10)
#define BIG_BLOCK_KEEP_BYTES ((size_t)48 << 20)       /* kept at most, of all sizes together */
#define BIG_BLOCK_KEEP_SIZE_BYTES ((size_t)32 << 20)  /* of one size: a head that was sealed leaves room for what the next push and seal take */

/* At least *bytes, which is set to what it is: hand that to big_block_give. Never NULL, not cleared, begins on a page. *bytes is at least
 * BIG_BLOCK_BYTES_MIN. */
void *big_block_take(size_t *bytes) MUST_CHECK;
void big_block_give(void *block, size_t bytes);

/* Gives what is kept back to the system: when the node idles, and in tests. */
void big_block_trim(void);
size_t big_block_kept_bytes(void);
