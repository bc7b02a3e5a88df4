/* buf.h: bytes that grow at the end: answers, encoders, messages. Thread: one at a time. */
#pragma once

#include "core/base/slice.h"

struct buf {
    char *ptr; /* NULL while empty; ended with buf_fini only */
    size_t len;
    size_t cap;
};

#define BUF_INIT ((struct buf){NULL, 0, 0})

/* Room for n more bytes; returns where they go. len is not moved: buf_took does that. */
char *buf_room(struct buf *buf, size_t n);

static inline void buf_took(struct buf *buf, size_t n)
{
    buf->len += n;
}

static inline void buf_byte(struct buf *buf, char c)
{
    *buf_room(buf, 1) = c;
    buf->len++;
}

static inline void buf_put(struct buf *buf, struct slice bytes)
{
    if (bytes.len > 0)
        memcpy(buf_room(buf, bytes.len), bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

static inline void buf_str(struct buf *buf, const char *text)
{
    buf_put(buf, slice_str(text));
}

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->ptr, buf->len);
}

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Decimal, without printf's cost. */
void buf_u64(struct buf *buf, uint64_t value);
void buf_i64(struct buf *buf, int64_t value);

void buf_reset(struct buf *buf); /* empty, memory kept */
void buf_fini(struct buf *buf);  /* empty, memory freed */
