#include "core/base/crc32c.h"

#include "core/base/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

#define POLYNOMIAL 0x82f63b78u // reflected

static uint32_t table[256];

__attribute__((constructor)) static void table_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        table[i] = crc;
    }
}

uint32_t crc32c_portable(uint32_t before, struct slice bytes)
{
    uint32_t crc = ~before;
    for (size_t i = 0; i < bytes.len; i++)
        crc = (crc >> 8) ^ table[(crc ^ (uint8_t)bytes.ptr[i]) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_native(uint32_t before, struct slice bytes)
{
    uint64_t crc = (uint32_t)~before;
    while (bytes.len >= 8) {
        crc = _mm_crc32_u64(crc, le64_get(bytes.ptr));
        bytes = slice_from(bytes, 8);
    }
    uint32_t crc32 = (uint32_t)crc;
    for (size_t i = 0; i < bytes.len; i++)
        crc32 = _mm_crc32_u8(crc32, (uint8_t)bytes.ptr[i]);
    return ~crc32;
}

static bool native_works(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
__attribute__((target("+crc"))) static uint32_t crc32c_native(uint32_t before, struct slice bytes)
{
    uint32_t crc = ~before;
    while (bytes.len >= 8) {
        crc = __crc32cd(crc, le64_get(bytes.ptr));
        bytes = slice_from(bytes, 8);
    }
    for (size_t i = 0; i < bytes.len; i++)
        crc = __crc32cb(crc, (uint8_t)bytes.ptr[i]);
    return ~crc;
}

static bool native_works(void)
{
    return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; // HWCAP_CRC32
}
#else
static uint32_t crc32c_native(uint32_t before, struct slice bytes)
{
    return crc32c_portable(before, bytes);
}

static bool native_works(void)
{
    return false;
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
