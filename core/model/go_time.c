#include "core/model/go_text.h"

#define DAYS_PER_ERA INT64_C(146097) // 400 years of the Gregorian calendar
#define DAYS_TO_1970 INT64_C(719468) // from 0000-03-01

// ---- calendar: years begin with March here, so that the leap day is the last ----

static int64_t days_of_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static void date_of_days(int64_t days, struct civil *out)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; // 0 is March
    out->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = year_of_era + era * 400 + (out->month <= 2 ? 1 : 0);
    out->yearday = (int)(days - days_of_date(out->year, 1, 1)) + 1;
    int64_t weekday = (days + 4) % 7; // 1970-01-01 was a Thursday
    out->weekday = (int)(weekday < 0 ? weekday + 7 : weekday);
}

struct civil civil_of_s(int64_t s)
{
    struct civil civil;
    int64_t rest = s % 86400;
    if (rest < 0)
        rest += 86400;
    date_of_days((s - rest) / 86400, &civil);
    civil.hour = (int)(rest / 3600);
    civil.minute = (int)(rest / 60 % 60);
    civil.second = (int)(rest % 60);
    civil.nanosecond = 0;
    return civil;
}

struct civil civil_of_ns(int64_t ns)
{
    int64_t rest = ns % NS_PER_S;
    if (rest < 0)
        rest += NS_PER_S;
    struct civil civil = civil_of_s(ns / NS_PER_S - (ns % NS_PER_S < 0));
    civil.nanosecond = (int32_t)rest;
    return civil;
}

int64_t s_of_civil(const struct civil *civil)
{
    return days_of_date(civil->year, civil->month, civil->day) * 86400 + (int64_t)civil->hour * 3600 + (int64_t)civil->minute * 60 + civil->second;
}

bool ns_of_civil(const struct civil *civil, int64_t *out_ns)
{
    if (civil->year < 1600 || civil->year > 2400) // int64 ns reach from 1677 to 2262
        return false;
    __int128 ns = (__int128)s_of_civil(civil) * NS_PER_S + civil->nanosecond;
    if (ns < INT64_MIN || ns > INT64_MAX)
        return false;
    *out_ns = (int64_t)ns;
    return true;
}

// ---- reading ----

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Exactly `count` digits.
static bool take_number(struct slice *in, size_t count, int *out)
{
    struct slice digits;
    int value = 0;
    if (!slice_take(in, count, &digits))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        value = value * 10 + (digits.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool take_char(struct slice *in, char c)
{
    struct slice one;
    return in->len > 0 && in->ptr[0] == c && slice_take(in, 1, &one);
}

static bool take_fraction(struct slice *in, int32_t *out_ns)
{
    int32_t value = 0;
    size_t digits = 0;
    while (in->len > 0 && in->ptr[0] >= '0' && in->ptr[0] <= '9') {
        if (++digits > 9)
            return false;
        value = value * 10 + (in->ptr[0] - '0');
        *in = slice_from(*in, 1);
    }
    for (size_t i = digits; i < 9; i++)
        value *= 10;
    *out_ns = value;
    return digits > 0;
}

// Z or ±hh:mm, in minutes.
static bool take_zone(struct slice *in, int *out_minutes)
{
    int hours = 0;
    int minutes = 0;
    *out_minutes = 0;
    if (take_char(in, 'Z'))
        return true;
    bool west = take_char(in, '-');
    if (!west && !take_char(in, '+'))
        return false;
    if (!take_number(in, 2, &hours) || !take_char(in, ':') || !take_number(in, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

bool rfc3339_parse(struct slice text, int64_t *out_ns)
{
    struct slice in = text;
    struct civil civil = {.nanosecond = 0};
    int year = 0;
    int zone = 0;
    bool ok = take_number(&in, 4, &year) && take_char(&in, '-') && take_number(&in, 2, &civil.month) &&
              take_char(&in, '-') && take_number(&in, 2, &civil.day) && take_char(&in, 'T') &&
              take_number(&in, 2, &civil.hour) && take_char(&in, ':') && take_number(&in, 2, &civil.minute) &&
              take_char(&in, ':') && take_number(&in, 2, &civil.second) &&
              (!take_char(&in, '.') || take_fraction(&in, &civil.nanosecond)) && take_zone(&in, &zone);
    if (!ok || in.len > 0)
        return false;
    civil.year = year;
    if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > days_in_month(year, civil.month) ||
        civil.hour > 23 || civil.minute > 59 || civil.second > 59)
        return false;
    civil.minute -= zone;
    return ns_of_civil(&civil, out_ns);
}

// ---- printing ----

static void print_padded(struct buf *out, int64_t value, size_t width)
{
    char *at = buf_room(out, width);
    for (size_t i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    buf_took(out, width);
}

static void print_fraction(struct buf *out, int32_t ns)
{
    if (ns == 0)
        return;
    size_t width = 9;
    for (; ns % 10 == 0; ns /= 10)
        width--;
    buf_byte(out, '.');
    print_padded(out, ns, width);
}

static void print_civil(struct buf *out, const struct civil *civil, char between)
{
    print_padded(out, civil->year, 4);
    buf_byte(out, '-');
    print_padded(out, civil->month, 2);
    buf_byte(out, '-');
    print_padded(out, civil->day, 2);
    buf_byte(out, between);
    print_padded(out, civil->hour, 2);
    buf_byte(out, ':');
    print_padded(out, civil->minute, 2);
    buf_byte(out, ':');
    print_padded(out, civil->second, 2);
}

void rfc3339_print(struct buf *out, int64_t ns, bool with_fraction)
{
    struct civil civil = civil_of_ns(ns);
    print_civil(out, &civil, 'T');
    if (with_fraction)
        print_fraction(out, civil.nanosecond);
    buf_byte(out, 'Z');
}

void go_print_time(struct buf *out, int64_t ns)
{
    struct civil civil = civil_of_ns(ns);
    print_civil(out, &civil, ' ');
    print_fraction(out, civil.nanosecond);
    buf_str(out, " +0000 UTC");
}
