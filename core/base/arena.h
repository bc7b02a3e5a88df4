/* arena.h: memory that ends all at once: a push, a query, a batch.
 *
 * Thread: one at a time. Blocks double from ARENA_BLOCK_MIN to ARENA_BLOCK_MAX; a larger piece has a block of its own.
 */
#pragma once

#include "core/base/slice.h"

#define ARENA_BLOCK_MIN ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)1 << 20)

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *next;                 /* free bytes of the newest block: [next, end) */
    char *end;
    size_t bytes; /* taken from malloc by all blocks: what a budget is charged with */
};

#define ARENA_INIT ((struct arena){NULL, NULL, NULL, 0})

void *arena_alloc_slow(struct arena *arena, size_t size, size_t align) MUST_CHECK;

/* Never NULL; not cleared; align is a power of two, at most 64. Lives until arena_reset or arena_fini. */
static inline void *arena_alloc(struct arena *arena, size_t size, size_t align)
{
    uintptr_t at = ((uintptr_t)arena->next + align - 1) & ~(uintptr_t)(align - 1);
    if (arena->next != NULL && at <= (uintptr_t)arena->end && size <= (uintptr_t)arena->end - at) {
        arena->next = (char *)at + size;
        return (char *)at;
    }
    return arena_alloc_slow(arena, size, align);
}

/* Cleared; stops the process if count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size, size_t align) MUST_CHECK;

#define ARENA_NEW(arena, type) ((type *)arena_array((arena), 1, sizeof(type), _Alignof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type), _Alignof(type)))

/* A copy that lives in the arena. */
struct slice arena_copy(struct arena *arena, struct slice bytes);

/* printf into the arena. */
struct slice arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends everything in it; keeps one block for reuse. */
void arena_reset(struct arena *arena);

/* Ends everything and the arena; it may be used again as if new. */
void arena_fini(struct arena *arena);
