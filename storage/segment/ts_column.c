#include "storage/segment/ts_column.h"

#include "core/base/bytes.h"
#include "core/base/clock.h"

static const int64_t units[] = {1, NS_PER_US, NS_PER_MS, NS_PER_S};

/* Units are constants where they divide: a division by what only the processor knows takes longer than all else here. */
static bool divides(unsigned unit, int64_t ns)
{
    switch (unit) {
    case 0: return true;
    case 1: return ns % NS_PER_US == 0;
    case 2: return ns % NS_PER_MS == 0;
    default: return ns % NS_PER_S == 0;
    }
}

/* The coarsest unit that divides every difference, none of which may wrap if it is coarser than 1 ns. */
static unsigned unit_of(const int64_t *ts_ns, size_t count)
{
    unsigned unit = LENGTH(units) - 1;
    for (size_t i = 1; i < count && unit > 0; i++) {
        int64_t ns = 0;
        if (__builtin_sub_overflow(ts_ns[i], ts_ns[i - 1], &ns))
            return 0;
        while (!divides(unit, ns))
            unit--;
    }
    return unit;
}

/* Differences wrap, so that both ends of int64 may stand side by side. */
__attribute__((always_inline)) static inline uint64_t step(int64_t from, int64_t to, int64_t unit)
{
    int64_t ns = (int64_t)((uint64_t)to - (uint64_t)from);
    return zigzag(ns / unit);
}

/* The width that all steps need, and their planes. */
__attribute__((always_inline)) static inline void encode_steps(const int64_t *ts_ns, size_t count, int64_t unit, char *width_at, struct buf *out)
{
    uint64_t all = 0;
    for (size_t i = 1; i < count; i++)
        all |= step(ts_ns[i - 1], ts_ns[i], unit);
    size_t width = all == 0 ? 0 : (size_t)(71 - __builtin_clzll(all)) / 8;
    size_t deltas = count - 1;
    *width_at = (char)width;
    char *p = out->ptr + out->len;
    for (size_t i = 0; i < deltas; i++) {
        uint64_t value = step(ts_ns[i], ts_ns[i + 1], unit);
        for (size_t plane = 0; plane < width; plane++)
            p[plane * deltas + i] = (char)(value >> (8 * plane));
    }
    buf_took(out, width * deltas);
}

void ts_column_encode(const int64_t *ts_ns, size_t count, struct buf *out)
{
    if (count == 0)
        return;
    unsigned unit = unit_of(ts_ns, count);
    char *head = buf_room(out, TS_COLUMN_HEAD + 8 * (count - 1)); // the widest
    head[0] = (char)unit;
    le64_put(head + 2, (uint64_t)ts_ns[0]);
    buf_took(out, TS_COLUMN_HEAD);
    switch (unit) {
    case 0: encode_steps(ts_ns, count, 1, head + 1, out); break;
    case 1: encode_steps(ts_ns, count, NS_PER_US, head + 1, out); break;
    case 2: encode_steps(ts_ns, count, NS_PER_MS, head + 1, out); break;
    default: encode_steps(ts_ns, count, NS_PER_S, head + 1, out); break;
    }
}

bool ts_column_take(struct slice *in, size_t count, int64_t *out)
{
    if (count == 0)
        return true;
    struct slice head;
    struct slice planes;
    struct slice rest = *in;
    if (!slice_take(&rest, TS_COLUMN_HEAD, &head))
        return false;
    uint8_t unit = (uint8_t)head.ptr[0];
    uint8_t width = (uint8_t)head.ptr[1];
    size_t deltas = count - 1;
    if (unit >= LENGTH(units) || width > 8 || (width > 0 && deltas > rest.len / width) ||
        !slice_take(&rest, width * deltas, &planes))
        return false;

    // Plane by plane, which vectorizes, then one running sum.
    memset(out, 0, count * sizeof(*out));
    out[0] = (int64_t)le64_get(head.ptr + 2);
    for (unsigned plane = 0; plane < width; plane++) {
        const uint8_t *bytes = (const uint8_t *)planes.ptr + plane * deltas;
        for (size_t i = 0; i < deltas; i++)
            out[i + 1] |= (int64_t)((uint64_t)bytes[i] << (8 * plane));
    }
    uint64_t now = (uint64_t)out[0];
    for (size_t i = 1; i < count; i++) {
        now += (uint64_t)unzigzag((uint64_t)out[i]) * (uint64_t)units[unit];
        out[i] = (int64_t)now;
    }
    *in = rest;
    return true;
}
