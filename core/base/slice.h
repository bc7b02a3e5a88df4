/* slice.h: bytes that someone else owns. No terminator; any byte may occur. The one way a decoder moves forward is
 * slice_take, so that no decoder can run past its input. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})

struct slice_list {
    const struct slice *items;
    size_t count;
};

/* For printf's %.*s. */
#define SLICE_ARG(s) (int)((s).len > INT32_MAX ? INT32_MAX : (s).len), (s).ptr != NULL ? (s).ptr : ""

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

static inline struct slice slice_str(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_list_has(const struct slice_list *list, struct slice item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_eq(list->items[i], item))
            return true;
    }
    return false;
}

static inline bool slice_eq_str(struct slice a, const char *b)
{
    return slice_eq(a, slice_str(b));
}

/* Bytewise order, the shorter first: negative, zero or positive. */
static inline int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The same, ASCII letters without case: for header names and keywords. */
bool slice_eq_nocase(struct slice a, struct slice b);

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq((struct slice){s.ptr, prefix.len}, prefix);
}

/* s without its first n bytes; n is at most s.len. */
static inline struct slice slice_from(struct slice s, size_t n)
{
    return n == 0 ? s : (struct slice){s.ptr + n, s.len - n}; // an empty slice may have no place: NULL + 0 is undefined
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

/* s without ASCII white space (space, \t \n \v \f \r) at both ends. */
struct slice slice_trim(struct slice s);

/* Every byte is below 0x80. */
bool slice_is_ascii(struct slice s);

/* Offset of the first such byte, or s.len. */
static inline size_t slice_find_byte(struct slice s, char c)
{
    const char *hit = s.len == 0 ? NULL : (const char *)memchr(s.ptr, c, s.len);
    return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

/* Takes the first n bytes off *in, or returns false and leaves both alone if *in is shorter. */
static inline bool slice_take(struct slice *in, size_t n, struct slice *out)
{
    if (in->len < n)
        return false;
    *out = (struct slice){in->ptr, n};
    in->ptr += n;
    in->len -= n;
    return true;
}
