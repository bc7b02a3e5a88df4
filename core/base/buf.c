#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/big_block.h"
#include "core/base/mem.h"

static void memory_free(struct buf *buf)
{
    if (buf->cap >= BIG_BLOCK_BYTES_MIN)
        big_block_give(buf->ptr, buf->cap);
    else
        mem_free(buf->ptr);
}

static void grow(struct buf *buf, size_t cap)
{
    if (cap < BIG_BLOCK_BYTES_MIN) {
        buf->ptr = mem_grow(buf->ptr, cap, 1);
    } else {
        char *bigger = big_block_take(&cap);
        if (buf->len > 0)
            memcpy(bigger, buf->ptr, buf->len);
        memory_free(buf);
        buf->ptr = bigger;
    }
    buf->cap = cap;
}

char *buf_room(struct buf *buf, size_t n)
{
    if (buf->cap - buf->len < n) {
        size_t cap = buf->cap < 128 ? 256 : buf->cap * 2;
        while (cap - buf->len < n)
            cap *= 2;
        grow(buf, cap);
    }
    return buf->ptr + buf->len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        char *at = buf_room(buf, (size_t)n + 1);
        (void)vsnprintf(at, (size_t)n + 1, format, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

void buf_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buf_put(buf, slice_of(digits + at, sizeof(digits) - at));
}

void buf_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_byte(buf, '-');
    buf_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
}

void buf_fini(struct buf *buf)
{
    memory_free(buf);
    *buf = BUF_INIT;
}
