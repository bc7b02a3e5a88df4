#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"

#define DIGITS_MAX 17 // a double needs no more

// strtod's decimal point is the locale's; this one has a point, whatever the process has set.
static locale_t c_locale;

__attribute__((constructor)) static void c_locale_init(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static bool number_error(struct err *err, const char *function, struct slice text, const char *why)
{
    if (err != NULL) {
        struct buf quoted = BUF_INIT;
        go_quote(&quoted, text);
        err_fill(err, ERR_INVALID, "strconv.%s: parsing %.*s: %s", function, SLICE_ARG(buf_slice(&quoted)), why);
        buf_fini(&quoted);
    }
    return false;
}

// ---- floats from text ----

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static size_t sign_len(struct slice text)
{
    return text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-') ? 1 : 0;
}

static bool parse_word(struct slice text, double *out)
{
    if (slice_eq_nocase(text, SLICE("nan"))) { // takes no sign
        *out = NAN;
        return true;
    }
    struct slice word = slice_from(text, sign_len(text));
    if (!slice_eq_nocase(word, SLICE("inf")) && !slice_eq_nocase(word, SLICE("infinity")))
        return false;
    *out = text.ptr[0] == '-' ? -INFINITY : INFINITY;
    return true;
}

struct float_text {
    struct slice text;
    bool is_hex;
    bool has_underscore;
    uint64_t mantissa; // of at most 18 significant decimal digits
    int significant;   // decimal digits in it, without leading zeros
    int64_t exponent;  // decimal: mantissa * 10^exponent
};

static bool scan_exponent(struct slice text, size_t *at, struct float_text *f)
{
    size_t i = *at + 1;
    bool negative = i < text.len && text.ptr[i] == '-';
    i += i < text.len ? sign_len(slice_from(text, i)) : 0;
    size_t first = i;
    int64_t exponent = 0;
    for (; i < text.len && (is_digit(text.ptr[i]) || text.ptr[i] == '_'); i++) {
        f->has_underscore = f->has_underscore || text.ptr[i] == '_';
        if (text.ptr[i] != '_' && exponent < 100000)
            exponent = exponent * 10 + (text.ptr[i] - '0');
    }
    *at = i;
    f->exponent += negative ? -exponent : exponent;
    return i > first && is_digit(text.ptr[first]);
}

// Go's grammar. False: a syntax error.
static bool scan_float(struct float_text *f)
{
    struct slice text = f->text;
    size_t i = sign_len(text);
    if (text.len - i > 2 && text.ptr[i] == '0' && (text.ptr[i + 1] | 0x20) == 'x') {
        f->is_hex = true;
        i += 2;
    }
    bool seen_point = false;
    size_t digits = 0;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !seen_point) {
            seen_point = true;
        } else if (c == '_') {
            f->has_underscore = true;
        } else if (f->is_hex ? is_hex(c) : is_digit(c)) {
            digits++;
            if (!f->is_hex && f->significant < 19 && (c != '0' || f->mantissa != 0)) {
                f->significant++;
                if (f->significant < 19)
                    f->mantissa = f->mantissa * 10 + (uint64_t)(c - '0');
            }
            f->exponent -= seen_point ? 1 : 0;
        } else {
            break;
        }
    }
    if (digits == 0)
        return false;
    bool has_exponent = i < text.len && (text.ptr[i] | 0x20) == (f->is_hex ? 'p' : 'e');
    if (has_exponent && !scan_exponent(text, &i, f))
        return false;
    return i == text.len && (has_exponent || !f->is_hex);
}

// What underscores may separate: digits, and a base prefix from a digit.
static bool underscores_fit(struct slice text)
{
    size_t i = sign_len(text);
    char before = '^'; // what stood before: '0' a digit or the prefix, '_', or '!' something else
    bool hex = text.len - i > 2 && text.ptr[i] == '0' && (text.ptr[i + 1] | 0x20) == 'x';
    if (hex) {
        i += 2;
        before = '0';
    }
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_digit(c) || (hex && is_hex(c))) {
            before = '0';
        } else if (c == '_') {
            if (before != '0')
                return false;
            before = '_';
        } else {
            if (before == '_')
                return false;
            before = '!';
        }
    }
    return before != '_';
}

static double convert(struct slice text)
{
    char small[64];
    char *copy = text.len < sizeof(small) ? small : mem_alloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_')
            copy[len++] = text.ptr[i];
    }
    copy[len] = '\0';
    double value = strtod_l(copy, NULL, c_locale);
    if (copy != small)
        mem_free(copy);
    return value;
}

bool go_parse_float(struct slice text, double *out, struct err *err)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct float_text f = {.text = text};
    if (!scan_float(&f) || (f.has_underscore && !underscores_fit(text)))
        return parse_word(text, out) || number_error(err, "ParseFloat", text, "invalid syntax");
    // Both numbers are exact doubles, so that the one rounding of * or / is the right one.
    if (!f.is_hex && f.significant <= 15 && f.exponent >= -22 && f.exponent <= 22) {
        double whole = (double)f.mantissa;
        double value = f.exponent < 0 ? whole / powers[-f.exponent] : whole * powers[f.exponent];
        *out = text.ptr[0] == '-' ? -value : value;
        return true;
    }
    double value = convert(text);
    if (isinf(value))
        return number_error(err, "ParseFloat", text, "value out of range");
    *out = value;
    return true;
}

// ---- integers from text ----

static bool parse_int(struct slice text, const char *function, int64_t *out, struct err *err)
{
    size_t i = sign_len(text);
    bool negative = i == 1 && text.ptr[0] == '-';
    uint64_t value = 0;
    if (i == text.len)
        return number_error(err, function, text, "invalid syntax");
    for (; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return number_error(err, function, text, "invalid syntax");
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
            return number_error(err, function, text, "value out of range"); // whatever follows, as Go does
    }
    if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return number_error(err, function, text, "value out of range");
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

bool go_parse_int(struct slice text, int64_t *out, struct err *err)
{
    return parse_int(text, "ParseInt", out, err);
}

bool go_parse_atoi(struct slice text, int64_t *out, struct err *err)
{
    return parse_int(text, "Atoi", out, err);
}

// ---- floats to text ----

// digits[0].digits[1]... * 10^exponent, no trailing zeros.
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int exponent;
};

static void decimal_trim(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

static void decimal_read(const char *text, int count, struct decimal *d)
{
    // "d<point>ddde[+-]dd", the point being whatever the locale has, of any length.
    const char *exponent = strrchr(text, 'e');
    d->digits[0] = text[0];
    if (count > 1)
        memcpy(d->digits + 1, exponent - (count - 1), (size_t)count - 1);
    d->count = count;
    d->exponent = (int)strtol(exponent + 1, NULL, 10);
}

static double decimal_value(const struct decimal *d)
{
    char text[DIGITS_MAX + 16];
    (void)snprintf(text, sizeof(text), "%.*se%d", d->count, d->digits, d->exponent - d->count + 1);
    return strtod_l(text, NULL, c_locale);
}

// v rounded to so many digits: whether it reads back as v.
static bool decimal_try(double v, int count, struct decimal *d)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%.*e", count - 1, v);
    decimal_read(text, count, d);
    return decimal_value(d) == v;
}

/* Below a power of two the doubles lie closer than above it. There a decimal of `count` digits may read back although the
 * nearest one does not: the next one up, on the wide side. */
static bool decimal_try_up(double v, int count, struct decimal *d)
{
    int exponent = 0;
    if (frexp(v, &exponent) != 0.5 || decimal_value(d) > v)
        return false;
    for (int i = count - 1; i >= 0; i--) {
        if (d->digits[i] != '9') {
            d->digits[i]++;
            return decimal_value(d) == v;
        }
        d->digits[i] = '0';
    }
    return false;
}

// The shortest decimal that reads back as v, which is finite and above 0; of those the nearest.
static struct decimal decimal_of(double v)
{
    struct decimal d = {.count = 0};
    // Any decimal of 15 digits survives the way to a normal double and back, so one attempt finds all of up to 15.
    int first = v < 2.2250738585072014e-308 ? 1 : 15;
    for (int count = first; count < DIGITS_MAX; count++) {
        if (decimal_try(v, count, &d) || decimal_try_up(v, count, &d)) {
            decimal_trim(&d);
            return d;
        }
    }
    (void)decimal_try(v, DIGITS_MAX, &d);
    decimal_trim(&d);
    return d;
}

static void print_zeros(struct buf *out, int count)
{
    if (count <= 0)
        return;
    memset(buf_room(out, (size_t)count), '0', (size_t)count);
    buf_took(out, (size_t)count);
}

static void print_plain(struct buf *out, const struct decimal *d)
{
    int whole = d->exponent + 1; // digits before the point
    if (whole <= 0) {
        buf_str(out, "0.");
        print_zeros(out, -whole);
        buf_put(out, slice_of(d->digits, (size_t)d->count));
        return;
    }
    int shown = whole < d->count ? whole : d->count;
    buf_put(out, slice_of(d->digits, (size_t)shown));
    print_zeros(out, whole - shown);
    if (d->count > whole) {
        buf_byte(out, '.');
        buf_put(out, slice_of(d->digits + whole, (size_t)(d->count - whole)));
    }
}

static void print_scientific(struct buf *out, const struct decimal *d)
{
    buf_byte(out, d->digits[0]);
    if (d->count > 1) {
        buf_byte(out, '.');
        buf_put(out, slice_of(d->digits + 1, (size_t)d->count - 1));
    }
    buf_str(out, d->exponent < 0 ? "e-" : "e+");
    int exponent = abs(d->exponent);
    if (exponent < 10)
        buf_byte(out, '0');
    buf_u64(out, (uint64_t)exponent);
}

// NaN and infinities, signs, zero: true if that was all.
static bool print_special(struct buf *out, double v)
{
    if (isnan(v)) {
        buf_str(out, "NaN");
        return true;
    }
    if (isinf(v)) {
        buf_str(out, v < 0 ? "-Inf" : "+Inf");
        return true;
    }
    if (signbit(v))
        buf_byte(out, '-');
    return false;
}

void go_print_float_f(struct buf *out, double v)
{
    if (print_special(out, v))
        return;
    v = fabs(v);
    if (v < 9007199254740992.0 && v == floor(v)) { // 2^53: counts, most of all that metric queries print
        buf_u64(out, (uint64_t)v);
        return;
    }
    struct decimal d = decimal_of(v);
    print_plain(out, &d);
}

void go_print_float_g(struct buf *out, double v)
{
    if (print_special(out, v))
        return;
    v = fabs(v);
    if (v < 1e6 && v == floor(v)) {
        buf_u64(out, (uint64_t)v);
        return;
    }
    struct decimal d = decimal_of(v);
    if (d.exponent < -4 || d.exponent >= 6)
        print_scientific(out, &d);
    else
        print_plain(out, &d);
}

void go_print_float_e(struct buf *out, double v)
{
    if (print_special(out, v))
        return;
    struct decimal d = {.digits = "0", .count = 1};
    if (v != 0)
        d = decimal_of(fabs(v));
    print_scientific(out, &d);
}
