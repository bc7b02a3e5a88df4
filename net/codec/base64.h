/* base64.h: bytes as text, RFC 4648 section 4. Thread: any. */
#pragma once

#include "core/base/buf.h"

/* With padding. */
void base64_put(struct buf *out, struct slice bytes);

#define BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/* Also takes the URL's alphabet (section 5) and text without padding, as protobuf's JSON form asks. out has room for BASE64_DECODED_MAX(text.len)
 * bytes. False: another byte, or a length that none has. */
bool base64_get(struct slice text, char *out, size_t *out_len) MUST_CHECK;
