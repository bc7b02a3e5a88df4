#include "core/template/zone_rule.h"

#include "core/model/go_text.h"

#define DAY_S INT64_C(86400)
#define HOURS_MAX 167 /* RFC 9636 lets a rule's time reach a week to both sides */
#define UTC_S_MAX (INT64_MAX / NS_PER_S - 2 * DAY_S)

struct change { // a day of each year, and the second of its local time
    char kind;  // 'J': 1 to 365, never February 29; 'N': 0 to 365; 'M': month.week.weekday
    int64_t month, week, day;
    int64_t time_s;
};

static bool take_byte(struct slice *in, char c)
{
    if (in->len == 0 || in->ptr[0] != c)
        return false;
    *in = slice_from(*in, 1);
    return true;
}

static bool take_number(struct slice *in, int64_t least, int64_t most, int64_t *out)
{
    size_t n = 0;
    int64_t value = 0;
    for (; n < in->len && n < 4 && in->ptr[n] >= '0' && in->ptr[n] <= '9'; n++)
        value = value * 10 + (in->ptr[n] - '0');
    if (n == 0 || value < least || value > most)
        return false;
    *in = slice_from(*in, n);
    *out = value;
    return true;
}

// EST, or <+03>
static bool take_name(struct slice *in, struct slice *out)
{
    bool is_quoted = take_byte(in, '<');
    size_t n = 0;
    if (is_quoted)
        n = slice_find_byte(*in, '>');
    else
        while (n < in->len && ((in->ptr[n] | 0x20) >= 'a' && (in->ptr[n] | 0x20) <= 'z'))
            n++;
    return n >= 3 && slice_take(in, n, out) && (!is_quoted || take_byte(in, '>'));
}

// [+-]h[:mm[:ss]] in seconds
static bool take_clock(struct slice *in, int64_t *out_s)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    bool is_negative = take_byte(in, '-');
    if (!is_negative)
        (void)take_byte(in, '+');
    if (!take_number(in, 0, HOURS_MAX, &hours) || (take_byte(in, ':') && (!take_number(in, 0, 59, &minutes) || (take_byte(in, ':') && !take_number(in, 0, 59, &seconds)))))
        return false;
    *out_s = (hours * 3600 + minutes * 60 + seconds) * (is_negative ? -1 : 1);
    return true;
}

static bool take_change(struct slice *in, struct change *out)
{
    *out = (struct change){.kind = 'N', .time_s = 2 * 3600};
    bool ok = false;
    if (take_byte(in, 'M')) {
        out->kind = 'M';
        ok = take_number(in, 1, 12, &out->month) && take_byte(in, '.') && take_number(in, 1, 5, &out->week) && take_byte(in, '.') &&
             take_number(in, 0, 6, &out->day);
    } else if (take_byte(in, 'J')) {
        out->kind = 'J';
        ok = take_number(in, 1, 365, &out->day);
    } else {
        ok = take_number(in, 0, 365, &out->day);
    }
    return ok && (!take_byte(in, '/') || take_clock(in, &out->time_s));
}

// Days of the year before the change's day; first_weekday is January 1st's.
static int64_t change_day(const struct change *change, bool is_leap, int64_t first_weekday)
{
    static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (change->kind == 'N')
        return change->day;
    if (change->kind == 'J')
        return change->day - 1 + (is_leap && change->day >= 60 ? 1 : 0);
    int64_t before = 0;
    for (int64_t m = 1; m < change->month; m++)
        before += days_in[m - 1] + (m == 2 && is_leap ? 1 : 0);
    int64_t month_days = days_in[change->month - 1] + (change->month == 2 && is_leap ? 1 : 0);
    int64_t day = (change->day - (first_weekday + before) % 7 + 7) % 7 + (change->week - 1) * 7;
    return before + (day >= month_days ? day - 7 : day); // week 5 is the last
}

struct rule {
    struct slice standard, summer;
    int64_t standard_s, summer_s; // east of Greenwich
    bool has_summer;
    struct change begins, ends;
};

static bool rule_parse(struct slice in, struct rule *out)
{
    *out = (struct rule){.has_summer = false};
    if (!take_name(&in, &out->standard) || !take_clock(&in, &out->standard_s))
        return false;
    out->standard_s = -out->standard_s; // POSIX counts to the west
    if (in.len == 0)
        return true;
    out->has_summer = true;
    out->summer_s = out->standard_s + 3600;
    if (!take_name(&in, &out->summer))
        return false;
    if (in.len > 0 && in.ptr[0] != ',') {
        if (!take_clock(&in, &out->summer_s))
            return false;
        out->summer_s = -out->summer_s;
    }
    if (in.len == 0)
        in = SLICE(",M3.2.0,M11.1.0"); // what tzcode takes
    return take_byte(&in, ',') && take_change(&in, &out->begins) && take_byte(&in, ',') && take_change(&in, &out->ends) && in.len == 0;
}

bool zone_rule_at(struct slice text, int64_t utc_s, struct zone_span *out)
{
    struct rule rule;
    if (!rule_parse(text, &rule))
        return false;
    *out = (struct zone_span){(int32_t)rule.standard_s, rule.standard, INT64_MIN, INT64_MAX};
    if (!rule.has_summer || utc_s > UTC_S_MAX || utc_s < -UTC_S_MAX)
        return true;
    struct civil civil = civil_of_s(utc_s);
    bool is_leap = civil.year % 4 == 0 && (civil.year % 100 != 0 || civil.year % 400 == 0);
    int64_t first_weekday = ((civil.weekday - (civil.yearday - 1)) % 7 + 7) % 7;
    int64_t year_s = utc_s - ((civil.yearday - 1) * DAY_S + civil.hour * 3600 + civil.minute * 60 + civil.second);
    int64_t begin_s = year_s + change_day(&rule.begins, is_leap, first_weekday) * DAY_S + rule.begins.time_s - rule.standard_s;
    int64_t end_s = year_s + change_day(&rule.ends, is_leap, first_weekday) * DAY_S + rule.ends.time_s - rule.summer_s;
    int64_t next_year_s = year_s + (is_leap ? 366 : 365) * DAY_S;
    // South of the equator summer time holds at both ends of the year.
    bool is_south = end_s < begin_s;
    int64_t first_s = is_south ? end_s : begin_s;
    int64_t second_s = is_south ? begin_s : end_s;
    bool is_middle = utc_s >= first_s && utc_s < second_s;
    if (is_middle != is_south) {
        out->offset_s = (int32_t)rule.summer_s;
        out->name = rule.summer;
    }
    out->start_s = is_middle ? first_s : utc_s >= second_s ? second_s : year_s;
    out->end_s = is_middle ? second_s : utc_s >= second_s ? next_year_s : first_s;
    return true;
}
