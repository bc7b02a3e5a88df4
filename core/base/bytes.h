/* bytes.h: integers in bytes, little-endian unless the name says be; unaligned. Varints are protobuf's base 128. */
#pragma once

#include "core/base/buf.h"

static inline uint16_t le16_get(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t le32_get(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t le64_get(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline void le16_put(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline void le32_put(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline void le64_put(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}
static inline uint32_t be32_get(const void *p)
{
    return __builtin_bswap32(le32_get(p));
}
static inline uint64_t be64_get(const void *p)
{
    return __builtin_bswap64(le64_get(p));
}
static inline void be32_put(void *p, uint32_t v)
{
    le32_put(p, __builtin_bswap32(v));
}
static inline void be64_put(void *p, uint64_t v)
{
    le64_put(p, __builtin_bswap64(v));
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Logi runs on little-endian machines");

#define VARINT_MAX ((size_t)10)

/* Writes 1 to VARINT_MAX bytes at p; returns how many. */
static inline size_t varint_put(char *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (char)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (char)v;
    return n;
}

static inline size_t varint_len(uint64_t v)
{
    return v == 0 ? 1 : (size_t)(70 - __builtin_clzll(v)) / 7;
}

static inline void buf_varint(struct buf *buf, uint64_t v)
{
    buf_took(buf, varint_put(buf_room(buf, VARINT_MAX), v));
}

/* Takes a varint off *in. False, and *in as it was, if it is cut short or over 64 bits. */
static inline bool varint_take(struct slice *in, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < in->len && i < VARINT_MAX; i++) {
        uint64_t byte = (uint8_t)in->ptr[i];
        if (i == VARINT_MAX - 1 && byte > 1)
            return false;
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            *in = slice_from(*in, i + 1);
            return true;
        }
    }
    return false;
}

/* Takes a varint length and that many bytes off *in. False, and *in as it was, if it is too short. */
static inline bool varint_slice_take(struct slice *in, struct slice *out)
{
    struct slice rest = *in;
    uint64_t len = 0;
    if (!varint_take(&rest, &len) || len > rest.len)
        return false;
    (void)slice_take(&rest, (size_t)len, out);
    *in = rest;
    return true;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
