/* page_pool.h: pages of memory for the heads (core/base/big_block.h keeps some for the next taker), and how much is out.
 *
 * Thread: any. A page belongs to whoever took it.
 */
#pragma once

#include "storage/disk/disk.h"

#define HEAD_PAGE_BYTES ((size_t)256 << 10) /* of one page, its head included */

struct head_page {
    struct head_page *next; /* the owner's */
    size_t bytes;           /* HEAD_PAGE_BYTES, or more for a piece that needs a page of its own */
    _Alignas(16) char data[];
};

struct page_pool;

struct page_pool *page_pool_create(void) MUST_CHECK;
void page_pool_destroy(struct page_pool *pool); /* NULL is fine; all pages must have been given back */

/* A page with room for at least data_bytes. Not cleared. */
struct head_page *page_pool_take(struct page_pool *pool, size_t data_bytes) MUST_CHECK;

/* Gives back a list of pages, linked by next. */
void page_pool_give(struct page_pool *pool, struct head_page *pages);

/* Pages that are in a file. */
struct page_spill {
    struct page_piece *pieces;
    size_t count, bytes;
};

/* Writes the pages of the list, as they are, past the system's cache to an unnamed file made as `path`, and maps it in their place: the same bytes at the same
 * addresses, for reading only, in memory that the system can take back. *pages: those that are left as they were; on success NULL. */
bool page_pool_spill(struct page_pool *pool, struct head_page **pages, const struct disk *disk, const char *path, struct page_spill *out,
                     struct err *err) MUST_CHECK;
/* Ends the pages. */
void page_pool_drop(struct page_spill *spill);

/* Bytes of pages that are out and not spilled. */
size_t page_pool_taken_bytes(const struct page_pool *pool);
