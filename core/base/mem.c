#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *ptr, size_t bytes)
{
    if (ptr == NULL) {
        (void)fprintf(stderr, "level=error msg=\"out of memory\" bytes=%zu\n", bytes);
        abort();
    }
    return ptr;
}

void *mem_alloc(size_t bytes)
{
    return checked(malloc(bytes == 0 ? 1 : bytes), bytes);
}

void *mem_zero(size_t bytes)
{
    return checked(calloc(1, bytes == 0 ? 1 : bytes), bytes);
}

void *mem_array(size_t count, size_t size)
{
    return checked(calloc(count == 0 ? 1 : count, size), count);
}

void *mem_grow(void *old, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL, count);
    return checked(realloc(old, bytes == 0 ? 1 : bytes), bytes);
}

void *mem_aligned(size_t bytes, size_t align)
{
    size_t rounded = (bytes + align - 1) / align * align;
    return checked(aligned_alloc(align, rounded == 0 ? align : rounded), bytes);
}

char *mem_strdup(struct slice text)
{
    char *copy = mem_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}
