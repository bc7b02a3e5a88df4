#include "storage/head/page_pool.h"

#include <assert.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"

struct page_pool {
    _Atomic size_t taken_bytes;
};

struct page_pool *page_pool_create(void)
{
    return mem_zero(sizeof(struct page_pool));
}

void page_pool_destroy(struct page_pool *pool)
{
    if (pool == NULL)
        return;
    assert(RELAXED(&pool->taken_bytes) == 0);
    mem_free(pool);
}

struct head_page *page_pool_take(struct page_pool *pool, size_t data_bytes)
{
    size_t bytes = data_bytes + sizeof(struct head_page);
    if (bytes < HEAD_PAGE_BYTES)
        bytes = HEAD_PAGE_BYTES;
    struct head_page *page = big_block_take(&bytes);
    page->bytes = bytes;
    page->next = NULL;
    atomic_fetch_add_explicit(&pool->taken_bytes, bytes, memory_order_relaxed); // a figure
    return page;
}

void page_pool_give(struct page_pool *pool, struct head_page *pages)
{
    while (pages != NULL) {
        struct head_page *page = pages;
        pages = page->next;
        atomic_fetch_sub_explicit(&pool->taken_bytes, page->bytes, memory_order_relaxed); // a figure
        big_block_give(page, page->bytes);
    }
}

size_t page_pool_taken_bytes(const struct page_pool *pool)
{
    return RELAXED(&pool->taken_bytes);
}
