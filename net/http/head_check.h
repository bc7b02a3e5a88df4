/* head_check.h: a second, strict look at the raw head of an HTTP/1 request, which libh2o 2.2.5 takes too kindly: what two parsers could read in two
 * ways is refused, so that no request can be smuggled past a proxy. Source: RFC 9112 sections 2.2, 3.2, 5, 6; spec/reliability.md 4.2.
 * Thread: any; pure. */
#pragma once

#include "core/base/slice.h"

#define HEAD_TARGET_BYTES_MAX ((size_t)512 << 10)
#define HEAD_FIELDS_MAX 100

enum head_verdict {
    HEAD_GOOD,
    HEAD_BAD,             /* 400 and close */
    HEAD_TARGET_TOO_LONG, /* 414 and close */
    HEAD_UNSUPPORTED,     /* 505: neither 1.0 nor 1.1 */
};

/* `bytes` begins with the request line; what follows the head is not looked at. *out_reason, when bad, is a static text. */
enum head_verdict head_check(struct slice bytes, const char **out_reason);
