/* block16.h: 16 bytes at a time on any machine: which of them equal a byte, as a bit mask. What the short searches are made of.
 *
 * A mask has BLOCK16_BITS bits a byte, in order of the bytes. Thread: any.
 */
#pragma once

#include "core/base/slice.h"

#if defined(__SSE2__)
#include <emmintrin.h>

typedef __m128i block16;
#define BLOCK16_BITS 1u
#define BLOCK16_ALL ((uint64_t)0xffff)

static inline block16 block16_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline block16 block16_fill(char c)
{
    return _mm_set1_epi8(c);
}
static inline block16 block16_or(block16 a, block16 b)
{
    return _mm_or_si128(a, b);
}
static inline block16 block16_and(block16 a, block16 b)
{
    return _mm_and_si128(a, b);
}
static inline block16 block16_eq(block16 a, block16 b) /* 0xff where equal */
{
    return _mm_cmpeq_epi8(a, b);
}
static inline block16 block16_at_most(block16 a, block16 b) /* unsigned a <= b */
{
    return _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
}
static inline uint64_t block16_mask(block16 a)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(a);
}

#elif defined(__ARM_NEON)
#include <arm_neon.h>

typedef uint8x16_t block16;
#define BLOCK16_BITS 4u
#define BLOCK16_ALL (~(uint64_t)0)

static inline block16 block16_load(const char *p)
{
    return vld1q_u8((const uint8_t *)p);
}
static inline block16 block16_fill(char c)
{
    return vdupq_n_u8((uint8_t)c);
}
static inline block16 block16_or(block16 a, block16 b)
{
    return vorrq_u8(a, b);
}
static inline block16 block16_and(block16 a, block16 b)
{
    return vandq_u8(a, b);
}
static inline block16 block16_eq(block16 a, block16 b)
{
    return vceqq_u8(a, b);
}
static inline block16 block16_at_most(block16 a, block16 b)
{
    return vcleq_u8(a, b);
}
static inline uint64_t block16_mask(block16 a)
{
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(a), 4)), 0);
}

#else

typedef struct {
    uint8_t byte[16];
} block16;
#define BLOCK16_BITS 1u
#define BLOCK16_ALL ((uint64_t)0xffff)

static inline block16 block16_load(const char *p)
{
    block16 r;
    memcpy(r.byte, p, sizeof(r.byte));
    return r;
}
static inline block16 block16_fill(char c)
{
    block16 r;
    memset(r.byte, (uint8_t)c, sizeof(r.byte));
    return r;
}
static inline block16 block16_or(block16 a, block16 b)
{
    for (int i = 0; i < 16; i++)
        a.byte[i] |= b.byte[i];
    return a;
}
static inline block16 block16_and(block16 a, block16 b)
{
    for (int i = 0; i < 16; i++)
        a.byte[i] &= b.byte[i];
    return a;
}
static inline block16 block16_eq(block16 a, block16 b)
{
    for (int i = 0; i < 16; i++)
        a.byte[i] = a.byte[i] == b.byte[i] ? 0xff : 0;
    return a;
}
static inline block16 block16_at_most(block16 a, block16 b)
{
    for (int i = 0; i < 16; i++)
        a.byte[i] = a.byte[i] <= b.byte[i] ? 0xff : 0;
    return a;
}
static inline uint64_t block16_mask(block16 a)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (uint64_t)(a.byte[i] & 1) << i;
    return mask;
}
#endif

/* Index of the first byte of a mask that is not 0. */
static inline size_t block16_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / BLOCK16_BITS;
}

/* The mask without its bytes before index (at most 16). */
static inline uint64_t block16_from(uint64_t mask, size_t index)
{
    return index >= 16 ? 0 : mask & (BLOCK16_ALL << (index * BLOCK16_BITS));
}

/* The mask without its first byte. */
static inline uint64_t block16_drop_first(uint64_t mask)
{
    return block16_from(mask, block16_first(mask) + 1);
}
