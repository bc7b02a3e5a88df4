#include "core/template/zone.h"

#include "core/template/zone_rule.h"

#define TZIF_HEADER_BYTES ((size_t)44)
#define INFO_BYTES ((size_t)6)

// ---- reading the file ----

static uint32_t be32_get(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t time_get(const struct zone *zone, size_t i)
{
    const char *at = zone->times.ptr + i * zone->time_bytes;
    if (zone->time_bytes == 4)
        return (int32_t)be32_get(at);
    return (int64_t)((uint64_t)be32_get(at) << 32 | be32_get(at + 4));
}

struct counts {
    uint64_t utc_flags, standard_flags, leaps, times, infos, name_bytes;
};

static bool header_take(struct slice *in, struct counts *out, char *version)
{
    struct slice head;
    if (!slice_take(in, TZIF_HEADER_BYTES, &head) || !slice_starts(head, SLICE("TZif")))
        return false;
    *version = head.ptr[4];
    *out = (struct counts){be32_get(head.ptr + 20), be32_get(head.ptr + 24), be32_get(head.ptr + 28),
                           be32_get(head.ptr + 32), be32_get(head.ptr + 36), be32_get(head.ptr + 40)};
    return true;
}

static bool body_take(struct slice *in, const struct counts *counts, size_t time_bytes, struct zone *out)
{
    struct slice skipped;
    *out = (struct zone){.time_bytes = time_bytes, .time_count = counts->times, .info_count = counts->infos};
    return slice_take(in, counts->times * time_bytes, &out->times) && slice_take(in, counts->times, &out->types) &&
           slice_take(in, counts->infos * INFO_BYTES, &out->infos) && slice_take(in, counts->name_bytes, &out->names) &&
           slice_take(in, counts->leaps * (time_bytes + 4) + counts->standard_flags + counts->utc_flags, &skipped) && counts->infos > 0;
}

bool zone_open(struct slice tzif, struct zone *out)
{
    struct counts counts;
    char version = 0;
    struct zone zone;
    if (!header_take(&tzif, &counts, &version) || !body_take(&tzif, &counts, 4, &zone))
        return false;
    if (version != 0) { // the same again, with times of 64 bits
        if (!header_take(&tzif, &counts, &version) || !body_take(&tzif, &counts, 8, &zone))
            return false;
        if (tzif.len > 1 && tzif.ptr[0] == '\n')
            zone.footer = slice_of(tzif.ptr + 1, slice_find_byte(slice_from(tzif, 1), '\n'));
    }
    *out = zone;
    return true;
}

// ---- what holds when ----

static struct zone_span span_of(const struct zone *zone, size_t info, int64_t start_s, int64_t end_s)
{
    if (info >= zone->info_count)
        info = 0; // a damaged file: any answer, but inside of it
    const char *at = zone->infos.ptr + info * INFO_BYTES;
    size_t name = (unsigned char)at[5];
    struct slice text = name < zone->names.len ? slice_from(zone->names, name) : SLICE("");
    return (struct zone_span){(int32_t)be32_get(at), slice_of(text.ptr, slice_find_byte(text, '\0')), start_s, end_s};
}

// The type before the first transition: the first that is not summer time, as Go takes it.
static size_t first_info(const struct zone *zone)
{
    for (size_t i = 0; i < zone->info_count; i++) {
        if (zone->infos.ptr[i * INFO_BYTES + 4] == 0)
            return i;
    }
    return 0;
}

struct zone_span zone_at(const struct zone *zone, int64_t utc_s)
{
    struct zone_span span;
    size_t low = 0;
    size_t high = zone->time_count; // times[low - 1] <= utc_s < times[high]
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (time_get(zone, middle) <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t end_s = low < zone->time_count ? time_get(zone, low) : INT64_MAX;
    int64_t start_s = low > 0 ? time_get(zone, low - 1) : INT64_MIN;
    if (low == zone->time_count && zone->footer.len > 0 && zone_rule_at(zone->footer, utc_s, &span)) {
        span.start_s = span.start_s > start_s ? span.start_s : start_s; // the rule holds from the last transition on
        return span;
    }
    return span_of(zone, low > 0 ? (unsigned char)zone->types.ptr[low - 1] : first_info(zone), start_s, end_s);
}

int64_t zone_utc_of_local(const struct zone *zone, int64_t local_s)
{
    struct zone_span span = zone_at(zone, local_s); // right unless a transition is near
    int64_t utc_s = 0;
    if (__builtin_sub_overflow(local_s, (int64_t)span.offset_s, &utc_s))
        return local_s;
    if (utc_s >= span.start_s && utc_s < span.end_s)
        return utc_s;
    return local_s - zone_at(zone, utc_s).offset_s;
}

// ---- by name ----

static bool (*loader)(struct slice name, struct slice *out_tzif);

void zone_loader_set(bool (*load)(struct slice name, struct slice *out_tzif))
{
    loader = load;
}

bool zone_find(struct slice name, struct zone *out)
{
    struct slice tzif;
    if (loader == NULL || name.len == 0 || slice_eq(name, SLICE("UTC")) || slice_eq(name, SLICE("Local")))
        return false;
    return loader(name, &tzif) && zone_open(tzif, out);
}
