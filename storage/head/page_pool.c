#include "storage/head/page_pool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"

struct page_piece {
    void *at;
    size_t bytes;
};

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

/* Past the system's cache where the file system can: what is written is read once, later, and the memory of a cache of it would cost more than the
 * writing (2.8 GB: 5 s of CPU through the cache on a virtual machine, 0.6 s past it). */
static int create_unnamed(const struct disk *disk, const char *path, struct err *err)
{
    const int flags = O_RDWR | O_CREAT | O_TRUNC;
    int fd = disk->open(disk, path, flags | O_DIRECT, 0600);
    if (fd < 0 && errno == EINVAL)
        fd = disk->open(disk, path, flags, 0600);
    if (fd < 0) {
        (void)err_errno(err, "%s: create", path);
    } else if (disk->unlink(disk, path) != 0) {
        (void)err_errno(err, "%s: unlink", path);
        (void)disk->close(disk, fd);
        fd = -1;
    }
    return fd;
}

static bool write_pieces(const struct page_spill *spill, size_t count, const struct disk *disk, int fd, struct err *err)
{
    uint64_t at = 0;
    for (size_t i = 0; i < count; at += spill->pieces[i++].bytes)
        if (!disk_write_all(disk, fd, slice_of(spill->pieces[i].at, spill->pieces[i].bytes), at, err))
            return false;
    return true;
}

static bool map_pieces(struct page_spill *spill, size_t count, const struct disk *disk, int fd, struct err *err)
{
    off_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (disk->map(disk, fd, at, spill->pieces[i].bytes, spill->pieces[i].at) != 0)
            return err_errno(err, "map");
        at += (off_t)spill->pieces[i].bytes;
        spill->bytes += spill->pieces[i].bytes;
        spill->count++;
    }
    return true;
}

bool page_pool_spill(struct page_pool *pool, struct head_page **pages, const struct disk *disk, const char *path, struct page_spill *out,
                     struct err *err)
{
    size_t count = 0;
    for (const struct head_page *page = *pages; page != NULL; page = page->next)
        count++;
    struct page_spill spill = {.pieces = mem_array(count + 1, sizeof(struct page_piece))};
    struct head_page **nexts = mem_array(count + 1, sizeof(struct head_page *)); // read before: a page that is mapped would be fetched
    size_t i = 0;
    for (struct head_page *page = *pages; page != NULL; page = page->next, i++) {
        spill.pieces[i] = (struct page_piece){page, page->bytes};
        nexts[i] = page->next;
    }
    int fd = create_unnamed(disk, path, err);
    bool ok = fd >= 0 && write_pieces(&spill, count, disk, fd, err) && map_pieces(&spill, count, disk, fd, err);
    if (fd >= 0)
        (void)disk->close(disk, fd); // nothing of it is meant to last
    if (spill.count > 0)
        *pages = nexts[spill.count - 1];
    mem_free(nexts);
    atomic_fetch_sub_explicit(&pool->taken_bytes, spill.bytes, memory_order_relaxed); // a figure
    *out = spill;
    return ok;
}

void page_pool_drop(struct page_spill *spill)
{
    for (size_t i = 0; i < spill->count; i++)
        (void)munmap(spill->pieces[i].at, spill->pieces[i].bytes);
    mem_free(spill->pieces);
    *spill = (struct page_spill){0};
}

size_t page_pool_taken_bytes(const struct page_pool *pool)
{
    return RELAXED(&pool->taken_bytes);
}
