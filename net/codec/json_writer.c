#include "net/codec/json_writer.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/model/go_text.h"

/* 1: this byte cannot stand as it is. Bytes from 0x80 on are looked at as UTF-8. */
static const uint8_t special[256] = {
    [0 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1, ['<'] = 1, ['>'] = 1, ['&'] = 1, [0x80 ... 0xff] = 1,
};

static size_t plain_length(struct slice text)
{
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(0x20);
    for (; i + 16 <= text.len; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(text.ptr + i));
        __m128i hit = _mm_cmplt_epi8(bytes, space); // signed: below a space, and all from 0x80 on
        static const char others[] = {'"', '\\', '<', '>', '&'};
        for (size_t k = 0; k < sizeof(others); k++)
            hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(others[k])));
        int mask = _mm_movemask_epi8(hit);
        if (mask != 0)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < text.len && special[(uint8_t)text.ptr[i]] == 0)
        i++;
    return i;
}

static void put_u(struct buf *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
    buf_put(out, slice_of(text, sizeof(text)));
}

/* Writes what stands for the special byte(s) at the start of text; returns how many there were. */
static size_t put_special(struct buf *out, struct slice text)
{
    uint8_t c = (uint8_t)text.ptr[0];
    if (c >= 0x80) {
        size_t len = 0;
        uint32_t rune = utf8_decode(text, &len);
        if (rune == 0xfffd && len == 1)
            buf_str(out, "\\ufffd");
        else if (rune == 0x2028 || rune == 0x2029)
            put_u(out, rune);
        else
            buf_put(out, slice_of(text.ptr, len));
        return len;
    }
    switch (c) {
    case '"':
        buf_str(out, "\\\"");
        break;
    case '\\':
        buf_str(out, "\\\\");
        break;
    case '\n':
        buf_str(out, "\\n");
        break;
    case '\r':
        buf_str(out, "\\r");
        break;
    case '\t':
        buf_str(out, "\\t");
        break;
    default:
        put_u(out, c);
        break;
    }
    return 1;
}

void json_put_escaped(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        size_t plain = plain_length(text);
        buf_put(out, slice_of(text.ptr, plain));
        text = slice_from(text, plain);
        if (text.len > 0)
            text = slice_from(text, put_special(out, text));
    }
}

void json_put_string(struct buf *out, struct slice text)
{
    buf_byte(out, '"');
    json_put_escaped(out, text);
    buf_byte(out, '"');
}

void json_put_ms(struct buf *out, int64_t ms)
{
    if (ms < 0)
        buf_byte(out, '-');
    uint64_t positive = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    buf_u64(out, positive / 1000);
    unsigned rest = (unsigned)(positive % 1000);
    if (rest == 0)
        return;
    char digits[4] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
    size_t len = 4;
    while (digits[len - 1] == '0')
        len--;
    buf_put(out, slice_of(digits, len));
}
