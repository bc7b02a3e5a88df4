#include "core/model/go_text.h"

// The place in it is the power of 1000 or 1024.
static const char prefixes[] = "kmgtpe";

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static uint64_t power(uint64_t base, size_t exponent)
{
    uint64_t value = 1;
    while (exponent-- > 0)
        value *= base;
    return value;
}

// "", b, kb, k, kib, ki, mb, ... without regard to case.
static bool unit_value(struct slice unit, uint64_t *out)
{
    char text[4] = "";
    if (unit.len > 3)
        return false;
    for (size_t i = 0; i < unit.len; i++)
        text[i] = lower(unit.ptr[i]);
    if (unit.len == 0 || (unit.len == 1 && text[0] == 'b')) {
        *out = 1;
        return true;
    }
    const char *hit = text[0] == '\0' ? NULL : strchr(prefixes, text[0]);
    if (hit == NULL)
        return false;
    size_t exponent = (size_t)(hit - prefixes) + 1;
    const char *tail = text + 1;
    if (strlen(text) != unit.len)
        return false;
    if (strcmp(tail, "") == 0 || strcmp(tail, "b") == 0)
        *out = power(1000, exponent);
    else if (strcmp(tail, "i") == 0 || strcmp(tail, "ib") == 0)
        *out = power(1024, exponent);
    else
        return false;
    return true;
}

static bool refuse_unit(struct err *err, struct slice unit)
{
    if (err != NULL) {
        struct buf text = BUF_INIT;
        for (size_t i = 0; i < unit.len; i++)
            buf_byte(&text, lower(unit.ptr[i]));
        err_fill(err, ERR_INVALID, "unhandled size name: %.*s", SLICE_ARG(buf_slice(&text)));
        buf_fini(&text);
    }
    return false;
}

bool humanize_parse_bytes(struct slice text, uint64_t *out, struct err *err)
{
    size_t digits = 0;
    struct buf number = BUF_INIT;
    for (; digits < text.len; digits++) {
        char c = text.ptr[digits];
        if ((c < '0' || c > '9') && c != '.' && c != ',')
            break;
        if (c != ',')
            buf_byte(&number, c);
    }
    double value = 0;
    bool ok = go_parse_float(buf_slice(&number), &value, err);
    buf_fini(&number);
    if (!ok)
        return false;
    struct slice unit = slice_trim(slice_from(text, digits));
    uint64_t factor = 0;
    if (!unit_value(unit, &factor))
        return refuse_unit(err, unit);
    value *= (double)factor;
    if (value >= 18446744073709551616.0) { // 2^64
        if (err != NULL)
            err_fill(err, ERR_INVALID, "too large: %.*s", SLICE_ARG(text));
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

// One decimal below 10, none from there on; rounded as Go's two steps do it: to tenths, half up, then to even.
static void print_bytes(struct buf *out, uint64_t bytes, uint64_t base, const char *const *units)
{
    if (bytes < 10) {
        buf_u64(out, bytes);
        buf_str(out, " B");
        return;
    }
    size_t exponent = 0;
    uint64_t unit = 1;
    while (bytes / unit >= base) {
        unit *= base;
        exponent++;
    }
    uint64_t tenths = (uint64_t)((double)bytes / (double)unit * 10 + 0.5);
    if (tenths < 100) {
        buf_u64(out, tenths / 10);
        buf_byte(out, '.');
        buf_u64(out, tenths % 10);
    } else {
        uint64_t whole = tenths / 10;
        uint64_t rest = tenths % 10;
        if (rest > 5 || (rest == 5 && whole % 2 == 1))
            whole++;
        buf_u64(out, whole);
    }
    buf_byte(out, ' ');
    buf_str(out, units[exponent]);
}

void humanize_print_bytes(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    print_bytes(out, bytes, 1000, units);
}

void humanize_print_ibytes(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    print_bytes(out, bytes, 1024, units);
}

bool config_parse_bytes(struct slice text, uint64_t *out, struct err *err)
{
    struct slice in = slice_trim(text);
    size_t digits = 0;
    uint64_t value = 0;
    bool fits = true;
    for (; digits < in.len && in.ptr[digits] >= '0' && in.ptr[digits] <= '9'; digits++)
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(in.ptr[digits] - '0'), &value);
    struct slice unit = slice_from(in, digits);
    while (unit.len > 0 && is_space(unit.ptr[0]))
        unit = slice_from(unit, 1);
    uint64_t factor = 1;
    bool known = digits > 0 && unit_value(unit, &factor);
    if (known && factor > 1)
        factor = power(1024, (size_t)(strchr(prefixes, lower(unit.ptr[0])) - prefixes) + 1);
    if (!known || !fits || __builtin_mul_overflow(value, factor, &value)) {
        if (err != NULL)
            err_fill(err, ERR_INVALID, "\"%.*s\" is not a size: write a whole number of bytes, KB, MB, GB or TB (KB = 1024)",
                     SLICE_ARG(text));
        return false;
    }
    *out = value;
    return true;
}
