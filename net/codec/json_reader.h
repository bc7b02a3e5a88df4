/* json_reader.h: JSON read in one pass, value by value, without a tree: for pushes, where every byte counts and every byte is hostile.
 *
 * Strict (RFC 8259) but for two things that Loki's decoder takes: bytes that are no UTF-8 in strings, and text after the first value (the caller
 * decides). Depth is bounded, nothing recurses.
 * Thread: one at a time.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

#define JSON_DEPTH_MAX 32

struct json_reader {
    const char *begin, *at, *end;
    struct arena *arena; /* for strings with escapes */
};

void json_reader_init(struct json_reader *reader, struct slice text, struct arena *arena);

/* The next byte that is no white space, or 0 at the end. It is not taken. */
char json_peek(struct json_reader *reader);

/* Takes one structural byte: false with ERR_INVALID "expected '{' at offset 7, found 'x'". */
bool json_expect(struct json_reader *reader, char c, struct err *err) MUST_CHECK;
/* Takes it if it is there. */
bool json_accept(struct json_reader *reader, char c);

/* A string, unescaped: a slice of the text, or of the arena when it had escapes. Half a surrogate pair and raw control characters are ERR_INVALID. */
bool json_string(struct json_reader *reader, struct slice *out, struct err *err) MUST_CHECK;

/* Any value, passed over; *out, when not NULL, is its text. */
bool json_skip(struct json_reader *reader, struct slice *out, struct err *err) MUST_CHECK;

/* After a member or element: true in *more after a comma, false after the closing byte, which is taken. */
bool json_next(struct json_reader *reader, char close, bool *more, struct err *err) MUST_CHECK;

size_t json_offset(const struct json_reader *reader);
