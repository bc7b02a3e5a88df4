#include "core/pipeline/ip_match.h"

#include <arpa/inet.h>

#define ADDRESS_BYTES_MAX 45 // eight groups of four, the last two as IPv4

// One whole address, strictly: no zero-padded octets, no zone.
static bool parse_address(struct slice text, bool *is_v6, uint8_t out[16])
{
    char copy[ADDRESS_BYTES_MAX + 1];
    if (text.len == 0 || text.len > ADDRESS_BYTES_MAX || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    memset(out, 0, 16);
    *is_v6 = memchr(copy, ':', text.len) != NULL;
    return inet_pton(*is_v6 ? AF_INET6 : AF_INET, copy, out) == 1;
}

static bool parse_bits(struct slice text, unsigned max, unsigned *out)
{
    unsigned bits = 0;
    if (text.len == 0 || text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *out = bits;
    return bits <= max;
}

static bool parse_prefix(struct ip_match *out, struct slice address, struct slice bits_text)
{
    unsigned bits = 0;
    if (!parse_address(address, &out->is_v6, out->first) || !parse_bits(bits_text, out->is_v6 ? 128 : 32, &bits))
        return false;
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits <= i * 8 ? 0 : bits - i * 8 >= 8 ? 8 : bits - i * 8;
        uint8_t mask = (uint8_t)(0xff00u >> kept);
        out->last[i] = out->first[i] | (uint8_t)~mask;
        out->first[i] &= mask;
    }
    return true;
}

static bool parse_range(struct ip_match *out, struct slice first, struct slice last)
{
    bool last_is_v6 = false;
    return parse_address(first, &out->is_v6, out->first) && parse_address(last, &last_is_v6, out->last) &&
           out->is_v6 == last_is_v6 && memcmp(out->first, out->last, 16) <= 0;
}

bool ip_match_init(struct ip_match *out, struct slice pattern, struct err *err)
{
    struct ip_match match = {.is_v6 = false};
    size_t slash = slice_find_byte(pattern, '/');
    size_t dash = slice_find_byte(pattern, '-');
    bool ok;
    if (slash < pattern.len) {
        ok = parse_prefix(&match, slice_of(pattern.ptr, slash), slice_from(pattern, slash + 1));
    } else if (dash < pattern.len) {
        ok = parse_range(&match, slice_of(pattern.ptr, dash), slice_from(pattern, dash + 1));
    } else {
        ok = parse_address(pattern, &match.is_v6, match.first);
        memcpy(match.last, match.first, sizeof(match.last));
    }
    if (!ok)
        return err_set(err, ERR_INVALID, "ip: invalid pattern: \"%.*s\"", SLICE_ARG(pattern));
    *out = match;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A digit with a dot soon behind it.
static bool v4_begins(struct slice in)
{
    return in.len >= 4 && is_digit(in.ptr[0]) && (in.ptr[1] == '.' || in.ptr[2] == '.' || in.ptr[3] == '.');
}

// ::h, or one to four hex digits and a colon.
static bool v6_begins(struct slice in)
{
    if (in.len < 5)
        return false;
    if (in.ptr[0] == ':')
        return in.ptr[1] == ':' && is_hex(in.ptr[2]);
    size_t n = 0;
    while (n < 4 && is_hex(in.ptr[n]))
        n++;
    return n > 0 && in.ptr[n] == ':';
}

static size_t run_length(struct slice in, bool is_v6)
{
    size_t n = 0;
    while (n < in.len && (is_digit(in.ptr[n]) || in.ptr[n] == '.' || (is_v6 && (is_hex(in.ptr[n]) || in.ptr[n] == ':'))))
        n++;
    return n;
}

static bool holds(const struct ip_match *match, struct slice text)
{
    bool is_v6 = false;
    uint8_t address[16];
    return parse_address(text, &is_v6, address) && is_v6 == match->is_v6 && memcmp(match->first, address, 16) <= 0 &&
           memcmp(address, match->last, 16) <= 0;
}

bool ip_match_finds(const struct ip_match *match, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice in = slice_from(text, i);
        bool is_v4 = v4_begins(in);
        if (!is_v4 && !v6_begins(in))
            continue;
        size_t run = run_length(in, !is_v4);
        if (holds(match, slice_of(in.ptr, run)))
            return true;
        i += run; // and one more: what ended the run begins no address
    }
    return false;
}
