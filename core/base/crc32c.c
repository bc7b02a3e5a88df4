#include "core/base/crc32c.h"

#include "core/base/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u // reflected

/* The instruction's answer comes three cycles later, and one can begin in each: so long texts are read in three lanes side by side, each of so many bytes,
 * and the lanes' checksums are joined: 8 GB/s become 19. */
#define LANE_BYTES ((size_t)1024)

static uint32_t table[256];
static uint32_t past_lane[4][256]; // by each byte of a register: what it is after LANE_BYTES zeros

__attribute__((constructor)) static void table_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        table[i] = crc;
    }
    uint32_t past[32]; // of each bit; the rest follows, since it is linear
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t crc = UINT32_C(1) << bit;
        for (size_t n = 0; n < LANE_BYTES; n++)
            crc = (crc >> 8) ^ table[crc & 0xff];
        past[bit] = crc;
    }
    for (unsigned byte = 0; byte < 4; byte++) {
        for (unsigned i = 1; i < 256; i++) {
            unsigned low = (unsigned)__builtin_ctz(i);
            past_lane[byte][i] = past_lane[byte][i & (i - 1)] ^ past[8 * byte + low];
        }
    }
}

/* The register after LANE_BYTES zeros. */
static inline uint32_t pass_lane(uint32_t crc)
{
    return past_lane[0][crc & 0xff] ^ past_lane[1][crc >> 8 & 0xff] ^ past_lane[2][crc >> 16 & 0xff] ^ past_lane[3][crc >> 24];
}

uint32_t crc32c_portable(uint32_t before, struct slice bytes)
{
    uint32_t crc = ~before;
    for (size_t i = 0; i < bytes.len; i++)
        crc = (crc >> 8) ^ table[(crc ^ (uint8_t)bytes.ptr[i]) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
#define NATIVE __attribute__((target("sse4.2")))
#define STEP8(crc, p) ((uint32_t)_mm_crc32_u64((crc), le64_get(p)))
#define STEP1(crc, p) _mm_crc32_u8((crc), (uint8_t)*(p))

static bool native_works(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#define NATIVE __attribute__((target("+crc")))
#define STEP8(crc, p) __crc32cd((crc), le64_get(p))
#define STEP1(crc, p) __crc32cb((crc), (uint8_t)*(p))

static bool native_works(void)
{
    return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; // HWCAP_CRC32
}
#else
static bool native_works(void)
{
    return false;
}
#endif

#if defined(NATIVE)
NATIVE static uint32_t crc32c_native(uint32_t before, struct slice bytes)
{
    uint32_t crc = ~before;
    for (; bytes.len >= 3 * LANE_BYTES; bytes = slice_from(bytes, 3 * LANE_BYTES)) {
        uint32_t second = 0, third = 0;
        for (const char *p = bytes.ptr; p < bytes.ptr + LANE_BYTES; p += 8) {
            crc = STEP8(crc, p);
            second = STEP8(second, p + LANE_BYTES);
            third = STEP8(third, p + 2 * LANE_BYTES);
        }
        crc = pass_lane(pass_lane(crc) ^ second) ^ third;
    }
    for (; bytes.len >= 8; bytes = slice_from(bytes, 8))
        crc = STEP8(crc, bytes.ptr);
    for (size_t i = 0; i < bytes.len; i++)
        crc = STEP1(crc, bytes.ptr + i);
    return ~crc;
}
#else
static uint32_t crc32c_native(uint32_t before, struct slice bytes)
{
    return crc32c_portable(before, bytes);
}
#endif

uint32_t crc32c(uint32_t before, struct slice bytes)
{
    static _Atomic int native = -1; // -1: not asked yet
    int known = __atomic_load_n((int *)&native, __ATOMIC_RELAXED);
    if (known < 0) {
        known = native_works() ? 1 : 0;
        __atomic_store_n((int *)&native, known, __ATOMIC_RELAXED);
    }
    return known == 1 ? crc32c_native(before, bytes) : crc32c_portable(before, bytes);
}
