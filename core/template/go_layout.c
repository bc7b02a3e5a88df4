#include "core/template/go_layout.h"

#include <stdio.h>

#include "core/model/go_text.h"

enum chunk {
    CHUNK_TEXT, CHUNK_YEAR, CHUNK_YEAR2, CHUNK_MONTH_NAME, CHUNK_MONTH_SHORT, CHUNK_MONTH2, CHUNK_MONTH1, CHUNK_DAY_NAME, CHUNK_DAY_SHORT,
    CHUNK_DAY2, CHUNK_DAY_PADDED, CHUNK_DAY1, CHUNK_YEARDAY, CHUNK_HOUR24, CHUNK_HOUR12_2, CHUNK_HOUR12_1, CHUNK_MINUTE2, CHUNK_MINUTE1,
    CHUNK_SECOND2, CHUNK_SECOND1, CHUNK_PM, CHUNK_PM_LOWER, CHUNK_ZONE_NAME, CHUNK_Z_COLON, CHUNK_Z_PLAIN, CHUNK_Z_SHORT, CHUNK_COLON,
    CHUNK_PLAIN, CHUNK_SHORT, CHUNK_FRACTION_0, CHUNK_FRACTION_9,
};

/* Longer ones first where one begins another. */
static const struct {
    struct slice text;
    enum chunk chunk;
} chunks[] = {
    {{"January", 7}, CHUNK_MONTH_NAME}, {{"Jan", 3}, CHUNK_MONTH_SHORT}, {{"Monday", 6}, CHUNK_DAY_NAME}, {{"Mon", 3}, CHUNK_DAY_SHORT},
    {{"MST", 3}, CHUNK_ZONE_NAME},      {{"2006", 4}, CHUNK_YEAR},       {{"002", 3}, CHUNK_YEARDAY},     {{"01", 2}, CHUNK_MONTH2},
    {{"02", 2}, CHUNK_DAY2},            {{"03", 2}, CHUNK_HOUR12_2},     {{"04", 2}, CHUNK_MINUTE2},      {{"05", 2}, CHUNK_SECOND2},
    {{"06", 2}, CHUNK_YEAR2},           {{"15", 2}, CHUNK_HOUR24},       {{"_2", 2}, CHUNK_DAY_PADDED},   {{"PM", 2}, CHUNK_PM},
    {{"pm", 2}, CHUNK_PM_LOWER},        {{"Z07:00", 6}, CHUNK_Z_COLON},  {{"Z0700", 5}, CHUNK_Z_PLAIN},   {{"Z07", 3}, CHUNK_Z_SHORT},
    {{"-07:00", 6}, CHUNK_COLON},       {{"-0700", 5}, CHUNK_PLAIN},     {{"-07", 3}, CHUNK_SHORT},       {{"1", 1}, CHUNK_MONTH1},
    {{"2", 1}, CHUNK_DAY1},             {{"3", 1}, CHUNK_HOUR12_1},      {{"4", 1}, CHUNK_MINUTE1},       {{"5", 1}, CHUNK_SECOND1},
};

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* The chunk at the start of the layout, and its length; plain text is one byte at a time. */
static enum chunk chunk_at(struct slice layout, size_t *len)
{
    if (layout.len > 1 && (layout.ptr[0] == '.' || layout.ptr[0] == ',') && (layout.ptr[1] == '0' || layout.ptr[1] == '9')) {
        size_t end = 1;
        while (end < layout.len && layout.ptr[end] == layout.ptr[1])
            end++;
        if (end == layout.len || layout.ptr[end] < '0' || layout.ptr[end] > '9') {
            *len = end;
            return layout.ptr[1] == '0' ? CHUNK_FRACTION_0 : CHUNK_FRACTION_9;
        }
    }
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        if (slice_starts(layout, chunks[i].text)) {
            *len = chunks[i].text.len;
            return chunks[i].chunk;
        }
    }
    *len = 1;
    return CHUNK_TEXT;
}

/* ---- formatting ---- */

static void offset_put(struct buf *out, enum chunk chunk, int32_t offset_s)
{
    bool is_z = chunk == CHUNK_Z_COLON || chunk == CHUNK_Z_PLAIN || chunk == CHUNK_Z_SHORT;
    if (is_z && offset_s == 0) {
        buf_byte(out, 'Z');
        return;
    }
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    buf_printf(out, "%c%02d", offset_s < 0 ? '-' : '+', minutes / 60);
    if (chunk != CHUNK_Z_SHORT && chunk != CHUNK_SHORT)
        buf_printf(out, "%s%02d", chunk == CHUNK_Z_COLON || chunk == CHUNK_COLON ? ":" : "", minutes % 60);
}

static void fraction_put(struct buf *out, char point, enum chunk chunk, size_t places, int32_t nanosecond)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%09d", nanosecond);
    size_t len = places > 9 ? 9 : places;
    while (chunk == CHUNK_FRACTION_9 && len > 0 && text[len - 1] == '0')
        len--;
    if (len == 0)
        return;
    buf_byte(out, point);
    buf_put(out, slice_of(text, len));
}

static void chunk_put(struct buf *out, enum chunk chunk, const struct civil *t, int32_t offset_s, struct slice zone)
{
    int hour12 = t->hour % 12 == 0 ? 12 : t->hour % 12;
    switch ((int)chunk) {
    case CHUNK_YEAR: buf_printf(out, "%04lld", (long long)t->year); return;
    case CHUNK_YEAR2: buf_printf(out, "%02d", (int)(t->year % 100)); return;
    case CHUNK_MONTH_NAME: buf_str(out, months[t->month - 1]); return;
    case CHUNK_MONTH_SHORT: buf_put(out, slice_of(months[t->month - 1], 3)); return;
    case CHUNK_MONTH2: buf_printf(out, "%02d", t->month); return;
    case CHUNK_MONTH1: buf_printf(out, "%d", t->month); return;
    case CHUNK_DAY_NAME: buf_str(out, days[t->weekday]); return;
    case CHUNK_DAY_SHORT: buf_put(out, slice_of(days[t->weekday], 3)); return;
    case CHUNK_DAY2: buf_printf(out, "%02d", t->day); return;
    case CHUNK_DAY_PADDED: buf_printf(out, "%2d", t->day); return;
    case CHUNK_DAY1: buf_printf(out, "%d", t->day); return;
    case CHUNK_YEARDAY: buf_printf(out, "%03d", t->yearday); return;
    case CHUNK_HOUR24: buf_printf(out, "%02d", t->hour); return;
    case CHUNK_HOUR12_2: buf_printf(out, "%02d", hour12); return;
    case CHUNK_HOUR12_1: buf_printf(out, "%d", hour12); return;
    case CHUNK_MINUTE2: buf_printf(out, "%02d", t->minute); return;
    case CHUNK_MINUTE1: buf_printf(out, "%d", t->minute); return;
    case CHUNK_SECOND2: buf_printf(out, "%02d", t->second); return;
    case CHUNK_SECOND1: buf_printf(out, "%d", t->second); return;
    case CHUNK_PM: buf_str(out, t->hour >= 12 ? "PM" : "AM"); return;
    case CHUNK_PM_LOWER: buf_str(out, t->hour >= 12 ? "pm" : "am"); return;
    case CHUNK_ZONE_NAME: buf_put(out, zone); return;
    default: offset_put(out, chunk, offset_s); return;
    }
}

void go_layout_format(struct slice layout, int64_t s, int32_t nanosecond, int32_t offset_s, struct slice zone, struct buf *out)
{
    struct civil t = civil_of_s(s + offset_s);
    t.nanosecond = nanosecond;
    while (layout.len > 0) {
        size_t len = 0;
        enum chunk chunk = chunk_at(layout, &len);
        if (chunk == CHUNK_TEXT)
            buf_put(out, slice_of(layout.ptr, len));
        else if (chunk == CHUNK_FRACTION_0 || chunk == CHUNK_FRACTION_9)
            fraction_put(out, layout.ptr[0], chunk, len - 1, t.nanosecond);
        else
            chunk_put(out, chunk, &t, offset_s, zone);
        layout = slice_from(layout, len);
    }
}

/* ---- parsing ---- */

struct parsed {
    struct civil t;
    bool is_pm, has_pm, has_offset;
    int32_t offset_s;
};

static bool digits_take(struct slice *text, size_t least, size_t most, int64_t *out)
{
    size_t n = 0;
    int64_t value = 0;
    while (n < most && n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        value = value * 10 + (text->ptr[n++] - '0');
    if (n < least)
        return false;
    *text = slice_from(*text, n);
    *out = value;
    return true;
}

static bool name_take(struct slice *text, const char *const *names, size_t count, bool is_short, int *out)
{
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_of(names[i], is_short ? 3 : strlen(names[i]));
        if (text->len >= name.len && slice_eq_nocase(slice_of(text->ptr, name.len), name)) {
            *text = slice_from(*text, name.len);
            *out = (int)i;
            return true;
        }
    }
    return false;
}

static bool offset_take(struct slice *text, enum chunk chunk, struct parsed *out)
{
    bool is_z = chunk == CHUNK_Z_COLON || chunk == CHUNK_Z_PLAIN || chunk == CHUNK_Z_SHORT;
    int64_t hours = 0;
    int64_t minutes = 0;
    out->has_offset = true;
    if (is_z && text->len > 0 && text->ptr[0] == 'Z') {
        *text = slice_from(*text, 1);
        return true;
    }
    if (text->len == 0 || (text->ptr[0] != '+' && text->ptr[0] != '-'))
        return false;
    int sign = text->ptr[0] == '-' ? -1 : 1;
    *text = slice_from(*text, 1);
    if (!digits_take(text, 2, 2, &hours))
        return false;
    if (chunk == CHUNK_Z_COLON || chunk == CHUNK_COLON) {
        if (text->len == 0 || text->ptr[0] != ':')
            return false;
        *text = slice_from(*text, 1);
    }
    if (chunk != CHUNK_SHORT && chunk != CHUNK_Z_SHORT && !digits_take(text, 2, 2, &minutes))
        return false;
    out->offset_s = (int32_t)(sign * (hours * 3600 + minutes * 60));
    return true;
}

static bool fraction_take(struct slice *text, size_t places, bool is_exact, struct parsed *out)
{
    int64_t scale = NS_PER_S;
    size_t n = 1;
    out->t.nanosecond = 0;
    if (text->len == 0 || (text->ptr[0] != '.' && text->ptr[0] != ','))
        return !is_exact;
    for (; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++) {
        scale /= 10;
        out->t.nanosecond += (int32_t)((text->ptr[n] - '0') * scale);
    }
    if (is_exact && n - 1 != places)
        return false;
    *text = slice_from(*text, n);
    return true;
}

static bool number_take(struct slice *text, enum chunk chunk, struct parsed *out)
{
    int64_t value = 0;
    bool is_two = chunk == CHUNK_MONTH2 || chunk == CHUNK_DAY2 || chunk == CHUNK_HOUR24 || chunk == CHUNK_HOUR12_2 || chunk == CHUNK_MINUTE2 ||
                  chunk == CHUNK_SECOND2 || chunk == CHUNK_YEAR2;
    if (chunk == CHUNK_DAY_PADDED && text->len > 0 && text->ptr[0] == ' ')
        *text = slice_from(*text, 1);
    size_t most = chunk == CHUNK_YEAR ? 4 : chunk == CHUNK_YEARDAY ? 3 : 2;
    if (!digits_take(text, chunk == CHUNK_YEAR ? 4 : chunk == CHUNK_YEARDAY ? 3 : is_two ? 2 : 1, most, &value))
        return false;
    switch ((int)chunk) {
    case CHUNK_YEAR: out->t.year = value; return true;
    case CHUNK_YEAR2: out->t.year = value >= 69 ? 1900 + value : 2000 + value; return true;
    case CHUNK_MONTH2: case CHUNK_MONTH1: out->t.month = (int)value; return value >= 1 && value <= 12;
    case CHUNK_DAY2: case CHUNK_DAY_PADDED: case CHUNK_DAY1: out->t.day = (int)value; return value >= 1 && value <= 31;
    case CHUNK_YEARDAY: return true; // month and day decide
    case CHUNK_HOUR24: out->t.hour = (int)value; return value < 24;
    case CHUNK_HOUR12_2: case CHUNK_HOUR12_1: out->t.hour = (int)value; return value <= 12;
    case CHUNK_MINUTE2: case CHUNK_MINUTE1: out->t.minute = (int)value; return value < 60;
    default: out->t.second = (int)value; return value < 60;
    }
}

static bool chunk_take(struct slice *text, enum chunk chunk, struct parsed *out)
{
    int index = 0;
    switch ((int)chunk) {
    case CHUNK_MONTH_NAME: case CHUNK_MONTH_SHORT:
        if (!name_take(text, months, LENGTH(months), chunk == CHUNK_MONTH_SHORT, &index))
            return false;
        out->t.month = index + 1;
        return true;
    case CHUNK_DAY_NAME: case CHUNK_DAY_SHORT:
        return name_take(text, days, LENGTH(days), chunk == CHUNK_DAY_SHORT, &index);
    case CHUNK_PM: case CHUNK_PM_LOWER:
        if (text->len < 2 || (!slice_eq_nocase(slice_of(text->ptr, 2), SLICE("am")) && !slice_eq_nocase(slice_of(text->ptr, 2), SLICE("pm"))))
            return false;
        out->has_pm = true;
        out->is_pm = (text->ptr[0] | 0x20) == 'p';
        *text = slice_from(*text, 2);
        return true;
    case CHUNK_ZONE_NAME: {
        size_t len = 0;
        while (len < text->len && text->ptr[len] >= 'A' && text->ptr[len] <= 'Z')
            len++;
        *text = slice_from(*text, len);
        return len >= 3;
    }
    case CHUNK_Z_COLON: case CHUNK_Z_PLAIN: case CHUNK_Z_SHORT: case CHUNK_COLON: case CHUNK_PLAIN: case CHUNK_SHORT:
        return offset_take(text, chunk, out);
    default:
        return number_take(text, chunk, out);
    }
}

bool go_layout_parse(struct slice layout, struct slice text, int64_t *out_s, int32_t *out_nanosecond, bool *has_offset, int32_t *offset_s)
{
    struct parsed parsed = {.t = {.year = 0, .month = 1, .day = 1}};
    while (layout.len > 0) {
        size_t len = 0;
        enum chunk chunk = chunk_at(layout, &len);
        bool fits = true;
        if (chunk == CHUNK_TEXT) {
            fits = text.len > 0 && text.ptr[0] == layout.ptr[0];
            if (fits)
                text = slice_from(text, 1);
        } else if (chunk == CHUNK_FRACTION_0 || chunk == CHUNK_FRACTION_9) {
            fits = fraction_take(&text, len - 1, chunk == CHUNK_FRACTION_0, &parsed);
        } else {
            fits = chunk_take(&text, chunk, &parsed);
            struct slice behind = slice_from(layout, len);
            size_t next = 0;
            enum chunk follows = behind.len > 0 ? chunk_at(behind, &next) : CHUNK_TEXT;
            bool is_second = chunk == CHUNK_SECOND2 || chunk == CHUNK_SECOND1; // a fraction behind seconds is taken also where the layout has none
            if (fits && is_second && follows != CHUNK_FRACTION_0 && follows != CHUNK_FRACTION_9 && text.len > 1 && text.ptr[0] == '.' && text.ptr[1] >= '0' && text.ptr[1] <= '9')
                fits = fraction_take(&text, 0, false, &parsed);
        }
        if (!fits)
            return false;
        layout = slice_from(layout, len);
    }
    if (parsed.has_pm)
        parsed.t.hour = parsed.t.hour % 12 + (parsed.is_pm ? 12 : 0);
    *has_offset = parsed.has_offset;
    *offset_s = (int32_t)parsed.offset_s;
    const int64_t local_s = s_of_civil(&parsed.t);
    *out_s = local_s - parsed.offset_s;
    *out_nanosecond = parsed.t.nanosecond;
    return text.len == 0 && civil_of_s(local_s).day == parsed.t.day; // not February 30
}
