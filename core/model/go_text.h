/* go_text.h: texts that Go programs read and write, to the letter: quoting, numbers, times, durations, sizes.
 * Source: what Go's strconv, time and unicode/utf8 packages are documented to do; Prometheus' durations; humanize's sizes. */
#pragma once

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/err.h"

/* ---- strings ---- */
void go_quote(struct buf *out, struct slice text); /* strconv.Quote: "..." with \n \t \" \\ \xHH \uHHHH; printable UTF-8 as is */

/* One code point or bad byte of `in`, which is not empty, as it stands inside such quotes. Returns the bytes taken. */
#define GO_QUOTE_UNIT_MAX ((size_t)10)
size_t go_quote_unit(struct slice in, char quote, char out[GO_QUOTE_UNIT_MAX], size_t *out_len);

/* What stands between two quotes, unescaped. `out` has room for 3 * inner.len bytes (a bad byte becomes U+FFFD), or is inner.ptr itself
 * if inner is valid UTF-8: then the result is never longer. False: a bad escape, a newline, a bare quote. */
bool go_unescape(struct slice inner, char quote, char *out, size_t *out_len) MUST_CHECK;

/* strconv.Unquote of a literal with its quotes: "...", '...' (any length, as Prometheus takes it), or `...`. */
bool go_unquote(struct slice literal, struct buf *out) MUST_CHECK;

/* The next code point and its length in bytes (1 to 4); U+FFFD and 1 for a byte that is no UTF-8. in is not empty. */
uint32_t utf8_decode(struct slice in, size_t *out_len);
size_t utf8_encode(uint32_t rune, char out[4]);
bool utf8_is_valid(struct slice text);
struct slice go_trim_space(struct slice text); /* strings.TrimSpace: without the white space at both ends, Unicode's too */

/* ---- numbers ---- */
/* strconv.ParseFloat: accepts 1e3, .25, 5., NaN, Inf, Infinity, hex floats with p; refuses spaces, empty, 0x1F. *err, when not NULL,
 * gets Go's text: strconv.ParseFloat: parsing "x": invalid syntax | value out of range. */
bool go_parse_float(struct slice text, double *out, struct err *err) MUST_CHECK;
/* strconv.ParseInt base 10, 64 bits: strconv.ParseInt: parsing "x": invalid syntax | value out of range. */
bool go_parse_int(struct slice text, int64_t *out, struct err *err) MUST_CHECK;
/* strconv.Atoi: the same with its name. */
bool go_parse_atoi(struct slice text, int64_t *out, struct err *err) MUST_CHECK;

void go_print_float_f(struct buf *out, double v); /* FormatFloat(v,'f',-1): shortest, never an exponent; NaN +Inf -Inf -0 */
void go_print_float_g(struct buf *out, double v); /* %v, FormatFloat(v,'g',-1): shortest, an exponent below -4 and from 6 on: 3e+06 */
void go_print_float_e(struct buf *out, double v); /* FormatFloat(v,'e',-1): 1e+00 */

/* ---- durations, in ns ---- */
bool go_parse_duration(struct slice text, int64_t *out_ns, struct err *err) MUST_CHECK; /* time.ParseDuration, texts: time: invalid duration "x" ... */
void go_print_duration(struct buf *out, int64_t ns);                                    /* Duration.String: 1h0m0s, 1.5s, 0s */
/* Prometheus model.Duration: [0-9]+(ms|s|m|h|d|w|y) in falling order, each once; texts: not a valid duration string: "x",
 * unknown unit "x" in duration "y", empty duration string, duration out of range. */
bool prom_parse_duration(struct slice text, int64_t *out_ns, struct err *err) MUST_CHECK;
void prom_print_duration(struct buf *out, int64_t ns); /* 30d1h, 1h30m, 0s; years, weeks only as Prometheus does */

/* ---- sizes ---- */
bool humanize_parse_bytes(struct slice text, uint64_t *out, struct err *err) MUST_CHECK; /* go-humanize: 12kb, 2 GB, 1,000 KiB */
void humanize_print_bytes(struct buf *out, uint64_t bytes);  /* SI: 20 kB with the space as go-humanize prints */
void humanize_print_ibytes(struct buf *out, uint64_t bytes); /* IEC: 1.2 GiB */

/* ---- times ---- */
/* RFC3339 with up to 9 decimals, upper case T and Z, seconds required, any offset. */
bool rfc3339_parse(struct slice text, int64_t *out_ns) MUST_CHECK;
void rfc3339_print(struct buf *out, int64_t ns, bool with_fraction); /* UTC, Z; decimals without trailing zeros, or cut off */
void go_print_time(struct buf *out, int64_t ns);                     /* Time.String in UTC: 2026-01-01 00:50:00 +0000 UTC */

struct civil {
    int64_t year;
    int month, day, hour, minute, second, weekday, yearday; /* month, day from 1; weekday 0 is Sunday; yearday from 1 */
    int32_t nanosecond;
};
struct civil civil_of_ns(int64_t ns);
/* The same of seconds since 1970, of any year from -9999 to 9999; nanosecond is 0. */
struct civil civil_of_s(int64_t s);
/* Its nanosecond does not count. */
int64_t s_of_civil(const struct civil *civil);
/* False if it does not fit in int64 ns. */
bool ns_of_civil(const struct civil *civil, int64_t *out_ns) MUST_CHECK;

/* Units of bytes in configuration: 256KB, 64 MiB, 1048576; Loki's flagext.ByteSize: KB = 1024. */
bool config_parse_bytes(struct slice text, uint64_t *out, struct err *err) MUST_CHECK;
