/* mem.h: memory that is never NULL: the process stops when the system has none left. So a size that comes from outside
 * is checked against its limit before it gets here. Thread: any. */
#pragma once

#include "core/base/slice.h"

void *mem_alloc(size_t bytes) MUST_CHECK; /* not cleared */
void *mem_zero(size_t bytes) MUST_CHECK;  /* cleared */
void *mem_array(size_t count, size_t size) MUST_CHECK; /* cleared; stops the process if the product overflows */
void *mem_grow(void *old, size_t count, size_t size) MUST_CHECK; /* realloc to count*size; new bytes not cleared */
void *mem_aligned(size_t bytes, size_t align) MUST_CHECK; /* not cleared; ended with mem_free */
char *mem_strdup(struct slice text) MUST_CHECK; /* with a terminator */
void mem_free(void *ptr);                       /* NULL is fine */
