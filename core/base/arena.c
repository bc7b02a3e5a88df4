#include "core/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"

struct arena_block {
    struct arena_block *older;
    size_t size; /* of bytes[] */
    _Alignas(64) char bytes[];
};

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    size_t bytes = sizeof(struct arena_block) + size;
    struct arena_block *block = bytes < BIG_BLOCK_BYTES_MIN ? mem_aligned(bytes, 64) : big_block_take(&bytes);
    size = bytes - sizeof(*block);
    block->size = size;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->bytes += sizeof(*block) + size;
    return block;
}

static void block_free(struct arena_block *block)
{
    size_t bytes = sizeof(*block) + block->size;
    if (bytes < BIG_BLOCK_BYTES_MIN)
        mem_free(block);
    else
        big_block_give(block, bytes);
}

void *arena_alloc_slow(struct arena *arena, size_t size, size_t align)
{
    (void)align; /* every block begins on 64 bytes */
    size_t want = arena->bytes < ARENA_BLOCK_MIN   ? ARENA_BLOCK_MIN
                  : arena->bytes > ARENA_BLOCK_MAX ? ARENA_BLOCK_MAX
                                                   : arena->bytes;
    if (size > want / 4 && arena->blocks != NULL) {
        // Of its own, behind the newest, whose free bytes stay in use.
        struct arena_block *newest = arena->blocks;
        struct arena_block *own = block_new(arena, size);
        arena->blocks = newest;
        own->older = newest->older;
        newest->older = own;
        return own->bytes;
    }
    struct arena_block *block = block_new(arena, size > want ? size : want);
    arena->next = block->bytes + size;
    arena->end = block->bytes + block->size;
    return block->bytes;
}

void *arena_array(struct arena *arena, size_t count, size_t size, size_t align)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX / 2; // the allocator below stops the process
    void *ptr = arena_alloc(arena, bytes, align);
    if (bytes > 0)
        memset(ptr, 0, bytes);
    return ptr;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    if (bytes.len == 0)
        return SLICE("");
    char *copy = arena_alloc(arena, bytes.len, 1);
    memcpy(copy, bytes.ptr, bytes.len);
    return slice_of(copy, bytes.len);
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *text = arena_alloc(arena, len + 1, 1);
    (void)vsnprintf(text, len + 1, format, again);
    va_end(again);
    return slice_of(text, len);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->blocks;
    if (keep == NULL)
        return;
    struct arena_block *block = keep->older;
    while (block != NULL) {
        struct arena_block *older = block->older;
        block_free(block);
        block = older;
    }
    keep->older = NULL;
    arena->bytes = sizeof(*keep) + keep->size;
    arena->next = keep->bytes;
    arena->end = keep->bytes + keep->size;
}

void arena_fini(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block != NULL) {
        struct arena_block *older = block->older;
        block_free(block);
        block = older;
    }
    *arena = ARENA_INIT;
}
