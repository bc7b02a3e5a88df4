#include "core/base/big_block.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CLASSES 8 /* 64 KiB to 8 MiB, by powers of two; larger ones are never kept */

/* A kept block holds the link to the next in its first bytes. */
struct kept {
    struct kept *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *classes[CLASSES];
static size_t kept_bytes, class_bytes[CLASSES];

#if defined(__SANITIZE_ADDRESS__)
static const size_t keep_bytes_max = 0; // a block that is used after it was given back must be seen
#else
static const size_t keep_bytes_max = BIG_BLOCK_KEEP_BYTES;
#endif

/* The class that holds `bytes`, or CLASSES. */
static size_t class_of(size_t bytes)
{
    size_t index = 0;
    while (index < CLASSES && (BIG_BLOCK_BYTES_MIN << index) < bytes)
        index++;
    return index;
}

static void *map(size_t bytes)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        (void)fprintf(stderr, "level=error msg=\"out of memory\" bytes=%zu\n", bytes);
        abort();
    }
    return block;
}

void *big_block_take(size_t *bytes)
{
    assert(*bytes >= BIG_BLOCK_BYTES_MIN);
    size_t index = class_of(*bytes);
    if (index == CLASSES) {
        size_t page = 4096;
        *bytes = (*bytes + page - 1) / page * page;
        return map(*bytes);
    }
    *bytes = BIG_BLOCK_BYTES_MIN << index;
    (void)pthread_mutex_lock(&lock);
    struct kept *block = classes[index];
    if (block != NULL) {
        classes[index] = block->next;
        kept_bytes -= *bytes;
        class_bytes[index] -= *bytes;
    }
    (void)pthread_mutex_unlock(&lock);
    return block != NULL ? block : map(*bytes);
}

void big_block_give(void *block, size_t bytes)
{
    size_t index = class_of(bytes);
    bool keep = false;
    if (index < CLASSES) {
        (void)pthread_mutex_lock(&lock);
        keep = kept_bytes + bytes <= keep_bytes_max && class_bytes[index] + bytes <= BIG_BLOCK_KEEP_SIZE_BYTES;
        if (keep) {
            struct kept *entry = block;
            entry->next = classes[index];
            classes[index] = entry;
            kept_bytes += bytes;
            class_bytes[index] += bytes;
        }
        (void)pthread_mutex_unlock(&lock);
    }
    if (!keep)
        (void)munmap(block, bytes);
}

void big_block_trim(void)
{
    for (size_t index = 0; index < CLASSES; index++) {
        (void)pthread_mutex_lock(&lock);
        struct kept *block = classes[index];
        classes[index] = NULL;
        kept_bytes -= class_bytes[index];
        class_bytes[index] = 0;
        (void)pthread_mutex_unlock(&lock);
        while (block != NULL) {
            struct kept *next = block->next;
            (void)munmap(block, BIG_BLOCK_BYTES_MIN << index);
            block = next;
        }
    }
}

size_t big_block_kept_bytes(void)
{
    (void)pthread_mutex_lock(&lock);
    size_t bytes = kept_bytes;
    (void)pthread_mutex_unlock(&lock);
    return bytes;
}
