#include "core/model/go_text.h"

struct duration_unit {
    const char *name;
    uint64_t ns;
};

// Both of the micro signs, U+00B5 and U+03BC.
static const struct duration_unit units[] = {
    {"ns", 1},           {"us", NS_PER_US},  {"\xc2\xb5s", NS_PER_US}, {"\xce\xbcs", NS_PER_US},
    {"ms", NS_PER_MS},   {"s", NS_PER_S},    {"m", NS_PER_MIN},        {"h", NS_PER_HOUR},
};

// ---- reading ----

// Package time has a quote of its own: bytes, not code points, above ASCII.
static bool refuse(struct err *err, const char *what, struct slice unit, struct slice text)
{
    struct buf message = BUF_INIT;
    const struct slice parts[] = {unit, text};
    for (size_t part = unit.ptr == NULL ? 1 : 0; part < 2; part++) {
        if (part == 1 && unit.ptr != NULL)
            buf_str(&message, " in duration ");
        buf_byte(&message, '"');
        for (size_t i = 0; i < parts[part].len; i++) {
            char c = parts[part].ptr[i];
            if ((uint8_t)c < ' ' || (uint8_t)c >= 0x80) {
                buf_printf(&message, "\\x%02x", (unsigned)(uint8_t)c);
                continue;
            }
            if (c == '"' || c == '\\')
                buf_byte(&message, '\\');
            buf_byte(&message, c);
        }
        buf_byte(&message, '"');
    }
    if (err != NULL)
        err_fill(err, ERR_INVALID, "time: %s %.*s", what, SLICE_ARG(buf_slice(&message)));
    buf_fini(&message);
    return false;
}

static bool is_digit(const struct slice *in)
{
    return in->len > 0 && in->ptr[0] >= '0' && in->ptr[0] <= '9';
}

static bool take_whole(struct slice *in, uint64_t *out)
{
    uint64_t value = 0;
    for (; is_digit(in); *in = slice_from(*in, 1)) {
        if (value > (UINT64_C(1) << 63) / 10)
            return false;
        value = value * 10 + (uint64_t)(in->ptr[0] - '0');
        if (value > UINT64_C(1) << 63)
            return false;
    }
    *out = value;
    return true;
}

// The digits behind a point as value / scale; what is beyond 63 bits is left out.
static void take_fraction(struct slice *in, uint64_t *value, double *scale)
{
    bool is_full = false;
    for (; is_digit(in); *in = slice_from(*in, 1)) {
        uint64_t digit = (uint64_t)(in->ptr[0] - '0');
        is_full = is_full || *value > (uint64_t)INT64_MAX / 10 || *value * 10 + digit > (uint64_t)1 << 63;
        if (!is_full) {
            *value = *value * 10 + digit;
            *scale *= 10;
        }
    }
}

static const struct duration_unit *unit_of(struct slice name)
{
    for (size_t i = 0; i < LENGTH(units); i++) {
        if (slice_eq_str(name, units[i].name))
            return &units[i];
    }
    return NULL;
}

// One number with its unit, in ns.
static bool take_part(struct slice *in, struct slice text, uint64_t *out, struct err *err)
{
    uint64_t whole = 0;
    uint64_t fraction = 0;
    double scale = 1;
    bool has_whole = is_digit(in);
    bool has_fraction = false;
    if (!(has_whole || in->ptr[0] == '.') || !take_whole(in, &whole))
        return refuse(err, "invalid duration", SLICE_NONE, text);
    if (in->len > 0 && in->ptr[0] == '.') {
        *in = slice_from(*in, 1);
        has_fraction = is_digit(in);
        take_fraction(in, &fraction, &scale);
    }
    if (!has_whole && !has_fraction)
        return refuse(err, "invalid duration", SLICE_NONE, text);
    struct slice name = *in;
    while (in->len > 0 && in->ptr[0] != '.' && !is_digit(in))
        *in = slice_from(*in, 1);
    name.len -= in->len;
    if (name.len == 0)
        return refuse(err, "missing unit in duration", SLICE_NONE, text);
    const struct duration_unit *unit = unit_of(name);
    if (unit == NULL)
        return refuse(err, "unknown unit", name, text);
    if (whole > (UINT64_C(1) << 63) / unit->ns)
        return refuse(err, "invalid duration", SLICE_NONE, text);
    uint64_t ns = whole * unit->ns;
    if (fraction > 0)
        ns += (uint64_t)((double)fraction * ((double)unit->ns / scale));
    if (ns > UINT64_C(1) << 63)
        return refuse(err, "invalid duration", SLICE_NONE, text);
    *out = ns;
    return true;
}

bool go_parse_duration(struct slice text, int64_t *out_ns, struct err *err)
{
    struct slice in = text;
    bool negative = in.len > 0 && in.ptr[0] == '-';
    if (in.len > 0 && (in.ptr[0] == '-' || in.ptr[0] == '+'))
        in = slice_from(in, 1);
    if (slice_eq_str(in, "0")) {
        *out_ns = 0;
        return true;
    }
    if (in.len == 0)
        return refuse(err, "invalid duration", SLICE_NONE, text);
    uint64_t sum = 0;
    while (in.len > 0) {
        uint64_t part = 0;
        if (!take_part(&in, text, &part, err))
            return false;
        sum += part; // both are at most 2^63
        if (sum > UINT64_C(1) << 63)
            return refuse(err, "invalid duration", SLICE_NONE, text);
    }
    if (!negative && sum > (uint64_t)INT64_MAX)
        return refuse(err, "invalid duration", SLICE_NONE, text);
    *out_ns = (int64_t)(negative ? 0 - sum : sum);
    return true;
}

// ---- printing ----

// value / 10^decimals without trailing zeros.
static void print_decimal(struct buf *out, uint64_t value, unsigned decimals)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    buf_u64(out, value / scale);
    uint64_t rest = value % scale;
    if (rest == 0)
        return;
    buf_byte(out, '.');
    while (rest > 0) {
        scale /= 10;
        buf_byte(out, (char)('0' + rest / scale));
        rest %= scale;
    }
}

void go_print_duration(struct buf *out, int64_t ns)
{
    uint64_t value = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_byte(out, '-');
    if (value == 0) {
        buf_str(out, "0s");
    } else if (value < (uint64_t)NS_PER_US) {
        buf_u64(out, value);
        buf_str(out, "ns");
    } else if (value < (uint64_t)NS_PER_MS) {
        print_decimal(out, value, 3);
        buf_str(out, "\xc2\xb5s");
    } else if (value < (uint64_t)NS_PER_S) {
        print_decimal(out, value, 6);
        buf_str(out, "ms");
    } else {
        uint64_t hours = value / (uint64_t)NS_PER_HOUR;
        uint64_t minutes = value / (uint64_t)NS_PER_MIN;
        if (hours > 0) {
            buf_u64(out, hours);
            buf_byte(out, 'h');
        }
        if (minutes > 0) {
            buf_u64(out, minutes % 60);
            buf_byte(out, 'm');
        }
        print_decimal(out, value % (uint64_t)NS_PER_MIN, 9);
        buf_byte(out, 's');
    }
}
