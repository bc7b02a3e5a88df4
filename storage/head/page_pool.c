#include "storage/head/page_pool.h"

#include <assert.h>
#include <pthread.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

struct page_pool {
    pthread_mutex_t lock;
    struct head_page *free_pages;
    size_t free_bytes, keep_bytes_max;
    _Atomic size_t taken_bytes;
};

struct page_pool *page_pool_create(size_t keep_bytes_max)
{
    struct page_pool *pool = mem_zero(sizeof(*pool));
    pthread_mutex_init(&pool->lock, NULL);
    pool->keep_bytes_max = keep_bytes_max;
    return pool;
}

void page_pool_destroy(struct page_pool *pool)
{
    if (pool == NULL)
        return;
    assert(RELAXED(&pool->taken_bytes) == 0);
    while (pool->free_pages != NULL) {
        struct head_page *page = pool->free_pages;
        pool->free_pages = page->next;
        mem_free(page);
    }
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

struct head_page *page_pool_take(struct page_pool *pool, size_t data_bytes)
{
    size_t bytes = data_bytes + sizeof(struct head_page);
    struct head_page *page = NULL;
    if (bytes <= HEAD_PAGE_BYTES) {
        bytes = HEAD_PAGE_BYTES;
        pthread_mutex_lock(&pool->lock);
        page = pool->free_pages;
        if (page != NULL) {
            pool->free_pages = page->next;
            pool->free_bytes -= page->bytes;
        }
        pthread_mutex_unlock(&pool->lock);
    }
    if (page == NULL) {
        page = mem_aligned(bytes, 64);
        page->bytes = bytes;
    }
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
        pthread_mutex_lock(&pool->lock);
        bool keep = page->bytes == HEAD_PAGE_BYTES && pool->free_bytes + page->bytes <= pool->keep_bytes_max;
        if (keep) {
            page->next = pool->free_pages;
            pool->free_pages = page;
            pool->free_bytes += page->bytes;
        }
        pthread_mutex_unlock(&pool->lock);
        if (!keep)
            mem_free(page);
    }
}

size_t page_pool_taken_bytes(const struct page_pool *pool)
{
    return RELAXED(&pool->taken_bytes);
}
